//! The messages of feegrant. Their fields are checked at delivery, as in the protocol (wire.md 1.12.1).

use super::allowance::{Allowance, check_form};
use super::event;
use super::keeper::{self, PRUNED_MSG_MAX};
use crate::Ctx;
use crate::error::Stop;
use crate::module::TxMsg;
use crate::tx::signers::address;
use crate::types::TxError;
use crate::types::error::sdk;
use crate::types::proto::cosmos::feegrant::v1beta1 as pb;

impl TxMsg for pb::MsgGrantAllowance {
    type Response = pb::MsgGrantAllowanceResponse;

    /// An allowance that is none does not decode.
    fn validate_basic(&self) -> Result<(), TxError> {
        self.allowance
            .as_ref()
            .map_or(Ok(()), |any| check_form(any, 0))
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        if self.granter.eq_ignore_ascii_case(&self.grantee) {
            let text = "cannot self-grant fee authorization";
            return Err(sdk::INVALID_ADDRESS.wrap(text).into());
        }
        let (granter, grantee) = (address(&self.granter)?, address(&self.grantee)?);
        let any = self.allowance.as_ref().ok_or_else(keeper::no_allowance)?;
        keeper::grant(ctx, &granter, &grantee, &Allowance::from_proto(any)?)?;
        Ok(pb::MsgGrantAllowanceResponse {})
    }
}

impl TxMsg for pb::MsgRevokeAllowance {
    type Response = pb::MsgRevokeAllowanceResponse;

    fn set_aside(&self, ctx: &mut Ctx) -> Result<(), Stop> {
        match (address(&self.granter), address(&self.grantee)) {
            (Ok(granter), Ok(grantee)) => keeper::set_aside(ctx, &granter, &grantee),
            _ => Ok(()),
        }
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        if self.granter == self.grantee {
            let text = "addresses must be different";
            return Err(sdk::INVALID_REQUEST.wrap(text).into());
        }
        let (granter, grantee) = (address(&self.granter)?, address(&self.grantee)?);
        keeper::revoke(ctx, &granter, &grantee)?;
        Ok(pb::MsgRevokeAllowanceResponse {})
    }
}

impl TxMsg for pb::MsgPruneAllowances {
    type Response = pb::MsgPruneAllowancesResponse;

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let pruner = address(&self.pruner)?;
        keeper::prune(ctx, PRUNED_MSG_MAX)?;
        ctx.emit(event::pruned(&pruner));
        Ok(pb::MsgPruneAllowancesResponse {})
    }
}
