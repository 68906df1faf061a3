//! What a test network begins with: the local network's genesis, with other limits and more accounts.

use crate::user::User;
use std::path::PathBuf;
use strongroom_bridge::message::PublicKeys;
use strongroom_chain::genesis::{DENOM, LocalnetParams, NetworkKeys, localnet_genesis, parse};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::auth::genesis::{self as auth, BaseAccount, GenesisAccount};
use strongroom_chain::modules::bank::genesis::{self as bank, Balance, GenesisCoin};
use strongroom_chain::modules::compute::EngineKind;
use strongroom_types::{Gas, Timestamp};

/// The coins of each further account, in uscrt.
pub const ACCOUNT_BALANCE: u128 = 1_000_000_000_000_000_000;
/// Seconds since 1970 at which a test chain begins.
pub const TIME: i64 = 1_700_000_000;

/// How a test chain is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Chain id.
    pub chain_id: String,
    /// Gas of a block; `None` as on the local network.
    pub block_gas: Option<Gas>,
    /// Further accounts beside the five of the local network: [`User::numbered`] from 0 on, [`ACCOUNT_BALANCE`] each.
    pub accounts: usize,
    /// The gas limit of every transaction that the chain signs by itself; its fee is 0.1 uscrt for each.
    pub gas: Gas,
    /// Seconds between blocks.
    pub block_seconds: u64,
    /// The network's seed, and with it every contract's random.
    pub seed: u64,
    /// Starts the enclave as a process ([`crate::Door::spawn`]); without it, it runs on a thread.
    pub enclave: Option<PathBuf>,
    /// What runs the contracts of the enclave.
    pub contracts: EngineKind,
    /// Whether messages to contracts are simulated.
    pub simulation: SimulationPolicy,
}

impl Default for Options {
    /// Gas for the largest upload; a block each second.
    fn default() -> Self {
        Self {
            chain_id: String::from("secretdev-1"),
            block_gas: None,
            accounts: 0,
            gas: 25_000_000,
            block_seconds: 1,
            seed: 0,
            enclave: None,
            contracts: EngineKind::Interpreter,
            simulation: SimulationPolicy::Off,
        }
    }
}

/// The genesis document.
pub(crate) fn document(options: &Options, validator: [u8; 32], keys: &PublicKeys) -> Vec<u8> {
    let params = LocalnetParams {
        chain_id: options.chain_id.clone(),
        time: Timestamp {
            seconds: TIME,
            nanos: 1,
        },
        validator,
        node_key: validator,
        authority: User::numbered(0).address().clone(),
        keys: NetworkKeys {
            io: keys.io,
            node_exchange: keys.exchange,
        },
        simulation: options.simulation,
    };
    let bytes = localnet_genesis(&params).expect("a chain id that genesis takes");
    let mut document = parse(&bytes).expect("our own document");
    if let Some(gas) = options.block_gas {
        document.consensus_params.block.max_gas =
            i64::try_from(gas).expect("a limit that genesis takes");
    }
    let state = &mut document.app_state;
    let mut auth: auth::Genesis = state.part("auth").expect("our own part");
    let mut bank: bank::Genesis = state.part("bank").expect("our own part");
    let first = auth.accounts.len();
    for n in 0..options.accounts {
        let address = User::numbered(n).address().to_string();
        let base = BaseAccount {
            address: address.clone(),
            pub_key: None,
            account_number: (first + n).to_string(),
            sequence: String::from("0"),
        };
        auth.accounts.push(GenesisAccount::Base(base));
        let coin = GenesisCoin {
            denom: DENOM.to_owned(),
            amount: ACCOUNT_BALANCE.to_string(),
        };
        bank.balances.push(Balance {
            address,
            coins: vec![coin],
        });
    }
    for coin in bank.supply.iter_mut().filter(|coin| coin.denom == DENOM) {
        let before: u128 = coin.amount.parse().expect("our own number");
        coin.amount = (before + ACCOUNT_BALANCE * options.accounts as u128).to_string();
    }
    state.set("auth", &auth).expect("JSON of our own types");
    state.set("bank", &bank).expect("JSON of our own types");
    document.to_bytes().expect("JSON of our own types")
}
