//! The genesis of the local network (wire.md 1.13.4 and 5), decided and written down:
//!
//! - chain facts: `uscrt`, five public test accounts with 10^18 each, supply 5·10^18;
//! - account numbers: validator 0, a 1, b 2, c 3, d 4, then the module accounts `fee_collector` 5, `distribution` 6,
//!   `bonded_tokens_pool` 7, `not_bonded_tokens_pool` 8, `gov` 9, `mint` 10; the next new account is 11;
//! - the validator's self-bond of 10^17 has happened: `bonded_tokens_pool` holds it, the validator's account has
//!   9·10^17, its public key and sequence 1. Its voting power is 10^11 (one per 10^6 uscrt);
//! - block limits: 4 MiB and 100,000,000 gas. The largest upload needs about 22,600,000. Ten million gas of the worst
//!   class of operators take at most one second on the reference engine (docs/spec/gas.md 2), so the worst block takes
//!   ten; ordinary blocks are far from it;
//! - `version.app` is 1: it selects price and rule tables.

use super::{AppState, Document, GenesisError, parse};
use crate::module::genesis_parts;
use crate::modules::SimulationPolicy;
use crate::types::consensus::{BlockParams, ConsensusParams, VersionParams};
use crate::types::{Address, GenesisValidator, Timestamp};
use borsh::{BorshDeserialize, BorshSerialize};

/// The denomination of everything on the local network.
pub const DENOM: &str = "uscrt";
/// Largest block in bytes: two of the largest uploads in base64-free protobuf, and some.
pub const BLOCK_BYTES_MAX: i64 = 4 << 20;
/// Gas of a block: four of the largest uploads (about 22,600,000 each).
pub const BLOCK_GAS_MAX: i64 = 100_000_000;
/// `version.app` of the first headers.
pub const VERSION_APP: u64 = 1;
/// Balance of each account before the self-bond, in `uscrt`.
pub const GENESIS_BALANCE: u128 = 1_000_000_000_000_000_000;
/// The validator's self-bond.
pub const SELF_BOND: u128 = 100_000_000_000_000_000;
/// Voting power of the self-bond: one per 10^6 uscrt.
const VALIDATOR_POWER: i64 = 100_000_000_000;
/// Moniker of the validator.
pub(crate) const MONIKER: &str = "banana";

/// A public test account: never use it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAccount {
    /// Name.
    pub name: &'static str,
    /// Bech32.
    pub address: &'static str,
}

/// The name of the account that has bonded.
pub(crate) const VALIDATOR: &str = "validator";

/// The five accounts in order of number.
pub const LOCAL_ACCOUNTS: [LocalAccount; 5] = [
    LocalAccount {
        name: VALIDATOR,
        address: "secret14aj08vd2ntty7dvskdmdu4zhf23mcwgtute8dz",
    },
    LocalAccount {
        name: "a",
        address: "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03",
    },
    LocalAccount {
        name: "b",
        address: "secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne",
    },
    LocalAccount {
        name: "c",
        address: "secret1ajz54hz8azwuy34qwy9fkjnfcrvf0dzswy0lqq",
    },
    LocalAccount {
        name: "d",
        address: "secret1ldjxljw7v4vk6zhyduywh04hpj0jdwxsmrlatf",
    },
];
/// The validator's account key, known since it signed the self-bond.
pub(crate) const VALIDATOR_PUBKEY: &str = "A/65YgnkabVwuTXgvwAjDkui0heU3JmF9cEus7NX6FwN";
/// Settings of a local network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalnetParams {
    /// Chain id, `secretdev-1` by convention.
    pub chain_id: String,
    /// Time of the first block.
    pub time: Timestamp,
    /// The validator's ed25519 key.
    pub validator: [u8; 32],
    /// The ed25519 key of its node; where a node is alone and has none, that of the validator may stand for it.
    pub node_key: [u8; 32],
    /// Who decides on validators and policy.
    pub authority: Address,
    /// The network's public keys, from `bootstrap_begin`.
    pub keys: NetworkKeys,
    /// Whether messages to contracts are simulated.
    pub simulation: SimulationPolicy,
}

/// The network's public keys, x25519, 32 bytes each.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NetworkKeys {
    /// To which clients seal their messages: `tx-key`.
    pub io: [u8; 32],
    /// With which nodes exchange the seed.
    pub node_exchange: [u8; 32],
}

/// The bytes of the local network's genesis document.
///
/// # Errors
/// [`GenesisError`] if the result would be refused, e.g. for a chain id that is too long.
pub fn localnet_genesis(params: &LocalnetParams) -> Result<Vec<u8>, GenesisError> {
    let consensus = ConsensusParams {
        block: BlockParams {
            max_bytes: BLOCK_BYTES_MAX,
            max_gas: BLOCK_GAS_MAX,
        },
        version: VersionParams { app: VERSION_APP },
        ..ConsensusParams::default()
    };
    let validator = GenesisValidator {
        pubkey: params.validator,
        power: VALIDATOR_POWER,
        name: MONIKER.to_owned(),
    };
    let mut app_state = AppState::default();
    for part in genesis_parts() {
        app_state.set_raw(part.key, (part.localnet)(params)?);
    }
    let document = Document {
        genesis_time: params.time,
        chain_id: params.chain_id.clone(),
        initial_height: 1,
        consensus_params: consensus,
        validators: vec![validator],
        app_hash: Vec::new(),
        app_state,
    };
    let bytes = document.to_bytes()?;
    parse(&bytes)?;
    Ok(bytes)
}
