//! docs/spec/limits.md against the code.

use strongroom_chain::check::SIMULATED_MESSAGES_MAX;
use strongroom_chain::modules::bank::query::OWNERS_WALK_MAX;
use strongroom_chain::query::{LIMIT_MAX, OFFSET_MAX, PUBLIC_QUERY_GAS, REQUEST_BYTES_MAX};
use strongroom_node::gate::{RUNNING_MAX, WAIT_MAX, WAITING_MAX};
use strongroom_node::indexer::ROWS_MAX;

#[test]
fn the_table_of_limits_says_what_the_code_does() {
    let document = include_str!("../../../../docs/spec/limits.md");
    let limits = [
        ("heavy pieces at one time", RUNNING_MAX as u64),
        ("heavy pieces that wait", WAITING_MAX as u64),
        ("seconds of waiting", WAIT_MAX.as_secs()),
        ("index rows of a search", ROWS_MAX as u64),
        ("messages of a simulation", SIMULATED_MESSAGES_MAX as u64),
        ("gas of a public query", PUBLIC_QUERY_GAS),
        ("entries of a page", LIMIT_MAX as u64),
        ("offset of a page", OFFSET_MAX),
        ("accounts behind a page of owners", OWNERS_WALK_MAX as u64),
        ("bytes of a query's request", REQUEST_BYTES_MAX as u64),
    ];
    for (name, value) in limits {
        let row = format!("| {name} | {value} |");
        assert!(document.lines().any(|line| line == row), "{row}");
    }
}
