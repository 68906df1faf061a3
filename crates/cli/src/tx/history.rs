//! Blocks by which a chain is known again: one of the same name may have another history, as a local network has after `--reset` or `revert`.

use crate::rpc::Client;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strongroom_sdk::client::Error;
use strongroom_types::Height;

/// A block that a chain has, as a node has told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    pub(super) height: Height,
    /// Upper-case hex.
    pub(super) hash: String,
}

/// The first block and the newest one, as far as the node has them.
///
/// # Errors
/// The node does not answer.
pub(super) async fn seen(client: &mut Client) -> Result<Vec<Block>, Error> {
    let newest = client.height().await?;
    let mut blocks = Vec::new();
    for height in [1, newest] {
        if let Some(hash) = hash(client, height).await? {
            blocks.push(Block { height, hash });
        }
    }
    blocks.dedup();
    Ok(blocks)
}

/// Whether the node has another block at a height of these. One that it does not have yet, or no more, says nothing.
pub(super) async fn is_another(client: &mut Client, blocks: &[Block]) -> Result<bool, Error> {
    for block in blocks {
        let here = hash(client, block.height).await?;
        if here.is_some_and(|here| here != block.hash) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The hash of a block; `None` if the node does not tell one.
async fn hash(client: &mut Client, height: Height) -> Result<Option<String>, Error> {
    let params = json!({ "height": height.to_string() });
    let answer = match client.call("commit", &params).await {
        Err(Error::Rpc(_)) => return Ok(None),
        answer => answer?,
    };
    let block = &answer["signed_header"]["commit"]["block_id"];
    let hash = block["hash"]
        .as_str()
        .and_then(|hash| hex::decode(hash).ok());
    Ok(hash.filter(|hash| hash.len() == 32).map(hex::encode_upper))
}
