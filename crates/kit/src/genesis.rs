//! What a test network begins with: the local network's genesis and the users of the test.

use crate::user::User;
use std::collections::BTreeMap;
use strongroom_chain::EpochKeys;
use strongroom_chain::genesis::{
    DENOM, GenesisCoin, LocalnetParams, NetworkKeys, localnet_genesis, parse,
};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::auth::genesis::{self as auth, BaseAccount, GenesisAccount};
use strongroom_chain::modules::bank::genesis::{self as bank, Balance};
use strongroom_crypto::schedule::KeySchedule;
use strongroom_crypto::{MasterSeed, Security, SeedRing, seal};
use strongroom_types::{Coin, Timestamp, sha256};

/// The users that have coins from the beginning, if no others are named.
pub const USERS: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
/// What each of them has, in uscrt.
pub const USER_COINS: u128 = 1_000_000_000_000;
/// What [`crate::Network::give`] gives from: of every denomination in the genesis.
pub(crate) const FAUCET: &str = "the faucet of the test kit";
const FAUCET_COINS: u128 = 1_000_000_000_000_000_000_000;
/// Seconds since 1970 at which a test network begins.
pub(crate) const TIME: i64 = 1_700_000_000;

/// How a test network begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Chain id.
    pub chain_id: String,
    /// Who has which coins. Other users have no account before somebody sends them coins.
    pub users: Vec<(String, Vec<Coin>)>,
    /// Another number gives another network key, and with it another random for every contract.
    pub seed: u64,
}

impl Default for Setup {
    /// [`USERS`] with [`USER_COINS`] each.
    fn default() -> Self {
        let coins = || vec![Coin::new(USER_COINS, DENOM)];
        Self {
            chain_id: String::from("secretdev-1"),
            users: USERS.map(|name| (name.to_owned(), coins())).into(),
            seed: 0,
        }
    }
}

/// The seeds of a test network. No secret: everyone can compute them.
fn ring(seed: u64) -> SeedRing {
    let randomness = sha256(format!("the known randomness of test kit network {seed}").as_bytes());
    SeedRing::genesis(Security::Insecure, MasterSeed::new(randomness))
}

/// The genesis document of a setup.
pub(crate) fn document(setup: &Setup) -> Vec<u8> {
    let keys = KeySchedule::of_ring(&ring(setup.seed));
    let newest = keys.first().expect("one epoch");
    let validator = sha256(b"the validator of the test kit");
    let params = LocalnetParams {
        chain_id: setup.chain_id.clone(),
        time: Timestamp {
            seconds: TIME,
            nanos: 0,
        },
        validator,
        node_key: validator,
        authority: User::named("authority").address().clone(),
        keys: NetworkKeys {
            io: *newest.io().public(),
            node_exchange: *newest.exchange().public(),
        },
        simulation: SimulationPolicy::Off,
    };
    let bytes = localnet_genesis(&params).expect("a chain id that genesis takes");
    let mut document = parse(&bytes).expect("our own document");
    let state = &mut document.app_state;
    let mut auth: auth::Genesis = state.part("auth").expect("our own part");
    let mut bank: bank::Genesis = state.part("bank").expect("our own part");
    for (name, coins) in with_faucet(setup) {
        let address = User::named(&name).address().to_string();
        auth.accounts.push(GenesisAccount::Base(BaseAccount {
            address: address.clone(),
            pub_key: None,
            account_number: auth.accounts.len().to_string(),
            sequence: String::from("0"),
        }));
        for coin in &coins {
            add(&mut bank.supply, coin);
        }
        let coins = coins.iter().map(genesis_coin).collect();
        bank.balances.push(Balance { address, coins });
    }
    bank.supply.sort_by(|a, b| a.denom.cmp(&b.denom));
    state.set("auth", &auth).expect("JSON of our own types");
    state.set("bank", &bank).expect("JSON of our own types");
    document.to_bytes().expect("JSON of our own types")
}

/// The users with their coins sorted, each denomination once, and behind them the faucet.
fn with_faucet(setup: &Setup) -> Vec<(String, Vec<Coin>)> {
    let mut denoms = BTreeMap::from([(DENOM.to_owned(), FAUCET_COINS)]);
    let mut users = Vec::new();
    for (name, coins) in &setup.users {
        let mut sums = BTreeMap::<String, u128>::new();
        for coin in coins {
            denoms.insert(coin.denom.clone(), FAUCET_COINS);
            let sum = sums.entry(coin.denom.clone()).or_default();
            *sum = sum.saturating_add(coin.amount);
        }
        users.push((name.clone(), coins_of(sums)));
    }
    users.push((FAUCET.to_owned(), coins_of(denoms)));
    users
}

fn coins_of(sums: BTreeMap<String, u128>) -> Vec<Coin> {
    let sums = sums.into_iter().filter(|(_, amount)| *amount > 0);
    sums.map(|(denom, amount)| Coin::new(amount, denom))
        .collect()
}

fn genesis_coin(coin: &Coin) -> GenesisCoin {
    GenesisCoin {
        denom: coin.denom.clone(),
        amount: coin.amount.to_string(),
    }
}

fn add(supply: &mut Vec<GenesisCoin>, coin: &Coin) {
    match supply.iter_mut().find(|c| c.denom == coin.denom) {
        Some(there) => {
            let before: u128 = there.amount.parse().expect("our own number");
            there.amount = before.saturating_add(coin.amount).to_string();
        }
        None => supply.push(genesis_coin(coin)),
    }
}

/// The keys of the network that begins with this genesis.
pub(crate) fn keys(setup: &Setup, genesis_hash: [u8; 32]) -> EpochKeys {
    let ring = ring(setup.seed);
    let chain = seal::Chain {
        genesis_hash,
        security: ring.security(),
    };
    EpochKeys::of(&chain, &ring).expect("one epoch")
}
