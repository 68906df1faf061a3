//! What the block store keeps, as types. Stored as versioned borsh enums.

use super::BlockStoreError;
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::consensus::{ConsensusParams, ConsensusParamsUpdate};
use strongroom_types::{Event, ExecTxResult, Hash, Height, ValidatorUpdate};

/// A block without its transactions: what lists of blocks and headers need.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockMeta {
    /// Its height.
    pub height: Height,
    /// Hash of its header.
    pub hash: Hash,
    /// Number of parts of 65,536 bytes.
    pub parts_total: u32,
    /// Merkle root over the parts.
    pub parts_hash: Hash,
    /// Its length as protobuf `Block`, in bytes.
    pub size: u64,
    /// Number of transactions.
    pub txs: u32,
    /// `Header`, protobuf.
    pub header: Vec<u8>,
}

/// Result of a block's execution.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockResults {
    /// One per transaction, in order.
    pub tx_results: Vec<ExecTxResult>,
    /// Events of the block itself.
    pub events: Vec<Event>,
    /// Changes of the validator set.
    pub validator_updates: Vec<ValidatorUpdate>,
    /// Changes of the consensus parameters.
    pub consensus_param_updates: Option<ConsensusParamsUpdate>,
    /// The app hash after the block, 32 bytes. It stands in the next header.
    pub app_hash: Hash,
}

/// Results, and what they put in force later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The results themselves.
    pub results: BlockResults,
    /// From which height on which validators are in force (an update at H shows at H + 2); `None`: no news.
    pub validators: Option<(Height, Vec<Validator>)>,
    /// From which height on which parameters are in force (an update at H shows at H + 1); `None`: no news.
    pub params: Option<(Height, ConsensusParams)>,
}

/// A validator of a set.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// First 20 bytes of SHA-256 of the key.
    pub address: [u8; 20],
    /// Ed25519 key.
    pub pubkey: [u8; 32],
    /// Voting power.
    pub power: i64,
    /// Whose turn it is to propose; changes with every round.
    pub proposer_priority: i64,
}

/// A row of the database, with its version. Borsh numbers the versions from 0, and 1 is what the place of a long row begins with
/// ([`IS_PLACE`](super::rows::IS_PLACE)): whoever makes a second version lets that number out.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) enum Stored<T> {
    /// The first one.
    V1(T),
}

impl<T: BorshSerialize> Stored<T> {
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }
}

/// Borsh. Writing into memory cannot fail for these types.
pub(super) fn encode<T: BorshSerialize + ?Sized>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory succeeds")
}

/// Borsh, the whole of `bytes`.
pub(super) fn decode<T: BorshDeserialize>(
    bytes: &[u8],
    what: &'static str,
) -> Result<T, BlockStoreError> {
    borsh::from_slice(bytes).map_err(|_| BlockStoreError::Damaged { what })
}

/// A versioned row.
pub(super) fn decode_stored<T: BorshDeserialize>(
    bytes: &[u8],
    what: &'static str,
) -> Result<T, BlockStoreError> {
    let Stored::V1(value) = decode(bytes, what)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::rows::IS_PLACE;

    #[test]
    fn no_version_of_a_row_is_taken_for_the_place_of_a_long_one() {
        let first = |row: Stored<u8>| {
            // Whoever adds a version is stopped here, and asks below for it as well.
            match row {
                Stored::V1(_) => row.encode()[0],
            }
        };
        assert_eq!(first(Stored::V1(7)), 0);
        assert_ne!(first(Stored::V1(7)), IS_PLACE);
    }
}
