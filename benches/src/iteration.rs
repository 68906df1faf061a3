//! Walking over a list beside reading its entries one by one: the stock contract, with the ordinary library's `range` and `may_load`.

use crate::calls::measure;
use crate::figures::{row, table};
use serde_json::json;
use strongroom_testkit::{Chain, Options, contract};

/// Entries of the list.
const ENTRIES: u64 = 1_000;
/// Entries that one transaction writes.
const FILLED_AT_ONCE: u64 = 50;
/// Blocks of each kind, one call in each.
const ROUNDS: usize = 25;
/// The gas limit of a call.
const GAS: u64 = 20_000_000;

pub(crate) fn run() {
    let mut chain = Chain::with(Options {
        block_gas: Some(2 * GAS),
        ..Options::default()
    });
    let owner = chain.user("a");
    let code = chain
        .store_code(&owner, contract("stock"))
        .expect("good code");
    let list = chain
        .instantiate(&owner, &code, "list", &json!({}))
        .expect("a list");
    for from in (0..ENTRIES).step_by(FILLED_AT_ONCE as usize) {
        let to = ENTRIES.min(from + FILLED_AT_ONCE);
        let fill =
            json!({"fill": {"from": from, "to": to, "text": "a note of some thirty letters"}});
        chain.execute(&owner, &list, &fill).expect("more entries");
    }
    let kinds = [
        json!({"read": {"count": 0}}),
        json!({"read": {"count": ENTRIES}}),
        json!({"walk": {"count": ENTRIES}}),
    ];
    let costs = measure(&mut chain, GAS, kinds.len(), ROUNDS, |kind, _| {
        vec![(owner.clone(), list.clone(), kinds[kind].clone())]
    });
    let base = costs[1].median();
    let rows = [
        (
            format!("baseline: {ENTRIES} entries read one by one"),
            &costs[1],
        ),
        (format!("an iterator over the same {ENTRIES}"), &costs[2]),
        (
            "for comparison: a call that reads nothing".to_owned(),
            &costs[0],
        ),
    ]
    .map(|(what, samples)| row(&what, samples, base));
    table(
        &format!("Iteration, alone in its block ({ROUNDS} blocks)"),
        &["what runs", "ratio", "µs (median)", "quartiles"],
        &rows,
    );
}
