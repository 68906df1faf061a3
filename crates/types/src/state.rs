//! Names of the state: the trees under one app hash, and write sets.

use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;

/// A tree under the app hash (docs/spec/state.md). Order is the order of names in the simple Merkle map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Tree {
    /// Sealed contract data.
    Contract = 0,
    /// What other chains verify (ICS-23).
    Ibc = 1,
    /// Everything else: accounts, balances, codes, contracts, parameters.
    Native = 2,
}

impl Tree {
    /// All trees, in order of name.
    pub const ALL: [Self; 3] = [Self::Contract, Self::Ibc, Self::Native];

    /// The name in the simple Merkle map.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Ibc => "ibc",
            Self::Native => "native",
        }
    }
}

/// What a block changes: (tree, raw key) → new value, or `None` for a removal. In key order by construction.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WriteSet(pub BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>);
