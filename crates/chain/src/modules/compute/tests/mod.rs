//! Calls of contracts in real blocks: hand-written contracts, real keys of a fixed seed.

mod admin;
mod bank;
mod beside;
mod bound;
mod engine;
mod export;
mod hostile;
mod limits;
mod malformed;
mod meters;
mod migrate;
mod nesting;
mod order;
mod predictable;
mod puppet;
mod queries;
mod replies;
mod respond;
mod simulate;
mod stock;
mod sudo;
mod v010;
mod world;

use crate::genesis::Document;
use crate::testing::document;
use crate::types::Address;
use world::{Code, World, b64};

/// A response with these messages, attributes and events, all JSON lists without their brackets.
fn response(messages: &[String], attributes: &str, events: &str) -> String {
    format!(
        r#"{{"Ok":{{"messages":[{}],"attributes":[{attributes}],"events":[{events}],"data":null}}}}"#,
        messages.join(",")
    )
}

/// A response that only sends messages.
fn sends(messages: &[String]) -> String {
    response(messages, "", "")
}

/// A sub-message without reply.
fn sub(msg: &str, gas_limit: Option<u64>) -> String {
    let gas_limit = gas_limit.map_or_else(|| "null".to_owned(), |g| g.to_string());
    format!(r#"{{"id":0,"msg":{msg},"gas_limit":{gas_limit},"reply_on":"never"}}"#)
}

/// The same, whose sender is told under this number how it ended.
fn asked(id: u8, reply_on: &str, msg: &str, gas_limit: Option<u64>) -> String {
    let sub = sub(msg, gas_limit).replace("never", reply_on);
    sub.replace(r#"{"id":0"#, &format!(r#"{{"id":{id}"#))
}

/// A call of a contract.
fn call(contract: &Address, code_hash: &str, msg: &str, uscrt: u128) -> String {
    let send = if uscrt == 0 {
        String::new()
    } else {
        format!(r#"{{"denom":"uscrt","amount":"{uscrt}"}}"#)
    };
    format!(
        r#"{{"wasm":{{"execute":{{"contract_addr":"{contract}","code_hash":"{code_hash}","msg":"{}","send":[{send}]}}}}}}"#,
        b64(msg)
    )
}

/// A request to ask a contract.
fn smart(contract: &Address, code_hash: &str, msg: &str) -> String {
    format!(
        r#"{{"wasm":{{"smart":{{"contract_addr":"{contract}","code_hash":"{code_hash}","msg":"{}"}}}}}}"#,
        b64(msg)
    )
}

/// A chain with the puppet stored and two contracts of it.
fn two_puppets() -> (World, Code, Address, Address) {
    two_puppets_of(&document(3))
}

fn two_puppets_of(document: &Document) -> (World, Code, Address, Address) {
    let mut world = World::from_document(document);
    let code = world.store(puppet::wasm(""));
    let (a, b) = (world.instantiate(&code), world.instantiate(&code));
    (world, code, a, b)
}
