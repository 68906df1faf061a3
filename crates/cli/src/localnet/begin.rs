//! The beginning of a local network: seed, genesis file, seal.

use super::{CHAIN_ID, FAUCET_ACCOUNT, Start};
use crate::enclave_process;
use crate::faucet::DENOM;
use crate::home::write_file;
use crate::network::Holder;
use anyhow::{Context as _, bail, ensure};
use std::collections::BTreeSet;
use strongroom_chain::genesis::{Document, LocalnetParams, NetworkKeys, localnet_genesis, parse};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::auth::genesis::{self as auth, BaseAccount, GenesisAccount};
use strongroom_chain::modules::bank::genesis::{self as bank, Balance, GenesisCoin};
use strongroom_chain::modules::compute::{EngineSettings, genesis as compute};
use strongroom_consensus::{Clock as _, NodeKey, SystemClock, privval};
use strongroom_node::enclave::Enclave;
use strongroom_node::node::{Layout, enclave, open_stores};
use strongroom_sdk::keys::Account;
use strongroom_sdk::local;
use strongroom_types::Address;
use tokio::sync::mpsc;

/// What a new local network begins with. Whoever reaches a node that simulates reads what contracts keep there (ADR 27): unless it is told, that is only this
/// machine.
fn policy(args: &Start) -> SimulationPolicy {
    args.simulation.unwrap_or(match args.listen.is_loopback() {
        true => SimulationPolicy::Open,
        false => SimulationPolicy::Off,
    })
}

/// Begins a local network, as a start of it is told. Gives its genesis file.
pub(crate) fn bootstrap(layout: &Layout, args: &Start) -> anyhow::Result<Vec<u8>> {
    let chain_id = args.chain_id.as_deref().unwrap_or(CHAIN_ID);
    let authority = faucet_account()?.address();
    let simulation = policy(args);
    if args.simulation.is_none() && simulation == SimulationPolicy::Off {
        talk!(
            "it listens for others than this machine, so it does not simulate calls for whoever asks: `--simulation open` has it do so"
        );
    }
    let genesis = |_: &Enclave, genesis: Vec<u8>| match args.accounts.as_slice() {
        [] => Ok(genesis),
        accounts => with_accounts(parse(&genesis)?, accounts),
    };
    begin(layout, chain_id, authority, simulation, genesis)
}

/// The policy of the network of this genesis file.
fn policy_of(layout: &Layout) -> anyhow::Result<SimulationPolicy> {
    let file = layout.genesis();
    let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let compute: compute::Genesis = parse(&bytes)?.app_state.part("compute")?;
    Ok(compute.simulation)
}

/// Refuses a start with another policy than the network of this genesis file began with.
pub(crate) fn check_simulation(layout: &Layout, wanted: SimulationPolicy) -> anyhow::Result<()> {
    ensure!(
        policy_of(layout)? == wanted,
        "the network there keeps what it began with: another --simulation needs --reset, or another --home"
    );
    Ok(())
}

/// Says what others can do with the network of this genesis file who can reach it.
pub(crate) fn say_open(layout: &Layout, args: &Start) -> anyhow::Result<()> {
    if !args.listen.is_loopback() && policy_of(layout)? == SimulationPolicy::Open {
        talk!(
            "whoever reaches {} can have any call run here as any sender and read its answer: nothing that contracts keep is kept from him (`--simulation off`, for a new network)",
            args.listen
        );
    }
    Ok(())
}

/// The document with these accounts and their coins, too.
fn with_accounts(mut document: Document, accounts: &[Holder]) -> anyhow::Result<Vec<u8>> {
    let state = &mut document.app_state;
    let (mut known, mut twice) = (BTreeSet::new(), None);
    state.edit("auth", |auth: &mut auth::Genesis| {
        let all = std::mem::take(&mut auth.accounts).into_iter();
        let (base, modules): (Vec<_>, Vec<_>) =
            all.partition(|account| matches!(account, GenesisAccount::Base(_)));
        let holders = accounts.iter().map(|holder| {
            GenesisAccount::Base(BaseAccount {
                address: holder.address.to_string(),
                pub_key: None,
                account_number: String::new(),
                sequence: "0".to_owned(),
            })
        });
        auth.accounts = base.into_iter().chain(holders).chain(modules).collect();
        for (number, account) in auth.accounts.iter_mut().enumerate() {
            let (GenesisAccount::Base(base)
            | GenesisAccount::Module(auth::ModuleAccount {
                base_account: base, ..
            })) = account;
            base.account_number = number.to_string();
            if !known.insert(base.address.clone()) {
                twice = Some(base.address.clone());
            }
        }
    })?;
    if let Some(address) = twice {
        bail!("--account: {address} is there already");
    }
    let mut total = Ok(0_u128);
    state.edit("bank", |bank: &mut bank::Genesis| {
        bank.balances.extend(accounts.iter().map(|holder| Balance {
            address: holder.address.to_string(),
            coins: vec![GenesisCoin {
                denom: DENOM.to_owned(),
                amount: holder.amount.to_string(),
            }],
        }));
        let coins = bank.balances.iter().flat_map(|balance| &balance.coins);
        let amounts = coins
            .filter(|coin| coin.denom == DENOM)
            .map(|coin| coin.amount.parse::<u128>().ok());
        let sum = amounts
            .into_iter()
            .try_fold(0_u128, |sum, amount| sum.checked_add(amount?));
        total = sum.context("--account: more coins than there can be");
        for coin in &mut bank.supply {
            if coin.denom == DENOM {
                coin.amount = sum.unwrap_or_default().to_string();
            }
        }
    })?;
    total?;
    Ok(document.to_bytes()?)
}

/// The seed is born in the enclave; the genesis names its keys; the seal names the genesis. The keys of the node are there. `genesis` makes
/// the genesis file out of that of a local network, while the enclave has the seed that is not sealed yet. Gives that file.
pub(crate) fn begin(
    layout: &Layout,
    chain_id: &str,
    authority: Address,
    simulation: SimulationPolicy,
    genesis: impl FnOnce(&Enclave, Vec<u8>) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    // An enclave of its own: the one that serves begins with the seal, as at every later start.
    let (died, _dead) = mpsc::unbounded_channel();
    let (transport, process) = enclave_process::start(layout, EngineSettings::default(), died)?;
    let enclave = enclave(transport, &open_stores(layout)?);
    let begun = sealed_genesis(layout, &enclave, (chain_id, authority, simulation), genesis);
    // In this order: an enclave whose door closes while nobody expects it counts as dead.
    process.stop();
    drop(enclave);
    begun
}

fn sealed_genesis(
    layout: &Layout,
    enclave: &Enclave,
    (chain_id, authority, simulation): (&str, Address, SimulationPolicy),
    genesis: impl FnOnce(&Enclave, Vec<u8>) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    let keys = enclave.bootstrap_begin()?;
    let validator = privval::pubkey(&layout.validator_key())?;
    let node_key = match layout.node_key().exists() {
        true => NodeKey::open(&layout.node_key())?.pubkey(),
        // A node that is alone has no key of its own.
        false => validator,
    };
    let local = localnet_genesis(&LocalnetParams {
        chain_id: chain_id.to_owned(),
        time: SystemClock.now(),
        validator,
        node_key,
        authority,
        keys: NetworkKeys {
            io: keys.io,
            node_exchange: keys.exchange,
        },
        simulation,
    })?;
    let genesis = genesis(enclave, local)?;
    write_file(&layout.seal(), &enclave.bootstrap_seal(genesis.clone())?)?;
    write_file(&layout.genesis(), &genesis)?;
    // What the state machine refuses is refused here, not at the first start.
    enclave.init_chain(genesis.clone())?;
    Ok(genesis)
}

pub(crate) fn faucet_account() -> anyhow::Result<Account> {
    let account = local::account(FAUCET_ACCOUNT).context("the faucet has no account")?;
    Ok(Account::from_mnemonic(account.mnemonic)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        start: Start,
    }

    #[test]
    fn a_network_that_others_can_reach_begins_without_simulations_unless_it_is_told() {
        for (line, begins) in [
            (&[][..], SimulationPolicy::Open),
            (&["--listen", "::1"], SimulationPolicy::Open),
            (&["--listen", "127.0.0.2"], SimulationPolicy::Open),
            (&["--simulation", "off"], SimulationPolicy::Off),
            (&["--listen", "0.0.0.0"], SimulationPolicy::Off),
            (&["--listen", "::"], SimulationPolicy::Off),
            (&["--listen", "192.0.2.1"], SimulationPolicy::Off),
            (
                &["--listen", "0.0.0.0", "--simulation", "open"],
                SimulationPolicy::Open,
            ),
        ] {
            let line = [&["localnet"], line].concat();
            let Line { start } = Line::parse_from(&line);
            assert_eq!(policy(&start), begins, "{line:?}");
        }
    }
}
