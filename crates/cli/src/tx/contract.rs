//! `strongroom tx contract …`.

use super::coins;
use crate::given;
use crate::online::say_key;
use crate::rpc::Client;
use anyhow::{Context as _, ensure};
use clap::Subcommand;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};
use strongroom_sdk::client::{Author, Instantiate};
use strongroom_types::proto::secret::compute::v1beta1::MsgStoreCode;
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Address, Coins};

/// The largest code that a chain takes, in bytes: the highest value of its parameter.
const CODE_BYTES_MAX: usize = 2 << 20;
/// The longest message in a file.
const MESSAGE_BYTES_MAX: usize = 2 << 20;
/// How wasm begins, and gzip.
const MAGICS: [&[u8]; 2] = [b"\0asm", b"\x1f\x8b"];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Store the code of a contract; the answer names its number.
    #[command(after_help = "Example:\n  strongroom tx contract store counter.wasm --from alice")]
    Store {
        /// The code: wasm, as it is or in gzip.
        file: PathBuf,
        /// Where its source is.
        #[arg(long, default_value = "")]
        source: String,
    },
    /// Make a contract of a code; the answer names its address.
    #[command(
        after_help = "Example:\n  strongroom tx contract instantiate 1 '{\"count\":5}' --label counter --from alice"
    )]
    Instantiate {
        /// Number of the code.
        code_id: u64,
        /// Message in JSON; `@FILE` reads it from a file.
        message: String,
        /// The contract's name: no other may have it.
        #[arg(long)]
        label: String,
        /// Who may migrate the contract [default: nobody].
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        admin: Option<Address>,
        /// Coins for the contract.
        #[arg(long, value_name = "COINS", value_parser = coins, default_value = "")]
        funds: Coins,
    },
    /// Call a contract.
    #[command(
        after_help = "Example:\n  strongroom tx contract execute \"$(cat counter)\" '{\"increment\":{}}' --from alice"
    )]
    Execute {
        /// The contract.
        #[arg(value_parser = address)]
        contract: Address,
        /// Message in JSON; `@FILE` reads it from a file.
        message: String,
        /// Coins for the contract.
        #[arg(long, value_name = "COINS", value_parser = coins, default_value = "")]
        funds: Coins,
    },
    /// Give a contract other code. Signed by its admin.
    #[command(
        after_help = "Example:\n  strongroom tx contract migrate \"$(cat upgradable)\" 2 '{\"note\":\"moved in\"}' --from alice"
    )]
    Migrate {
        /// The contract.
        #[arg(value_parser = address)]
        contract: Address,
        /// Number of the new code.
        code_id: u64,
        /// Message in JSON; `@FILE` reads it from a file.
        message: String,
    },
}

/// A command whose files are read.
pub(super) struct Ready<'c> {
    command: &'c Command,
    code: Vec<u8>,
    message: Box<RawValue>,
}

pub(crate) fn address(text: &str) -> Result<Address, String> {
    text.parse()
        .map_err(|e: strongroom_types::address::AddressError| e.to_string())
}

/// JSON of the command line or of a file, as it is written: numbers keep all their digits.
pub(crate) fn message(text: &str) -> anyhow::Result<Box<RawValue>> {
    let bytes = match text.strip_prefix('@') {
        Some(file) => given::read(Path::new(file), MESSAGE_BYTES_MAX)?,
        None => text.as_bytes().to_vec(),
    };
    serde_json::from_slice(bytes.trim_ascii())
        .with_context(|| format!("message.json: the message is no JSON: {text}"))
}

impl Command {
    /// Reads its files, before anybody is asked for anything.
    pub(super) fn read(&self) -> anyhow::Result<Ready<'_>> {
        let (mut code, mut json) = (Vec::new(), "null");
        match self {
            Self::Store { file, .. } => {
                code = given::read(file, CODE_BYTES_MAX).context("tx.code")?;
                ensure!(
                    MAGICS.iter().any(|magic| code.starts_with(magic)),
                    "tx.not_wasm: {}: neither wasm nor gzip",
                    file.display()
                );
            }
            Self::Instantiate { message, .. }
            | Self::Execute { message, .. }
            | Self::Migrate { message, .. } => json = message,
        }
        Ok(Ready {
            command: self,
            code,
            message: message(json)?,
        })
    }
}

impl Ready<'_> {
    /// The message of the transaction, sealed for the network.
    pub(super) async fn message(
        &self,
        client: &mut Client,
        author: &Author,
    ) -> anyhow::Result<Any> {
        if !matches!(self.command, Command::Store { .. }) {
            say_key(&client.network_key().await?);
        }
        let message = &self.message;
        Ok(match self.command {
            Command::Store { source, .. } => pack(&MsgStoreCode {
                sender: author.address().as_bytes().to_vec(),
                wasm_byte_code: self.code.clone(),
                source: source.clone(),
                ..MsgStoreCode::default()
            }),
            Command::Instantiate {
                code_id,
                label,
                admin,
                funds,
                ..
            } => {
                let what = Instantiate {
                    code_id: *code_id,
                    label,
                    admin: &admin.as_ref().map(ToString::to_string).unwrap_or_default(),
                };
                let funds = funds.to_proto_list();
                let made = client.instantiate_message(author, &what, message, funds);
                pack(&made.await?)
            }
            Command::Execute {
                contract, funds, ..
            } => {
                let funds = funds.to_proto_list();
                let made = client.execute_message(author, contract, message, funds);
                pack(&made.await?)
            }
            Command::Migrate {
                contract, code_id, ..
            } => {
                let made = client.migrate_message(author, contract, *code_id, message);
                pack(&made.await?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_as_it_is_written_and_what_is_no_json_does_not() {
        let long = r#"{"b":340282366920938463463374607431768211455,"a":1}"#;
        assert_eq!(message(&format!(" {long}\n")).unwrap().get(), long);
        for bad in ["", "{", "hello", "{} {}", "@/no/such/file"] {
            assert!(message(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_wasm_is_refused_before_anything_is_sent() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let store = Command::Store {
            file: file.path().to_owned(),
            source: String::new(),
        };
        for (bytes, good) in [
            (b"\0asm\x01".as_slice(), true),
            (b"\x1f\x8b\x08", true),
            (b"#!/bin/sh", false),
            (b"", false),
        ] {
            std::fs::write(file.path(), bytes).unwrap();
            assert_eq!(store.read().is_ok(), good, "{bytes:?}");
        }
    }
}
