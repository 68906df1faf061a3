//! docs/spec/limits.md and docs/spec/serving.md against the code.

use strongroom_chain::check::{SEQUENCES_AHEAD_MAX, SIMULATED_MESSAGES_MAX};
use strongroom_chain::gas::SIMULATION_MAX;
use strongroom_chain::modules::bank::query::OWNERS_WALK_MAX;
use strongroom_chain::query::{LIMIT_MAX, OFFSET_MAX, PUBLIC_QUERY_GAS, REQUEST_BYTES_MAX};
use strongroom_comet_rpc::indexer::ROWS_MAX;
use strongroom_comet_rpc::{check_queue, event_bus, mempool};
use strongroom_http::budget::{ANSWERED_BYTES_MAX, OWN_BYTES, RECEIVED_BYTES_MAX};
use strongroom_http::gate::{RUNNING_MAX, WAIT_MAX, WAITING_MAX};
use strongroom_http::settings::{
    ANSWER_BYTES_PER_SECOND_MIN, ANSWER_WAITS, BODY_WAITS, HEAD_BYTES_MAX, HEAD_WAITS, HEADERS_MAX,
    Settings,
};
use strongroom_http::shares::{CONNECTIONS_MAX, RESERVED_DESCRIPTORS, Shares};
use strongroom_http::workers;
use strongroom_store::LsmKv;
use strongroom_store::blocks::BlockStore;
use strongroom_store::state;

#[test]
fn the_table_of_limits_says_what_the_code_does() {
    let document = include_str!("../../../../docs/spec/limits.md");
    let limits = [
        ("heavy pieces at one time", RUNNING_MAX as u64),
        ("heavy pieces that wait", WAITING_MAX as u64),
        (
            "simulations of one server in the enclave or before it",
            workers::SIMULATIONS_MAX as u64,
        ),
        ("seconds of waiting for that", workers::WAITS.as_secs()),
        ("seconds of waiting", WAIT_MAX.as_secs()),
        ("index rows of a search", ROWS_MAX as u64),
        ("messages of a simulation", SIMULATED_MESSAGES_MAX as u64),
        ("gas of a simulation with contract messages", SIMULATION_MAX),
        (
            "sequences that it may be ahead of the committed state",
            SEQUENCES_AHEAD_MAX,
        ),
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

#[test]
fn the_table_of_limits_is_that_of_the_code() {
    let table = include_str!("../../../../docs/spec/serving.md");
    let has = |name: &str, value: u64| {
        let row = table
            .lines()
            .find(|line| line.starts_with(&format!("| {name}")));
        let row = row.unwrap_or_else(|| panic!("no row {name}"));
        let cell = row.split('|').nth(2).unwrap_or_default();
        assert!(
            cell.split([' ', ',']).any(|word| word == value.to_string()),
            "{row}: {value}"
        );
    };
    let mib = |bytes: usize| bytes as u64 >> 20;
    has("connections of all", CONNECTIONS_MAX as u64);
    has("descriptors kept", RESERVED_DESCRIPTORS);
    has("head of a request, bytes", HEAD_BYTES_MAX as u64);
    has("headers of", HEADERS_MAX as u64);
    has("head of a request, and", HEAD_WAITS.as_secs());
    has("body of", BODY_WAITS.as_secs());
    has("answer or frame of which", ANSWER_WAITS.as_secs());
    has("answer or frame that", ANSWER_BYTES_PER_SECOND_MIN >> 10);
    has("bytes that a connection", OWN_BYTES as u64);
    has("pool of received", mib(RECEIVED_BYTES_MAX));
    has("pool of answers", mib(ANSWERED_BYTES_MAX));
    has("wait for a free thread", workers::WAITS.as_secs());
    has("whole blocks", workers::BLOCKS_MAX as u64);
    has("transactions that wait", check_queue::QUEUED_TXS_MAX as u64);
    has(
        "bytes that wait for CheckTx",
        mib(check_queue::QUEUED_BYTES_MAX),
    );
    has("blocks that wait", event_bus::LAG_BLOCKS_MAX as u64);
    let limits = mempool::Limits::default();
    has(
        "milliseconds that all takes",
        limits.wait_max.as_millis() as u64,
    );
    has("bytes that wait for a sub", mib(event_bus::LAG_BYTES_MAX));
    let shares = Shares::of(u64::MAX).unwrap();
    let part = |settings: &Settings| CONNECTIONS_MAX / settings.connections_max;
    let (rpc, faucet) = (part(&shares.rpc), part(&shares.faucet));
    for row in [
        format!("| share of the RPC, of the faucet; REST has the rest | 1/{rpc}, 1/{faucet} |"),
        format!(
            "| threads of RPC and of REST that work which may take long can hold (simulations, searches, lists, contract queries) | 1/{} |",
            workers::LONG_PARTS
        ),
        format!(
            "| part of the room for transactions that is for senders without any | 1/{} |",
            mempool::ROOM_PARTS
        ),
    ] {
        assert!(table.contains(&row), "{row}");
    }
}

#[test]
fn the_descriptors_that_servers_leave_are_enough_for_both_databases_at_their_most() {
    let state = LsmKv::descriptors_max(state::TABLES, &state::node_kv_limits());
    let blocks = LsmKv::descriptors_max(&BlockStore::TABLES, &BlockStore::kv_limits());
    // Listeners, sockets of the enclave and of validators, the engine's log, content and long rows that are read.
    let others = 64;
    let all = (state + blocks + others) as u64;
    assert!(all <= RESERVED_DESCRIPTORS, "{state} + {blocks} + {others}");
}
