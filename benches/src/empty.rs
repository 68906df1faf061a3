//! An `execute` that does nothing, of either generation: what everything around a contract's code costs.

use crate::figures::{Samples, row, table, timed};
use crate::vm_only::VmOnly;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use strongroom_testkit::replica::{Replica, Sealed};
use strongroom_testkit::watch::Watch;
use strongroom_testkit::{Chain, Contract, Options, User, contract};

/// Calls in a block, each of another user.
const SIZE: usize = 50;
/// Blocks.
const ROUNDS: usize = 25;
/// The gas limit of a call.
const GAS: u64 = 250_000;

/// Samples per call.
#[derive(Default)]
struct Costs {
    engine: Samples,
    call: Samples,
    first_call: Samples,
    state_machine: Samples,
    enclave: Samples,
}

pub(crate) fn run() {
    let cases = [
        ("v1", "probe", json!({})),
        (
            "v0.10",
            "everything_v010",
            json!({"log": [], "messages": []}),
        ),
    ];
    for (generation, name, begin) in cases {
        let costs = measure(name, &begin);
        show(generation, &costs);
    }
}

fn measure(name: &str, begin: &Value) -> Costs {
    let mut chain = Chain::with(Options {
        accounts: SIZE,
        ..Options::default()
    });
    let owner = chain.user("a");
    let wasm = contract(name);
    let code = chain.store_code(&owner, wasm.clone()).expect("good code");
    let target = chain
        .instantiate(&owner, &code, name, begin)
        .expect("a contract");
    let users: Vec<User> = (0..SIZE).map(User::numbered).collect();
    // Keys of accounts are known, the module is loaded.
    let warm = calls(&mut chain, &users, &target);
    block(&mut chain, warm);
    let mut sealed = Replica::<Sealed>::of(&chain);
    let mut vm = VmOnly::new(&wasm, &target, BTreeMap::new());
    let nothing = json!({"nothing": {}});
    let mut costs = Costs::default();
    let per = |time: Duration| time / SIZE as u32;
    for round in 0..ROUNDS {
        let txs = calls(&mut chain, &users, &target);
        chain.door().take_traffic();
        block(&mut chain, txs);
        let traffic = chain.door().take_traffic();
        assert_eq!(traffic.asks, 0, "a warm tree");
        costs.enclave.push(per(traffic.executing_processor));
        sealed.follow(&chain);

        let number = u64::try_from(round).expect("few rounds");
        let unknown: Vec<User> = users.iter().map(|user| user.on_device(number)).collect();
        for (senders, is_known) in [(&users, true), (&unknown, false)] {
            let txs = calls(&mut chain, senders, &target);
            let proposed = chain.propose(txs);
            let (outcome, took) = timed(|| sealed.execute(&proposed));
            // What is left without signature, fee and sequence is the call.
            let ((), ante) = timed(|| sealed.ante(&proposed, &Watch::default()));
            let call = per(took.saturating_sub(ante));
            if is_known {
                costs.state_machine.push(per(took));
                costs.call.push(call);
            } else {
                costs.first_call.push(call);
            }
            let results = chain.decided(&proposed);
            assert_eq!(
                results, outcome.tx_results,
                "the enclave does the same work"
            );
            sealed.keep(&outcome);
        }

        let mut alone = Duration::ZERO;
        for user in &users {
            let [made, called] = vm.execute(user.address(), &nothing);
            alone += made + called;
        }
        costs.engine.push(per(alone));
    }
    costs
}

/// Signed calls, one of each user.
fn calls(chain: &mut Chain, users: &[User], target: &Contract) -> Vec<Vec<u8>> {
    let nothing = json!({"nothing": {}});
    users
        .iter()
        .map(|user| {
            let call = chain.message(user, target, &nothing);
            let tx = chain.tx().gas(GAS).message(&call.message);
            chain.sign(user, &tx)
        })
        .collect()
}

fn block(chain: &mut Chain, txs: Vec<Vec<u8>>) {
    for result in chain.block(txs) {
        assert_eq!(result.code, 0, "{}", result.log);
    }
}

fn show(generation: &str, costs: &Costs) {
    let base = costs.engine.median();
    let rows = [
        ("baseline: the contract in the engine", &costs.engine),
        (
            "the call in the state machine: opened, run, sealed",
            &costs.call,
        ),
        (
            "the same, the first message under its key: an exchange more",
            &costs.first_call,
        ),
        (
            "the state machine, with signature, fee and sequence",
            &costs.state_machine,
        ),
        ("the enclave, through its door", &costs.enclave),
    ]
    .map(|(what, samples)| row(what, samples, base));
    table(
        &format!("An empty execute of {generation}, one of {SIZE} in a block ({ROUNDS} blocks)"),
        &["what runs", "ratio", "µs (median)", "quartiles"],
        &rows,
    );
}
