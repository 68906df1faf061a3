//! The end of a message that a contract sent: what it used is charged, what it did stays or is taken back, and the sender
//! is told if it asked for that (contract-abi.md 7.10).
//!
//! A reply may see a failure of a module, as code and codespace, and the own error of a contract that was called, as its
//! text. Anything else that goes wrong in a message to a contract ends the transaction, whatever the sender asked for.

use super::{Call, Calls, Failure, Next, OnSuccess, shown};
use crate::ctx::Branch;
use crate::error::{Fault, Stop, broken};
use crate::gas::GasMeter;
use crate::modules::compute::error as compute;
use crate::modules::compute::limits::REPLY_BYTES_MAX;
use crate::modules::compute::output::{self, EntryPoint};
use crate::modules::compute::response::ReplyOn;
use crate::modules::compute::state::Library;
use crate::modules::compute::{gas, keeper};
use crate::types::error::sdk;
use crate::types::proto::Message as _;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::{Address, Coins, Event, TxError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// A message under way, and what is needed when it ends.
pub(super) struct Sent {
    /// The contract's own number for it.
    pub id: u64,
    /// What the contract gets back.
    pub payload: Vec<u8>,
    /// Type of the response, if the contract is of the ordinary library.
    pub response_type: &'static str,
    /// When the contract wants a reply.
    pub reply_on: ReplyOn,
    /// Whether it went to a contract.
    pub to_contract: bool,
    /// The transaction before it.
    pub branch: Branch,
    /// The sender's meter, if the message has one of its own.
    pub outer: Option<GasMeter>,
}

/// What came of a message that succeeded.
pub(super) enum SentResponse {
    /// There was nothing to do, so nobody answers.
    Nothing,
    /// Bytes of the response of a module.
    Module(Vec<u8>),
    /// A call of a contract.
    Contract {
        /// Which entry point.
        entry_point: EntryPoint,
        /// Which contract.
        contract: Address,
        /// Its data.
        data: Option<Vec<u8>>,
    },
}

impl SentResponse {
    /// The data as a secret contract is told it: a contract's is bare, an empty response is none (contract-abi.md 8).
    fn bare(self) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => None,
            Self::Module(bytes) => Some(bytes).filter(|bytes| !bytes.is_empty()),
            Self::Contract { data, .. } => data,
        }
    }

    /// The bytes of the response in protobuf, which contracts of the ordinary library decode.
    fn encoded(self) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => None,
            Self::Module(bytes) => Some(bytes),
            Self::Contract {
                entry_point,
                contract,
                data,
            } => {
                let data = data.unwrap_or_default();
                Some(match entry_point {
                    EntryPoint::Instantiate => {
                        let address = contract.to_string();
                        pb::MsgInstantiateContractResponse { address, data }.encode_to_vec()
                    }
                    EntryPoint::Migrate => pb::MsgMigrateContractResponse { data }.encode_to_vec(),
                    _ => pb::MsgExecuteContractResponse { data }.encode_to_vec(),
                })
            }
        }
    }
}

/// What a contract is told of a message that it sent (contract-abi.md section 2).
#[derive(Serialize)]
struct Reply<'a> {
    id: u64,
    /// Only of contracts of std 2 and later, and only if they gave one.
    #[serde(skip_serializing_if = "String::is_empty")]
    payload: String,
    result: ReplyResult<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ReplyResult<'a> {
    Ok {
        events: Vec<ReplyEvent<'a>>,
        data: Option<&'a str>,
        /// Only of contracts of the ordinary library, which has it from 2.0 on.
        #[serde(skip_serializing_if = "Option::is_none")]
        msg_responses: Option<[MsgResponse<'a>; 1]>,
    },
    Error(&'a str),
}

/// The one response of a message.
#[derive(Serialize)]
struct MsgResponse<'a> {
    type_url: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct ReplyEvent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    attributes: Vec<ReplyAttribute<'a>>,
}

#[derive(Serialize)]
struct ReplyAttribute<'a> {
    key: &'a str,
    value: &'a str,
}

impl Calls<'_, '_, '_> {
    /// Ends the message under way, which succeeded, and tells its sender if it asked for that.
    pub(super) fn sent_well(&mut self, response: SentResponse) -> Result<Next, Stop> {
        let library = self.dispatching()?.library;
        let sent = self.take_sent()?;
        self.put_back(sent.outer);
        let from = sent.branch.events();
        let own = self.ctx.events.split_off(from.min(self.ctx.events.len()));
        let own = output::of_sub_message(own, sent.to_contract);
        self.ctx.events.extend(own);
        if !sent.reply_on.success() {
            return Ok(Next::Dispatch);
        }
        // Of a message to a module the events are not told.
        let told = if sent.to_contract {
            from
        } else {
            self.ctx.events.len()
        };
        let events = self.ctx.events.get(told..).unwrap_or_default();
        let (data, type_url) = match library {
            Library::Stock => (response.encoded(), Some(sent.response_type)),
            Library::V010 | Library::V1 => (response.bare(), None),
        };
        let length = data.as_ref().map_or(0, Vec::len);
        // The ordinary library has the same bytes in two places.
        let again = type_url.map_or(0, |url| length.saturating_add(url.len()));
        let bytes = events_bytes(events)
            .saturating_add(length)
            .saturating_add(again)
            .saturating_add(sent.payload.len());
        self.pay(bytes)?;
        let events = self.ctx.events.get(told..).unwrap_or_default();
        let data = data.map(|bytes| STANDARD.encode(bytes));
        let responses = data.as_deref().zip(type_url);
        let msg_responses = responses.map(|(value, type_url)| [MsgResponse { type_url, value }]);
        // Of a response without fields the old form says nothing.
        let is_told = |data: &&str| type_url.is_none() || !data.is_empty();
        let result = ReplyResult::Ok {
            events: events.iter().map(reply_event).collect(),
            data: data.as_deref().filter(is_told),
            msg_responses,
        };
        self.reply(result.of(sent.id, &sent.payload)?)
    }

    /// Ends the message under way, which failed: its sender is told if it asked for that and may see it; otherwise all ends.
    pub(super) fn sent_badly(&mut self, failure: Failure) -> Result<Next, Stop> {
        let sent = self.take_sent()?;
        let wants = sent.reply_on.failure();
        let text = match failure {
            Failure::Contract(_, text) if wants => text,
            failure => match limited(self.told(failure), &sent) {
                Stop::Err(e) if wants && !sent.to_contract => redacted(&e),
                stop => return Err(self.lost(sent, stop)),
            },
        };
        self.put_back(sent.outer);
        self.ctx.take_back(sent.branch);
        self.pay(text.len().saturating_add(sent.payload.len()))?;
        self.reply(ReplyResult::Error(&text).of(sent.id, &sent.payload)?)
    }

    /// The error of all frames below that a message under way makes of its own.
    pub(super) fn lost(&mut self, sent: Sent, stop: Stop) -> Stop {
        let stop = limited(stop, &sent);
        self.put_back(sent.outer);
        match stop {
            Stop::Err(e) if sent.to_contract && sent.reply_on.failure() => {
                let text = redacted(&e);
                TxError::plain(format!(
                    "an sdk error occurred while sending a sub-message: {text}"
                ))
                .into()
            }
            stop => stop,
        }
    }

    /// A failure as the client sees it. The contract's own text leaves the enclave sealed, so its bytes are charged.
    pub(super) fn told(&mut self, failure: Failure) -> Stop {
        if let Failure::Contract(_, text) = &failure {
            let price = gas::output_bytes(output::class(text.len()), true);
            if let Err(stop) = self.ctx.gas.consume(price, keeper::CONTRACT_OUTPUT) {
                return stop;
            }
        }
        shown(self.key, failure)
    }

    /// Ends a reply: its data, if it gave any, takes the place of that of the call whose message it was about.
    pub(super) fn replied(&mut self, data: Option<Vec<u8>>) -> Result<Next, Stop> {
        let Some(data) = data else {
            return Ok(Next::Dispatch);
        };
        let (now, top) = (data.len(), self.dispatching()?);
        let before = top.data.replace(data).map_or(0, |data| data.len());
        top.bytes = top.bytes.saturating_sub(before).saturating_add(now);
        self.waiting = self.waiting.saturating_sub(before).saturating_add(now);
        Ok(Next::Dispatch)
    }

    fn take_sent(&mut self) -> Result<Sent, Fault> {
        let sent = self.dispatching()?.sent.take();
        sent.ok_or_else(|| broken("no message is under way"))
    }

    /// Restores the sender's meter and charges it what the message used, at most the message's limit.
    fn put_back(&mut self, outer: Option<GasMeter>) {
        if let Some(outer) = outer {
            let inner = core::mem::replace(&mut self.ctx.gas, outer);
            // The limit was less than what was left, so this cannot run out.
            let _ = self
                .ctx
                .gas
                .consume(inner.used().min(inner.limit()), "From limited Sub-Message");
        }
    }

    /// Charges for a reply that tells so many bytes, before it is written.
    fn pay(&mut self, bytes: usize) -> Result<(), Stop> {
        self.ctx.gas.consume(gas::json(bytes), "Contract reply")?;
        if bytes > REPLY_BYTES_MAX {
            return Err(too_long());
        }
        Ok(())
    }

    /// Calls the contract on top again with a reply.
    fn reply(&mut self, msg: Vec<u8>) -> Result<Next, Stop> {
        // Escapes in JSON can make it longer than what it tells.
        if msg.len() > REPLY_BYTES_MAX {
            return Err(too_long());
        }
        let top = self.dispatching()?;
        let (contract, code_hash) = (top.contract.clone(), top.code_hash);
        let (record, code) = keeper::loaded(self.ctx, &contract, keeper::LOAD_REPLY)?;
        let call = Call {
            entry_point: EntryPoint::Reply,
            sender: contract.clone(),
            contract,
            storage_layout: record.storage_layout,
            code,
            code_hash: Some(code_hash),
            funds: Coins::default(),
            msg,
            // What began the call may not have been.
            bound: false,
            on_success: OnSuccess::Replied,
        };
        self.enter(call, None)
            .map_err(|failure: Failure| self.told(failure))
    }
}

fn too_long() -> Stop {
    let text = format!("a reply cannot be longer than {REPLY_BYTES_MAX} bytes");
    compute::LIMIT.wrap(text).into()
}

impl ReplyResult<'_> {
    /// The message of the reply.
    fn of(self, id: u64, payload: &[u8]) -> Result<Vec<u8>, Fault> {
        let reply = Reply {
            id,
            payload: STANDARD.encode(payload),
            result: self,
        };
        serde_json::to_vec(&reply).map_err(broken)
    }
}

/// JSON around the texts of an event or an attribute, in bytes.
const ITEM_BYTES: usize = 24;

/// About the bytes of events in a reply.
fn events_bytes(events: &[Event]) -> usize {
    let attributes = |e: &Event| {
        let each = e.attributes.iter();
        let each = each.map(|a| a.key.len().saturating_add(a.value.len()));
        each.fold(e.kind.len(), |sum, n| {
            sum.saturating_add(n).saturating_add(ITEM_BYTES)
        })
    };
    let each = events.iter().map(attributes);
    each.fold(0, |sum: usize, n| {
        sum.saturating_add(n).saturating_add(ITEM_BYTES)
    })
}

fn reply_event(event: &Event) -> ReplyEvent<'_> {
    let attributes = event.attributes.iter().map(|a| ReplyAttribute {
        key: &a.key,
        value: &a.value,
    });
    ReplyEvent {
        kind: &event.kind,
        attributes: attributes.collect(),
    }
}

/// What a contract, and a client, learns of a failure that is not for it (encryption.md 6.5).
fn redacted(e: &TxError) -> String {
    format!(
        "the error was redacted (codespace: {}, code: {}). For more info use latest localsecret and reproduce the issue",
        e.codespace, e.code
    )
}

/// Out of gas under a message's own limit is an error of the message, not of the transaction.
fn limited(stop: Stop, sent: &Sent) -> Stop {
    match stop {
        Stop::OutOfGas(_) if sent.outer.is_some() => {
            sdk::OUT_OF_GAS.wrap("SubMsg hit gas limit").into()
        }
        other => other,
    }
}
