//! The decided block as the host hands it to the enclave and keeps it: whole, and checked before use.

use crate::RawTx;
use borsh::{BorshDeserialize, BorshSerialize};

/// Most bytes of all transactions of a block, and of the block: 4 MiB.
pub const BLOCK_BYTES_MAX: usize = 4 * 1_048_576;
/// Most transactions of a block: bounds what empty ones cost to hold.
pub const BLOCK_TXS_MAX: usize = 65_536;
/// Most bytes of a block's evidence list (CometBFT's default parameter).
pub const EVIDENCE_BYTES_MAX: usize = 1_048_576;

/// A decided block: everything that header H commits to, and the commit that decided it.
///
/// The byte fields are CometBFT v0.38 protobuf (`tendermint.types`): they are hashed and verified as given.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DecidedBlock {
    /// `Header` of H.
    pub header: Vec<u8>,
    /// `Commit` for H: more than 2/3 of the voting power.
    pub commit: Vec<u8>,
    /// The transactions in order.
    pub txs: Vec<RawTx>,
    /// `Commit` for H-1 that header H commits to (`last_commit_hash`); empty at the first height.
    pub last_commit: Vec<u8>,
    /// `EvidenceList` that header H commits to.
    pub evidence: Vec<u8>,
}
