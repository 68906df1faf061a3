//! Consensus parameters of CometBFT v0.38 (`tendermint.types.ConsensusParams`) and their changes: one vocabulary for state
//! machine, enclave protocol, engines, stores and RPC.
//!
//! Promises: plain values. Their protobuf and the hash that headers commit to are in `proof::comet::params`, JSON forms at
//! the rim.
//! Refuses: values that CometBFT refuses, by [`ConsensusParams::check`].

use crate::{Gas, Height, Timestamp, sha256};
use borsh::{BorshDeserialize, BorshSerialize};

/// Most bytes of a chain id (CometBFT's `MaxChainIDLen`).
pub const CHAIN_ID_BYTES_MAX: usize = 50;
/// Most validators in a set. Bounds what a commit costs to decode and to verify (about 0.1 ms each).
pub const VALIDATORS_MAX: usize = 1_000;
/// Most voting power in a set (CometBFT's `MaxTotalVotingPower`), so that 3 × power never overflows.
pub const TOTAL_POWER_MAX: i64 = i64::MAX / 8;
/// The largest block that CometBFT knows: 100 MiB, in bytes.
const BLOCK_BYTES_END: i64 = 104_857_600;

/// The address of a validator: the first 20 bytes of SHA-256 of its Ed25519 key.
#[must_use]
pub fn validator_address(pubkey: &[u8; 32]) -> [u8; 20] {
    let mut address = [0; 20];
    for (to, from) in address.iter_mut().zip(sha256(pubkey)) {
        *to = from;
    }
    address
}

/// Kind of misbehaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum MisbehaviorKind {
    /// Two votes for different blocks at one height and round.
    DuplicateVote = 1,
    /// A header signed to fool light clients.
    LightClientAttack = 2,
}

/// One validator's misbehaviour as the state machine hears of it (ABCI `Misbehavior`).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Misbehavior {
    /// Kind of misbehaviour.
    pub kind: MisbehaviorKind,
    /// By whom ([`validator_address`]).
    pub address: [u8; 20],
    /// Its voting power then.
    pub power: i64,
    /// Height of the deed (for an attack: the last common height).
    pub height: Height,
    /// Block time of that height.
    pub time: Timestamp,
    /// The whole set's voting power then.
    pub total_power: i64,
}

/// Sizes of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockParams {
    /// Most bytes of a block; -1: the engine's own maximum.
    pub max_bytes: i64,
    /// Most gas of a block's transactions; -1: no limit.
    pub max_gas: i64,
}

/// For how long evidence counts, and how much of it a block takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EvidenceParams {
    /// Age in blocks.
    pub max_age_num_blocks: i64,
    /// Age in nanoseconds.
    pub max_age_duration_ns: i64,
    /// Bytes in one block.
    pub max_bytes: i64,
}

/// What validators may be.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ValidatorParams {
    /// Key types, `ed25519`.
    pub pub_key_types: Vec<String>,
}

/// Which rules hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VersionParams {
    /// Version of the state machine; 0 until an update sets it.
    pub app: u64,
}

/// ABCI's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AbciParams {
    /// Height from which votes carry extensions; 0: never.
    pub vote_extensions_enable_height: i64,
}

/// All parameters at one height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConsensusParams {
    /// Sizes of blocks.
    pub block: BlockParams,
    /// Evidence.
    pub evidence: EvidenceParams,
    /// Validators.
    pub validator: ValidatorParams,
    /// Version of the rules.
    pub version: VersionParams,
    /// ABCI.
    pub abci: AbciParams,
}

impl Default for ConsensusParams {
    /// The defaults of CometBFT v0.38 for a new genesis.
    fn default() -> Self {
        Self {
            block: BlockParams {
                max_bytes: 22_020_096,
                max_gas: -1,
            },
            evidence: EvidenceParams {
                max_age_num_blocks: 100_000,
                max_age_duration_ns: 172_800_000_000_000,
                max_bytes: 1_048_576,
            },
            validator: ValidatorParams {
                pub_key_types: vec!["ed25519".to_owned()],
            },
            version: VersionParams::default(),
            abci: AbciParams::default(),
        }
    }
}

/// A change of parameters: sections that are there replace the old ones whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConsensusParamsUpdate {
    /// Sizes of blocks.
    pub block: Option<BlockParams>,
    /// Evidence.
    pub evidence: Option<EvidenceParams>,
    /// Validators.
    pub validator: Option<ValidatorParams>,
    /// Version of the rules.
    pub version: Option<VersionParams>,
    /// ABCI.
    pub abci: Option<AbciParams>,
}

/// A parameter that CometBFT, or this house, does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is out of range")]
pub struct ParamOutOfRange(pub &'static str);

impl ConsensusParams {
    /// The parameters after `update`; what is not in it stays.
    #[must_use]
    pub fn updated(&self, update: &ConsensusParamsUpdate) -> Self {
        Self {
            block: update.block.unwrap_or(self.block),
            evidence: update.evidence.unwrap_or(self.evidence),
            validator: update
                .validator
                .clone()
                .unwrap_or_else(|| self.validator.clone()),
            version: update.version.unwrap_or(self.version),
            abci: update.abci.unwrap_or(self.abci),
        }
    }

    /// The gas limit of a block, if there is one.
    #[must_use]
    pub fn block_gas(&self) -> Option<Gas> {
        u64::try_from(self.block.max_gas).ok()
    }

    /// The rules that CometBFT holds parameters to, as far as this house uses them.
    ///
    /// # Errors
    /// [`ParamOutOfRange`] names the first parameter that is.
    pub fn check(&self) -> Result<(), ParamOutOfRange> {
        let bad = |field| Err(ParamOutOfRange(field));
        let (block, evidence) = (&self.block, &self.evidence);
        if block.max_bytes == 0 || block.max_bytes < -1 || block.max_bytes > BLOCK_BYTES_END {
            return bad("block.max_bytes");
        }
        if block.max_gas < -1 {
            return bad("block.max_gas");
        }
        if evidence.max_age_num_blocks <= 0 {
            return bad("evidence.max_age_num_blocks");
        }
        if evidence.max_age_duration_ns <= 0 {
            return bad("evidence.max_age_duration");
        }
        let room = if block.max_bytes == -1 {
            BLOCK_BYTES_END
        } else {
            block.max_bytes
        };
        if evidence.max_bytes < 0 || evidence.max_bytes > room {
            return bad("evidence.max_bytes");
        }
        if self.validator.pub_key_types != ["ed25519"] {
            return bad("validator.pub_key_types");
        }
        if self.abci.vote_extensions_enable_height != 0 {
            return bad("abci.vote_extensions_enable_height");
        }
        Ok(())
    }
}

impl From<ConsensusParams> for ConsensusParamsUpdate {
    /// A change of every section.
    fn from(params: ConsensusParams) -> Self {
        Self {
            block: Some(params.block),
            evidence: Some(params.evidence),
            validator: Some(params.validator),
            version: Some(params.version),
            abci: Some(params.abci),
        }
    }
}
