//! Queries of the registration module.

use super::genesis::Key;
use super::state::{NETWORK_KEYS, NetworkKeys};
use crate::Ctx;
use crate::error::broken;
use crate::query::{QueryError, QueryStop, decode, encode};
use crate::types::error::{register, sdk};
use crate::types::proto::secret::registration::v1beta1 as pb;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// Length of a node's public key in bytes.
const NODE_KEY_BYTES: usize = 32;

/// Answers one method of `secret.registration.v1beta1.Query`.
///
/// # Errors
/// sdk 9 before the keys are set or for an unknown node, register 8 for what is no key.
pub fn query(ctx: &mut Ctx, method: &str, request: &[u8]) -> Result<Vec<u8>, QueryStop> {
    match method {
        "TxKey" => encode(&pb::Key {
            key: keys(ctx)?.io.to_vec(),
        }),
        "RegistrationKey" => encode(&pb::Key {
            key: registration_key(&keys(ctx)?)?,
        }),
        "EncryptedSeed" => {
            let request: pb::QueryEncryptedSeedRequest = decode(request)?;
            if request.pub_key.len() != NODE_KEY_BYTES {
                return Err(register::INVALID.wrap("public key").into());
            }
            Err(sdk::UNKNOWN_ADDRESS
                .wrap("Node has not been authenticated yet")
                .into())
        }
        _ => Err(QueryError::UnknownPath.into()),
    }
}

fn keys(ctx: &mut Ctx) -> Result<NetworkKeys, QueryStop> {
    let unset = || sdk::UNKNOWN_ADDRESS.wrap("Chain has not been initialized yet");
    Ok(NETWORK_KEYS.get(ctx)?.ok_or_else(unset)?)
}

/// The JSON that stands in `RegistrationKey.key` (wire.md 2.5).
fn registration_key(keys: &NetworkKeys) -> Result<Vec<u8>, QueryStop> {
    #[derive(Serialize)]
    struct Form {
        reg_info: Option<()>,
        node_exch_key: Key,
        io_exch_key: Key,
    }
    let key = |bytes: &[u8; 32]| Key {
        bytes: STANDARD.encode(bytes),
    };
    let form = Form {
        reg_info: None,
        node_exch_key: key(&keys.node_exchange),
        io_exch_key: key(&keys.io),
    };
    serde_json::to_vec(&form).map_err(|e| broken(e).into())
}
