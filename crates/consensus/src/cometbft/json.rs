//! What CometBFT's RPC answers about blocks, as the protobuf that is hashed and verified.
//!
//! The messages are those of `tendermint-proto`, which read CometBFT's JSON. Promises nothing: whatever comes out is checked
//! like any block. Held against recorded answers of the real engine.

use prost::Message as _;
use serde::Deserialize;
use serde_json::Value;
use strongroom_proof::comet::raw::types as raw;
use strongroom_types::RawTx;

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
#[error("an answer of CometBFT's RPC: {0}")]
pub struct JsonError(String);

impl JsonError {
    fn of(error: impl core::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Answer of `/commit`.
#[derive(Debug, PartialEq, Eq)]
pub struct SignedHeader {
    /// Height of both.
    pub height: i64,
    /// The protobuf `Header`.
    pub header: Vec<u8>,
    /// The protobuf `Commit`.
    pub commit: Vec<u8>,
}

/// Answer of `/block`: everything but the commit for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The protobuf `Header`.
    pub header: Vec<u8>,
    /// Transactions.
    pub txs: Vec<RawTx>,
    /// The protobuf `Commit` of the block before; empty at the first height.
    pub last_commit: Vec<u8>,
    /// The protobuf `EvidenceList`.
    pub evidence: Vec<u8>,
}

/// The `result` of a JSON-RPC answer.
///
/// # Errors
/// [`JsonError`] for an error, or for what is no answer.
pub(super) fn result(body: &[u8]) -> Result<Value, JsonError> {
    let mut answer: Value = serde_json::from_slice(body).map_err(JsonError::of)?;
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(JsonError(answer["error"].to_string())),
    }
}

/// The result of `/commit`.
///
/// # Errors
/// [`JsonError`] for another shape.
pub(super) fn signed_header(result: &Value) -> Result<SignedHeader, JsonError> {
    let signed = &result["signed_header"];
    let header: raw::Header = read(&signed["header"])?;
    let commit: raw::Commit = read(&signed["commit"])?;
    Ok(SignedHeader {
        height: header.height,
        header: header.encode_to_vec(),
        commit: commit.encode_to_vec(),
    })
}

/// The result of `/block`.
///
/// # Errors
/// [`JsonError`] for another shape.
pub(super) fn block(result: &Value) -> Result<Block, JsonError> {
    let block = &result["block"];
    let header: raw::Header = read(&block["header"])?;
    let last_commit: raw::Commit = read(&block["last_commit"])?;
    let data: raw::Data = read(&block["data"])?;
    let evidence = evidence(&block["evidence"]["evidence"])?;
    Ok(Block {
        header: header.encode_to_vec(),
        txs: RawTx::list(data.txs),
        // CometBFT prints the commit of no block at the first height.
        last_commit: if last_commit.height == 0 {
            Vec::new()
        } else {
            last_commit.encode_to_vec()
        },
        evidence: evidence.encode_to_vec(),
    })
}

fn evidence(list: &Value) -> Result<raw::EvidenceList, JsonError> {
    use raw::evidence::Sum;
    let pieces = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let piece = |piece: &Value| {
        let value = &piece["value"];
        let sum = match piece["type"].as_str() {
            Some("tendermint/DuplicateVoteEvidence") => Sum::DuplicateVoteEvidence(read(value)?),
            Some("tendermint/LightClientAttackEvidence") => {
                Sum::LightClientAttackEvidence(attack(value)?)
            }
            other => return Err(JsonError(format!("evidence of the kind {other:?}"))),
        };
        Ok(raw::Evidence { sum: Some(sum) })
    };
    Ok(raw::EvidenceList {
        evidence: pieces.iter().map(piece).collect::<Result<_, _>>()?,
    })
}

/// `tendermint-proto` does not know the names that CometBFT gives these members.
fn attack(value: &Value) -> Result<raw::LightClientAttackEvidence, JsonError> {
    let conflicting = &value["ConflictingBlock"];
    let set = &conflicting["validator_set"];
    let validators = |list: &Value| -> Result<Vec<raw::Validator>, JsonError> {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(read).collect()
    };
    let proposer = match &set["proposer"] {
        Value::Null => None,
        proposer => Some(read(proposer)?),
    };
    Ok(raw::LightClientAttackEvidence {
        conflicting_block: Some(raw::LightBlock {
            signed_header: Some(raw::SignedHeader {
                header: Some(read(&conflicting["signed_header"]["header"])?),
                commit: Some(read(&conflicting["signed_header"]["commit"])?),
            }),
            validator_set: Some(raw::ValidatorSet {
                validators: validators(&set["validators"])?,
                proposer,
                total_voting_power: 0,
            }),
        }),
        common_height: number(&value["CommonHeight"])?,
        byzantine_validators: validators(&value["ByzantineValidators"])?,
        total_voting_power: number(&value["TotalVotingPower"])?,
        timestamp: Some(read(&value["Timestamp"])?),
    })
}

fn number(value: &Value) -> Result<i64, JsonError> {
    let text = value.as_str().unwrap_or_default();
    text.parse().map_err(JsonError::of)
}

fn read<T: for<'a> Deserialize<'a>>(value: &Value) -> Result<T, JsonError> {
    T::deserialize(value).map_err(JsonError::of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn every_recorded_answer_gives_the_protobuf_of_the_real_engine() {
        let mut with_evidence = 0;
        for (chain, last) in [("single", 20), ("four", 32)] {
            for height in 1..=last {
                let name = format!("{chain}/blocks/{height:03}.json");
                let recorded = strongroom_testdata::cometbft(&name);
                let proto = |part: &str| {
                    let text = recorded["proto"][part].as_str().unwrap();
                    STANDARD.decode(text).unwrap()
                };
                let signed = signed_header(&recorded["commit"]).unwrap();
                assert_eq!(signed.height, height, "{name}");
                assert_eq!(signed.header, proto("header"), "{name}");
                assert_eq!(signed.commit, proto("commit"), "{name}");
                let block = block(&recorded["block"]).unwrap();
                assert_eq!(block.header, proto("header"), "{name}");
                assert_eq!(block.evidence, proto("evidence_list"), "{name}");
                let last_commit = match height {
                    1 => Vec::new(),
                    _ => proto("last_commit"),
                };
                assert_eq!(block.last_commit, last_commit, "{name}");
                let whole = raw::Block::decode(proto("block").as_slice()).unwrap();
                assert_eq!(block.txs, RawTx::list(whole.data.unwrap().txs), "{name}");
                with_evidence += usize::from(!block.evidence.is_empty());
            }
        }
        assert!(with_evidence >= 2, "the recordings have evidence");
    }

    #[test]
    fn an_error_is_told_with_its_words() {
        let body = br#"{"jsonrpc":"2.0","id":-1,"error":{"code":-32603,"message":"Internal error","data":"height 9 must be less"}}"#;
        let error = result(body).unwrap_err().to_string();
        assert!(error.contains("must be less"), "{error}");
    }
}
