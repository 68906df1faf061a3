//! `strongroom keys …`: the keys of a person. Files with the words of an account, for machines, are `strongroom account`.
//!
//! Promises: no key is printed unless it is asked for by a word of its own; the words of a new key are told once, on standard error.

use crate::keyring::{self, Entry, Keyring, Named, ask, ask_new, ask_silently};
use crate::operator::one_line;
use crate::output::{Output, plain, table};
use crate::say;
use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use strongroom_sdk::keys::{Account, HD_PATH, mnemonic};
use zeroize::Zeroizing;

/// The longest file that is imported, or mnemonic that is read.
const INPUT_BYTES_MAX: u64 = 64 << 10;

#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    keyring: keyring::Args,
    /// For people, or for programs.
    #[arg(long, global = true, value_enum, default_value = "text")]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new key. Its 24 words are told once, on standard error: whoever has them has the account.
    #[command(after_help = "Example:\n  strongroom keys add alice")]
    Add {
        /// Name of the key.
        name: String,
    },
    /// Bring a key back from its words, which are read from a file or from standard input.
    #[command(after_help = "Example:\n  strongroom keys recover carol --words carol.words")]
    Recover {
        /// Name of the key.
        name: String,
        /// File with the words; `-` is the standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        words: PathBuf,
        /// Derivation path, of BIP-32.
        #[arg(long, value_name = "PATH", default_value = HD_PATH)]
        hd_path: String,
    },
    /// All keys, by name.
    #[command(after_help = "Example:\n  strongroom keys list")]
    List,
    /// One key: its address and its public key.
    #[command(after_help = "Example:\n  strongroom keys show alice --address")]
    Show {
        /// Name of the key, or its address.
        name: String,
        /// The address alone.
        #[arg(long)]
        address: bool,
    },
    /// Print a key, under a passphrase of its own.
    #[command(after_help = "Example:\n  strongroom keys export alice > alice.key")]
    Export {
        /// Name of the key.
        name: String,
        /// Print the private key in clear, in hex. Whoever reads it has the account.
        #[arg(long)]
        unsafe_plain: bool,
    },
    /// Take a key that `export` has printed.
    #[command(after_help = "Example:\n  strongroom keys import alice2 alice.key")]
    Import {
        /// Name of the key.
        name: String,
        /// The file; `-` is the standard input.
        file: PathBuf,
        /// The file holds a private key in clear, in hex.
        #[arg(long)]
        hex: bool,
    },
    /// Remove a key. Without its words or an export nobody can bring it back.
    #[command(after_help = "Example:\n  strongroom keys delete alice2 --yes")]
    Delete {
        /// Name of the key.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let keyring = Keyring::new(&args.keyring)?;
    match &args.command {
        Command::Add { name } => add(&keyring, name, args.output),
        Command::Recover {
            name,
            words,
            hd_path,
        } => {
            keyring.free(name)?;
            let bytes = Zeroizing::new(input(words, "Words: ")?);
            let words = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
            let account = Account::derived(&one_line(&words), hd_path)?;
            keep(&keyring, name, &account, args.output)
        }
        Command::List => list(&keyring.list()?, args.output),
        Command::Show { name, address } => {
            let key = keyring.get(name)?;
            match address {
                true => say(plain(&key.entry.address)),
                false => show(&key.name, &key.entry, args.output)?,
            }
            Ok(())
        }
        Command::Export { name, unsafe_plain } => export(&keyring.get(name)?, *unsafe_plain),
        Command::Import { name, file, hex } => {
            keyring.free(name)?;
            keep(&keyring, name, &import(file, *hex)?, args.output)
        }
        Command::Delete { name, yes } => delete(&keyring, name, *yes),
    }
}

fn add(keyring: &Keyring, name: &str, output: Output) -> anyhow::Result<()> {
    keyring.free(name)?;
    let mut entropy = Zeroizing::new([0; 32]);
    getrandom::fill(entropy.as_mut()).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    let words = mnemonic(&entropy)?;
    keep(keyring, name, &Account::from_mnemonic(&words)?, output)?;
    // After the key is kept: words of a key that is not there would only confuse.
    let mut talk = std::io::stderr();
    let told = writeln!(
        talk,
        "Write these words down and keep them apart from this machine. They are not shown again:\n{}",
        *words
    );
    told.context("the words could not be told: `strongroom keys export` gives the key")
}

fn keep(keyring: &Keyring, name: &str, account: &Account, output: Output) -> anyhow::Result<()> {
    keyring.add(name, account)?;
    show(name, &Entry::plain(account), output)
}

fn shown(name: &str, entry: &Entry) -> Value {
    json!({
        "name": name,
        "address": entry.address,
        "public_key": STANDARD.encode(&entry.public_key),
    })
}

fn show(name: &str, entry: &Entry, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        say(shown(name, entry));
        return Ok(());
    }
    let public_key = STANDARD.encode(&entry.public_key);
    let rows = [
        ["name", name],
        ["address", &plain(&entry.address)],
        ["public key", &public_key],
    ];
    say(table(&rows.map(|row| row.map(str::to_owned))).trim_end());
    Ok(())
}

fn list(keys: &[Named], output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| shown(&key.name, &key.entry))
            .collect();
        say(serde_json::to_string(&keys)?);
        return Ok(());
    }
    let mut rows = vec![["NAME", "ADDRESS"].map(str::to_owned)];
    let row = |key: &Named| [plain(&key.name), plain(&key.entry.address)];
    rows.extend(keys.iter().map(row));
    say(table(&rows).trim_end());
    Ok(())
}

fn export(key: &Named, plain: bool) -> anyhow::Result<()> {
    let account = key.open()?;
    if plain {
        let text = Zeroizing::new(hex::encode(account.expose_secret()));
        say(&*text);
        return Ok(());
    }
    let passphrase = ask_new(&format!("the export of {}", key.name))?;
    say(&*Entry::sealed(&account, &passphrase)?.to_json()?);
    Ok(())
}

fn import(file: &Path, is_hex: bool) -> anyhow::Result<Account> {
    let name = || file.display().to_string();
    if !is_hex {
        let bytes = Zeroizing::new(input(file, "Key file, in one line: ")?);
        let entry = Entry::from_json(&bytes).with_context(name)?;
        return entry.open(|| ask(&name())).with_context(name);
    }
    let bytes = Zeroizing::new(input(file, "Private key in hex: ")?);
    let mut key = Zeroizing::new([0; 32]);
    let decoded = hex::decode_to_slice(bytes.trim_ascii(), key.as_mut()).ok();
    let account = decoded.and_then(|()| Account::from_bytes(&key).ok());
    account.with_context(|| {
        format!(
            "keyring.hex: {}: no private key in 64 hexadecimal digits",
            name()
        )
    })
}

/// A secret from a file, from standard input, or from a terminal, which does not show it.
fn input(file: &Path, prompt: &str) -> anyhow::Result<Vec<u8>> {
    let name = || file.display().to_string();
    let mut bytes = Vec::new();
    if file != Path::new("-") {
        let opened = std::fs::File::open(file).with_context(name)?;
        opened
            .take(INPUT_BYTES_MAX)
            .read_to_end(&mut bytes)
            .with_context(name)?;
    } else if std::io::stdin().is_terminal() {
        bytes.extend_from_slice(ask_silently(prompt)?.as_bytes());
    } else {
        std::io::stdin()
            .take(INPUT_BYTES_MAX)
            .read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn delete(keyring: &Keyring, name: &str, yes: bool) -> anyhow::Result<()> {
    let key = keyring.get(name)?;
    if !yes {
        ensure!(
            std::io::stdin().is_terminal(),
            "keyring.not_sure: there is no terminal to ask: `--yes` removes the key {}",
            key.name
        );
        eprint!("Type the name of the key to remove {}: ", key.entry.address);
        let mut typed = String::new();
        std::io::stdin().read_line(&mut typed)?;
        if typed.trim() != key.name {
            bail!("keyring.not_sure: nothing was removed");
        }
    }
    keyring.delete(&key.name)?;
    eprintln!("the key {} is removed", key.name);
    Ok(())
}
