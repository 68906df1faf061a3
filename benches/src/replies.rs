//! What a reply takes beside a call: a contract that calls another one, and the same one that wants to be told of it.

use crate::calls::measure;
use crate::figures::{Samples, ratio, row, table, us};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::Duration;
use strongroom_testkit::{Chain, Options, User, contract};

/// Calls in a block, each of another user.
const SIZE: usize = 50;
/// Blocks of each kind.
const ROUNDS: usize = 25;
/// The gas limit of a call.
const GAS: u64 = 250_000;

pub(crate) fn run() {
    let mut chain = Chain::with(Options {
        accounts: SIZE,
        ..Options::default()
    });
    let owner = chain.user("a");
    let code = chain
        .store_code(&owner, contract("everything"))
        .expect("good code");
    let mut made = |label: &str| {
        let made = chain.instantiate(&owner, &code, label, &json!({}));
        made.expect("a contract")
    };
    let (one, two) = (made("one"), made("two"));
    let users: Vec<User> = (0..SIZE).map(User::numbered).collect();
    // Forgetting keeps what it was told from growing.
    let sends = |reply_on: &str| {
        let execute = json!({
            "contract_addr": two.address.to_string(),
            "code_hash": hex::encode(two.code_hash),
            "msg": STANDARD.encode("{}"),
            "send": [],
        });
        let msg = json!({"wasm": {"execute": execute}});
        json!({
            "forget": true,
            "messages": [{"id": 1, "msg": msg, "gas_limit": null, "reply_on": reply_on}],
        })
    };
    let kinds = [json!({"forget": true}), sends("never"), sends("always")];
    let costs = measure(&mut chain, GAS, kinds.len(), ROUNDS, |kind, _| {
        let call = |user: &User| (user.clone(), one.clone(), kinds[kind].clone());
        users.iter().map(call).collect()
    });
    if let [nothing, called, told] = &costs[..] {
        show(nothing, called, told);
    }
}

fn show(nothing: &Samples, called: &Samples, told: &Samples) {
    let base = nothing.median();
    let mut rows: Vec<Vec<String>> = [
        ("baseline: a call that does nothing", nothing),
        ("the same, and a call of another contract", called),
        ("the same, and a reply to that", told),
    ]
    .map(|(what, samples)| row(what, samples, base))
    .to_vec();
    let of_call = called.median().saturating_sub(base);
    let of_reply = told.median().saturating_sub(called.median());
    let more = |what: &str, time: Duration| {
        vec![
            what.to_owned(),
            format!("{:.2}", ratio(time, of_call)),
            us(time),
            String::new(),
        ]
    };
    rows.push(more(
        "of that the call of another contract (baseline of the next)",
        of_call,
    ));
    rows.push(more("of that the reply", of_reply));
    table(
        &format!("A call and its reply, one of {SIZE} in a block ({ROUNDS} blocks)"),
        &["what runs", "ratio", "µs (median)", "quartiles"],
        &rows,
    );
}
