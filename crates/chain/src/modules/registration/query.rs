//! Queries of the registration module.

use super::error;
use super::genesis::Key;
use super::state::{NETWORK_KEYS, NetworkKeys};
use crate::Ctx;
use crate::error::broken;
use crate::query::QueryStop;
use crate::types::error::sdk;
use crate::types::proto::google::protobuf::Empty;
use crate::types::proto::secret::registration::v1beta1 as pb;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// Length of a node's public key in bytes.
const NODE_KEY_BYTES: usize = 32;

pub(super) fn tx_key(ctx: &mut Ctx, _: Empty) -> Result<pb::Key, QueryStop> {
    Ok(pb::Key {
        key: keys(ctx)?.io.to_vec(),
    })
}

pub(super) fn registration_key(ctx: &mut Ctx, _: Empty) -> Result<pb::Key, QueryStop> {
    Ok(pb::Key {
        key: key_form(&keys(ctx)?)?,
    })
}

pub(super) fn encrypted_seed(
    _: &mut Ctx,
    request: pb::QueryEncryptedSeedRequest,
) -> Result<pb::QueryEncryptedSeedResponse, QueryStop> {
    if request.pub_key.len() != NODE_KEY_BYTES {
        return Err(error::INVALID.wrap("public key").into());
    }
    Err(sdk::UNKNOWN_ADDRESS
        .wrap("Node has not been authenticated yet")
        .into())
}

fn keys(ctx: &mut Ctx) -> Result<NetworkKeys, QueryStop> {
    let unset = || sdk::UNKNOWN_ADDRESS.wrap("Chain has not been initialized yet");
    Ok(NETWORK_KEYS.get(ctx)?.ok_or_else(unset)?)
}

/// The JSON that stands in `RegistrationKey.key` (wire.md 2.5).
fn key_form(keys: &NetworkKeys) -> Result<Vec<u8>, QueryStop> {
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
