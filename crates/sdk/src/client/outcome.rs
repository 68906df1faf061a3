//! A transaction in a block, and what its sender can read of it (wire.md 1.11; encryption.md 5.3).
//!
//! Promises: what opens under the sender's keys is shown opened, without the spaces that pad it; whatever does not is shown as it stands.

use super::Error;
use crate::crypto::io::TxKey;
use crate::message::Sealer;
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::secret::compute::v1beta1 as compute;
use crate::types::proto::{Any, Message};
use crate::types::tx::Tx;
use crate::types::{Attribute, Event, ExecTxResult, Height};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// How much of what is told of a transaction follows from what the client trusts ([`Client::trusting`](super::Client::trusting)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proven {
    /// Nothing: it is the node's word.
    Nothing,
    /// That the block holds it. Its result is the node's word: the header that commits to it is not there yet, or the node keeps no results.
    Block,
    /// Also whether it succeeded, what it gave back (`code` and `data` of its result) and its gas. Texts and events are the node's word always.
    Result,
}

/// Code of what found no gas.
const OUT_OF_GAS: u32 = 11;

/// A transaction that is in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// Its hash, upper-case hex.
    pub hash: String,
    /// Height of the block.
    pub height: Height,
    /// The raw transaction.
    pub tx: Vec<u8>,
    /// Its result, sealed texts as they are sealed.
    pub result: ExecTxResult,
    /// How much of this is proven.
    pub proven: Proven,
}

/// A transaction that is in a block, as its sender reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its messages, in order.
    pub messages: Vec<OpenedMessage>,
    /// Events, with the attributes of contracts opened.
    pub events: Vec<Event>,
    /// Empty for success; else the error, with the text of the contract opened.
    pub log: String,
}

/// A message, as its sender reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedMessage {
    /// Its type.
    pub type_url: String,
    /// What was sealed for the contract; `None` if it is for no contract, or if somebody else sealed it.
    pub input: Option<Vec<u8>>,
    /// What the contract gave back, opened; of other messages the encoded response. `None` if there is none, or if it does not open.
    pub data: Option<Vec<u8>>,
    /// The address of the contract that was instantiated.
    pub contract: Option<String>,
    /// Number of the code that was stored.
    pub code_id: Option<u64>,
}

impl Included {
    /// # Errors
    /// [`Error::Failed`] if the transaction failed. A contract's own text in it is sealed: [`Opened::log`] has it. [`Error::Unknown`] if only its block
    /// is proven ([`Proven::Block`]): neither success nor failure follows from the word of a node that is not believed.
    pub fn succeeded(&self) -> Result<&Self, Error> {
        if self.proven == Proven::Block {
            return Err(self.no_result());
        }
        if self.result.is_ok() {
            return Ok(self);
        }
        Err(Error::Failed {
            codespace: self.result.codespace.clone(),
            code: self.result.code,
            log: self.result.log.clone(),
            hash: self.hash.clone(),
        })
    }

    /// Whether the block had no room left for it: nothing happened, nothing is charged, and a later block may run it
    /// (docs/spec/chain.md 6). Nothing else has this code without any gas.
    pub(super) const fn is_left(&self) -> bool {
        let result = &self.result;
        result.code == OUT_OF_GAS && result.gas_wanted == 0 && result.gas_used == 0
    }

    /// What is said where the block is proven, and the result is not.
    pub(super) fn no_result(&self) -> Error {
        Error::Unknown {
            hash: self.hash.clone(),
            why: Box::new(Error::NoResult {
                height: self.height,
            }),
        }
    }

    /// Whether a result is this one, as far as a header commits to it.
    pub(super) fn has(&self, proven: &ExecTxResult) -> bool {
        let committed = |r: &ExecTxResult| (r.code, r.gas_wanted, r.gas_used);
        committed(&self.result) == committed(proven) && self.result.data == proven.data
    }

    /// Reads the answer of the RPC's `tx`.
    pub(super) fn read(answer: &Value) -> Result<Self, Error> {
        let bad = |field| Error::Form {
            method: "tx",
            field,
        };
        let text = |value: &Value, field| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| bad(field))
        };
        let bytes = |value: &Value, field| match value {
            Value::Null => Ok(Vec::new()),
            some => STANDARD.decode(text(some, field)?).map_err(|_| bad(field)),
        };
        let result = &answer["tx_result"];
        let number = |name| {
            let text = result[name].as_str().unwrap_or("0");
            text.parse::<i64>().map_err(|_| bad("gas"))
        };
        let events = result["events"].as_array().map(Vec::as_slice);
        let code = result["code"]
            .as_u64()
            .and_then(|code| u32::try_from(code).ok());
        Ok(Self {
            hash: text(&answer["hash"], "hash")?,
            height: text(&answer["height"], "height")?
                .parse()
                .map_err(|_| bad("height"))?,
            tx: bytes(&answer["tx"], "tx")?,
            proven: Proven::Nothing,
            result: ExecTxResult {
                code: code.ok_or_else(|| bad("code"))?,
                data: bytes(&result["data"], "data")?,
                log: result["log"].as_str().unwrap_or_default().to_owned(),
                info: String::new(),
                gas_wanted: number("gas_wanted")?,
                gas_used: number("gas_used")?,
                events: events.unwrap_or_default().iter().map(event).collect(),
                codespace: result["codespace"].as_str().unwrap_or_default().to_owned(),
            },
        })
    }

    /// As whoever sealed its messages reads it; `None` for everybody else.
    ///
    /// # Errors
    /// [`Error::Form`] if the node gave no transaction.
    pub fn open(&self, sealer: Option<&Sealer>) -> Result<Opened, Error> {
        let bad = Error::Form {
            method: "tx",
            field: "tx",
        };
        let tx = Tx::decode(&self.tx).map_err(|_| bad)?;
        let sealed: Vec<_> = tx.body.messages.iter().map(sealed_part).collect();
        let key = |wire: &Option<Vec<u8>>| sealer?.key_of(wire.as_ref()?).ok();
        let keys: Vec<Option<TxKey>> = sealed.iter().map(key).collect();
        // Of a failed transaction there is none, and none is right.
        let data = TxMsgData::decode(self.result.data.as_slice()).unwrap_or_default();
        let messages = tx.body.messages.iter().enumerate().map(|(i, message)| {
            let key = keys.get(i).and_then(Option::as_ref);
            let wire = sealed.get(i).and_then(Option::as_ref);
            let input = wire.and_then(|wire| sealer?.open(wire).ok());
            let mut opened = OpenedMessage {
                type_url: message.type_url.clone(),
                input: input.map(|input| input.to_vec()),
                data: None,
                contract: None,
                code_id: None,
            };
            if let Some(response) = data.msg_responses.get(i) {
                opened.read_response(response, key);
            }
            opened
        });
        Ok(Opened {
            messages: messages.collect(),
            events: self
                .result
                .events
                .iter()
                .map(|e| open_event(e, &keys))
                .collect(),
            log: open_log(&self.result.log, &keys),
        })
    }
}

impl OpenedMessage {
    fn read_response(&mut self, response: &Any, key: Option<&TxKey>) {
        let bytes = response.value.as_slice();
        let sealed = match response.type_url.rsplit('.').next().unwrap_or_default() {
            "MsgExecuteContractResponse" => {
                compute::MsgExecuteContractResponse::decode(bytes).map(|r| r.data)
            }
            "MsgMigrateContractResponse" => {
                compute::MsgMigrateContractResponse::decode(bytes).map(|r| r.data)
            }
            "MsgInstantiateContractResponse" => {
                let response = compute::MsgInstantiateContractResponse::decode(bytes);
                response.map(|response| {
                    self.contract = Some(response.address);
                    response.data
                })
            }
            other => {
                if other == "MsgStoreCodeResponse" {
                    let response = compute::MsgStoreCodeResponse::decode(bytes);
                    self.code_id = response.ok().map(|response| response.code_id);
                }
                self.data = Some(bytes.to_vec());
                return;
            }
        };
        let sealed = sealed.ok().filter(|sealed| !sealed.is_empty());
        let opened = sealed.and_then(|sealed| key?.open_data(&sealed).ok());
        self.data = opened.map(|data| unpadded(&data).to_vec());
    }
}

/// What a message carries for a contract.
pub(super) fn sealed_part(message: &Any) -> Option<Vec<u8>> {
    let bytes = message.value.as_slice();
    match message.type_url.as_str() {
        "/secret.compute.v1beta1.MsgExecuteContract" => compute::MsgExecuteContract::decode(bytes)
            .ok()
            .map(|m| m.msg),
        "/secret.compute.v1beta1.MsgInstantiateContract" => {
            let message = compute::MsgInstantiateContract::decode(bytes);
            message.ok().map(|m| m.init_msg)
        }
        "/secret.compute.v1beta1.MsgMigrateContract" => compute::MsgMigrateContract::decode(bytes)
            .ok()
            .map(|m| m.msg),
        _ => None,
    }
}

/// The message with something else in that place.
pub(super) fn seal_part(message: &Any, part: Vec<u8>) -> Any {
    let bytes = message.value.as_slice();
    let value = match message.type_url.as_str() {
        "/secret.compute.v1beta1.MsgExecuteContract" => {
            let decoded = compute::MsgExecuteContract::decode(bytes);
            decoded.map(|m| compute::MsgExecuteContract { msg: part, ..m }.encode_to_vec())
        }
        "/secret.compute.v1beta1.MsgInstantiateContract" => {
            let decoded = compute::MsgInstantiateContract::decode(bytes);
            decoded.map(|m| {
                let init_msg = part;
                compute::MsgInstantiateContract { init_msg, ..m }.encode_to_vec()
            })
        }
        "/secret.compute.v1beta1.MsgMigrateContract" => {
            let decoded = compute::MsgMigrateContract::decode(bytes);
            decoded.map(|m| compute::MsgMigrateContract { msg: part, ..m }.encode_to_vec())
        }
        _ => Ok(message.value.clone()),
    };
    Any {
        type_url: message.type_url.clone(),
        value: value.unwrap_or_else(|_| message.value.clone()),
    }
}

fn event(value: &Value) -> Event {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let attributes = value["attributes"].as_array().map(Vec::as_slice);
    let attribute = |value: &Value| Attribute {
        key: text(&value["key"]),
        value: text(&value["value"]),
        index: value["index"] == true,
    };
    Event {
        kind: text(&value["type"]),
        attributes: attributes
            .unwrap_or_default()
            .iter()
            .map(attribute)
            .collect(),
    }
}

fn open_event(event: &Event, keys: &[Option<TxKey>]) -> Event {
    let mut opened = event.clone();
    let index = event.attributes.iter().find(|a| a.key == "msg_index");
    let index = index.and_then(|a| a.value.parse::<usize>().ok());
    let key = index.and_then(|index| keys.get(index)?.as_ref());
    let is_contracts = event.kind == "wasm" || event.kind.starts_with("wasm-");
    if let Some(key) = key.filter(|_| is_contracts) {
        for attribute in &mut opened.attributes {
            for text in [&mut attribute.key, &mut attribute.value] {
                if let Ok(plain) = key.open_text(text) {
                    plain.trim_end().clone_into(text);
                }
            }
        }
    }
    opened
}

/// The log of a failed transaction: `…; message index: N: …encrypted: BASE64: VERB contract failed`.
fn open_log(log: &str, keys: &[Option<TxKey>]) -> String {
    let open = || {
        let (_, rest) = log.split_once("message index: ")?;
        let (index, _) = rest.split_once(':')?;
        let key = keys.get(index.parse::<usize>().ok()?)?.as_ref()?;
        open_error(log, key)
    };
    open().unwrap_or_else(|| log.to_owned())
}

/// A text of the chain with the contract's own, sealed after `encrypted: `, opened.
pub(super) fn open_error(log: &str, key: &TxKey) -> Option<String> {
    let (before, rest) = log.split_once("encrypted: ")?;
    let (sealed, after) = rest.split_once(": ")?;
    let text = key.open_text(sealed).ok()?;
    Some(format!("{before}{}: {after}", text.trim_end()))
}

/// Without the spaces that pad it.
pub(super) fn unpadded(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::crypto::x25519::KeyPair;
    use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, TxBody};
    use crate::types::proto::pack;
    use crate::types::tx;
    use serde_json::json;

    struct Scene {
        sealer: Sealer,
        key: TxKey,
        included: Included,
    }

    /// A call whose message, data and attributes are sealed by one user.
    fn scene() -> Scene {
        let network = *KeyPair::from_secret(&Secret::new([7; 32])).public();
        let sealer = Sealer::new([1; 32], network);
        let sealed = sealer.seal(&[5; 32], br#"{"hi":{}}"#).unwrap();
        let key = sealed.key;
        let message = compute::MsgExecuteContract {
            sender: vec![1; 20],
            contract: vec![2; 20],
            msg: sealed.wire,
            ..Default::default()
        };
        let body = TxBody {
            messages: vec![pack(&message)],
            ..TxBody::default()
        };
        let response = compute::MsgExecuteContractResponse {
            data: key.seal_data(b"{\"ok\":1}   ").unwrap(),
        };
        let data = TxMsgData {
            msg_responses: vec![pack(&response)],
            ..TxMsgData::default()
        };
        let pair = |key: &str, value: &str| json!({ "key": key, "value": value, "index": true });
        let seal = |text: &str| key.seal_text(text).unwrap();
        let wasm = |kind: &str| {
            json!({ "type": kind, "attributes": [
                pair("contract_address", "secret1"), pair(&seal("to"), &seal("b   ")),
                pair("plain", "text"), pair("msg_index", "0"),
            ]})
        };
        let tx = tx::encode(
            body.encode_to_vec(),
            AuthInfo::default().encode_to_vec(),
            Vec::new(),
        );
        let answer = json!({
            "hash": "AB", "height": "7", "tx": STANDARD.encode(tx),
            "tx_result": {
                "code": 0, "log": "", "gas_wanted": "9", "gas_used": "8", "codespace": "",
                "data": STANDARD.encode(data.encode_to_vec()),
                "events": [wasm("wasm"), wasm("wasm-own"), wasm("message")],
            },
        });
        Scene {
            included: Included::read(&answer).unwrap(),
            sealer,
            key,
        }
    }

    #[test]
    fn the_sender_reads_message_data_and_attributes() {
        let Scene {
            sealer, included, ..
        } = scene();
        let opened = included.open(Some(&sealer)).unwrap();
        let [message] = opened.messages.as_slice() else {
            panic!("{opened:?}")
        };
        assert_eq!(message.input.as_deref(), Some(br#"{"hi":{}}"#.as_slice()));
        assert_eq!(message.data.as_deref(), Some(br#"{"ok":1}"#.as_slice()));
        for event in opened.events.iter().take(2) {
            let pairs = event.attributes.iter().map(|a| (&*a.key, &*a.value));
            let pairs: Vec<_> = pairs.collect();
            assert_eq!(pairs[1..3], [("to", "b"), ("plain", "text")]);
        }
        assert_eq!(opened.events[2], included.result.events[2]);
    }

    #[test]
    fn a_stranger_reads_nothing_that_is_sealed() {
        let Scene { included, .. } = scene();
        let stranger = Sealer::new([2; 32], [9; 32]);
        for sealer in [None, Some(&stranger)] {
            let opened = included.open(sealer).unwrap();
            assert_eq!(opened.messages[0].input, None);
            assert_eq!(opened.messages[0].data, None);
            assert_eq!(opened.events, included.result.events);
        }
    }

    #[test]
    fn a_contracts_error_is_opened_where_it_stands() {
        let Scene {
            sealer,
            key,
            mut included,
        } = scene();
        let sealed = key.seal_text("no \\\"coins\\\"     ").unwrap();
        let log = |text: &str| {
            format!("failed to execute message; message index: 0: {text}: execute contract failed")
        };
        included.result.code = 3;
        included.result.data.clear();
        for between in ["", "dispatch: submessages: "] {
            included.result.log = log(&format!("{between}encrypted: {sealed}"));
            let opened = included.open(Some(&sealer)).unwrap();
            assert_eq!(opened.log, log(&format!("{between}no \\\"coins\\\"")));
            assert_eq!(included.open(None).unwrap().log, included.result.log);
        }
        for odd in [
            "",
            "message index: 0: encrypted: ",
            "message index: 9: x",
            "message index: 0: encrypted: AAAA: y",
        ] {
            odd.clone_into(&mut included.result.log);
            assert_eq!(included.open(Some(&sealer)).unwrap().log, odd);
        }
        assert_eq!(included.succeeded().unwrap_err().code(), "client.failed");
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_the_client_panic(text in "[\\[\\]{}:,\"a-z0-9]{0,80}", log in ".{0,60}") {
            let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
            proptest::prop_assert!(Included::read(&answer).is_err());
            let Scene { sealer, mut included, .. } = scene();
            included.result.log = format!("message index: 0: encrypted: {log}");
            proptest::prop_assert!(included.open(Some(&sealer)).is_ok());
        }
    }
}
