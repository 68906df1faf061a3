//! What a v1 contract returns (contract-abi.md section 3). Only typed shapes: no number ever becomes a float. What a v0.10
//! contract returns becomes this at once ([`v010`]).
//!
//! The published secret std capitalises `Ok`/`Err`; the stock std writes `ok`/`error`. Both are taken everywhere.

pub mod v010;

use super::env::JsonCoin;
use base64::Engine as _;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// An attribute of an event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Attribute {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
    /// Whether key and value are sealed to the sender; absent means yes.
    #[serde(default = "yes")]
    pub encrypted: bool,
}

const fn yes() -> bool {
    true
}

/// A custom event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// Type, to be prefixed `wasm-`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Attributes.
    pub attributes: Vec<Attribute>,
}

/// Bytes that JSON carries as base64 text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binary(pub Vec<u8>);

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .map(Self)
            .map_err(|_| D::Error::custom("not base64"))
    }
}

/// When the caller wants to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyOn {
    /// Always.
    Always,
    /// On failure.
    Error,
    /// On success.
    Success,
    /// Never.
    Never,
}

impl ReplyOn {
    /// Whether a failure is told.
    #[must_use]
    pub const fn failure(self) -> bool {
        matches!(self, Self::Always | Self::Error)
    }

    /// Whether success is told.
    #[must_use]
    pub const fn success(self) -> bool {
        matches!(self, Self::Always | Self::Success)
    }
}

/// A message that a contract sends.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SubMsg {
    /// The contract's own number for it.
    pub id: u64,
    /// What the contract gets back with the reply, as std 2 has it.
    #[serde(default)]
    pub payload: Binary,
    /// The message.
    pub msg: CosmosMsg,
    /// SDK gas that it may use.
    pub gas_limit: Option<u64>,
    /// When to call back.
    pub reply_on: ReplyOn,
}

/// Kinds of messages (contract-abi.md 7.11). A kind that is not built yet is parsed, so that its refusal can name it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CosmosMsg {
    /// Coins.
    Bank(BankMsg),
    /// Contracts.
    Wasm(WasmMsg),
    /// Refused, as in the protocol.
    Custom(serde::de::IgnoredAny),
    /// Not built yet.
    Staking(serde::de::IgnoredAny),
    /// Not built yet.
    Distribution(serde::de::IgnoredAny),
    /// Not built yet.
    Gov(serde::de::IgnoredAny),
    /// Not built yet.
    Ibc(serde::de::IgnoredAny),
    /// A message of another module, as std 1 names it.
    Stargate(AnyMsg),
    /// The same, as std 2 names it.
    Any(AnyMsg),
    /// The last message of the transaction.
    FinalizeTx(serde::de::IgnoredAny),
}

/// A message of any module in protobuf.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AnyMsg {
    /// Its type.
    pub type_url: String,
    /// The encoded message.
    pub value: Binary,
}

/// Messages to the bank.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankMsg {
    /// Sends coins of the contract.
    Send {
        /// Receiver.
        to_address: String,
        /// Coins; an empty list is no message.
        amount: Vec<JsonCoin>,
    },
    /// Parsed and refused, as in the protocol.
    Burn {
        /// Coins.
        amount: Vec<JsonCoin>,
    },
}

/// A contract to make.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NewContract {
    /// Admin, none if absent.
    #[serde(default)]
    pub admin: Option<String>,
    /// Code.
    pub code_id: u64,
    /// Hex hash of the code.
    #[serde(default)]
    pub code_hash: Option<String>,
    /// JSON message.
    pub msg: Binary,
    /// Coins to send along.
    #[serde(rename = "send", alias = "funds")]
    pub funds: Vec<JsonCoin>,
    /// Label, unique in the chain.
    pub label: String,
    /// What makes the address predictable; read of `instantiate2` only.
    #[serde(default)]
    pub salt: Binary,
}

/// Messages to contracts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WasmMsg {
    /// Calls a contract.
    Execute {
        /// Callee.
        contract_addr: String,
        /// Hex hash of the callee's code, binding the message to it. The ordinary std has none.
        #[serde(default)]
        code_hash: Option<String>,
        /// JSON message.
        msg: Binary,
        /// Coins to send along.
        #[serde(rename = "send", alias = "funds")]
        funds: Vec<JsonCoin>,
    },
    /// Makes a contract.
    Instantiate(NewContract),
    /// Makes a contract at the address that its code, its creator and a salt give. The ordinary std has it from 1.2 on.
    Instantiate2(NewContract),
    /// Gives a contract, whose admin the sender is, another code.
    Migrate {
        /// The contract.
        contract_addr: String,
        /// Hex hash of the new code.
        #[serde(default)]
        code_hash: Option<String>,
        /// The new code.
        #[serde(alias = "new_code_id")]
        code_id: u64,
        /// JSON message to it.
        msg: Binary,
    },
    /// Gives a contract, whose admin the sender is, another admin.
    UpdateAdmin {
        /// The contract.
        contract_addr: String,
        /// The new admin.
        admin: String,
    },
    /// Leaves a contract, whose admin the sender is, without one.
    ClearAdmin {
        /// The contract.
        contract_addr: String,
    },
}

/// The response of instantiate and execute.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Messages in order.
    pub messages: Vec<SubMsg>,
    /// Attributes of the `wasm` event.
    pub attributes: Vec<Attribute>,
    /// Custom events.
    pub events: Vec<Event>,
    /// Data for the caller.
    pub data: Option<Binary>,
}

#[derive(Deserialize)]
enum Envelope<'a, T> {
    #[serde(rename = "Ok", alias = "ok")]
    Ok(T),
    #[serde(rename = "Err", alias = "error", borrow)]
    Err(&'a serde_json::value::RawValue),
}

/// A contract's own error, as the text that is sealed to the sender: compact JSON of the value without the quotes
/// around it (encryption.md section 5). In v1 the value is a string, in v0.10 an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError(pub String);

/// Reads the result of instantiate or execute.
///
/// # Errors
/// `None` if it is no known shape: `failed to deserialize data`.
#[must_use]
pub fn response(bytes: &[u8]) -> Option<Result<Response, ContractError>> {
    envelope(bytes)
}

/// Reads the result of a query: the decoded bytes of the answer.
///
/// # Errors
/// `None` if it is no known shape.
#[must_use]
pub fn query(bytes: &[u8]) -> Option<Result<Vec<u8>, ContractError>> {
    Some(envelope::<Binary>(bytes)?.map(|b| b.0))
}

fn envelope<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<Result<T, ContractError>> {
    Some(
        match serde_json::from_slice::<Envelope<'a, T>>(bytes).ok()? {
            Envelope::Ok(value) => Ok(value),
            Envelope::Err(raw) => Err(ContractError(error_text(raw.get()))),
        },
    )
}

/// Whether these bytes are one JSON text.
#[must_use]
pub fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// The escaping of JSON is kept inside, only leading and trailing quotes go, and spaces between the tokens.
fn error_text(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let compact: String = json
        .chars()
        .filter(|c| {
            let keep = in_text || !c.is_ascii_whitespace();
            if *c == '"' && !escaped {
                in_text = !in_text;
            }
            escaped = *c == '\\' && !escaped;
            keep
        })
        .collect();
    compact.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_of_the_published_std_is_read_whole() {
        let json = br#"{"Ok":{"messages":[{"id":0,"msg":{"wasm":{"execute":{"contract_addr":"c","code_hash":"h",
            "msg":"e30=","send":[{"denom":"uscrt","amount":"5"}]}}},"gas_limit":null,"reply_on":"never"}],
            "attributes":[{"key":"k","value":"v","encrypted":false},{"key":"a","value":"b"}],
            "events":[{"type":"t","attributes":[]}],"data":"aGk="}}"#;
        let response = response(json).unwrap().unwrap();
        assert_eq!(response.messages.len(), 1);
        assert!(matches!(
            &response.messages[0].msg,
            CosmosMsg::Wasm(WasmMsg::Execute { msg, .. }) if msg.0 == b"{}"
        ));
        assert!(!response.attributes[0].encrypted);
        assert!(response.attributes[1].encrypted);
        assert_eq!(response.data.unwrap().0, b"hi");
    }

    #[test]
    fn an_error_keeps_its_json_escapes_and_loses_its_outer_quotes() {
        let error = response(br#"{"Err":"say \"no\" now"}"#)
            .unwrap()
            .unwrap_err();
        assert_eq!(error.0, r#"say \"no\" now"#);
        let error = response(br#"{"error":"plain"}"#).unwrap().unwrap_err();
        assert_eq!(error.0, "plain");
    }

    #[test]
    fn an_error_object_is_told_as_compact_json() {
        let error = response(
            br#" { "Err" : { "generic_err" : { "msg" : "a \"b\" \\ c" , "n":[1, 2] } } } "#,
        );
        assert_eq!(
            error.unwrap().unwrap_err().0,
            r#"{"generic_err":{"msg":"a \"b\" \\ c","n":[1,2]}}"#
        );
    }

    #[test]
    fn garbage_and_unknown_members_are_no_result() {
        for bad in [
            &b"[]"[..],
            b"{}",
            b"",
            b"{\"Ok\":{\"messages\":[],\"x\":1}}",
            b"{\"Ok\":1,\"Err\":\"\"}",
            b"\xff",
        ] {
            assert_eq!(response(bad), None);
        }
        assert_eq!(query(b"{\"Ok\":\"not base64!\"}"), None);
    }

    #[test]
    fn a_query_answer_is_decoded_under_both_spellings() {
        assert_eq!(query(br#"{"Ok":"aGk="}"#).unwrap().unwrap(), b"hi");
        assert_eq!(query(br#"{"ok":"aGk="}"#).unwrap().unwrap(), b"hi");
    }
}
