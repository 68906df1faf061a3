//! Transactions in files, in the JSON of the ecosystem: `{"body": …, "auth_info": …, "signatures": […]}`.
//!
//! Promises: what is signed and what is sent are made of the file in the same way, so a signature fits wherever the file is read.

use crate::online::{self, block_on};
use crate::output::{descriptors, plain};
use crate::{json, say};
use anyhow::{Context as _, bail, ensure};
use clap::Args as ClapArgs;
use prost_reflect::DynamicMessage;
use serde_json::Value;
use std::path::PathBuf;
use strongroom_node::rest::json::Printer;
use strongroom_sdk::client::Position;
use strongroom_sdk::keys::Account;
use strongroom_sdk::tx::{Unsigned, signer_info};
use strongroom_types::proto::Message as _;
use strongroom_types::proto::cosmos::tx::v1beta1::Tx;
use strongroom_types::tx;

const TYPE: &str = "cosmos.tx.v1beta1.Tx";

#[derive(ClapArgs)]
pub(super) struct Sign {
    /// The file; `-` is the standard input.
    file: PathBuf,
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

/// The JSON of a transaction.
pub(super) fn print(tx: &Tx) -> anyhow::Result<String> {
    let pool = descriptors()?;
    let descriptor = pool
        .get_message_by_name(TYPE)
        .context("our own descriptors")?;
    let message = DynamicMessage::decode(descriptor, tx.encode_to_vec().as_slice())?;
    Ok(Printer::new(pool).print(&message))
}

fn parse(bytes: &[u8]) -> anyhow::Result<Tx> {
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

pub(super) fn sign(network: &online::Args, args: &Sign, account: &Account) -> anyhow::Result<()> {
    let mut tx = parse(&super::read(&args.file)?)?;
    let body = tx.body.clone().unwrap_or_default();
    ensure!(!body.messages.is_empty(), "tx.empty: there is no message");
    for message in &body.messages {
        super::signs(message, &account.address())?;
    }
    let (chain_id, position) = match (args.account_number, args.sequence) {
        (Some(number), Some(sequence)) => {
            let chain_id = network.known_chain_id()?;
            let chain_id = chain_id.context("tx.chain_id: --offline needs --chain-id")?;
            (chain_id, Position { number, sequence })
        }
        _ => block_on(async {
            network.require_chain()?;
            let mut client = network.connect().await?;
            let position = client.position(&account.address()).await?;
            Ok((client.chain_id().await?, position))
        })?,
    };
    let mut auth_info = tx.auth_info.take().unwrap_or_default();
    let Some(fee) = &auth_info.fee else {
        bail!("tx.file: the transaction names no fee");
    };
    let paid: Vec<_> = fee
        .amount
        .iter()
        .map(|coin| format!("{}{}", coin.amount, coin.denom))
        .collect();
    eprintln!(
        "signing {} messages for {}, gas {}, fee {}",
        body.messages.len(),
        plain(&chain_id),
        fee.gas_limit,
        paid.join(",")
    );
    auth_info.signer_infos = vec![signer_info(&account.public_key(), position.sequence)];
    let unsigned = Unsigned {
        body: body.encode_to_vec(),
        auth_info: auth_info.encode_to_vec(),
    };
    let signature = unsigned.signature(account, &chain_id, position.number)?;
    tx.auth_info = Some(auth_info);
    tx.signatures = vec![signature.to_vec()];
    let printed = print(&tx)?;
    // What is printed is what was signed: a member that JSON cannot carry would show here, and not at the node.
    let again = signed(printed.as_bytes())?;
    ensure!(
        again == tx::encode(unsigned.body, unsigned.auth_info, tx.signatures),
        "tx.file: this transaction says what its JSON cannot carry"
    );
    say(printed);
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
