//! The result of a transaction, as its sender reads it, and how much of it is proven.

use crate::output::say;
use crate::output::{Output, Paint, plain, table};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_sdk::client::{Included, Opened, OpenedMessage, Proven};
use strongroom_types::Event;

/// Prints it.
pub(crate) fn print(included: &Included, opened: &Opened, output: Output) {
    match output {
        Output::Json => say(value(included, opened)),
        Output::Text => say(text(included, opened).trim_end()),
    }
}

/// Bytes as a program reads them: JSON as it is, other text as text, else nothing.
fn readable(bytes: &[u8]) -> Value {
    let text = || std::str::from_utf8(bytes).ok().map(Value::from);
    serde_json::from_slice(bytes)
        .ok()
        .or_else(text)
        .unwrap_or(Value::Null)
}

/// For programs and for people.
const fn proven(how_much: Proven) -> (&'static str, &'static str) {
    match how_much {
        Proven::Nothing => ("nothing", "nothing: this is the node's word"),
        Proven::Block => (
            "block",
            "that the block holds it; whether it succeeded is the node's word: there is no next block yet, or the node keeps no results",
        ),
        Proven::Result => (
            "result",
            "the block, success or failure, answers, gas; texts and events are the node's word",
        ),
    }
}

fn value(included: &Included, opened: &Opened) -> Value {
    let result = &included.result;
    json!({
        "txhash": included.hash,
        "height": included.height.to_string(),
        "code": result.code,
        "codespace": result.codespace,
        "proven": proven(included.proven).0,
        "raw_log": opened.log,
        "gas_wanted": result.gas_wanted.to_string(),
        "gas_used": result.gas_used.to_string(),
        "messages": messages(opened, Inputs::Shown),
        "events": events(opened),
    })
}

/// Whether what was sealed for contracts is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inputs {
    Shown,
    Hidden,
}

/// Messages as a program reads them.
pub(super) fn messages(opened: &Opened, inputs: Inputs) -> Value {
    let message = |message: &OpenedMessage| {
        let mut said = json!({
            "type": message.type_url,
            "input": message.input.as_deref().map(readable),
            "data": message.data.as_deref().map(|data| STANDARD.encode(data)),
            "answer": message.input.as_ref().and(message.data.as_deref()).map(readable),
            "contract_address": message.contract,
            "code_id": message.code_id.map(|id| id.to_string()),
        });
        if let (Inputs::Hidden, Some(said)) = (inputs, said.as_object_mut()) {
            said.remove("input");
        }
        said
    };
    opened.messages.iter().map(message).collect()
}

/// Events as a program reads them.
pub(super) fn events(opened: &Opened) -> Value {
    let event = |event: &Event| {
        let attributes = event.attributes.iter();
        let attributes = attributes.map(|a| json!({ "key": a.key, "value": a.value }));
        json!({ "type": event.kind, "attributes": attributes.collect::<Vec<_>>() })
    };
    opened.events.iter().map(event).collect()
}

fn text(included: &Included, opened: &Opened) -> String {
    let result = &included.result;
    let outcome = match result.code {
        0 => Paint::Green.on(&std::io::stdout(), "success"),
        code => format!(
            "{}: {} ({} {code})",
            Paint::Red.on(&std::io::stdout(), "failed"),
            plain(&opened.log),
            plain(&result.codespace)
        ),
    };
    let mut rows = vec![
        ["transaction", &plain(&included.hash)].map(str::to_owned),
        ["height", &included.height.to_string()].map(str::to_owned),
        ["result", &outcome].map(str::to_owned),
        ["proven", proven(included.proven).1].map(str::to_owned),
        [
            "gas",
            &format!("{} of {}", result.gas_used, result.gas_wanted),
        ]
        .map(str::to_owned),
    ];
    rows.extend(self::rows(opened, Inputs::Shown));
    table(&rows)
}

/// Messages, answers and the events of contracts, for people.
pub(super) fn rows(opened: &Opened, inputs: Inputs) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    let mut row = |name: &str, what: String| rows.push([plain(name), plain(&what)]);
    let shown = |bytes: &[u8]| match readable(bytes) {
        Value::String(text) => text,
        Value::Null => hex::encode(bytes),
        value => value.to_string(),
    };
    for message in &opened.messages {
        row("message", message.type_url.clone());
        if let (Inputs::Shown, Some(input)) = (inputs, &message.input) {
            row("  sealed", shown(input));
        }
        if let Some(data) = message.data.as_ref().filter(|_| message.input.is_some()) {
            row("  answer", shown(data));
        }
        if let Some(contract) = &message.contract {
            row("  contract", contract.clone());
        }
        if let Some(code_id) = message.code_id {
            row("  code", code_id.to_string());
        }
    }
    let contracts = opened.events.iter();
    for event in contracts.filter(|e| e.kind == "wasm" || e.kind.starts_with("wasm-")) {
        let attributes = event.attributes.iter().filter(|a| a.key != "msg_index");
        let pairs: Vec<_> = attributes
            .map(|a| format!("{}={}", a.key, a.value))
            .collect();
        row(&event.kind, pairs.join(" "));
    }
    rows
}
