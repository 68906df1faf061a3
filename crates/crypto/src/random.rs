//! Randomness for contracts: a function of seed and decided block, so that every enclave computes the same and nobody
//! knows it before the block is decided.
//!
//! Block: `derive(root, block-random, [header hash])`. Call: `derive(block, call-random, [contract, BE32 tx index,
//! BE32 call counter])`; the counter counts contract calls within the transaction.

use crate::{
    context::{self, Security},
    kdf,
    secret::Secret,
};
use strongroom_types::{Address, Hash};

/// The random of one block (or of one simulation, under a root of its own).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRandom {
    security: Security,
    key: Secret<32>,
}

impl BlockRandom {
    pub(crate) fn new(security: Security, root: &Secret<32>, domain: &Hash) -> Self {
        Self {
            security,
            key: kdf::derive(root, context::BLOCK_RANDOM.at(security), &[domain]),
        }
    }

    /// The random of one call: 32 bytes that no other call of the chain sees.
    #[must_use]
    pub fn call(&self, contract: &Address, tx_index: u32, call: u32) -> Secret<32> {
        let parts: [&[u8]; 3] = [
            contract.as_bytes(),
            &tx_index.to_be_bytes(),
            &call.to_be_bytes(),
        ];
        kdf::derive(&self.key, context::CALL_RANDOM.at(self.security), &parts)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Epoch, KeySchedule, MasterSeed, Security};
    use std::collections::BTreeSet;
    use strongroom_types::Address;

    #[test]
    fn every_call_sees_another_random_and_simulation_none_of_them() {
        let s = KeySchedule::derive(Security::Insecure, Epoch::FIRST, &MasterSeed::new([1; 32]));
        let (a, b) = (
            Address::from_bytes(&[1; 20]).unwrap(),
            Address::from_bytes(&[2; 20]).unwrap(),
        );
        let mut seen = BTreeSet::new();
        for block in [
            s.block_random(&[1; 32]),
            s.block_random(&[2; 32]),
            s.simulation_random(&[1; 32]),
        ] {
            for contract in [&a, &b] {
                for (tx, call) in [(0, 0), (0, 1), (1, 0), (256, 0), (0, 256)] {
                    assert!(seen.insert(*block.call(contract, tx, call).expose()));
                }
            }
        }
        assert_eq!(
            s.block_random(&[1; 32]).call(&a, 0, 0),
            s.block_random(&[1; 32]).call(&a, 0, 0)
        );
    }
}
