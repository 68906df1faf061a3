//! Transactions of multisigs: each member signs the Amino document, then somebody puts the signatures together. No node is needed for it.
//!
//! Promises: a signature that does not hold, or is of no member, is refused before it is put into the transaction; so are too few.
//! The file of a signature is that of the ecosystem: `{"signatures": [{"public_key", "data": {"single": {"mode", "signature"}}, "sequence"}]}`.

use super::offline::{self, Offline, Sign};
use super::{Args, read, signs, words};
use crate::keyring;
use crate::keyring::Keyring;
use crate::output::say;
use crate::output::{descriptors, plain};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use strongroom_sdk::keys::Account;
use strongroom_sdk::tx::{Place, is_signed_by, multisigner};
use strongroom_types::proto::Message as _;
use strongroom_types::proto::cosmos::tx::v1beta1::Tx;
use strongroom_types::public_key::PublicKey;
use strongroom_types::{Address, tx};

const KEY_TYPE: &str = "/cosmos.crypto.secp256k1.PubKey";
const MODE: &str = "SIGN_MODE_LEGACY_AMINO_JSON";

#[derive(ClapArgs)]
pub(super) struct Multisign {
    /// The transaction that the members have signed; `-` is the standard input.
    file: PathBuf,
    /// Name of the multisig.
    key: String,
    /// The signatures: files that `tx sign --multisig` has printed.
    #[arg(required = true, value_name = "SIGNATURE")]
    signatures: Vec<PathBuf>,
    #[command(flatten)]
    place: Offline,
}

/// What is signed: the Amino document.
fn document(tx: &Tx, place: Place<'_>) -> anyhow::Result<Vec<u8>> {
    let body = tx.body.as_ref().context("tx.file: there is no body")?;
    let auth = tx.auth_info.as_ref();
    let fee = auth.and_then(|auth| auth.fee.as_ref());
    let fee = fee.context("tx.file: the transaction names no fee")?;
    ensure!(
        auth.is_some_and(|auth| auth.tip.is_none()),
        "tx.amino: what members of a multisig sign covers no tip"
    );
    let document = place.amino_document(body, fee);
    document.context("tx.amino: members of a multisig sign the Amino form of a transaction, and this one has none")
}

/// Prints the signature of a member.
pub(super) fn sign(
    args: &Args,
    sign: &Sign,
    multisig: &Address,
    member: &Account,
) -> anyhow::Result<()> {
    let tx = offline::parse(&read(&sign.file)?)?;
    let body = tx.body.clone().unwrap_or_default();
    ensure!(!body.messages.is_empty(), "tx.empty: there is no message");
    for message in &body.messages {
        signs(message, multisig)?;
    }
    let (chain_id, position) = sign.place.of(args, multisig)?;
    let place = Place {
        chain_id: &chain_id,
        account_number: position.number,
        sequence: position.sequence,
    };
    let document = document(&tx, place)?;
    talk!(
        "to be signed by {} for the multisig {multisig} on {}, with sequence {}:",
        member.address(),
        plain(&chain_id),
        position.sequence
    );
    let fee = tx.auth_info.unwrap_or_default().fee.unwrap_or_default();
    for line in words::of(&descriptors()?, &body, &fee, None) {
        talk!("{line}");
    }
    offline::confirm(sign.yes)?;
    let signature = member.sign(&document)?;
    say(json!({ "signatures": [{
        "public_key": { "@type": KEY_TYPE, "key": STANDARD.encode(member.public_key()) },
        "data": { "single": { "mode": MODE, "signature": STANDARD.encode(signature) } },
        "sequence": position.sequence.to_string(),
    }] }));
    Ok(())
}

/// Prints the transaction with the signatures of members.
pub(super) fn multisign(
    args: &Args,
    multisign: &Multisign,
    keyring: &Keyring,
) -> anyhow::Result<()> {
    let named = keyring.get(&multisign.key)?;
    let key = named.entry.multisig.as_ref();
    let key = key.with_context(|| format!("keyring.multisig: {} is no multisig", named.name))?;
    let address = PublicKey::Multisig(key.clone()).address();
    let mut tx = offline::parse(&read(&multisign.file)?)?;
    for message in &tx.body.clone().unwrap_or_default().messages {
        signs(message, &address)?;
    }
    let (chain_id, position) = multisign.place.of(args, &address)?;
    let place = Place {
        chain_id: &chain_id,
        account_number: position.number,
        sequence: position.sequence,
    };
    let document = document(&tx, place)?;
    let members = named.entry.members();
    let mut given = vec![None; members.len()];
    for file in &multisign.signatures {
        for (public_key, signature) in signatures(file)? {
            let name = || file.display().to_string();
            // A key may be a member more than once: each place takes a signature of its own.
            let places = members
                .iter()
                .enumerate()
                .filter(|(_, key)| **key == public_key);
            let free = places
                .map(|(n, _)| n)
                .filter(|n| given.get(*n) == Some(&None));
            let places: Vec<usize> = free.collect();
            let is_member = members.contains(&public_key);
            ensure!(
                is_member,
                "tx.member: {}: the signature is of no member",
                name()
            );
            ensure!(
                is_signed_by(&public_key, &document, &signature),
                "tx.signature: {}: the signature is of another transaction, chain, account or sequence (here {} of account {} on {})",
                name(),
                position.sequence,
                position.number,
                plain(&chain_id)
            );
            if let Some(place) = places.first().and_then(|n| given.get_mut(*n)) {
                *place = Some(signature);
            }
        }
    }
    let signed = given.iter().flatten().count();
    let threshold = usize::try_from(key.threshold())?;
    ensure!(
        signed >= threshold,
        "tx.threshold: {signed} members have signed, and {threshold} must"
    );
    let (info, signature) = multisigner(key, position.sequence, &given);
    let mut auth_info = tx.auth_info.take().unwrap_or_default();
    auth_info.signer_infos = vec![info];
    let body = tx.body.clone().unwrap_or_default().encode_to_vec();
    let raw = tx::encode(body, auth_info.encode_to_vec(), vec![signature.clone()]);
    tx.auth_info = Some(auth_info);
    tx.signatures = vec![signature];
    let printed = offline::print(&tx)?;
    ensure!(
        offline::signed(printed.as_bytes())? == raw,
        "tx.file: this transaction says what its JSON cannot carry"
    );
    say(printed);
    Ok(())
}

/// Public keys and signatures of a file.
fn signatures(file: &Path) -> anyhow::Result<Vec<([u8; 33], [u8; 64])>> {
    let parsed: Option<Value> = serde_json::from_slice(&read(file)?).ok();
    let all = parsed
        .as_ref()
        .and_then(|value| value["signatures"].as_array());
    let one = |entry: &Value| {
        let key = entry["public_key"]["key"].as_str()?;
        let Some(PublicKey::Secp256k1(key)) = keyring::public_key(key) else {
            return None;
        };
        let single = &entry["data"]["single"];
        let signature = STANDARD.decode(single["signature"].as_str()?).ok()?;
        let fits = entry["public_key"]["@type"] == KEY_TYPE && single["mode"] == MODE;
        fits.then_some((key, signature.try_into().ok()?))
    };
    let read: Option<Vec<_>> = all.and_then(|all| all.iter().map(one).collect());
    let read = read.filter(|read| !read.is_empty());
    read.with_context(|| {
        format!(
            "tx.signature: {}: this is no signature of a member: `strongroom tx sign --multisig` prints one",
            file.display()
        )
    })
}
