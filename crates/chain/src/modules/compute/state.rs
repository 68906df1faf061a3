//! Keys and stored records of the compute module.

use crate::collections::{Item, Map};
use crate::engine::StoredCode;
use crate::types::{Address, Hash};
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_vm::{Generation, ModuleInfo};

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
    V1(Code, MigrateWords),
}

/// What a code says of migrations, as the ordinary library has it from 2.2 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MigrateWords {
    /// Whether its `migrate` is told who migrates, and from which version.
    pub wants_info: bool,
    /// The version of the state that it keeps, if it names one.
    pub version: Option<u64>,
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
    /// Whether it iterates: contracts that are made with it keep their keys in order.
    pub iterates: bool,
    /// Whether it was written with the ordinary `cosmwasm-std`.
    pub stock: bool,
    /// The interface that it was compiled for.
    #[borsh(
        serialize_with = "write_generation",
        deserialize_with = "read_generation"
    )]
    pub generation: Generation,
}

fn write_generation<W: borsh::io::Write>(
    generation: &Generation,
    writer: &mut W,
) -> borsh::io::Result<()> {
    let byte: u8 = match generation {
        Generation::V010 => 0,
        Generation::V1 => 1,
    };
    byte.serialize(writer)
}

fn read_generation<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Generation> {
    match u8::deserialize_reader(reader)? {
        0 => Ok(Generation::V010),
        1 => Ok(Generation::V1),
        _ => Err(borsh::io::ErrorKind::InvalidData.into()),
    }
}

/// The library that a contract was written with: it decides how the answers to a contract's queries are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// The secret std of v0.10.
    V010,
    /// The secret std of v1.
    V1,
    /// The ordinary `cosmwasm-std`.
    Stock,
}

impl Code {
    /// How it reads what the chain tells it.
    pub(super) const fn library(&self) -> Library {
        match self.generation {
            Generation::V010 => Library::V010,
            Generation::V1 if self.stock => Library::Stock,
            Generation::V1 => Library::V1,
        }
    }

    /// How the contracts that are made with it keep their data. It stays when a contract migrates.
    pub(super) const fn storage_layout(&self) -> StorageLayout {
        if self.iterates {
            StorageLayout::Ordered
        } else {
            StorageLayout::Flat
        }
    }

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
    /// The record of a code that is stored now.
    #[must_use]
    pub fn of(code: Code, info: &ModuleInfo) -> Self {
        let words = MigrateWords {
            wants_info: info.migrate_info,
            version: info.migrate_version,
        };
        Self::V1(code, words)
    }

    /// What the code says of migrations.
    #[must_use]
    pub fn migrate_words(&self) -> MigrateWords {
        match self {
            Self::V1(_, words) => *words,
        }
    }

    /// The code, whatever the record's version.
    #[must_use]
    pub fn into_code(self) -> Code {
        match self {
            Self::V1(code, _) => code,
        }
    }
}

/// Layout of a contract's data in the tree; part of the record so that it can change for new contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum StorageLayout {
    /// One sealed entry per key (docs/spec/state.md).
    Flat,
    /// The same, and a sealed list of the keys.
    Ordered,
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
    /// Whether the authority must have allowed a migration or another admin. Never taken back.
    pub require_governance: bool,
    /// Its place in the list of its code ([`CODE_CONTRACT`]).
    pub place: u64,
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

/// Whether messages to contracts may run in a simulation, where nobody has decided them. Genesis says it, and nothing changes it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum SimulationPolicy {
    /// They do not.
    #[default]
    Off,
    /// They run for whoever asks, with no signature: for networks whose operators may read everything anyway.
    Open,
}

/// Parameters of the module.
pub const PARAMS: Item<Params> = Item::new("compute/params");
/// Whether contracts are simulated. It stands there only if they are: clients have it proven.
pub const SIMULATION: Item<SimulationPolicy> = Item::new("compute/simulation");
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
/// The n-th contract (from 0) of a code: in order of arrival, but that the last one takes the place of one that leaves.
pub const CODE_CONTRACT: Map<(u64, u64), Address> = Map::new("compute/code_contract/");
/// Number of history entries of a contract.
pub const HISTORY_LENGTH: Map<Address, u64> = Map::new("compute/history_length/");
/// The n-th history entry (from 0) of a contract.
pub const HISTORY: Map<(&Address, u64), HistoryEntry> = Map::new("compute/history/");

/// The code to which the authority lets a contract migrate, once.
pub const AUTHORIZED_MIGRATION: Map<Address, u64> = Map::new("compute/authorized_migration/");
/// The admin that the authority lets a contract be given, once; `None` for that it may have none.
pub const AUTHORIZED_ADMIN: Map<Address, Option<Address>> = Map::new("compute/authorized_admin/");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    PARAMS.name(),
    SIMULATION.name(),
    LAST_CODE_ID.name(),
    LAST_INSTANCE_ID.name(),
    CODES.name(),
    CONTRACTS.name(),
    LABELS.name(),
    CODE_CONTRACTS.name(),
    CODE_CONTRACT.name(),
    HISTORY_LENGTH.name(),
    HISTORY.name(),
    AUTHORIZED_MIGRATION.name(),
    AUTHORIZED_ADMIN.name(),
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

/// The address that a code (by hash), a creator and a salt give, 32 bytes: the one of which `cosmwasm-std` tells contracts
/// (`instantiate2_address`), so they know it before the contract is there. SHA-256(SHA-256("module") ‖ "wasm\0" ‖ hash ‖ creator ‖
/// salt ‖ nothing), each of the last four behind its length (BE64).
#[must_use]
pub fn predictable_address(code_hash: &Hash, creator: &Address, salt: &[u8]) -> Option<Address> {
    let mut bytes = crate::types::sha256(b"module").to_vec();
    bytes.extend(b"wasm\0");
    for part in [&code_hash[..], creator.as_bytes(), salt, &[]] {
        bytes.extend(u64::try_from(part.len()).ok()?.to_be_bytes());
        bytes.extend(part);
    }
    Address::from_bytes(&crate::types::sha256(&bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_kept_with_its_generation_and_no_other_one_is_read() {
        let words = MigrateWords {
            wants_info: true,
            version: Some(7),
        };
        for (generation, words) in [
            (Generation::V010, MigrateWords::default()),
            (Generation::V1, words),
        ] {
            let code = Code {
                hash: [1; 32],
                weight: 2,
                creator: Address::from_bytes(&[3; 20]).unwrap(),
                source: "s".into(),
                builder: "b".into(),
                prep_version: 4,
                requires_random: true,
                iterates: false,
                stock: true,
                generation,
            };
            let record = CodeRecord::V1(code.clone(), words);
            let bytes = borsh::to_vec(&record).unwrap();
            let read: CodeRecord = borsh::from_slice(&bytes).unwrap();
            assert_eq!(
                (read.migrate_words(), read.into_code()),
                (words, code.clone())
            );
            // The generation is the last byte of the code.
            let at = 1 + borsh::to_vec(&code).unwrap().len() - 1;
            let mut unknown = bytes;
            unknown[at] = 2;
            assert!(borsh::from_slice::<CodeRecord>(&unknown).is_err());
        }
    }

    #[test]
    fn a_predictable_address_is_the_one_of_which_the_ordinary_library_tells_contracts() {
        // Vectors of that library.
        let hash = "13a1fc994cc6d1c81b746ee0c0ff6f90043875e0bf1d9be6b7d779fc978dc2a5";
        let key = "9999999999aaaaaaaaaabbbbbbbbbbcccccccccc";
        let contract = "9999999999aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffff";
        let salt = "aabbccddeeffffeeddbbccddaa66551155aaaabbcc787878789900aabbccddeeffffeeddbbccddaa66551155aaaabbcc787878789900aabbbbcc221100acadae";
        for (creator, salt, expected) in [
            (
                key,
                "61",
                "5e865d3e45ad3e961f77fd77d46543417ced44d924dc3e079b5415ff6775f847",
            ),
            (
                key,
                salt,
                "9384c6248c0bb171e306fd7da0993ec1e20eba006452a3a9e078883eb3594564",
            ),
            (
                contract,
                "61",
                "9725e94f528d8b78d33c25f3dfcd60e6142d8be60ab36f6a5b59036fd51560db",
            ),
            (
                contract,
                salt,
                "0aaf1c31c5d529d21d898775bc35b3416f47bfd99188c334c6c716102cbd3101",
            ),
        ] {
            let bytes = |text: &str| hex::decode(text).unwrap();
            let hash: Hash = bytes(hash).try_into().unwrap();
            let creator = Address::from_bytes(&bytes(creator)).unwrap();
            let address = predictable_address(&hash, &creator, &bytes(salt)).unwrap();
            assert_eq!(hex::encode(address.as_bytes()), expected);
        }
    }

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
