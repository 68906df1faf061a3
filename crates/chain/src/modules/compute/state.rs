//! Keys and stored records of the compute module.

use crate::collections::{Item, Map};
use crate::engine::StoredCode;
use crate::types::{Address, Hash};
use borsh::{BorshDeserialize, BorshSerialize};

/// Position at which a contract or a history entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Position {
    /// Height.
    pub height: u64,
    /// Position of the transaction in its block, from 0.
    pub tx_index: u32,
}

/// A stored code. Versioned: what fixes how code runs is in the record, not in the program that reads it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum CodeRecord {
    /// The first form.
    V1(Code),
}

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Code {
    /// SHA-256 of the unzipped wasm.
    pub hash: Hash,
    /// Weight of loading it, in bytes (`vm::Prepared::weight`), and is priced by.
    pub weight: u64,
    /// Uploader.
    pub creator: Address,
    /// Source URL, may be empty.
    pub source: String,
    /// Builder image, may be empty.
    pub builder: String,
    /// Version of the pass that prepared it (validation, limits, metering): calls use the same one for ever.
    pub prep_version: u32,
    /// Whether it asked for `env.block.random`.
    pub requires_random: bool,
}

impl Code {
    /// The code as the engine knows it.
    pub(super) const fn stored(&self) -> StoredCode {
        StoredCode {
            hash: self.hash,
            weight: self.weight,
            prep_version: self.prep_version,
        }
    }
}

impl CodeRecord {
    /// The code, whatever the record's version.
    #[must_use]
    pub fn into_code(self) -> Code {
        match self {
            Self::V1(code) => code,
        }
    }
}

/// Layout of a contract's data in the tree; part of the record so that it can change for new contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum StorageLayout {
    /// One sealed entry per key (docs/spec/state.md).
    Flat,
}

/// A contract. Versioned.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ContractRecord {
    /// The first form.
    V1(Contract),
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Contract {
    /// Its code.
    pub code_id: u64,
    /// Creator.
    pub creator: Address,
    /// Admin, if any.
    pub admin: Option<Address>,
    /// Unique label.
    pub label: String,
    /// When it was made.
    pub created: Position,
    /// Layout of its data.
    pub storage_layout: StorageLayout,
}

impl ContractRecord {
    /// The contract, whatever the record's version.
    #[must_use]
    pub fn into_contract(self) -> Contract {
        match self {
            Self::V1(contract) => contract,
        }
    }
}

/// Operation of a history entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Operation {
    /// Instantiation.
    Init,
    /// Migration.
    Migrate,
}

/// One entry of a contract's history.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HistoryEntry {
    /// What happened.
    pub operation: Operation,
    /// The code from then on.
    pub code_id: u64,
    /// When.
    pub updated: Position,
    /// The encrypted message as it was sent.
    pub msg: Vec<u8>,
}

/// Parameters.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Gas per byte of uploaded code, in 10^-18.
    pub compile_cost_e18: u128,
    /// Largest unzipped code in bytes.
    pub max_contract_size: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            compile_cost_e18: 800_000_000_000_000_000,
            max_contract_size: 2_097_152,
        }
    }
}

/// Parameters of the module.
pub const PARAMS: Item<Params> = Item::new("compute/params");
/// Number of codes stored so far; the last code id.
pub const LAST_CODE_ID: Item<u64> = Item::new("compute/last_code");
/// Number of contracts so far; the last instance id.
pub const LAST_INSTANCE_ID: Item<u64> = Item::new("compute/last_instance");
/// Codes by id.
pub const CODES: Map<u64, CodeRecord> = Map::new("compute/code/");
/// Contracts by address.
pub const CONTRACTS: Map<Address, ContractRecord> = Map::new("compute/contract/");
/// Address by label.
pub const LABELS: Map<&str, Address> = Map::new("compute/label/");
/// Number of contracts of a code.
pub const CODE_CONTRACTS: Map<u64, u64> = Map::new("compute/code_contracts/");
/// The n-th contract (from 0) of a code, in order of creation.
pub const CODE_CONTRACT: Map<(u64, u64), Address> = Map::new("compute/code_contract/");
/// Number of history entries of a contract.
pub const HISTORY_LENGTH: Map<Address, u64> = Map::new("compute/history_length/");
/// The n-th history entry (from 0) of a contract.
pub const HISTORY: Map<(&Address, u64), HistoryEntry> = Map::new("compute/history/");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    PARAMS.name(),
    LAST_CODE_ID.name(),
    LAST_INSTANCE_ID.name(),
    CODES.name(),
    CONTRACTS.name(),
    LABELS.name(),
    CODE_CONTRACTS.name(),
    CODE_CONTRACT.name(),
    HISTORY_LENGTH.name(),
    HISTORY.name(),
];

/// The address of an instance: RIPEMD-160(SHA-256(BE64(code_id · 2^32 + instance_id) ‖ creator)) (contract-abi.md 7.5).
#[must_use]
pub fn contract_address(code_id: u64, instance_id: u64, creator: &Address) -> Option<Address> {
    use ripemd::Digest as _;
    let number = code_id.checked_mul(1 << 32)?.checked_add(instance_id)?;
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend(creator.as_bytes());
    Address::from_bytes(&ripemd::Ripemd160::digest(crate::types::sha256(&bytes))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_first_instance_is_the_one_of_the_specification() {
        let creator = Address::from_bytes(&[0x11; 20]).unwrap();
        let address = contract_address(1, 1, &creator).unwrap();
        assert_eq!(
            hex::encode(address.as_bytes()),
            "dae7aefd75eb14af8f06ef2bad51d30c1660b587"
        );
    }
}
