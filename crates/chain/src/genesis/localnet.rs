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

use super::{AppState, Document, GenesisError};
use crate::crypto::context::Security;
use crate::modules::accounts::{
    self, BONDED_POOL, DISTRIBUTION, FEE_COLLECTOR, GOV, MINT, NOT_BONDED_POOL,
};
use crate::modules::auth::genesis::{BaseAccount, GenesisAccount, ModuleAccount, PubKey};
use crate::modules::bank::genesis::{Balance, GenesisCoin, GenesisParams as BankParams};
use crate::modules::bank::state::{DenomUnit, Metadata};
use crate::modules::consensus::genesis::{GenesisParams, GenesisValidator};
use crate::modules::consensus::state::{ConsensusParams, Validator};
use crate::modules::registration::state::NetworkKeys;
use crate::modules::{auth, bank, compute, registration};
use crate::types::{Address, Coin, Timestamp};

/// The denomination of everything on the local network.
pub const DENOM: &str = "uscrt";
/// Largest block in bytes: two of the largest uploads in base64-free protobuf, and some.
pub const BLOCK_BYTES_MAX: i64 = 4 << 20;
/// Gas of a block: four of the largest uploads (about 22,600,000 each).
pub const BLOCK_GAS_MAX: i64 = 100_000_000;
/// `version.app` of the first headers.
pub const VERSION_APP: u64 = 1;
/// What each account has before the self-bond.
const GENESIS_BALANCE: u128 = 1_000_000_000_000_000_000;
/// The validator's self-bond.
const SELF_BOND: u128 = 100_000_000_000_000_000;
/// Voting power of the self-bond: one per 10^6 uscrt.
const VALIDATOR_POWER: i64 = 100_000_000_000;
/// Moniker of the validator.
const MONIKER: &str = "banana";

/// A public test account: never use it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAccount {
    /// Name.
    pub name: &'static str,
    /// Bech32.
    pub address: &'static str,
}

/// The five accounts in order of number.
pub const LOCAL_ACCOUNTS: [LocalAccount; 5] = [
    LocalAccount {
        name: "validator",
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
const VALIDATOR_PUBKEY: &str = "A/65YgnkabVwuTXgvwAjDkui0heU3JmF9cEus7NX6FwN";
/// Modules with an account from the start, in order of number.
const MODULES: [&str; 6] = [
    FEE_COLLECTOR,
    DISTRIBUTION,
    BONDED_POOL,
    NOT_BONDED_POOL,
    GOV,
    MINT,
];

/// What a local network chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalnetParams {
    /// Chain id, `secretdev-1` by convention.
    pub chain_id: String,
    /// Time of the first block.
    pub time: Timestamp,
    /// The validator's ed25519 key.
    pub validator: [u8; 32],
    /// The network's public keys, from `bootstrap_begin`.
    pub keys: NetworkKeys,
}

/// The bytes of the local network's genesis document.
///
/// # Errors
/// [`GenesisError`] if the result would be refused, e.g. for a chain id that is too long.
pub fn localnet_genesis(params: &LocalnetParams) -> Result<Vec<u8>, GenesisError> {
    let consensus = ConsensusParams {
        block_bytes_max: BLOCK_BYTES_MAX,
        block_gas_max: BLOCK_GAS_MAX,
        evidence_age_blocks_max: 100_000,
        evidence_age_ns_max: 172_800_000_000_000,
        evidence_bytes_max: 1_048_576,
        pub_key_types: vec!["ed25519".into()],
        version_app: VERSION_APP,
        vote_extensions_height: 0,
    };
    let validator = Validator {
        pubkey: params.validator,
        power: VALIDATOR_POWER,
    };
    let document = Document {
        genesis_time: params.time.to_string(),
        chain_id: params.chain_id.clone(),
        initial_height: "1".into(),
        consensus_params: GenesisParams::from(&consensus),
        validators: vec![GenesisValidator::new(&validator, MONIKER)],
        app_hash: String::new(),
        app_state: AppState {
            auth: auth::genesis::Genesis {
                params: (&auth::state::Params::default()).into(),
                accounts: accounts(),
            },
            bank: bank(),
            compute: compute::genesis::Genesis::default(),
            register: registration::genesis::Keys::new(&params.keys),
            registration: registration::genesis::Genesis {
                security: Security::Insecure,
            },
        },
    };
    let mut bytes =
        serde_json::to_vec_pretty(&document).map_err(|e| GenesisError::Json(e.to_string()))?;
    bytes.push(b'\n');
    Document::parse(&bytes)?;
    Ok(bytes)
}

fn accounts() -> Vec<GenesisAccount> {
    let users = LOCAL_ACCOUNTS.iter().map(|account| {
        let bonded = account.name == "validator";
        let pub_key = bonded.then(|| PubKey::Secp256k1 {
            key: VALIDATOR_PUBKEY.into(),
        });
        (account.address.to_owned(), pub_key, u64::from(bonded), None)
    });
    let modules = MODULES
        .iter()
        .filter_map(|name| accounts::by_name(name))
        .map(|module| (module.address().to_string(), None, 0, Some(module)));
    let numbered = users.chain(modules).zip(0_u64..);
    let made = numbered.map(|((address, pub_key, sequence, module), number)| {
        let base = BaseAccount {
            address,
            pub_key,
            account_number: number.to_string(),
            sequence: sequence.to_string(),
        };
        match module {
            None => GenesisAccount::Base(base),
            Some(module) => GenesisAccount::Module(ModuleAccount {
                base_account: base,
                name: module.name.to_owned(),
                permissions: module.permissions.iter().map(|&p| p.to_owned()).collect(),
            }),
        }
    });
    made.collect()
}

fn bank() -> bank::genesis::Genesis {
    let coin = |amount: u128| {
        vec![GenesisCoin::from(&Coin {
            denom: DENOM.into(),
            amount,
        })]
    };
    let mut balances = Vec::new();
    let mut supply: u128 = 0;
    for account in &LOCAL_ACCOUNTS {
        let bonded = if account.name == "validator" {
            SELF_BOND
        } else {
            0
        };
        balances.push(Balance {
            address: account.address.into(),
            coins: coin(GENESIS_BALANCE.saturating_sub(bonded)),
        });
        supply = supply.saturating_add(GENESIS_BALANCE);
    }
    let pool = Address::of_module(BONDED_POOL).to_string();
    balances.push(Balance {
        address: pool,
        coins: coin(SELF_BOND),
    });
    let unit = |denom: &str, exponent| DenomUnit {
        denom: denom.into(),
        exponent,
        aliases: Vec::new(),
    };
    let metadata = Metadata {
        description: "The native token of the network".into(),
        denom_units: vec![unit(DENOM, 0), unit("scrt", 6)],
        base: DENOM.into(),
        display: "scrt".into(),
        name: "Secret".into(),
        symbol: "SCRT".into(),
        uri: String::new(),
        uri_hash: String::new(),
    };
    bank::genesis::Genesis {
        params: BankParams {
            send_enabled: Vec::new(),
            default_send_enabled: true,
        },
        balances,
        supply: coin(supply),
        denom_metadata: vec![metadata],
        send_enabled: Vec::new(),
    }
}
