//! Whether a block holds a transaction (CometBFT's `tx` with `prove`), and its result there (`block_results`), proven down from a trusted point.

use super::{Call, Error, Headers, Terms, asked};
use crate::types::{ExecTxResult, Hash, Height, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_proof::comet::results_hash;
use strongroom_proof::merkle::{AUNTS_MAX, Proof};

const METHOD: &str = "tx";
const RESULTS: &str = "block_results";

/// Where a block holds a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Place of the transaction in the block, from 0.
    pub index: u64,
    /// Height of the block, whose header is proven.
    pub height: Height,
}

/// Checks that the block at `height` holds the raw transaction, by the member `proof` of the node's answer to `tx`. The result is another proof:
/// [`result`].
///
/// # Errors
/// [`Error::Proof`] for a transaction that is not in that block; as [`Headers::at`].
pub async fn included(
    headers: &mut Headers,
    terms: &Terms,
    height: Height,
    tx: &[u8],
    proof: &Value,
    mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<Inclusion, Error> {
    let proof = read(&proof["proof"])?;
    let (block, _) = headers.at(height, terms, &mut ask).await?;
    proof.verify(&block.data_hash, &sha256(tx))?;
    let index = proof.index;
    Ok(Inclusion { index, height })
}

/// The result of the transaction: its code, its data and its gas, which the header of the next block commits to. Log, codespace and events no
/// header commits to; here they are empty.
///
/// # Errors
/// [`Error::TooNew`] if there is no next block yet; [`Error::Proof`] for results that the header does not commit to; as [`Headers::at`].
pub async fn result(
    headers: &mut Headers,
    inclusion: &Inclusion,
    terms: &Terms,
    mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<ExecTxResult, Error> {
    let height = inclusion.height;
    let above = height.saturating_add(1);
    let newest = super::json::newest(&asked(&mut ask, "status", json!({})).await?)?;
    if newest < above {
        return Err(Error::TooNew(height));
    }
    let (next, _) = headers.at(above, terms, &mut ask).await?;
    let committed = next.last_results_hash;
    let params = json!({ "height": height.to_string() });
    let mut results = results(&asked(&mut ask, RESULTS, params).await?)?;
    if results_hash(&results) != committed {
        return Err(strongroom_proof::Error::Root.into());
    }
    match usize::try_from(inclusion.index) {
        Ok(index) if index < results.len() => Ok(results.swap_remove(index)),
        // A header that commits to fewer results than transactions: no validators of this protocol sign it.
        _ => Err(strongroom_proof::Error::Root.into()),
    }
}

/// What `block_results` tells of each transaction, as far as a header commits to it.
fn results(answer: &Value) -> Result<Vec<ExecTxResult>, Error> {
    let read = |result: &Value| {
        let number = |name: &str| result[name].as_str()?.parse().ok();
        let data = match &result["data"] {
            Value::Null => Vec::new(),
            data => STANDARD.decode(data.as_str()?).ok()?,
        };
        Some(ExecTxResult {
            code: result["code"].as_u64()?.try_into().ok()?,
            data,
            gas_wanted: number("gas_wanted")?,
            gas_used: number("gas_used")?,
            ..ExecTxResult::default()
        })
    };
    let results = answer["txs_results"].as_array().map(Vec::as_slice);
    let results = results.unwrap_or_default().iter().map(read);
    results.collect::<Option<_>>().ok_or(Error::Form {
        method: RESULTS,
        field: "txs_results",
    })
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
