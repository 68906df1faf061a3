//! Headers, commits and validators as REST prints them, in the form in which the RPC does: what is base64 there is hex here, and some names differ.
//!
//! Promises: what is not as REST has it becomes null, or stays, and is refused by whoever reads the form of the RPC. Refuses: to make anything up but what REST
//! leaves out where it is nothing (times of who is absent, the block before the first), and a number of validators that it does not tell.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// An answer to `commit`.
pub(super) fn signed_header(header: &Value, commit: &Value) -> Value {
    json!({ "signed_header": { "header": self::header(header), "commit": self::commit(commit) } })
}

/// An answer to `validators`: those from the `before`th on, `limit` at most.
pub(super) fn validators(answer: &Value, before: usize, limit: usize) -> Value {
    let all = answer["validators"].as_array().map(Vec::as_slice);
    let all = all.unwrap_or_default();
    let total = answer["pagination"]["total"].as_str();
    // Not every node tells it: a whole page may have another one behind it.
    let seen = before.saturating_add(all.len());
    let guess = seen.saturating_add(usize::from(all.len() >= limit));
    let total = match total.unwrap_or("0") {
        "0" => json!(guess.to_string()),
        told => json!(told),
    };
    let one = |v: &Value| {
        let kind = match v["pub_key"]["@type"].as_str() {
            Some("/cosmos.crypto.ed25519.PubKey") => json!("tendermint/PubKeyEd25519"),
            _ => v["pub_key"]["@type"].clone(),
        };
        json!({
            "pub_key": { "type": kind, "value": v["pub_key"]["key"] },
            "voting_power": v["voting_power"],
        })
    };
    let validators: Vec<_> = all.iter().map(one).collect();
    json!({ "validators": validators, "total": total })
}

fn header(header: &Value) -> Value {
    let hex = |name: &str| hex(&header[name]);
    json!({
        "version": header["version"],
        "chain_id": header["chain_id"],
        "height": header["height"],
        "time": header["time"],
        "last_block_id": block_id(&header["last_block_id"]),
        "last_commit_hash": hex("last_commit_hash"),
        "data_hash": hex("data_hash"),
        "validators_hash": hex("validators_hash"),
        "next_validators_hash": hex("next_validators_hash"),
        "consensus_hash": hex("consensus_hash"),
        "app_hash": hex("app_hash"),
        "last_results_hash": hex("last_results_hash"),
        "evidence_hash": hex("evidence_hash"),
        "proposer_address": hex("proposer_address"),
    })
}

fn commit(commit: &Value) -> Value {
    let sig = |sig: &Value| {
        let flag = match sig["block_id_flag"].as_str() {
            Some("BLOCK_ID_FLAG_ABSENT") => json!(1),
            Some("BLOCK_ID_FLAG_COMMIT") => json!(2),
            Some("BLOCK_ID_FLAG_NIL") => json!(3),
            _ => sig["block_id_flag"].clone(),
        };
        json!({
            "block_id_flag": flag,
            "validator_address": hex(&sig["validator_address"]),
            // Whoever is absent has none.
            "timestamp": sig["timestamp"].as_str().unwrap_or_default(),
            "signature": sig["signature"],
        })
    };
    let signatures = commit["signatures"].as_array();
    json!({
        "height": commit["height"],
        "round": commit["round"],
        "block_id": block_id(&commit["block_id"]),
        "signatures": signatures.map(|all| all.iter().map(sig).collect::<Vec<_>>()),
    })
}

/// The first block has none before it: then the whole may be missing.
fn block_id(id: &Value) -> Value {
    let parts = &id["part_set_header"];
    let total = match &parts["total"] {
        Value::Null => json!(0),
        total => total.clone(),
    };
    json!({ "hash": hex(&id["hash"]), "parts": { "total": total, "hash": hex(&parts["hash"]) } })
}

/// Upper-case hex of base64; nothing of nothing.
fn hex(value: &Value) -> Value {
    match value {
        Value::Null => json!(""),
        Value::String(text) => match STANDARD.decode(text) {
            Ok(bytes) => json!(hex::encode_upper(bytes)),
            Err(_) => Value::Null,
        },
        _ => Value::Null,
    }
}
