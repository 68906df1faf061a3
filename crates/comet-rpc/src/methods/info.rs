//! Who the node is and what its chain began with.

use super::{Answer, Context, answer, missing};
use crate::encode::block::decode_header;
use crate::encode::time;
use crate::encode::validators::PubKeyJson;
use crate::envelope::RpcError;
use crate::json::{Base64, Str, Time, UpperHex, ZERO_TIME_SECONDS};
use crate::params::Params;
use serde::Serialize;
use strongroom_types::{Height, Timestamp};

/// Bytes of a piece of the genesis document.
const GENESIS_CHUNK_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn health(_: &Context, _: &Params) -> Answer {
    Ok("{}".to_owned())
}

#[derive(Serialize)]
struct NetInfo {
    listening: bool,
    listeners: [&'static str; 1],
    n_peers: Str<u32>,
    peers: [(); 0],
}

/// An engine that needs this crate has no peers: these are CometBFT's words for a node that waits for the first.
pub(super) fn net_info(_: &Context, _: &Params) -> Answer {
    answer(&NetInfo {
        listening: true,
        listeners: ["Listener(@)"],
        n_peers: Str(0),
        peers: [],
    })
}

pub(super) fn genesis(context: &Context, _: &Params) -> Answer {
    Ok(format!("{{\"genesis\":{}}}", context.backend.genesis))
}

#[derive(Serialize)]
struct GenesisChunk {
    chunk: Str<usize>,
    total: Str<usize>,
    data: Base64,
}

pub(super) fn genesis_chunked(context: &Context, params: &Params) -> Answer {
    let named = params.int("chunk").unwrap_or(0);
    let chunks: Vec<&[u8]> = context
        .backend
        .genesis
        .as_bytes()
        .chunks(GENESIS_CHUNK_BYTES)
        .collect();
    let total = chunks.len();
    match usize::try_from(named)
        .ok()
        .and_then(|at| Some((at, chunks.get(at)?)))
    {
        Some((at, data)) => answer(&GenesisChunk {
            chunk: Str(at),
            total: Str(total),
            data: Base64(data.to_vec()),
        }),
        None => Err(RpcError::internal(format!(
            "there are {total} chunks, {named} is invalid"
        ))),
    }
}

#[derive(Serialize)]
struct Status {
    node_info: NodeInfoJson,
    sync_info: SyncInfo,
    validator_info: ValidatorInfo,
}

#[derive(Serialize)]
struct NodeInfoJson {
    protocol_version: ProtocolVersion,
    id: String,
    listen_addr: String,
    network: String,
    version: String,
    channels: &'static str,
    moniker: String,
    other: Other,
}

#[derive(Serialize)]
struct ProtocolVersion {
    p2p: Str<u64>,
    block: Str<u64>,
    app: Str<u64>,
}

#[derive(Serialize)]
struct Other {
    tx_index: &'static str,
    rpc_address: String,
}

#[derive(Serialize)]
struct SyncInfo {
    latest_block_hash: UpperHex,
    latest_app_hash: UpperHex,
    latest_block_height: Str<Height>,
    latest_block_time: Time,
    earliest_block_hash: UpperHex,
    earliest_app_hash: UpperHex,
    earliest_block_height: Str<Height>,
    earliest_block_time: Time,
    catching_up: bool,
}

#[derive(Serialize)]
struct ValidatorInfo {
    address: UpperHex,
    pub_key: PubKeyJson,
    voting_power: Str<i64>,
}

/// Hash, app hash and time of the block at `height`; of no block before the first.
fn end(context: &Context, height: Height) -> Result<(UpperHex, UpperHex, Time), RpcError> {
    if height == 0 {
        let zero = Time(Timestamp {
            seconds: ZERO_TIME_SECONDS,
            nanos: 0,
        });
        return Ok((UpperHex::default(), UpperHex::default(), zero));
    }
    let meta = context
        .backend
        .blocks
        .meta(height)?
        .ok_or_else(|| missing("block", height))?;
    let header = decode_header(&meta.header)?;
    Ok((
        UpperHex(meta.hash.to_vec()),
        UpperHex(header.app_hash),
        time(header.time),
    ))
}

pub(super) fn status(context: &Context, _: &Params) -> Answer {
    let backend = &context.backend;
    let latest = backend.published_height();
    let earliest = if latest == 0 {
        0
    } else {
        backend.blocks.base()?.unwrap_or(0)
    };
    let (latest_block_hash, latest_app_hash, latest_block_time) = end(context, latest)?;
    let (earliest_block_hash, earliest_app_hash, earliest_block_time) = end(context, earliest)?;
    let node = backend.node.clone();
    let validator = backend.validator()?;
    answer(&Status {
        node_info: NodeInfoJson {
            // The protocols of CometBFT v0.38.
            protocol_version: ProtocolVersion {
                p2p: Str(8),
                block: Str(11),
                app: Str(node.app_version),
            },
            id: node.id,
            listen_addr: node.listen_addr,
            network: node.network,
            version: node.version,
            // The channels of CometBFT v0.38, so that clients find what they know.
            channels: "402021222330386061",
            moniker: node.moniker,
            other: Other {
                // Every transaction is indexed, whatever is set.
                tx_index: "on",
                rpc_address: node.rpc_address,
            },
        },
        sync_info: SyncInfo {
            latest_block_hash,
            latest_app_hash,
            latest_block_height: Str(latest),
            latest_block_time,
            earliest_block_hash,
            earliest_app_hash,
            earliest_block_height: Str(earliest),
            earliest_block_time,
            catching_up: backend.catching_up()?,
        },
        validator_info: ValidatorInfo {
            address: UpperHex(validator.address.to_vec()),
            pub_key: PubKeyJson::ed25519(&validator.pubkey),
            voting_power: Str(validator.power),
        },
    })
}
