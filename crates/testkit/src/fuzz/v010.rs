//! What the v0.10 contract (`contracts/everything-v010`) is told and asked, and what it sends.

use super::contracts::{Callee, Known, Language, json_coins, name, question, text};
use super::messages::amount;
use super::others;
use super::rng::Rng;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What the v0.10 contract is told; `messages` are those that it sends.
pub(super) fn told(rng: &mut Rng, known: &Known, messages: &[Value]) -> Value {
    let log: Vec<Value> = (0..rng.below(4))
        .map(|n| json!({"key": format!("k{n}"), "value": text(rng), "encrypted": rng.once_in(2)}))
        .collect();
    let request: Value = serde_json::from_str(&asked(rng, known)).expect("JSON of ours");
    match rng.below(16) {
        14 | 15 => json!({"call": {"calls": others::calls_v010(rng, known)}}),
        0 => json!({"nothing": {}}),
        1 => json!({"fail": {"error": error(rng)}}),
        2 => json!({"panic": {"message": text(rng)}}),
        3 => json!({"look": {}}),
        4 => json!({"write": {"key": text(rng), "value": text(rng)}}),
        5 => json!({"write_and_fail": {"key": text(rng), "value": text(rng)}}),
        6 => json!({"remove": {"key": text(rng)}}),
        7 => {
            json!({"receive": {"sender": name(rng, known), "from": name(rng, known), "amount": amount(rng)}})
        }
        8 => match request.get("ask") {
            Some(asked) => json!({"ask": asked}),
            None => request,
        },
        _ => {
            let data = rng.pick(&[Value::Null, json!(""), json!("c2Vlbg=="), json!("!")]);
            json!({"respond": {"messages": messages, "log": log, "data": data}})
        }
    }
}

/// A message of the v0.10 contract; `inner` is what a contract is told.
pub(super) fn message(rng: &mut Rng, known: &Known, to: &Callee, inner: &[u8]) -> Value {
    let own = known.callees.iter().find(|c| c.language == Language::V010);
    let own = own.map(|c| c.address.to_string()).unwrap_or_default();
    let (msg, hash) = (STANDARD.encode(inner), hex::encode(to.code_hash));
    match rng.below(10) {
        0 | 1 => {
            let from = if rng.once_in(3) {
                name(rng, known)
            } else {
                own
            };
            json!({"bank": {"send": {"from_address": from, "to_address": name(rng, known), "amount": json_coins(rng)}}})
        }
        2 => {
            let label: String = format!("{:016x}", rng.next());
            json!({"wasm": {"instantiate": {
                "code_id": rng.pick(&[1, 4]), "callback_code_hash": hash, "msg": msg, "send": [], "label": label,
            }}})
        }
        3 => rng.pick(&[
            json!({"gov": {"vote": {"proposal": 1, "vote_option": "No"}}}),
            json!({"staking": {"withdraw": {"validator": "v", "recipient": null}}}),
            json!({"custom": {}}),
        ]),
        _ => json!({"wasm": {"execute": {
            "contract_addr": to.address.to_string(), "callback_code_hash": hash, "msg": msg, "send": json_coins(rng),
        }}}),
    }
}

fn error(rng: &mut Rng) -> Value {
    match rng.below(4) {
        0 => json!({"unauthorized": {}}),
        1 => json!({"not_found": {"kind": text(rng)}}),
        2 => json!({"parse_err": {"target": "t", "msg": text(rng)}}),
        _ => json!({"generic_err": {"msg": text(rng)}}),
    }
}

/// What the v0.10 contract is asked.
pub(super) fn asked(rng: &mut Rng, known: &Known) -> String {
    let callee = known.callee(rng);
    let inner = match callee.language {
        Language::V010 | Language::Puppet => String::from("{\"read\":{\"key\":\"k\"}}"),
        Language::Probe | Language::Token => question(rng, known),
        Language::Stock => others::ask_stock(rng, known).to_string(),
        Language::Everything => others::ask_everything(rng, known).to_string(),
    };
    let smart = json!({
        "contract_addr": callee.address.to_string(),
        "callback_code_hash": hex::encode(callee.code_hash),
        "msg": STANDARD.encode(inner),
    });
    let balance = json!({"address": name(rng, known), "denom": "uscrt"});
    let question = match rng.below(8) {
        0 => json!({"read": {"key": text(rng)}}),
        1 => json!({"fail": {"error": error(rng)}}),
        2 => json!({"panic": {"message": text(rng)}}),
        3 => json!({"write": {"key": "k"}}),
        4 => json!({"canonicalize": {"human": name(rng, known)}}),
        5 => json!({"humanize": {"canonical": STANDARD.encode(rng.bytes(33))}}),
        6 => json!({"ask": {"request": {"bank": {"balance": balance}}}}),
        _ => json!({"ask": {"request": {"wasm": {"smart": smart}}}}),
    };
    question.to_string()
}
