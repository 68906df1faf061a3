//! `strongroom keys …`: the keys of a person. Files with the words of an account, for machines, are `strongroom account`.
//!
//! Promises: no key is printed unless it is asked for by a word of its own; the words of a new key are told once, on standard error, before it
//! is kept.

use crate::keyring::{self, Entry, Keyring, Named, ask, ask_new, ask_silently};
use crate::operator::one_line;
use crate::output::say;
use crate::output::{Output, headed, plain, table};
use crate::statement;
use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args as ClapArgs, Subcommand};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use strongroom_sdk::keys::{Account, HD_PATH, mnemonic};
use strongroom_store::files::{self, Readers};
use strongroom_types::public_key::Multisig;
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
        /// Write the words to this new file, which only this user can read, and tell them to nobody.
        #[arg(long, value_name = "FILE")]
        words: Option<PathBuf>,
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
    /// Make an account of several keys: so many of them must sign. It has no key of its own.
    #[command(
        after_help = "Example:\n  strongroom keys multisig house --threshold 2 alice bob carol"
    )]
    Multisig {
        /// Name of the account.
        name: String,
        /// Its members: names of keys, or their public keys in base64.
        #[arg(required = true, value_name = "KEY")]
        members: Vec<String>,
        /// How many must sign.
        #[arg(long, value_name = "N")]
        threshold: u32,
        /// Keep the members in this order, which is part of the address [default: by their addresses, as other tools have it].
        #[arg(long)]
        no_sort: bool,
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
    /// Sign a statement, as wallets do it for sites (ADR-36): no transaction, and it costs nothing.
    #[command(after_help = "Example:\n  strongroom keys sign alice login.txt > login.sig")]
    Sign {
        /// Name of the key, or its address.
        name: String,
        /// The file with the statement; `-` is the standard input.
        file: PathBuf,
    },
    /// Say whether an account has signed a statement, here or in a wallet such as Keplr.
    #[command(after_help = "Example:\n  strongroom keys verify alice login.txt login.sig")]
    Verify {
        /// Address of the account, or the name of its key.
        signer: String,
        /// The file with the statement; `-` is the standard input.
        file: PathBuf,
        /// The file with the signature, as wallets give it.
        signature: PathBuf,
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
        Command::Add { name, words } => add(&keyring, name, words.as_deref(), args.output),
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
        Command::List => {
            let (keys, broken) = keyring.list()?;
            list(&keys, args.output)?;
            for error in &broken {
                talk!("{}", plain(&crate::output::in_one_line(error)));
            }
            let some = broken.len();
            ensure!(
                some == 0,
                "keyring.damaged: {some} of the files there cannot be read: they are named above"
            );
            Ok(())
        }
        Command::Show { name, address } => {
            let key = keyring.get(name)?;
            match address {
                true => say(plain(&key.entry.address)),
                false => show(&key.name, &key.entry, args.output)?,
            }
            Ok(())
        }
        Command::Multisig {
            name,
            members,
            threshold,
            no_sort,
        } => {
            keyring.free(name)?;
            let key = multisig(&keyring, members, *threshold, !no_sort)?;
            keyring.add_multisig(name, key)?;
            show(name, &keyring.get(name)?.entry, args.output)
        }
        Command::Export { name, unsafe_plain } => export(&keyring.get(name)?, *unsafe_plain),
        Command::Import { name, file, hex } => {
            keyring.free(name)?;
            keep(&keyring, name, &import(file, *hex)?, args.output)
        }
        Command::Sign { name, file } => statement::sign(&keyring, name, file),
        Command::Verify {
            signer,
            file,
            signature,
        } => statement::check(&keyring, signer, file, signature),
        Command::Delete { name, yes } => delete(&keyring, name, *yes),
    }
}

fn add(
    keyring: &Keyring,
    name: &str,
    words_file: Option<&Path>,
    output: Output,
) -> anyhow::Result<()> {
    keyring.free(name)?;
    let mut entropy = Zeroizing::new([0; 32]);
    getrandom::fill(entropy.as_mut()).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    let words = mnemonic(&entropy)?;
    let account = Account::from_mnemonic(&words)?;
    let mut told = false;
    let kept = keyring.add_after(name, &account, || {
        match words_file {
            Some(file) => write_words(file, &words)?,
            None => tell_words(&words)?,
        }
        told = true;
        Ok(())
    });
    if kept.is_err() && told {
        talk!("the key could not be kept: the words are those of no key of this keyring");
    }
    kept?;
    show(name, &Entry::plain(&account), output)
}

/// Tells the words of a key before the key is kept: whoever has not got them has no key either.
fn tell_words(words: &str) -> anyhow::Result<()> {
    ensure!(
        is_heard(),
        "keyring.unheard: nobody would read the words of the key, for standard error leads nowhere: `--words FILE` writes them to a file"
    );
    let text = Zeroizing::new(format!(
        "Write these words down and keep them apart from this machine. They are not shown again:\n{words}\n"
    ));
    let mut talk = std::io::stderr();
    let told = talk.write_all(text.as_bytes()).and_then(|()| talk.flush());
    told.context("keyring.unheard: the words of the key could not be told")
}

/// Whether standard error leads to somebody: a closed one is opened on the device that swallows everything when a process starts.
fn is_heard() -> bool {
    let (stderr, nowhere) = (
        rustix::fs::fstat(std::io::stderr()),
        rustix::fs::stat("/dev/null"),
    );
    match (stderr, nowhere) {
        (Ok(stderr), Ok(nowhere)) => {
            (stderr.st_dev, stderr.st_ino) != (nowhere.st_dev, nowhere.st_ino)
        }
        (stderr, _) => stderr.is_ok(),
    }
}

fn write_words(file: &Path, words: &str) -> anyhow::Result<()> {
    let name = || format!("keyring.words: {}", file.display());
    ensure!(
        file.symlink_metadata().is_err(),
        "{}: it is there already: name another file",
        name()
    );
    files::write_new(file, words.as_bytes(), Readers::Owner).with_context(name)
}

fn keep(keyring: &Keyring, name: &str, account: &Account, output: Output) -> anyhow::Result<()> {
    keyring.add(name, account)?;
    show(name, &Entry::plain(account), output)
}

fn multisig(
    keyring: &Keyring,
    members: &[String],
    threshold: u32,
    sort: bool,
) -> anyhow::Result<Multisig> {
    let one = |member: &String| match keyring::public_key(member) {
        Some(key) => Ok(key),
        None => {
            let entry = keyring.get(member)?.entry;
            let key = keyring::public_key(&STANDARD.encode(&entry.public_key));
            key.with_context(|| format!("keyring.multisig: {member} is no single key"))
        }
    };
    let mut keys = members
        .iter()
        .map(one)
        .collect::<anyhow::Result<Vec<_>>>()?;
    if sort {
        keys.sort_by_key(|key| key.address().as_bytes().to_vec());
    }
    let made = Multisig::new(threshold, keys);
    made.map_err(|error| anyhow::anyhow!("keyring.multisig: {}", error.text))
}

fn shown(name: &str, entry: &Entry) -> Value {
    let Some(multisig) = &entry.multisig else {
        return json!({
            "name": name,
            "address": entry.address,
            "public_key": STANDARD.encode(&entry.public_key),
        });
    };
    let members = entry.members().into_iter().map(|key| STANDARD.encode(key));
    json!({
        "name": name,
        "address": entry.address,
        "threshold": multisig.threshold(),
        "public_keys": members.collect::<Vec<_>>(),
    })
}

fn show(name: &str, entry: &Entry, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        say(shown(name, entry));
        return Ok(());
    }
    let mut rows = vec![
        ["name".to_owned(), name.to_owned()],
        ["address".to_owned(), plain(&entry.address)],
    ];
    match &entry.multisig {
        None => rows.push(["public key".to_owned(), STANDARD.encode(&entry.public_key)]),
        Some(multisig) => {
            rows.push(["threshold".to_owned(), multisig.threshold().to_string()]);
            let members = entry.members().into_iter();
            rows.extend(members.map(|key| ["member".to_owned(), STANDARD.encode(key)]));
        }
    }
    say(table(&rows).trim_end());
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
    say(headed(&table(&rows)).trim_end());
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
    let bytes = Zeroizing::new(input(
        file,
        "Key file in one line, or private key in hex: ",
    )?);
    // What `export --unsafe-plain` has printed.
    let text = bytes.trim_ascii();
    let seems_hex = text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit);
    if !is_hex && !seems_hex {
        let entry = Entry::from_json(text).with_context(name)?;
        return entry.open(|| ask(&name())).with_context(name);
    }
    let mut key = Zeroizing::new([0; 32]);
    let decoded = hex::decode_to_slice(text, key.as_mut()).ok();
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
    talk!("the key {} is removed", key.name);
    Ok(())
}
