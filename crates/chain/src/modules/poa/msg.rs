//! The messages of poa.

use super::{error, keeper};
use crate::Ctx;
use crate::error::Stop;
use crate::module::TxMsg;
use crate::modules::registration;
use crate::tx::signers::address;
use crate::types::TxError;
use crate::types::proto::strongroom::poa::v1 as pb;

use registration::keeper::parse_node_id as node_id;

impl TxMsg for pb::MsgSetValidator {
    type Response = pb::MsgSetValidatorResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        node_id(&self.node_id)?;
        if self.power == 0 {
            return Err(error::POWER.wrap("power 0 is MsgRemoveValidator"));
        }
        if self.moniker.len() > keeper::MONIKER_BYTES_MAX {
            let most = keeper::MONIKER_BYTES_MAX;
            return Err(error::MONIKER.wrap(format!("{most} bytes at most")));
        }
        Ok(())
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        keeper::require_authority(ctx, &address(&self.authority)?)?;
        keeper::set(ctx, &node_id(&self.node_id)?, self.power, self.moniker)?;
        Ok(pb::MsgSetValidatorResponse {})
    }
}

impl TxMsg for pb::MsgRemoveValidator {
    type Response = pb::MsgRemoveValidatorResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        node_id(&self.node_id).map(drop)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        keeper::require_authority(ctx, &address(&self.authority)?)?;
        let unknown = || error::NOT_FOUND.wrap(&self.node_id);
        let key = registration::keeper::registered_key(ctx, &node_id(&self.node_id)?)?;
        if !keeper::remove_key(ctx, &key.ok_or_else(unknown)?)? {
            return Err(unknown().into());
        }
        Ok(pb::MsgRemoveValidatorResponse {})
    }
}
