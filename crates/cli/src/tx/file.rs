//! Messages in a file, for `tx send`: any that the descriptors know, and those for contracts with what they say in JSON, which is sealed here.

use crate::json;
use crate::online::say_key;
use crate::output::descriptors;
use crate::rpc::Client;
use anyhow::{Context as _, ensure};
use prost_reflect::DescriptorPool;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use strongroom_sdk::client::{Author, Instantiate};
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Address, Coins};

/// The messages of a file.
pub(super) struct Messages {
    pool: DescriptorPool,
    all: Vec<One>,
}

enum One {
    /// With whatever is sealed in it sealed already.
    Ready(Value),
    Call(Call),
}

/// A message for a contract that says in clear what is to be sealed.
#[derive(Deserialize)]
#[serde(tag = "@type", deny_unknown_fields)]
enum Clear {
    #[serde(rename = "/secret.compute.v1beta1.MsgExecuteContract")]
    Execute {
        sender: Option<String>,
        contract: String,
        #[serde(default)]
        sent_funds: Vec<Funds>,
    },
    #[serde(rename = "/secret.compute.v1beta1.MsgInstantiateContract")]
    Instantiate {
        sender: Option<String>,
        code_id: Number,
        label: String,
        #[serde(default)]
        init_funds: Vec<Funds>,
        #[serde(default)]
        admin: String,
    },
    #[serde(rename = "/secret.compute.v1beta1.MsgMigrateContract")]
    Migrate {
        sender: Option<String>,
        contract: String,
        code_id: Number,
    },
}

struct Call {
    clear: Clear,
    /// As it is written: numbers keep all their digits.
    message: Box<RawValue>,
}

/// JSON has 64-bit numbers as text; people write them as they are.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Plain(u64),
}

impl Number {
    fn read(&self) -> anyhow::Result<u64> {
        match self {
            Self::Plain(number) => Ok(*number),
            Self::Text(text) => text.parse().context("message.member: code_id is a number"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Funds {
    denom: String,
    amount: String,
}

/// The member with what is to be sealed, by the type of the message.
const SEALED: [(&str, &str); 3] = [
    ("/secret.compute.v1beta1.MsgExecuteContract", "msg"),
    ("/secret.compute.v1beta1.MsgInstantiateContract", "init_msg"),
    ("/secret.compute.v1beta1.MsgMigrateContract", "msg"),
];

impl Messages {
    /// Reads one message, or a list of them.
    pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let broken = "message.json: this is no JSON";
        let text = bytes.trim_ascii();
        let raw: Vec<Box<RawValue>> = match text.first() {
            Some(b'[') => serde_json::from_slice(text).context(broken)?,
            _ => vec![serde_json::from_slice(text).context(broken)?],
        };
        let all = raw.iter().map(|raw| One::read(raw));
        Ok(Self {
            pool: descriptors()?,
            all: all.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The messages as a transaction has them.
    pub(super) async fn packed(
        &self,
        client: &mut Client,
        author: &Author,
    ) -> anyhow::Result<Vec<Any>> {
        if self.all.iter().any(|one| matches!(one, One::Call(_))) {
            say_key(&client.network_key().await?);
        }
        let mut packed = Vec::new();
        for one in &self.all {
            packed.push(match one {
                One::Ready(value) => json::packed(&self.pool, value.clone(), author.address())?,
                One::Call(call) => call.packed(client, author).await?,
            });
        }
        Ok(packed)
    }
}

impl One {
    fn read(raw: &RawValue) -> anyhow::Result<Self> {
        let mut value: Value = serde_json::from_str(raw.get())?;
        let kind = value["@type"].as_str().unwrap_or_default();
        let sealed = SEALED.iter().find(|(name, _)| *name == kind);
        let sealed =
            sealed.filter(|(_, member)| !matches!(value[*member], Value::String(_) | Value::Null));
        let Some((name, member)) = sealed else {
            return Ok(Self::Ready(value));
        };
        let members: std::collections::BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(raw.get())?;
        let message = members
            .get(*member)
            .context("message.member: what is to be sealed")?;
        if let Some(members) = value.as_object_mut() {
            members.remove(*member);
        }
        let clear = serde_json::from_value(value);
        Ok(Self::Call(Call {
            clear: clear.with_context(|| format!("message.member: {name}"))?,
            message: message.clone(),
        }))
    }
}

impl Call {
    async fn packed(&self, client: &mut Client, author: &Author) -> anyhow::Result<Any> {
        let message = &self.message;
        let address = |text: &String| -> anyhow::Result<Address> {
            let parsed: Result<Address, _> = text.parse();
            parsed.map_err(|e| anyhow::anyhow!("message.address: contract: {e}"))
        };
        Ok(match &self.clear {
            Clear::Execute {
                sender,
                contract,
                sent_funds,
                ..
            } => {
                is_from(sender.as_ref(), author)?;
                let (contract, funds) = (address(contract)?, coins(sent_funds)?);
                let made = client.execute_message(author, &contract, message, funds);
                pack(&made.await?)
            }
            Clear::Instantiate {
                sender,
                code_id,
                label,
                init_funds,
                admin,
                ..
            } => {
                is_from(sender.as_ref(), author)?;
                let what = Instantiate {
                    code_id: code_id.read()?,
                    label,
                    admin,
                };
                let funds = coins(init_funds)?;
                pack(
                    &client
                        .instantiate_message(author, &what, message, funds)
                        .await?,
                )
            }
            Clear::Migrate {
                sender,
                contract,
                code_id,
                ..
            } => {
                is_from(sender.as_ref(), author)?;
                let (contract, code_id) = (address(contract)?, code_id.read()?);
                let made = client.migrate_message(author, &contract, code_id, message);
                pack(&made.await?)
            }
        })
    }
}

/// The message is bound to its sender: it cannot be another one.
fn is_from(sender: Option<&String>, author: &Author) -> anyhow::Result<()> {
    let from = author.address().to_string();
    ensure!(
        sender.is_none_or(|sender| *sender == from),
        "tx.signer: the message is from {}, and --from is {from}",
        sender.map(String::as_str).unwrap_or_default()
    );
    Ok(())
}

fn coins(funds: &[Funds]) -> anyhow::Result<Vec<Coin>> {
    let text = funds
        .iter()
        .map(|coin| format!("{}{}", coin.amount, coin.denom));
    let text = text.collect::<Vec<_>>().join(",");
    let coins: Option<Coins> = text.parse().ok();
    let coins = coins.with_context(|| format!("message.member: {text:?} are no coins"))?;
    Ok(coins.to_proto_list())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_a_contract_is_taken_as_it_is_written_and_what_is_sealed_stays_sealed() {
        let contract = Address::from_bytes(&[9; 20]).unwrap();
        let file = format!(
            r#"[{{"@type":"/secret.compute.v1beta1.MsgExecuteContract","contract":"{contract}",
                 "msg":{{"amount":340282366920938463463374607431768211455, "to":"b"}}}},
                {{"@type":"/secret.compute.v1beta1.MsgExecuteContract","contract":"{contract}","msg":"AQ=="}},
                {{"@type":"/cosmos.bank.v1beta1.MsgSend","to_address":"b"}}]"#
        );
        let read = Messages::read(file.as_bytes()).unwrap();
        let [One::Call(call), One::Ready(_), One::Ready(_)] = read.all.as_slice() else {
            panic!("other kinds")
        };
        assert_eq!(
            call.message.get(),
            r#"{"amount":340282366920938463463374607431768211455, "to":"b"}"#
        );
        for bad in [
            "",
            "{",
            "[1",
            r#"{"@type":"/secret.compute.v1beta1.MsgExecuteContract","msg":{}}"#,
            r#"{"@type":"/secret.compute.v1beta1.MsgExecuteContract","contract":"x","msg":{},"fund":[]}"#,
            r#"{"@type":"/secret.compute.v1beta1.MsgInstantiateContract","code_id":-1,"label":"x","init_msg":{}}"#,
        ] {
            let error = Messages::read(bad.as_bytes()).map(|_| ()).unwrap_err();
            assert!(error.to_string().starts_with("message."), "{bad}: {error}");
        }
    }
}
