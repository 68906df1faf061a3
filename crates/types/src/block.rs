//! The decided block as the host hands it to the enclave and keeps it: whole, and checked before use.

use crate::RawTx;
use borsh::{BorshDeserialize, BorshSerialize, io};

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
    /// The transactions in order, at most [`BLOCK_TXS_MAX`]: more are not decoded.
    #[borsh(deserialize_with = "bounded_txs")]
    pub txs: Vec<RawTx>,
    /// `Commit` for H-1 that header H commits to (`last_commit_hash`); empty at the first height.
    pub last_commit: Vec<u8>,
    /// `EvidenceList` that header H commits to.
    pub evidence: Vec<u8>,
}

/// The number comes first: a list that is too long is refused before any of it is held.
fn bounded_txs<R: io::Read>(reader: &mut R) -> io::Result<Vec<RawTx>> {
    let number = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
    if number > BLOCK_TXS_MAX {
        let text = format!("{number} transactions, at most {BLOCK_TXS_MAX}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    (0..number)
        .map(|_| RawTx::deserialize_reader(reader))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_more_transactions_than_one_may_have_is_not_decoded() {
        let block = |number| DecidedBlock {
            txs: vec![RawTx::from(Vec::new()); number],
            ..DecidedBlock::default()
        };
        for (number, decodes) in [(BLOCK_TXS_MAX, true), (BLOCK_TXS_MAX + 1, false)] {
            let bytes = borsh::to_vec(&block(number)).unwrap();
            assert_eq!(borsh::from_slice::<DecidedBlock>(&bytes).is_ok(), decodes);
        }
        // A number alone takes nothing.
        let mut bytes = borsh::to_vec(&block(0)).unwrap();
        bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(borsh::from_slice::<DecidedBlock>(&bytes).is_err());
    }
}
