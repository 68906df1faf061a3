//! Transactions in files, in the JSON of the ecosystem: `{"body": …, "auth_info": …, "signatures": […]}`.
//!
//! Promises: what is signed and what is sent are made of the file in the same way, so a signature fits wherever the file is read.

use super::history::{self, Block};
use super::pending::{Mark, Pending, View};
use super::{Args, words};
use crate::json;
use crate::keyring::Keyring;
use crate::online::block_on;
use crate::output::say;
use crate::output::{descriptors, plain};
use anyhow::{Context as _, bail, ensure};
use clap::Args as ClapArgs;
use prost_reflect::DynamicMessage;
use serde_json::Value;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use strongroom_node::rest::json::Printer;
use strongroom_sdk::client::{Position, effect};
use strongroom_sdk::keys::Account;
use strongroom_sdk::message::Sealer;
use strongroom_sdk::tx::{Unsigned, signer_info};
use strongroom_types::proto::Message as _;
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::cosmos::tx::v1beta1::{Tx, TxBody};
use strongroom_types::{Address, sha256, tx};

const TYPE: &str = "cosmos.tx.v1beta1.Tx";

#[derive(ClapArgs)]
pub(super) struct Sign {
    /// The file; `-` is the standard input.
    pub(super) file: PathBuf,
    /// Sign as a member of this multisig, a name or an address. The signature alone is printed, for `tx multisign`.
    #[arg(long, value_name = "KEY")]
    pub(super) multisig: Option<String>,
    /// Do not ask whether to sign it.
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) place: Offline,
}

/// Where an account stands, told instead of asked for.
#[derive(ClapArgs)]
pub(super) struct Offline {
    /// Ask no node. Needs --chain-id, --account-number and --sequence.
    #[arg(long, requires_all = ["account_number", "sequence"])]
    offline: bool,
    /// Number of the account.
    #[arg(long, value_name = "N", requires = "offline")]
    account_number: Option<u64>,
    /// Next sequence of the account.
    #[arg(long, value_name = "N", requires = "offline")]
    sequence: Option<u64>,
}

impl Offline {
    /// Chain and position as the command line tells them.
    fn told(&self, args: &Args) -> anyhow::Result<Option<(String, Position)>> {
        let (Some(number), Some(sequence)) = (self.account_number, self.sequence) else {
            return Ok(None);
        };
        let chain_id = args.network.known_chain_id()?;
        let chain_id = chain_id.context("tx.chain_id: --offline needs --chain-id")?;
        Ok(Some((chain_id, Position { number, sequence })))
    }

    /// Chain and position of an account, told or asked for.
    pub(super) fn of(&self, args: &Args, address: &Address) -> anyhow::Result<(String, Position)> {
        if let Some(told) = self.told(args)? {
            return Ok(told);
        }
        args.network.require_trust()?;
        block_on(async {
            let mut client = args.network.connect().await?;
            let position = client.position(address).await?;
            Ok((client.chain_id().await?, position))
        })
    }
}

/// The JSON of a transaction.
pub(super) fn print(tx: &Tx) -> anyhow::Result<String> {
    let pool = descriptors()?;
    let descriptor = pool
        .get_message_by_name(TYPE)
        .context("our own descriptors")?;
    let message = DynamicMessage::decode(descriptor, tx.encode_to_vec().as_slice())?;
    Ok(Printer::new(pool).print(&message))
}

pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Tx> {
    let file: Value = serde_json::from_slice(bytes).context("tx.file: this is no JSON")?;
    ensure!(
        file["body"].is_object() && file["auth_info"].is_object(),
        "tx.file: this is no transaction: it has no `body` and `auth_info`"
    );
    let pool = descriptors()?;
    let descriptor = pool
        .get_message_by_name(TYPE)
        .context("our own descriptors")?;
    let message = json::message(&pool, &descriptor, file)?;
    Ok(Tx::decode(message.encode_to_vec().as_slice())?)
}

/// The raw transaction of a file that is signed.
pub(super) fn signed(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let Tx {
        body,
        auth_info,
        signatures,
    } = parse(bytes)?;
    ensure!(
        !signatures.is_empty(),
        "tx.not_signed: nobody has signed it: `strongroom tx sign` does"
    );
    let body = body.unwrap_or_default().encode_to_vec();
    let auth_info = auth_info.unwrap_or_default().encode_to_vec();
    Ok(tx::encode(body, auth_info, signatures))
}

/// Coins as people write them.
pub(super) fn coins(coins: &[Coin]) -> String {
    let coins = coins.iter().map(|c| format!("{}{}", c.amount, c.denom));
    match coins.collect::<Vec<_>>().join(",") {
        none if none.is_empty() => "nothing".to_owned(),
        some => some,
    }
}

/// What a signature is for.
struct Scene {
    chain_id: String,
    position: Position,
    effect: [u8; 32],
    sealer: Option<Sealer>,
    /// Blocks of the chain, as [`Mark::history`].
    history: Vec<Block>,
}

pub(super) fn sign(
    args: &Args,
    sign: &Sign,
    keyring: &Keyring,
    account: &Account,
) -> anyhow::Result<()> {
    let mut tx = parse(&super::read(&sign.file)?)?;
    let body = tx.body.clone().unwrap_or_default();
    ensure!(!body.messages.is_empty(), "tx.empty: there is no message");
    for message in &body.messages {
        super::signs(message, &account.address())?;
    }
    let mut auth_info = tx.auth_info.take().unwrap_or_default();
    let Some(fee) = &auth_info.fee else {
        bail!("tx.file: the transaction names no fee");
    };
    let (scene, mut pending) = scene(args, sign, keyring, account, &body)?;
    let Position { number, sequence } = scene.position;
    let effect = hex::encode(scene.effect);
    pending.check(&effect, sequence, args.spend.again)?;
    talk!(
        "to be signed by {} for {}, with sequence {sequence}:",
        account.address(),
        plain(&scene.chain_id)
    );
    for line in words::of(&descriptors()?, &body, fee, scene.sealer.as_ref()) {
        talk!("{line}");
    }
    confirm(sign.yes)?;
    auth_info.signer_infos = vec![signer_info(&account.public_key(), sequence)];
    let unsigned = Unsigned {
        body: body.encode_to_vec(),
        auth_info: auth_info.encode_to_vec(),
    };
    let signature = unsigned.signature(account, &scene.chain_id, number)?;
    tx.auth_info = Some(auth_info);
    tx.signatures = vec![signature.to_vec()];
    let printed = print(&tx)?;
    // What is printed is what was signed: a member that JSON cannot carry would show here, and not at the node.
    let raw = signed(printed.as_bytes())?;
    ensure!(
        raw == tx::encode(unsigned.body, unsigned.auth_info, tx.signatures),
        "tx.file: this transaction says what its JSON cannot carry"
    );
    pending.mark(Mark {
        txhash: hex::encode_upper(sha256(&raw)),
        sequence,
        timeout_height: body.timeout_height,
        effect,
        awaited: false,
        history: scene.history,
    })?;
    say(printed);
    Ok(())
}

/// Chain and position as the command line tells them, or as a node does; and what of this account is pending.
fn scene(
    args: &Args,
    sign: &Sign,
    keyring: &Keyring,
    account: &Account,
    body: &TxBody,
) -> anyhow::Result<(Scene, Pending)> {
    let address = account.address();
    if let Some((chain_id, Position { number, sequence })) = sign.place.told(args)? {
        let pending = Pending::open(keyring, &address, &chain_id)?;
        let scene = Scene {
            chain_id,
            position: Position { number, sequence },
            effect: effect(account, None, &body.messages, &body.memo),
            sealer: None,
            history: Vec::new(),
        };
        return Ok((scene, pending));
    }
    args.network.require_trust()?;
    block_on(async {
        let mut client = args.network.connect().await?;
        let chain_id = client.chain_id().await?;
        let mut pending = Pending::open(keyring, &address, &chain_id)?;
        let effect = client.effect(account, &body.messages, &body.memo).await?;
        let effect_text = hex::encode(effect);
        let effect_once = Some(effect_text.as_str()).filter(|_| !args.spend.again);
        let view = View {
            client: &mut client,
            is_believed: args.network.trusts_node()?,
        };
        pending.resolve(view, effect_once).await?;
        let scene = Scene {
            chain_id,
            position: client.position(&address).await?,
            effect,
            sealer: Some(client.sealer(account).await?),
            history: history::seen(&mut client).await?,
        };
        Ok((scene, pending))
    })
}

/// Asks whoever sits at the terminal. Where nobody does, nothing is signed unasked.
pub(super) fn confirm(yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    ensure!(
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        "tx.not_sure: there is no terminal to ask, and nothing was signed: --yes signs what was said above"
    );
    eprint!("Type yes to sign it: ");
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    ensure!(typed.trim() == "yes", "tx.not_sure: nothing was signed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use strongroom_sdk::tx::TxBuilder;
    use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;

    #[test]
    fn a_transaction_goes_through_its_file_byte_for_byte() {
        let account = Account::from_bytes(&[7; 32]).unwrap();
        let builder = TxBuilder::new("test-1")
            .memo("for <tea> \u{1f375}")
            .message(&MsgSend {
                from_address: account.address().to_string(),
                ..MsgSend::default()
            });
        let mut tx = builder.without_signer();
        let error = signed(print(&tx).unwrap().as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("tx.not_signed:"));
        let auth = tx.auth_info.as_mut().unwrap();
        auth.signer_infos = vec![signer_info(&account.public_key(), 3)];
        let unsigned = builder.unsigned(&account.public_key(), 3);
        let signature = unsigned.signature(&account, "test-1", 9).unwrap();
        tx.signatures = vec![signature.to_vec()];
        let raw = builder.sign(&account, 9, 3).unwrap();
        assert_eq!(signed(print(&tx).unwrap().as_bytes()).unwrap(), raw);
    }

    #[test]
    fn what_is_no_transaction_is_told_so() {
        let signature = base64::engine::general_purpose::STANDARD.encode([1; 64]);
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"body":{}}"#,
            &format!(r#"{{"body":{{}},"auth_info":{{}},"signature":["{signature}"]}}"#),
        ] {
            assert!(signed(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
