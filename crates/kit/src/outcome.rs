//! The outcome of a call, and who sees what of it.

use crate::call::{Call, Contract, Opener, What};
use crate::network::gas_used;
use crate::panic::Panic;
use crate::user::User;
use serde::de::DeserializeOwned;
use std::fmt;
use strongroom_chain::query::QueryError;
use strongroom_crypto::TxKey;
use strongroom_types::proto::Message;
use strongroom_types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use strongroom_types::proto::secret::compute::v1beta1::{
    MsgExecuteContractResponse, MsgInstantiateContractResponse, MsgMigrateContractResponse,
    MsgStoreCodeResponse,
};
use strongroom_types::{Event, ExecTxResult, Gas};

/// What a call gave, opened as its sender opens it.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What the contract answered; empty for nothing.
    pub data: Vec<u8>,
    /// The transaction's events; what was sealed to the sender is open.
    pub events: Vec<Event>,
    /// Gas that the whole transaction used.
    pub gas_used: Gas,
    /// What everybody sees.
    public: ExecTxResult,
    /// The contract's answer as everybody sees it.
    sealed_data: Vec<u8>,
    opener: Opener,
    network_key: [u8; 32],
    code_id: u64,
    contract: Option<Contract>,
}

/// What somebody sees of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The contract's answer, for who can open it.
    pub data: Option<Vec<u8>>,
    /// The events; what this viewer cannot open stands as everybody sees it.
    pub events: Vec<Event>,
}

impl View {
    /// The first value of an attribute with this key, in any event.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        attribute(&self.events, key)
    }
}

impl Executed {
    /// The answer as JSON.
    ///
    /// # Panics
    /// If it is not JSON of this form; shows it.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        json(&self.data)
    }

    /// The first value of an attribute with this key, in any event.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        attribute(&self.events, key)
    }

    /// The events of a kind, in order: `wasm`, `wasm-…`, `transfer`, `execute`, `reply` …
    pub fn events_of<'e>(&'e self, kind: &'e str) -> impl Iterator<Item = &'e Event> {
        self.events.iter().filter(move |event| event.kind == kind)
    }

    /// What this user sees of the call: with its own key it opens what it sent itself, and nothing else.
    #[must_use]
    pub fn seen_by(&self, viewer: &User) -> View {
        let key = self.opener.0.as_ref().and_then(|(wire, _)| {
            let key = viewer.sealer(&self.network_key).key_of(wire).ok()?;
            Some(key)
        });
        let data = key
            .as_ref()
            .and_then(|key| key.open_data(&self.sealed_data).ok());
        View {
            data: data.map(|data| data.to_vec()),
            events: opened_events(&self.public.events, key.as_ref()),
        }
    }

    /// What everybody sees of the call.
    #[must_use]
    pub fn public(&self) -> View {
        View {
            data: None,
            events: self.public.events.clone(),
        }
    }

    /// The contract that an instantiation made.
    #[must_use]
    pub fn contract(&self) -> Option<Contract> {
        self.contract.clone()
    }

    pub(crate) const fn code_id(&self) -> u64 {
        self.code_id
    }

    /// Reads the result of a call as its sender does.
    pub(crate) fn read(
        call: &Call,
        result: ExecTxResult,
        opener: Opener,
        network_key: &[u8; 32],
    ) -> Result<Self, Refused> {
        if result.code != 0 {
            let text = result.log.clone();
            return Err(Refused::new(
                result.codespace.clone(),
                result.code,
                &text,
                opener.key(),
                gas_used(&result),
            ));
        }
        let (mut code_id, mut contract, mut sealed_data) = (0, None, Vec::new());
        match call.what() {
            What::Store => code_id = first::<MsgStoreCodeResponse>(&result).code_id,
            What::Instantiate { code, label, .. } => {
                let made: MsgInstantiateContractResponse = first(&result);
                sealed_data = made.data;
                contract = Some(Contract {
                    address: made.address.parse().expect("the address of a contract"),
                    code_hash: code.hash,
                    label: label.clone(),
                });
            }
            What::Execute(_) => sealed_data = first::<MsgExecuteContractResponse>(&result).data,
            What::Migrate {
                contract: old,
                code,
            } => {
                sealed_data = first::<MsgMigrateContractResponse>(&result).data;
                contract = Some(Contract {
                    code_hash: code.hash,
                    ..old.clone()
                });
            }
            What::Other => {}
        }
        let data = match opener.key().filter(|_| !sealed_data.is_empty()) {
            Some(key) => key
                .open_data(&sealed_data)
                .expect("data of this call")
                .to_vec(),
            None => Vec::new(),
        };
        Ok(Self {
            data,
            events: opened_events(&result.events, opener.key()),
            gas_used: gas_used(&result),
            sealed_data,
            opener,
            network_key: *network_key,
            code_id,
            contract,
            public: result,
        })
    }
}

/// The response of the first message.
fn first<R: Message + Default>(result: &ExecTxResult) -> R {
    let data = TxMsgData::decode(result.data.as_slice()).expect("the data of a transaction");
    let first = data
        .msg_responses
        .first()
        .expect("a response to the message");
    R::decode(first.value.as_slice()).expect("the response of this message")
}

fn opened_events(events: &[Event], key: Option<&TxKey>) -> Vec<Event> {
    let mut events = events.to_vec();
    let Some(key) = key else { return events };
    for attribute in events.iter_mut().flat_map(|event| &mut event.attributes) {
        for text in [&mut attribute.key, &mut attribute.value] {
            if let Ok(open) = key.open_text(text) {
                // Contracts pad with spaces, which mean nothing.
                *text = open.trim_end().to_owned();
            }
        }
    }
    events
}

fn attribute<'e>(events: &'e [Event], key: &str) -> Option<&'e str> {
    let mut all = events.iter().flat_map(|event| &event.attributes);
    all.find(|a| a.key == key).map(|a| a.value.as_str())
}

/// A transaction or query that did not do what it was sent for. Nothing changed but the sender's sequence.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    /// Family of the error, e.g. `compute`; `grpc` for a query that never got to a module.
    pub codespace: String,
    /// Number within it.
    pub code: u32,
    /// The text; the contract's own part is opened as its sender opens it.
    pub text: String,
    /// Where the contract panicked, if it did and said so.
    pub panic: Option<Box<Panic>>,
    /// Gas that was used.
    pub gas_used: Gas,
}

impl Refused {
    fn new(codespace: String, code: u32, text: &str, key: Option<&TxKey>, gas_used: Gas) -> Self {
        let (text, own) = opened(text, key);
        Self {
            codespace,
            code,
            text,
            panic: own.as_deref().and_then(Panic::read).map(Box::new),
            gas_used,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = plain(&self.text);
        write!(f, "{} {}: {text}", self.codespace, self.code)?;
        match &self.panic {
            Some(panic) => write!(f, "\n{panic}"),
            None => Ok(()),
        }
    }
}

/// What `unwrap` in a test shows: the same, to be read.
impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Refused {}

pub(crate) fn query_refused(error: QueryError, key: &TxKey) -> Refused {
    let (codespace, code, text) = match error {
        QueryError::Module(e) | QueryError::Contract(e) => (e.codespace, e.code, e.text),
        other => {
            let (code, text) = other.grpc();
            (String::from("grpc"), code.number(), text)
        }
    };
    Refused::new(codespace, code, &text, Some(key), 0)
}

/// What a sealed text in an error begins with, and where it ends.
pub(crate) const SEALED: &str = "encrypted: ";

/// An error's text with the contract's own part open, and that part.
fn opened(text: &str, key: Option<&TxKey>) -> (String, Option<String>) {
    let open = text.split_once(SEALED).and_then(|(before, rest)| {
        let (sealed, after) = rest.split_at(rest.find(": ").unwrap_or(rest.len()));
        let own = key?.open_text(sealed).ok()?.trim_end().to_owned();
        Some((format!("{before}{own}{after}"), Some(own)))
    });
    open.unwrap_or_else(|| (text.to_owned(), None))
}

/// A contract's text as it is printed: it moves no cursor, turns no direction, and its lines are not taken for those of a test.
pub(crate) fn plain(text: &str) -> String {
    let marks = ['\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\n    "),
            c if c.is_control() || turns(c) || marks.contains(&c) => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> T {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|error| panic!("{error} in {}", plain(&String::from_utf8_lossy(bytes))))
}
