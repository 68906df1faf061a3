//! The messages of registration (docs/spec/registration.md 3), and the one of the protocol (wire.md 2.5).

use super::keeper::{self, Joining, parse_node_id as node_id};
use super::state::{POLICY, SECURITY};
use super::{certificate, error, event, evidence, join, review};
use crate::Ctx;
use crate::attest::{COLLATERAL_BYTES_MAX, EVIDENCE_BYTES_MAX, Policy};
use crate::error::{Stop, broken};
use crate::module::TxMsg;
use crate::modules::poa;
use crate::tx::signers::address;
use crate::types::TxError;
use crate::types::error::sdk;
use crate::types::proto::secret::registration::v1beta1 as legacy;
use crate::types::proto::strongroom::registration::v1 as pb;

/// Most bytes of a policy's JSON: it is read whenever evidence is verified.
pub(super) const POLICY_BYTES_MAX: usize = 32 << 10;

/// A field of exactly so many bytes.
fn array<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], TxError> {
    let refused = |_| sdk::INVALID_REQUEST.wrap(format!("{what} has {N} bytes"));
    bytes.try_into().map_err(refused)
}

/// A field of at most so many bytes, and not empty.
fn bounded(bytes: &[u8], most: usize, what: &str) -> Result<(), TxError> {
    if bytes.is_empty() || bytes.len() > most {
        return Err(sdk::INVALID_REQUEST.wrap(format!("{what} has 1 to {most} bytes")));
    }
    Ok(())
}

impl TxMsg for pb::MsgRegisterNode {
    type Response = pb::MsgRegisterNodeResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        bounded(&self.evidence, EVIDENCE_BYTES_MAX, "evidence")?;
        array::<32>(&self.one_time_key, "one_time_key")?;
        array::<32>(&self.node_key, "node_key")?;
        array::<32>(&self.consensus_key, "consensus_key")?;
        array::<64>(&self.node_signature, "node_signature")?;
        array::<64>(&self.consensus_signature, "consensus_signature")?;
        Ok(())
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let joining = Joining {
            operator: address(&self.operator)?,
            one_time_key: array(&self.one_time_key, "one_time_key")?,
            node_key: array(&self.node_key, "node_key")?,
            consensus_key: array(&self.consensus_key, "consensus_key")?,
            enclave_version: self.enclave_version,
            node_signature: array(&self.node_signature, "node_signature")?,
            consensus_signature: array(&self.consensus_signature, "consensus_signature")?,
            evidence: self.evidence,
        };
        let id = join::register(ctx, &joining)?;
        Ok(pb::MsgRegisterNodeResponse {
            node_id: hex::encode(id),
        })
    }
}

impl TxMsg for pb::MsgConfirmNode {
    type Response = pb::MsgConfirmNodeResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        node_id(&self.node_id)?;
        array::<32>(&self.possession, "possession").map(drop)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let (sender, id) = (address(&self.operator)?, node_id(&self.node_id)?);
        let possession = array(&self.possession, "possession")?;
        join::confirm(ctx, &sender, &id, possession)?;
        Ok(pb::MsgConfirmNodeResponse {})
    }
}

impl TxMsg for pb::MsgRenewNode {
    type Response = pb::MsgRenewNodeResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        node_id(&self.node_id)?;
        bounded(&self.evidence, EVIDENCE_BYTES_MAX, "evidence")
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let (sender, id) = (address(&self.operator)?, node_id(&self.node_id)?);
        keeper::renew(ctx, &sender, &id, &self.evidence)?;
        Ok(pb::MsgRenewNodeResponse {})
    }
}

impl TxMsg for pb::MsgRevokeNode {
    type Response = pb::MsgRevokeNodeResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        node_id(&self.node_id).map(drop)
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let (sender, id) = (address(&self.sender)?, node_id(&self.node_id)?);
        keeper::revoke(ctx, &sender, &id)?;
        Ok(pb::MsgRevokeNodeResponse {})
    }
}

impl TxMsg for pb::MsgSubmitCollateral {
    type Response = pb::MsgSubmitCollateralResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        bounded(&self.collateral, COLLATERAL_BYTES_MAX, "collateral")
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        let collateral_id = evidence::submit(ctx, &self.collateral)?;
        ctx.emit(event::collateral(&collateral_id, &self.submitter));
        Ok(pb::MsgSubmitCollateralResponse { collateral_id })
    }
}

impl TxMsg for pb::MsgUpdatePolicy {
    type Response = pb::MsgUpdatePolicyResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        bounded(self.policy.as_bytes(), POLICY_BYTES_MAX, "policy")
    }

    fn run(self, ctx: &mut Ctx) -> Result<Self::Response, Stop> {
        poa::keeper::require_authority(ctx, &address(&self.authority)?)?;
        let policy: Policy = serde_json::from_str(&self.policy)
            .map_err(|_| error::POLICY.wrap("not the JSON of a policy"))?;
        if !policy.is_bounded() {
            return Err(error::POLICY.wrap("a list is too long").into());
        }
        let security = SECURITY.get(ctx)?;
        if policy.security != security.ok_or_else(|| broken("no mode of security"))? {
            let why = "the security of a network never changes";
            return Err(error::POLICY.wrap(why).into());
        }
        POLICY.set(ctx, &policy)?;
        review::begin(ctx, &policy)?;
        ctx.emit(event::policy(&self.authority));
        Ok(pb::MsgUpdatePolicyResponse {})
    }
}

impl TxMsg for legacy::RaAuthenticate {
    type Response = legacy::RaAuthenticateResponse;

    fn validate_basic(&self) -> Result<(), TxError> {
        certificate::check(&self.certificate)
    }

    /// A certificate of the protocol binds neither chain nor genesis nor owner: no enclave of ours gives a seed for it.
    fn run(self, _: &mut Ctx) -> Result<Self::Response, Stop> {
        let why = "the certificate does not bind this network, register with \
                   /strongroom.registration.v1.MsgRegisterNode";
        Err(error::AUTHENTICATE_FAILED.wrap(why).into())
    }
}
