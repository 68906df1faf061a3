//! Whether a block holds a transaction, proven down from a trusted point (CometBFT's `tx` with `prove`).

use super::{Call, Error, Terms, Trusted, follow, light_block};
use crate::types::{Hash, Height, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use strongroom_proof::merkle::{AUNTS_MAX, Proof};

const METHOD: &str = "tx";

/// Checks that the block at `height` holds the raw transaction, by the member `proof` of the node's answer to `tx`. What came of it there is
/// not proven.
///
/// # Errors
/// [`Error::Proof`] for a transaction that is not in that block; as [`follow`].
pub async fn included(
    trusted: &Trusted,
    terms: &Terms,
    height: Height,
    tx: &[u8],
    proof: &Value,
    mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<(), Error> {
    let proof = read(&proof["proof"])?;
    let path = follow(trusted, height, terms, &mut ask).await?;
    let reached = path.end.hash();
    let block = match path.blocks.last() {
        Some(block) => block.header.clone(),
        // The trusted header itself.
        None => light_block(height, &mut ask).await?.header,
    };
    if Some(block.hash()) != reached {
        return Err(strongroom_proof::Error::Root.into());
    }
    proof.verify(&block.data_hash, &sha256(tx))?;
    Ok(())
}

fn read(proof: &Value) -> Result<Proof, Error> {
    let bad = |field| Error::Form {
        method: METHOD,
        field,
    };
    let number = |name: &str| proof[name].as_str()?.parse::<u64>().ok();
    let hash = |value: &Value| -> Option<Hash> {
        let bytes = STANDARD.decode(value.as_str()?).ok()?;
        bytes.try_into().ok()
    };
    let aunts = proof["aunts"].as_array().map(Vec::as_slice);
    let aunts = aunts.unwrap_or_default();
    if aunts.len() > AUNTS_MAX {
        return Err(bad("proof.aunts"));
    }
    let aunts: Option<Vec<Hash>> = aunts.iter().map(hash).collect();
    Ok(Proof {
        total: number("total").ok_or(bad("proof.total"))?,
        index: number("index").ok_or(bad("proof.index"))?,
        aunts: aunts.ok_or(bad("proof.aunts"))?,
    })
}
