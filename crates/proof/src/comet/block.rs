//! The content of a block: transactions, results, and the parts that a block id commits to.

use super::{BlockId, Commit, DecodeError, raw};
use crate::merkle;
use prost::Message;
use strongroom_types::{DecidedBlock, ExecTxResult, Hash, RawTx};

/// Length of a part of a block, bytes (the last one may be shorter).
pub const PART_BYTES: usize = 65_536;

/// The `data_hash`: leaves are the hashes of the transactions.
#[must_use]
pub fn data_hash(txs: &[RawTx]) -> Hash {
    let leaves: Vec<&Hash> = txs.iter().map(RawTx::hash).collect();
    merkle::root(&leaves)
}

/// The `data_hash`, and the proof that the transaction at `index` is under it; `None` if there are fewer.
#[must_use]
pub fn prove_tx(txs: &[RawTx], index: usize) -> Option<(Hash, merkle::Proof)> {
    let leaves: Vec<&Hash> = txs.iter().map(RawTx::hash).collect();
    merkle::prove(&leaves, index)
}

/// The part of a result that consensus agrees on: code, data and gas. Log, info, events and codespace are not in it.
#[must_use]
pub fn result_leaf(result: &ExecTxResult) -> Vec<u8> {
    raw::abci::ExecTxResult {
        code: result.code,
        data: result.data.clone().into(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        ..raw::abci::ExecTxResult::default()
    }
    .encode_to_vec()
}

/// The `last_results_hash` of the next header.
#[must_use]
pub fn results_hash(results: &[ExecTxResult]) -> Hash {
    let leaves: Vec<Vec<u8>> = results.iter().map(result_leaf).collect();
    merkle::root(&leaves)
}

/// The parts' root of a block given as protobuf bytes.
#[must_use]
pub fn part_set_header(block: &[u8]) -> super::PartSetHeader {
    let parts: Vec<&[u8]> = block.chunks(PART_BYTES).collect();
    super::PartSetHeader {
        total: u32::try_from(parts.len()).unwrap_or(u32::MAX),
        hash: merkle::root(&parts),
    }
}

/// The protobuf `Block` of a decided block whose header this is, byte for byte as the engine cuts it into parts. Content is not
/// checked.
///
/// # Errors
/// [`DecodeError`] if last commit or evidence are not in canonical encoding.
pub fn block_bytes(header: &super::Header, block: &DecidedBlock) -> Result<Vec<u8>, DecodeError> {
    let last_commit = if block.last_commit.is_empty() {
        none_commit()
    } else {
        Commit::decode(&block.last_commit)?.to_raw()
    };
    Ok(raw::types::Block {
        header: Some(header.to_raw()),
        data: Some(raw::types::Data {
            txs: block.txs.iter().map(|tx| tx.to_vec()).collect(),
        }),
        evidence: Some(super::evidence::decode_list(&block.evidence)?),
        last_commit: Some(last_commit),
    }
    .encode_to_vec())
}

/// The last commit of the first block: everything empty, but the block id and its part set header *present*.
fn none_commit() -> raw::types::Commit {
    raw::types::Commit {
        block_id: Some(BlockId::none_raw()),
        ..raw::types::Commit::default()
    }
}
