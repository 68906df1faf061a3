//! `strongroom keys sign` and `keys verify`: statements of an account, as wallets sign them for sites (ADR-36; Keplr's `signArbitrary`).
//!
//! Promises: what is signed moves no coins and opens no contract, whatever the file says. Refuses: a statement of nothing, which wallets do not take.

use crate::keyring::Keyring;
use crate::output::say;
use crate::{given, tx};
use anyhow::{Context as _, ensure};
use std::io::Read as _;
use std::path::Path;
use strongroom_sdk::adr36::Signed;

/// The longest statement, in bytes: so short that people can read it.
const STATEMENT_BYTES_MAX: usize = 64 << 10;
/// The longest file of a signature.
const SIGNATURE_BYTES_MAX: usize = 4 << 10;

/// Signs the bytes of a file, and prints the signature.
pub(crate) fn sign(keyring: &Keyring, name: &str, file: &Path) -> anyhow::Result<()> {
    let statement = statement(file)?;
    let account = keyring.get(name)?.open()?;
    say(Signed::new(&account, &statement)?.to_json());
    Ok(())
}

/// Says whether an account has signed the bytes of a file.
pub(crate) fn check(
    keyring: &Keyring,
    signer: &str,
    file: &Path,
    signature: &Path,
) -> anyhow::Result<()> {
    let signer = tx::address(keyring, signer)?;
    let statement = statement(file)?;
    let name = || signature.display().to_string();
    let json = read(signature, SIGNATURE_BYTES_MAX)?;
    let json = serde_json::from_slice(&json).unwrap_or_default();
    let signed = Signed::from_json(&json);
    let signed = signed.with_context(|| {
        format!(
            "statement.signature: {}: no signature of a wallet, which has `pub_key` and `signature`",
            name()
        )
    })?;
    ensure!(
        signed.is_of(&signer, &statement),
        "statement.not_signed: {} is no signature of {signer} for {}: believe nothing of it",
        name(),
        file.display()
    );
    say(format_args!("signed by {signer}"));
    Ok(())
}

fn statement(file: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = read(file, STATEMENT_BYTES_MAX)?;
    ensure!(
        !bytes.is_empty(),
        "statement.empty: {}: there is nothing in it",
        file.display()
    );
    Ok(bytes)
}

/// A file; `-` is the standard input.
fn read(file: &Path, bytes_max: usize) -> anyhow::Result<Vec<u8>> {
    if file != Path::new("-") {
        return given::read(file, bytes_max);
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(bytes_max)?.saturating_add(1);
    std::io::stdin().take(most).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() <= bytes_max,
        "statement.too_long: more than {bytes_max} bytes"
    );
    Ok(bytes)
}
