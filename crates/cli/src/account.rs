//! `strongroom account …`: files with the mnemonic of an account, for operators and authorities that have no wallet at hand.
//!
//! Promises: the words are in the file and nowhere else: not in arguments, not on the terminal.

use crate::operator;
use crate::output::say;
use anyhow::{Context as _, ensure};
use clap::Subcommand;
use std::path::{Path, PathBuf};
use strongroom_sdk::keys::{Account, mnemonic};
use strongroom_store::files::{self, Readers};
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a new account: its 24 words go to a new file that only this user can read. Keep a copy elsewhere.
    #[command(after_help = "Example:\n  strongroom account new operator.words")]
    New {
        /// The file.
        file: PathBuf,
    },
    /// The address of the account in a file; `-` is the standard input.
    #[command(after_help = "Example:\n  strongroom account address carol.words")]
    Address {
        /// The file.
        file: PathBuf,
    },
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let account = match command {
        Command::New { file } => new(file)?,
        Command::Address { file } => operator::account(file)?,
    };
    say(format_args!("{}", account.address()));
    Ok(())
}

fn new(file: &Path) -> anyhow::Result<Account> {
    ensure!(
        !file.exists(),
        "{} is there already: name another file",
        file.display()
    );
    let mut entropy = Zeroizing::new([0; 32]);
    getrandom::fill(entropy.as_mut()).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    let words = mnemonic(&entropy)?;
    let account = Account::from_mnemonic(&words)?;
    files::write_new(file, words.as_bytes(), Readers::Owner)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_new_account_is_in_its_file_for_its_owner_alone_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("words");
        let made = new(&file).unwrap().address();
        assert_eq!(operator::account(&file).unwrap().address(), made);
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(new(&file).is_err());
        let other = directory.path().join("other");
        assert_ne!(new(&other).unwrap().address(), made);
    }
}
