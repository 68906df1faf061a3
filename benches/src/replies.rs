//! What a reply takes beside a call: a contract that calls another one, and the same one that wants to be told of it.

use crate::figures::{Samples, ratio, row, table, timed, us};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;
use strongroom_testkit::replica::{Replica, Sealed};
use strongroom_testkit::watch::Watch;
use strongroom_testkit::{Chain, Contract, Options, User, contract};

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
    // Keys of accounts are known, the module is loaded.
    for message in &kinds {
        block(&mut chain, &users, &one, message);
    }
    let mut sealed = Replica::<Sealed>::of(&chain);
    let mut costs = [(); 3].map(|()| Samples::default());
    for _ in 0..ROUNDS {
        for (message, cost) in kinds.iter().zip(&mut costs) {
            let txs = calls(&mut chain, &users, &one, message);
            let proposed = chain.propose(txs);
            let (outcome, took) = timed(|| sealed.execute(&proposed));
            // What is left without signature, fee and sequence is the call.
            let ((), ante) = timed(|| sealed.ante(&proposed, &Watch::default()));
            cost.push(took.saturating_sub(ante) / SIZE as u32);
            let results = chain.decided(&proposed);
            assert_eq!(
                results, outcome.tx_results,
                "the enclave does the same work"
            );
            sealed.keep(&outcome);
        }
    }
    show(&costs);
}

/// Signed calls, one of each user.
fn calls(chain: &mut Chain, users: &[User], target: &Contract, message: &Value) -> Vec<Vec<u8>> {
    users
        .iter()
        .map(|user| {
            let call = chain.message(user, target, message);
            let tx = chain.tx().gas(GAS).message(&call.message);
            chain.sign(user, &tx)
        })
        .collect()
}

fn block(chain: &mut Chain, users: &[User], target: &Contract, message: &Value) {
    let txs = calls(chain, users, target, message);
    for result in chain.block(txs) {
        assert_eq!(result.code, 0, "{}", result.log);
    }
}

fn show([nothing, called, told]: &[Samples; 3]) {
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
