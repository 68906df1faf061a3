//! `strongroom tx …`: makes, signs, sends transactions, and waits for their results.
//!
//! Promises: nothing is signed for another chain than the one that was named, nor for another signer; what is paid is said before it is
//! sent; a transaction is sent once, and one with its effect not again while it may still come ([`pending`]).

pub(crate) mod contract;
mod file;
mod history;
mod memory;
mod multisig;
mod offline;
mod pending;
pub(crate) mod report;
mod send;
mod words;

use self::memory::Known;
use self::report::Inputs;
use crate::given;
use crate::keyring::{self, Keyring};
use crate::online;
use crate::output::{Output, say, table};
use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use strongroom_sdk::client::{Estimate, MARGIN_PERCENT, Simulation};
use strongroom_sdk::keys::Account;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
use strongroom_types::proto::{Any, pack};
use strongroom_types::signers::{self, Signer};
use strongroom_types::tx::TX_LEN_MAX;
use strongroom_types::{Address, Coins, Gas, Height};

/// The longest file of messages: a transaction, in JSON.
const FILE_BYTES_MAX: usize = 4 * TX_LEN_MAX;

#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    network: online::Args,
    #[command(flatten)]
    keyring: keyring::Args,
    #[command(flatten)]
    spend: Spend,
    #[command(subcommand)]
    command: Command,
}

#[derive(ClapArgs)]
struct Spend {
    /// Key that signs and pays: its name, or its address.
    #[arg(long, global = true, value_name = "KEY")]
    from: Option<String>,
    /// Gas limit; `auto` asks the node for an estimate and adds a tenth. Calls of contracts get what is usual, where the network does not simulate them.
    #[arg(long, global = true, value_name = "GAS", value_parser = gas, default_value = "auto")]
    gas: GasLimit,
    /// Fee, such as 5000uscrt [default: 0.1uscrt for each unit of gas].
    #[arg(long, global = true, value_name = "COINS", value_parser = coins)]
    fees: Option<Coins>,
    /// A text that everybody can read.
    #[arg(long, global = true, default_value = "")]
    memo: String,
    /// Send nothing: say what gas it needs, and what contracts would answer where the network simulates calls.
    #[arg(long, global = true, conflicts_with = "generate_only")]
    dry_run: bool,
    /// Send nothing: print the transaction, to be signed with `tx sign`.
    #[arg(long, global = true)]
    generate_only: bool,
    /// Do not wait until the transaction is in a block.
    #[arg(long, global = true)]
    no_wait: bool,
    /// The last block that may hold the transaction, by its height; 0: any may [default: that of about two minutes later; any with
    /// --generate-only].
    #[arg(long, global = true, value_name = "HEIGHT")]
    timeout_height: Option<Height>,
    /// Key that seals what is for contracts and opens their answers, where a multisig sends it: it has none [default: that of --from].
    #[arg(long, global = true, value_name = "KEY")]
    sealed_by: Option<String>,
    /// Sign although an earlier transaction may still be included that does the same: it may be done and paid twice.
    #[arg(long, global = true)]
    again: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Coins.
    #[command(subcommand)]
    Bank(Bank),
    /// Contracts: code, instances, calls.
    #[command(subcommand)]
    Contract(contract::Command),
    /// Any messages, from a file: one `{"@type": …}` or a list of them. A signer may be left out; what is for a contract is sealed where it stands
    /// as JSON.
    #[command(after_help = "Example:\n  strongroom tx send message.json --from alice")]
    Send {
        /// The file; `-` is the standard input.
        file: PathBuf,
    },
    /// Sign a transaction that `--generate-only` has printed. With --multisig: print the signature of a member.
    #[command(
        after_help = "Example:\n  strongroom tx sign unsigned.json --from alice --yes > signed.json"
    )]
    Sign(offline::Sign),
    /// Put the signatures of members into a transaction of their multisig.
    #[command(
        after_help = "Example:\n  strongroom tx multisign ours.json house alice.sig bob.sig > house.json"
    )]
    Multisign(multisig::Multisign),
    /// Ask how transactions ended that were signed here and may still be included; print those that are left.
    #[command(after_help = "Example:\n  strongroom tx pending")]
    Pending {
        /// Ask nobody: no longer mark the transaction with this hash, which you know to be done, or to be in nobody's hands.
        #[arg(long, value_name = "HASH")]
        forget: Option<String>,
    },
    /// Send a transaction that `sign` has printed.
    #[command(after_help = "Example:\n  strongroom tx broadcast signed.json")]
    Broadcast {
        /// The file; `-` is the standard input.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum Bank {
    /// Send coins.
    #[command(after_help = "Example:\n  strongroom tx bank send bob 1000000uscrt --from alice")]
    Send {
        /// Who gets them: an address, or the name of a key.
        to: String,
        /// Coins, such as 1000000uscrt.
        #[arg(value_parser = coins)]
        amount: Coins,
    },
}

/// What `--gas` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GasLimit {
    Auto,
    Given(Gas),
}

fn gas(text: &str) -> Result<GasLimit, String> {
    if text == "auto" {
        return Ok(GasLimit::Auto);
    }
    let gas = text.parse().ok().filter(|gas| *gas > 0);
    gas.map(GasLimit::Given)
        .ok_or_else(|| "`auto`, or a number above 0".to_owned())
}

fn coins(text: &str) -> Result<Coins, String> {
    let coins = text.parse::<Coins>().ok();
    coins.ok_or_else(|| "coins are written 1000000uscrt, several with commas between".to_owned())
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let keyring = Keyring::new(&args.keyring)?;
    match &args.command {
        Command::Sign(sign) => {
            let key = signer(args, &keyring)?;
            match &sign.multisig {
                Some(multisig) => multisig::sign(args, sign, &address(&keyring, multisig)?, &key),
                None => offline::sign(args, sign, &keyring, &key),
            }
        }
        Command::Multisign(multisign) => multisig::multisign(args, multisign, &keyring),
        Command::Broadcast { file } => {
            let raw = offline::signed(&read(file)?)?;
            send::file(args, &keyring, &raw)
        }
        Command::Pending { forget: None } => send::pending(args, &keyring),
        Command::Pending { forget: Some(hash) } => send::forget(&keyring, hash),
        Command::Bank(Bank::Send { to, amount }) => {
            let to = address(&keyring, to)?;
            send::messages(args, &keyring, async |_, author| {
                Ok(vec![pack(&MsgSend {
                    from_address: author.address().to_string(),
                    to_address: to.to_string(),
                    amount: amount.to_proto_list(),
                })])
            })
        }
        Command::Contract(command) => {
            let ready = command.read()?;
            send::messages(args, &keyring, async |client, author| {
                Ok(vec![ready.message(client, author).await?])
            })
        }
        Command::Send { file } => {
            let messages =
                file::Messages::read(&read(file)?).with_context(|| file.display().to_string())?;
            send::messages(args, &keyring, async |client, author| {
                messages.packed(client, author).await
            })
        }
    }
}

/// The key that `--from` names, opened.
fn signer(args: &Args, keyring: &Keyring) -> anyhow::Result<Account> {
    keyring.get(from(args)?)?.open()
}

fn from(args: &Args) -> anyhow::Result<&str> {
    let from = args.spend.from.as_deref();
    from.context("tx.from: --from names the key that signs and pays (`strongroom keys list`)")
}

/// An address, or that of a key.
pub(crate) fn address(keyring: &Keyring, text: &str) -> anyhow::Result<Address> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let key = keyring
        .get(text)
        .with_context(|| format!("{text} is no address, and no key"))?;
    let address: Option<Address> = key.entry.address.parse().ok();
    address.context("keyring.damaged: the file has no address")
}

/// Where an estimate comes from.
#[derive(Clone, Copy)]
enum Source {
    /// A node, or what is usual.
    Estimate(Estimate),
    /// What is usual, as the node has no time for more.
    NoTime(Estimate),
    /// Calls of the same kind before.
    Known(Known),
}

impl Source {
    fn limit(self) -> Gas {
        match self {
            Self::Estimate(estimate) | Self::NoTime(estimate) => estimate.limit(),
            Self::Known(known) => known.limit(),
        }
    }
}

fn say_gas(limit: Gas, source: Option<Source>, fee: &str, is_believed: bool) {
    let from = match source {
        Some(Source::Known(Known { most, calls })) => format!(
            "the last {calls} such calls of yours used {most} at most; a tenth more, rounded up; --gas sets it"
        ),
        Some(Source::Estimate(Estimate::Simulated { used, .. })) if limit < used / 100 * (100 + MARGIN_PERCENT) => {
            format!("an estimate of {used}, and as much as a block takes")
        }
        Some(Source::Estimate(Estimate::Simulated { used, .. })) => {
            format!("an estimate of {used} and {MARGIN_PERCENT} % more")
        }
        Some(Source::Estimate(Estimate::Guessed { .. })) if is_believed => {
            "what such calls usually get; with --genesis in place of --trust-node a network that simulates calls says more, --gas sets it".to_owned()
        }
        Some(Source::Estimate(Estimate::Guessed { .. })) => {
            "what such calls usually get; this network is not proven to simulate calls, --gas sets it".to_owned()
        }
        Some(Source::NoTime(_)) => {
            "what such calls usually get; the node has no time to run it now, --gas sets it".to_owned()
        }
        None => "--gas".to_owned(),
    };
    talk!("gas {limit} ({from}), fee {fee}");
}

/// Refuses a message that needs another signature than the one that it would get.
fn signs(message: &Any, signer: &Address) -> anyhow::Result<()> {
    let refuse = |other: String| {
        bail!(
            "tx.signer: {} is signed by {other}, and --from is {signer}",
            message.type_url
        )
    };
    for needed in signers::of(message)? {
        match needed {
            Signer::Text(text) if text != signer.to_string() => return refuse(text.to_owned()),
            Signer::Bytes(bytes) if bytes != signer.as_bytes() => {
                let address = Address::from_bytes(bytes);
                return refuse(address.map_or_else(|_| "nobody".to_owned(), |a| a.to_string()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Says what the transaction would use, whatever `--gas` says, and what contracts answer, where a node can run it. What was sealed for them, whoever
/// asks has: it does not go to where the output of a dry run is kept.
fn dry_run(args: &Args, source: Source, done: Option<&Simulation>, tx: &TxBuilder, fee: &str) {
    let used = match source {
        Source::Estimate(Estimate::Simulated { used, .. }) => Some(used),
        Source::Estimate(Estimate::Guessed { .. }) | Source::NoTime(_) => None,
        Source::Known(known) => Some(known.most),
    };
    let limit = tx.gas_limit();
    let opened = done.map(|done| &done.opened);
    let opened = opened.filter(|opened| opened.messages.iter().any(|m| m.input.is_some()));
    if args.network.output == Output::Json {
        let used = used.map(|used| used.to_string());
        let mut said = json!({ "gas_estimate": used, "gas_limit": limit.to_string(), "fee": fee });
        if let Some(opened) = opened {
            said["messages"] = report::messages(opened, Inputs::Hidden);
            said["events"] = report::events(opened);
        }
        say(said);
    } else {
        let used = used.map_or_else(|| "unknown".to_owned(), |used| used.to_string());
        let mut rows = [
            ("gas estimate", used),
            ("gas limit", limit.to_string()),
            ("fee", fee.to_owned()),
        ]
        .map(|(name, what)| [name.to_owned(), what])
        .to_vec();
        if let Some(opened) = opened {
            rows.extend(report::rows(opened, Inputs::Hidden));
        }
        say(table(&rows).trim_end());
    }
}

/// The bytes of a file; `-` is the standard input.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file != Path::new("-") {
        return given::read(file, FILE_BYTES_MAX);
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX)?;
    std::io::stdin().take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_signed_by_who_is_to_sign_it_and_by_nobody_else() {
        let [mine, other] = [1, 2].map(|byte| Address::from_bytes(&[byte; 20]).unwrap());
        let send = pack(&MsgSend {
            from_address: mine.to_string(),
            ..MsgSend::default()
        });
        assert!(signs(&send, &mine).is_ok());
        let error = signs(&send, &other).unwrap_err().to_string();
        assert!(error.starts_with("tx.signer:") && error.contains(&mine.to_string()));
        assert!(signs(&pack(&MsgSend::default()), &mine).is_err());
    }

    #[test]
    fn gas_and_coins_are_read_as_people_write_them() {
        assert_eq!(gas("auto"), Ok(GasLimit::Auto));
        assert_eq!(gas("7"), Ok(GasLimit::Given(7)));
        for bad in ["", "0", "-1", "1.5", "AUTO", "18446744073709551616"] {
            assert!(gas(bad).is_err(), "{bad}");
        }
        assert_eq!(coins("2uscrt,1abc").unwrap().len(), 2);
        assert!(coins("uscrt").is_err() && coins("1").is_err() && coins("1uscrt,1uscrt").is_err());
    }
}
