//! Decoding, the ante chain and the messages of one transaction on a journal, and the result that clients read.

use super::msg::no_handler;
use super::{AnteConfig, Msg, visible};
use crate::Ctx;
use crate::ctx::event;
use crate::error::{Fault, Stop};
use crate::modules;
use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
use crate::types::proto::{Any, Message};
use crate::types::tx::Tx;
use crate::types::{Address, Attribute, Event, ExecTxResult, Gas, TxError};

/// A transaction that decoded, its messages checked and with handlers.
#[derive(Debug)]
pub struct DecodedTx {
    /// The transaction.
    pub tx: Tx,
    /// Its messages in order.
    pub messages: Vec<Msg>,
}

/// Decodes a transaction; every message passes its stateless check and has a handler.
///
/// # Errors
/// sdk 2, 6 or 18, or a message's own error.
pub fn decode(bytes: &[u8]) -> Result<DecodedTx, TxError> {
    let tx = Tx::decode(bytes)?;
    let mut messages = Vec::new();
    let mut unhandled = None;
    for any in &tx.body.messages {
        match Msg::decode(any)? {
            Some(message) => messages.push(message),
            None => unhandled = unhandled.or(Some(any)),
        }
    }
    match unhandled {
        Some(any) => Err(no_handler(&any.type_url)),
        None => Ok(DecodedTx { tx, messages }),
    }
}

/// Runs the ante chain on a mark of the journal: after an error nothing is written and no event stands.
///
/// # Errors
/// The table of wire.md 1.12.2.
pub fn run_ante(
    ctx: &mut Ctx,
    decoded: &DecodedTx,
    config: &AnteConfig,
) -> Result<Vec<Address>, Stop> {
    let start = ctx.branch();
    let passed = modules::ante(ctx, &decoded.tx, &decoded.messages, config);
    if passed.is_err() {
        ctx.take_back(start);
        ctx.fees = crate::types::Coins::empty();
    }
    passed
}

/// Runs the messages in order, on behalf of the signers that [`run_ante`] gave, and gives the encoded `TxMsgData`. Their events are completed as clients read
/// them: `message{action, sender[, module]}` first, `msg_index` last. The caller takes back state, events and content after an error.
///
/// # Errors
/// `failed to execute message; message index: <i>: <E>`; out of gas without that prefix; a fault.
pub fn run_messages(
    ctx: &mut Ctx,
    decoded: DecodedTx,
    signers: &[Address],
) -> Result<Vec<u8>, Stop> {
    let mut responses = Vec::new();
    for (index, message) in decoded.messages.into_iter().enumerate() {
        let sender = message.signers()?.first().cloned();
        let url = message.type_url().to_owned();
        let from = ctx.events.len();
        let run = ctx.may_send().map_err(Stop::from);
        let run = run.and_then(|()| ctx.run(message, signers));
        let value = run.map_err(|stop| match stop {
            Stop::Err(e) => {
                Stop::Err(e.wrap(format!("failed to execute message; message index: {index}")))
            }
            other => other,
        })?;
        complete(&mut ctx.events, from, &url, sender.as_ref(), index);
        responses.push(Any {
            type_url: format!("{url}Response"),
            value,
        });
    }
    let answer = TxMsgData {
        data: Vec::new(),
        msg_responses: responses,
    };
    Ok(answer.encode_to_vec())
}

/// Completes the events of one message, those at `from` and behind, as the transaction shows them.
fn complete(
    events: &mut Vec<Event>,
    from: usize,
    url: &str,
    sender: Option<&Address>,
    index: usize,
) {
    let sender = sender.map(ToString::to_string).unwrap_or_default();
    let mut first = event("message", &[("action", url), ("sender", &sender)]);
    let names_module = events
        .iter()
        .skip(from)
        .any(|e| e.attributes.iter().any(|a| a.key == "module"));
    if !names_module && let Some(module) = url.split('.').nth(1) {
        first.attributes.push(attribute("module", module));
    }
    events.insert(from.min(events.len()), first);
    let index = index.to_string();
    for event in events.iter_mut().skip(from) {
        event.attributes.push(attribute("msg_index", &index));
    }
}

fn attribute(key: &str, value: &str) -> Attribute {
    Attribute {
        key: key.to_owned(),
        value: value.to_owned(),
        index: true,
    }
}

/// Gas and error of a transaction: in a block, in a check or in a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct TxOutcome {
    /// The gas limit that was asked for; 0 if it never got so far.
    pub gas_wanted: Gas,
    /// Gas used.
    pub gas_used: Gas,
    /// The error, if it failed.
    pub error: Option<TxError>,
}

impl TxOutcome {
    /// Reads gas and error off a context.
    ///
    /// # Errors
    /// A fault passes through.
    pub(crate) fn of(ctx: &Ctx, outcome: Result<(), Stop>) -> Result<Self, Fault> {
        let (gas_wanted, gas_used) = (ctx.gas.limit(), ctx.gas.used());
        let error = outcome
            .err()
            .map(|stop| visible(stop, gas_wanted, gas_used))
            .transpose()?;
        Ok(Self {
            gas_wanted,
            gas_used,
            error,
        })
    }

    /// A transaction that did not decode.
    pub(crate) const fn undecodable(error: TxError) -> Self {
        Self {
            gas_wanted: 0,
            gas_used: 0,
            error: Some(error),
        }
    }

    /// The result as blocks carry it.
    #[must_use]
    pub fn into_result(self, data: Vec<u8>, events: Vec<Event>) -> ExecTxResult {
        let amount = |gas: Gas| i64::try_from(gas).unwrap_or(i64::MAX);
        let (code, codespace, log) = match self.error {
            None => (0, String::new(), String::new()),
            Some(e) => (e.code, e.codespace, e.text),
        };
        ExecTxResult {
            code,
            data: if code == 0 { data } else { Vec::new() },
            log,
            info: String::new(),
            gas_wanted: amount(self.gas_wanted),
            gas_used: amount(self.gas_used),
            events,
            codespace,
        }
    }
}
