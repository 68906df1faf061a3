//! `strongroom network …`: begins a network, and what its authority decides on nodes and validators; `stop`, `start` and `kill` are for
//! networks that run on this machine.

use crate::faucet::DENOM;
use crate::home::write_file;
use crate::localnet::begin;
use crate::node_process::runtime;
use crate::output::say;
use crate::rpc::{Ca, Remote};
use crate::{cluster, operator, preflight};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args as ClapArgs, Subcommand};
use std::collections::BTreeSet;
use std::path::PathBuf;
use strongroom_chain::genesis::{Document, parse};
use strongroom_chain::modules::SimulationPolicy;
use strongroom_chain::modules::auth::genesis::{self as auth, BaseAccount, GenesisAccount};
use strongroom_chain::modules::bank::genesis::{self as bank, Balance, GenesisCoin};
use strongroom_chain::modules::poa::genesis as poa;
use strongroom_chain::modules::registration::genesis as registration;
use strongroom_consensus::{GenesisFile, NodeKey, privval};
use strongroom_node::node::Layout;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::Address;
use strongroom_types::proto::strongroom::poa::v1::{MsgRemoveValidator, MsgSetValidator};
use strongroom_types::proto::strongroom::registration::v1::MsgRevokeNode;
use strongroom_types::proto::{Message, Name};

/// Power of the first validator: the others are weighed against it.
const FIRST_POWER: i64 = 100;
/// Gas of a decision on a node.
const DECISION_GAS: u64 = 200_000;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Begin a network: the home of its first node, the seed in that node's enclave, the genesis file for everybody.
    #[command(after_help = "Example:\n  strongroom network init --chain-id example-1 --moniker a")]
    Init(Init),
    /// Give a registered node power to vote. Signed by the authority.
    #[command(
        after_help = "Example:\n  strongroom network set-validator --mnemonic authority.words \"$(cat node.id)\" 40 --moniker b"
    )]
    SetValidator(SetValidator),
    /// Take a validator's power; its node stays registered. Signed by the authority.
    #[command(
        after_help = "Example:\n  strongroom network remove-validator --mnemonic authority.words \"$(cat node.id)\""
    )]
    RemoveValidator(OneNode),
    /// End the registration of a node: signed by its owner, or, for good, by the authority.
    #[command(
        after_help = "Example:\n  strongroom network revoke-node --mnemonic operator.words \"$(cat node.id)\""
    )]
    RevokeNode(OneNode),
    #[command(flatten)]
    Local(cluster::Command),
}

#[derive(ClapArgs)]
pub(crate) struct Init {
    /// Directory of the first node.
    #[arg(long, default_value = ".strongroom/node")]
    home: PathBuf,
    /// Name of the network.
    #[arg(long, value_parser = preflight::chain_id)]
    chain_id: String,
    /// Account or multisig that decides on validators and on the policy.
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    authority: Address,
    /// Account that owns the first node.
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    operator: Address,
    /// An account with its coins, in uscrt; may be repeated. There are no others: fees of operators and of the authority are paid from here.
    #[arg(long = "account", value_name = "ADDRESS=AMOUNT", value_parser = holder, required = true)]
    accounts: Vec<Holder>,
    /// The first node's name among validators.
    #[arg(long, default_value = "node0")]
    moniker: String,
}

/// An account and its coins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) address: Address,
    pub(crate) amount: u128,
}

#[derive(ClapArgs)]
struct Signed {
    /// RPC or REST of a node of the network.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:26657")]
    node: String,
    #[command(flatten)]
    ca: Ca,
    /// File with the mnemonic of the account that decides and pays; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    mnemonic: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct SetValidator {
    #[command(flatten)]
    signed: Signed,
    /// The node.
    #[arg(value_parser = preflight::node_id)]
    node_id: String,
    /// Its power among that of all.
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    power: u64,
    /// Its name among validators [default: the node's id].
    #[arg(long)]
    moniker: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct OneNode {
    #[command(flatten)]
    signed: Signed,
    /// The node.
    #[arg(value_parser = preflight::node_id)]
    node_id: String,
}

fn account(text: &str) -> Result<Address, String> {
    let address: Address = text
        .parse()
        .map_err(|e: strongroom_types::address::AddressError| e.to_string())?;
    match address.as_bytes().len() {
        20 => Ok(address),
        _ => Err("not the address of an account".to_owned()),
    }
}

pub(crate) fn holder(text: &str) -> Result<Holder, String> {
    let form = || format!("an account with coins is written ADDRESS=AMOUNT, in {DENOM}");
    let (address, amount) = text.split_once('=').ok_or_else(form)?;
    let amount = amount.strip_suffix(DENOM).unwrap_or(amount);
    let amount = amount.parse().ok().filter(|amount| *amount > 0);
    Ok(Holder {
        address: account(address)?,
        amount: amount.ok_or_else(form)?,
    })
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Init(args) => init(&args),
        Command::SetValidator(args) => set_validator(&args),
        Command::RemoveValidator(args) => {
            let sent = send(&args.signed, |authority| MsgRemoveValidator {
                authority,
                node_id: args.node_id.clone(),
            })?;
            say(format_args!(
                "validator {} votes no more, decided in block {sent}",
                args.node_id
            ));
            Ok(())
        }
        Command::RevokeNode(args) => {
            let sent = send(&args.signed, |sender| MsgRevokeNode {
                sender,
                node_id: args.node_id.clone(),
            })?;
            say(format_args!(
                "node {} is revoked, decided in block {sent}",
                args.node_id
            ));
            Ok(())
        }
        Command::Local(command) => cluster::run(&command),
    }
}

fn set_validator(args: &SetValidator) -> anyhow::Result<()> {
    let sent = send(&args.signed, |authority| MsgSetValidator {
        authority,
        node_id: args.node_id.clone(),
        power: args.power,
        moniker: args.moniker.clone().unwrap_or_else(|| args.node_id.clone()),
    })?;
    say(format_args!(
        "validator {} has power {}, decided in block {sent}",
        args.node_id, args.power
    ));
    say(format_args!(
        "Its signature counts two blocks later, if its node runs: strongroom query poa validators"
    ));
    Ok(())
}

/// Sends a message of the account in the file; gives the height of its block.
fn send<M: Message + Name>(
    signed: &Signed,
    message: impl FnOnce(String) -> M,
) -> anyhow::Result<u64> {
    let account = operator::account(&signed.mnemonic)?;
    let node = Remote::new(&signed.node, signed.ca.ca_file.as_deref())?;
    runtime()?.block_on(async {
        let mut client = node.client().await?;
        let message = message(account.address().to_string());
        let tx = TxBuilder::new(client.chain_id().await?).message(&message);
        let sent = client.send(&account, &tx.gas(DECISION_GAS)).await?;
        Ok(sent.succeeded()?.height)
    })
}

fn init(args: &Init) -> anyhow::Result<()> {
    let supply = supply(&args.accounts)?;
    preflight::machine()?;
    preflight::free_space(&args.home)?;
    let home = operator::empty_home(&args.home)?;
    let layout = Layout(home.prepare()?);
    operator::keys(&layout)?;
    let (node_key, validator) = (
        NodeKey::open(&layout.node_key())?,
        privval::pubkey(&layout.validator_key())?,
    );
    let genesis = begin(
        &layout,
        &args.chain_id,
        args.authority.clone(),
        SimulationPolicy::Off,
        |enclave, local| {
            let chain_id = args.chain_id.clone();
            let evidence = enclave.bootstrap_attest(chain_id, node_key.pubkey(), validator)?;
            genesis(parse(&local)?, args, supply, &evidence)
        },
    )?;
    home.install()?;
    home.keep()?;
    // Beside the network, where an operator finds it.
    let file = args.home.join("genesis.json");
    write_file(&file, &genesis)?;
    let hash = hex::encode(GenesisFile::parse(genesis)?.hash());
    let home = args.home.display();
    say(format_args!("network   {}", args.chain_id));
    say(format_args!(
        "node      {}, the first validator, owned by {}",
        node_key.id(),
        args.operator
    ));
    say(format_args!("genesis   {}", file.display()));
    say(format_args!("          SHA-256 {hash}"));
    say(format_args!("home      {home}"));
    say("");
    if !args
        .accounts
        .iter()
        .any(|holder| holder.address == args.authority)
    {
        say(format_args!(
            "The authority has no coins in this genesis: a multisig or account needs some before it can decide anything."
        ));
    }
    say(format_args!(
        "The platform is simulated: code and checks are those of a real network, secrecy from this machine is not."
    ));
    say("");
    say(format_args!("Next:"));
    say(format_args!(
        "  strongroom node start --home {home} --external-address HOST:26656"
    ));
    say(format_args!(
        "and give the other operators the genesis file, its SHA-256 by another way, and {}@HOST:26656. They run:",
        node_key.id()
    ));
    say(format_args!(
        "  strongroom node init --genesis genesis.json"
    ));
    Ok(())
}

/// All coins; an account is there once.
fn supply(accounts: &[Holder]) -> anyhow::Result<u128> {
    let mut known = BTreeSet::new();
    let mut supply: u128 = 0;
    for Holder { address, amount } in accounts {
        ensure!(known.insert(address), "--account {address} is there twice");
        let sum = supply.checked_add(*amount);
        supply = sum.context("--account: more coins than there can be")?;
    }
    Ok(supply)
}

/// The document of a network of its own, from that of a local one: other accounts, another owner, evidence of the first node.
fn genesis(
    mut document: Document,
    args: &Init,
    supply: u128,
    evidence: &[u8],
) -> anyhow::Result<Vec<u8>> {
    for validator in &mut document.validators {
        validator.power = FIRST_POWER;
        validator.name.clone_from(&args.moniker);
    }
    let coin = |amount: u128| {
        vec![GenesisCoin {
            denom: DENOM.to_owned(),
            amount: amount.to_string(),
        }]
    };
    let state = &mut document.app_state;
    state.edit("auth", |auth: &mut auth::Genesis| {
        let modules = std::mem::take(&mut auth.accounts).into_iter();
        let modules = modules.filter(|account| matches!(account, GenesisAccount::Module(_)));
        let holders = args.accounts.iter().map(|holder| {
            GenesisAccount::Base(BaseAccount {
                address: holder.address.to_string(),
                pub_key: None,
                account_number: String::new(),
                sequence: "0".to_owned(),
            })
        });
        auth.accounts = holders.chain(modules).collect();
        for (number, account) in auth.accounts.iter_mut().enumerate() {
            let (GenesisAccount::Base(base)
            | GenesisAccount::Module(auth::ModuleAccount {
                base_account: base, ..
            })) = account;
            base.account_number = number.to_string();
        }
    })?;
    state.edit("bank", |bank: &mut bank::Genesis| {
        let balance = |holder: &Holder| Balance {
            address: holder.address.to_string(),
            coins: coin(holder.amount),
        };
        bank.balances = args.accounts.iter().map(balance).collect();
        bank.supply = coin(supply);
    })?;
    state.edit("poa", |poa: &mut poa::Genesis| {
        for moniker in poa.monikers.values_mut() {
            moniker.clone_from(&args.moniker);
        }
    })?;
    state.edit(
        "registration",
        |registration: &mut registration::Genesis| {
            for node in &mut registration.nodes {
                node.operator = args.operator.to_string();
                node.evidence = Some(STANDARD.encode(evidence));
            }
        },
    )?;
    Ok(document.to_bytes()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "secret1ap26qrlp8mcq2pg6r47w43l0y8zkqm8a450s03";

    #[test]
    fn an_account_of_genesis_has_an_address_and_coins() {
        let of = |amount| Holder {
            address: A.parse().unwrap(),
            amount,
        };
        assert_eq!(holder(&format!("{A}=5")), Ok(of(5)));
        assert_eq!(holder(&format!("{A}=5uscrt")), Ok(of(5)));
        let most = u128::MAX;
        assert_eq!(holder(&format!("{A}={most}")), Ok(of(most)));
        for bad in [
            "",
            A,
            "=5",
            &format!("{A}="),
            &format!("{A}=0"),
            &format!("{A}=-1"),
            &format!("{A}=5ustake"),
            "secret1x=5",
        ] {
            assert!(holder(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn coins_of_genesis_have_one_owner_each_and_a_sum() {
        let holder = |index: usize, amount| Holder {
            address: strongroom_sdk::local::ACCOUNTS[index]
                .address
                .parse()
                .unwrap(),
            amount,
        };
        assert_eq!(supply(&[holder(0, 5), holder(1, 6)]).unwrap(), 11);
        assert!(supply(&[holder(0, 5), holder(0, 6)]).is_err());
        assert!(supply(&[holder(0, u128::MAX), holder(1, 1)]).is_err());
    }
}
