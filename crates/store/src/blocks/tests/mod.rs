mod long_rows;

use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use strongroom_types::consensus::VersionParams;
use strongroom_types::{Attribute, Event, ExecTxResult, RawTx, sha256};

fn store() -> (tempfile::TempDir, BlockStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = BlockStore::open(directory.path()).unwrap();
    (directory, store)
}

/// The block store on each of the two database engines.
fn both() -> Vec<(tempfile::TempDir, BlockStore)> {
    let directory = tempfile::tempdir().unwrap();
    let kv = crate::RedbKv::open(
        directory.path().join("redb"),
        &BlockStore::TABLES,
        KvLimits::default(),
    )
    .unwrap();
    vec![store(), (directory, BlockStore::on(Arc::new(kv)).unwrap())]
}

fn meta(height: Height) -> BlockMeta {
    BlockMeta {
        height,
        hash: sha256(&height.to_be_bytes()),
        parts_total: 1,
        parts_hash: [7; 32],
        size: 600,
        txs: 1,
        header: vec![1, 2, 3],
    }
}

fn block(tx: &[u8]) -> DecidedBlock {
    DecidedBlock {
        header: vec![1, 2, 3],
        txs: RawTx::list([tx]),
        ..DecidedBlock::default()
    }
}

fn event(kind: &str, key: &str, value: &str) -> Event {
    let attribute = Attribute {
        key: key.into(),
        value: value.into(),
        index: true,
    };
    Event {
        kind: kind.into(),
        attributes: vec![attribute],
    }
}

fn executed(tx_events: Vec<Event>, events: Vec<Event>) -> Executed {
    let tx_results = vec![ExecTxResult {
        events: tx_events,
        ..ExecTxResult::default()
    }];
    let results = BlockResults {
        tx_results,
        events,
        validator_updates: vec![],
        consensus_param_updates: None,
        app_hash: [9; 32],
    };
    Executed {
        results,
        validators: None,
        params: None,
    }
}

#[test]
fn a_database_of_another_format_is_refused_with_a_code_of_its_own() {
    let other = encode(&(FORMAT + 1));
    let base = encode(&1_u64);
    let rows = [
        (keys::BASE, base, 1),
        (keys::STORE_FORMAT, other, FORMAT + 1),
    ];
    for (key, row, format) in rows {
        let directory = tempfile::tempdir().unwrap();
        let limits = KvLimits::default();
        let kv = LsmKv::open(directory.path(), &BlockStore::TABLES, limits).unwrap();
        let mut batch = Batch::new();
        batch.put(key.to_vec(), row);
        Rows::new(Arc::new(kv.clone())).commit(batch).unwrap();
        let refused = BlockStore::on(Arc::new(kv)).err().unwrap();
        assert!(matches!(refused, BlockStoreError::Format { found } if found == format));
        assert_eq!(refused.code(), "store.format");
    }
}

#[test]
fn a_directory_of_another_format_is_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let limits = KvLimits::default();
    let kv = LsmKv::open(directory.path(), &BlockStore::TABLES, limits).unwrap();
    let mut batch = Batch::new();
    batch.put(keys::STORE_FORMAT.to_vec(), encode(&(FORMAT - 1)));
    Rows::new(Arc::new(kv.clone())).commit(batch).unwrap();
    drop(kv);
    let refused = BlockStore::open(directory.path()).err().unwrap();
    assert_eq!(refused.code(), "store.format");
    assert!(!directory.path().join(LARGE).exists());
}

/// Bytes that no compression makes shorter.
fn noise(bytes: u32) -> Vec<u8> {
    (0..bytes.div_ceil(32))
        .flat_map(|n| sha256(&n.to_be_bytes()))
        .collect()
}

/// A transaction's event that makes a long row.
fn long_event(value: &str) -> Event {
    event("kind", "key", &value.repeat(100_000 / value.len()))
}

/// Names and lengths of the files of long rows.
fn large_files(directory: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(directory.join(LARGE));
    let files = entries.into_iter().flatten().map(|file| file.unwrap());
    let mut files: Vec<_> = files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, file.metadata().unwrap().len())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_decided_block_is_found_by_height_hash_and_transaction() {
    let (_directory, store) = store();
    store.save_decided(&meta(1), &block(b"tx")).unwrap();
    assert_eq!(
        (store.base().unwrap(), store.decided_height().unwrap()),
        (Some(1), Some(1))
    );
    assert_eq!(store.executed_height().unwrap(), None);
    assert_eq!(store.block(1).unwrap().unwrap(), block(b"tx"));
    assert_eq!(store.height_of(&meta(1).hash).unwrap(), Some(1));
    assert_eq!(
        store.tx_location(&sha256(b"tx"), 1).unwrap(),
        None,
        "not executed yet"
    );
    store.save_results(1, &executed(vec![], vec![])).unwrap();
    assert_eq!(
        store.tx_location(&sha256(b"tx"), 1).unwrap(),
        Some(TxLocation {
            height: 1,
            index: 0
        })
    );
    assert_eq!(store.results(1).unwrap().unwrap().app_hash, [9; 32]);
}

#[test]
fn heights_have_no_gaps_and_one_block_each() {
    for (_directory, store) in both() {
        heights_are_strict(&store);
    }
}

fn heights_are_strict(store: &BlockStore) {
    store.save_decided(&meta(5), &block(b"a")).unwrap();
    store.save_decided(&meta(5), &block(b"a")).unwrap();
    let other = BlockMeta {
        hash: [0; 32],
        ..meta(5)
    };
    assert_eq!(
        store.save_decided(&other, &block(b"b")).unwrap_err().code(),
        "store.conflict"
    );
    assert_eq!(
        store
            .save_decided(&meta(7), &block(b"b"))
            .unwrap_err()
            .code(),
        "store.out_of_order"
    );
    assert_eq!(
        store
            .save_results(6, &executed(vec![], vec![]))
            .unwrap_err()
            .code(),
        "store.out_of_order"
    );
    store.save_results(5, &executed(vec![], vec![])).unwrap();
    store.save_results(5, &executed(vec![], vec![])).unwrap();
    store.save_decided(&meta(6), &block(b"b")).unwrap();
    assert_eq!(
        store
            .save_results(4, &executed(vec![], vec![]))
            .unwrap_err()
            .code(),
        "store.out_of_order"
    );
    assert_eq!(
        store
            .save_results(7, &executed(vec![], vec![]))
            .unwrap_err()
            .code(),
        "store.out_of_order"
    );
}

#[test]
fn blocks_that_lead_the_state_are_executed_again_to_the_same_results_and_no_others() {
    for (_directory, store) in both() {
        for height in 1..=4 {
            store.save_decided(&meta(height), &block(b"tx")).unwrap();
            let results = executed_with_news(height, &format!("at {height}"), 5);
            store.save_results(height, &results).unwrap();
        }
        let again = executed_with_news(2, "at 2", 5);
        store.save_results(2, &again).unwrap();
        let other = store.save_results(3, &executed_with_news(3, "other", 5));
        let other = other.unwrap_err();
        assert_eq!(other.code(), "store.other_results");
        assert!(other.to_string().contains("block 3"), "{other}");
        assert_eq!(store.executed_height().unwrap(), Some(4));
        assert_eq!(found(&store, "at 3"), [1, 1]);
        assert_eq!(found(&store, "other"), [0, 0]);
    }
}

#[test]
fn results_that_are_damaged_are_written_anew_by_the_execution_that_gave_them() {
    for newest in [1, 2] {
        let (directory, store) = store();
        let results = executed(vec![long_event("v")], vec![]);
        let path = directory
            .path()
            .join(LARGE)
            .join("00000000000000000000.rows");
        for height in 1..=newest {
            store.save_decided(&meta(height), &block(b"tx")).unwrap();
            store.save_results(height, &results).unwrap();
        }
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[9] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        drop(store);
        let store = BlockStore::open(directory.path()).unwrap();
        assert!(store.results(1).is_err());
        store.save_results(1, &results).unwrap();
        assert_eq!(store.results(1).unwrap().unwrap(), results.results);
        assert_eq!(store.executed_height().unwrap(), Some(newest));
        let place = store.tx_location(&sha256(b"tx"), 9).unwrap().unwrap();
        assert_eq!(place.height, newest);
    }
}

#[test]
fn a_height_that_was_found_and_forgotten_is_waited_for_by_nobody() {
    let (directory, store) = store();
    for height in 1..=3 {
        store.save_decided(&meta(height), &block(b"tx")).unwrap();
    }
    assert_eq!(store.found_height(), 0);
    drop(store);
    let store = BlockStore::open(directory.path()).unwrap();
    assert_eq!(store.found_height(), 3);
    store.discard_decided(2).unwrap();
    assert_eq!(store.found_height(), 1);
    store.save_decided(&meta(2), &block(b"other")).unwrap();
    assert_eq!(store.found_height(), 1);
}

#[test]
fn what_was_kept_and_never_executed_is_forgotten_and_what_was_executed_stays() {
    for (_dir, store) in both() {
        for height in 1..=4 {
            store.save_decided(&meta(height), &block(&[7])).unwrap();
        }
        for height in 1..=2 {
            store
                .save_results(height, &executed(vec![], vec![]))
                .unwrap();
        }
        assert!(store.discard_decided(1).is_err());
        store.discard_decided(4).unwrap();
        assert_eq!(store.decided_height().unwrap(), Some(3));
        assert_eq!(store.block(4).unwrap(), None);
        assert_eq!(store.height_of(&meta(4).hash).unwrap(), None);
        assert!(store.block(3).unwrap().is_some());
        store.discard_decided(9).unwrap();
        store.save_decided(&meta(4), &block(&[8])).unwrap();
        assert_eq!(store.block(4).unwrap(), Some(block(&[8])));
    }
    for (_dir, store) in both() {
        store.save_decided(&meta(1), &block(&[7])).unwrap();
        store.discard_decided(1).unwrap();
        assert_eq!(
            (store.base().unwrap(), store.decided_height().unwrap()),
            (None, None)
        );
        store.save_decided(&meta(1), &block(&[8])).unwrap();
    }
}

/// Results with one event, and what they put in force.
fn executed_with_news(height: Height, value: &str, power: i64) -> Executed {
    let validator = Validator {
        address: [1; 20],
        pubkey: [2; 32],
        power,
        proposer_priority: 0,
    };
    Executed {
        validators: Some((height + 2, vec![validator])),
        ..executed(vec![event("k", "a", value)], vec![event("b", "c", value)])
    }
}

/// How often `value` is found in events of transactions, and of blocks.
fn found(store: &BlockStore, value: &str) -> [usize; 2] {
    [(Subject::Tx, "k.a"), (Subject::Block, "b.c")].map(|(subject, key)| {
        let mut budget = RowBudget::new(9);
        let found = store.positions_of(subject, key, value, 0..=9, &mut budget);
        found.unwrap().len()
    })
}

#[test]
fn a_block_whose_results_came_before_its_state_is_forgotten_with_them() {
    for base in [1, 2] {
        for (_dir, store) in both() {
            for height in base..=2 {
                store.save_decided(&meta(height), &block(b"tx")).unwrap();
                let mut results = executed_with_news(height, &format!("at {height}"), 5);
                results.results.tx_results[0].code = u32::from(height == 1);
                store.save_results(height, &results).unwrap();
            }
            store.save_decided(&meta(3), &block(b"next")).unwrap();
            store.discard_decided(2).unwrap();
            let below = (base < 2).then_some(1);
            assert_eq!(store.decided_height().unwrap(), below);
            assert_eq!(store.executed_height().unwrap(), below);
            assert_eq!(store.results(2).unwrap(), None);
            assert_eq!(found(&store, "at 2"), [0, 0]);
            assert_eq!(found(&store, "at 1"), [2 - base as usize; 2]);
            assert!(base < 2 || store.validators(4).unwrap().is_none());
            let place = store.tx_location(&sha256(b"tx"), 9).unwrap();
            assert_eq!(place.map(|place| place.height), below);
            // Another block takes its place.
            store.save_decided(&meta(2), &block(b"other")).unwrap();
            store.save_results(2, &executed(vec![], vec![])).unwrap();
        }
    }
}

#[test]
fn a_block_that_is_executed_otherwise_the_second_time_leaves_nothing_of_the_first() {
    for (_dir, store) in both() {
        let txs = block(b"tx");
        store.save_decided(&meta(1), &txs).unwrap();
        let mut first = executed_with_news(1, "first", 5);
        first.results.tx_results[0].code = 7;
        store.save_results(1, &first).unwrap();
        assert_eq!(found(&store, "first"), [1, 1]);
        let second = executed_with_news(1, "second", 6);
        store.save_results(1, &second).unwrap();
        assert_eq!(found(&store, "first"), [0, 0]);
        assert_eq!(found(&store, "second"), [1, 1]);
        assert_eq!(store.results(1).unwrap().unwrap(), second.results);
        assert_eq!(store.validators(3).unwrap().unwrap()[0].power, 6);
        let nothing_new = executed(vec![event("k", "a", "third")], vec![]);
        store.save_results(1, &nothing_new).unwrap();
        assert_eq!(store.validators(3).unwrap(), None);
        // What has no room the second time was not there.
        let mut left = executed(vec![], vec![]);
        left.results.tx_results[0].code = 11;
        left.results.tx_results[0].log = strongroom_types::abci::LEFT.into();
        assert!(left.results.tx_results[0].is_left());
        store.save_results(1, &left).unwrap();
        assert_eq!(store.tx_location(&sha256(b"tx"), 1).unwrap(), None);
    }
}

#[test]
fn everything_is_there_after_reopening() {
    let (directory, store) = store();
    store
        .save_in_force(1, &[], &ConsensusParams::default())
        .unwrap();
    store.save_decided(&meta(1), &block(b"a")).unwrap();
    store
        .save_results(1, &executed(vec![event("k", "a", "v")], vec![]))
        .unwrap();
    drop(store);
    let store = BlockStore::open(directory.path()).unwrap();
    assert_eq!(store.executed_height().unwrap(), Some(1));
    assert_eq!(store.meta(1).unwrap().unwrap(), meta(1));
    assert_eq!(
        store
            .positions_of(Subject::Tx, "k.a", "v", 1..=1, &mut RowBudget::new(9))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn validators_and_parameters_answer_for_every_height_since_their_change() {
    for (_directory, store) in both() {
        in_force_since_their_change(&store);
    }
}

fn in_force_since_their_change(store: &BlockStore) {
    let validator = |power| Validator {
        address: [1; 20],
        pubkey: [2; 32],
        power,
        proposer_priority: 0,
    };
    let params = ConsensusParams::default();
    store.save_in_force(1, &[validator(10)], &params).unwrap();
    for height in 1..=3 {
        store.save_decided(&meta(height), &block(b"a")).unwrap();
        let power = if height < 2 { 10 } else { 25 };
        let newer = ConsensusParams {
            version: VersionParams {
                app: u64::from(height >= 2),
            },
            ..params.clone()
        };
        let executed = Executed {
            validators: Some((height + 2, vec![validator(power)])),
            params: Some((height + 1, newer)),
            ..executed(vec![], vec![])
        };
        store.save_results(height, &executed).unwrap();
    }
    let power = |height| store.validators(height).unwrap().unwrap()[0].power;
    assert_eq!([1, 2, 3, 4, 5].map(power), [10, 10, 10, 25, 25]);
    let version = |height| store.consensus_params(height).unwrap().unwrap().version.app;
    assert_eq!([1, 2, 3, 4].map(version), [0, 0, 1, 1]);
    assert!(store.validators(0).unwrap().is_none());
}

#[test]
fn only_indexed_short_and_honest_attributes_get_rows() {
    let (_directory, store) = store();
    store.save_decided(&meta(1), &block(b"a")).unwrap();
    let mut hidden = event("k", "hidden", "v");
    hidden.attributes[0].index = false;
    let long = event("k", "long", &"x".repeat(MAX_INDEXED_BYTES + 1));
    let edge = event("k", "edge", &"x".repeat(MAX_INDEXED_BYTES));
    let fake = event("tx", "height", "77");
    store
        .save_results(
            1,
            &executed(vec![hidden, long, edge, fake], vec![event("b", "c", "d")]),
        )
        .unwrap();
    let any = |subject, key: &str| {
        store
            .positions_where(subject, key, 0..=9, &mut RowBudget::new(99), &|_| true)
            .unwrap()
            .len()
    };
    assert_eq!(
        ["k.hidden", "k.long", "k.edge"].map(|key| any(Subject::Tx, key)),
        [0, 0, 1]
    );
    assert_eq!(
        store
            .positions_of(
                Subject::Tx,
                "tx.height",
                "77",
                0..=9,
                &mut RowBudget::new(99)
            )
            .unwrap(),
        []
    );
    assert_eq!(
        (any(Subject::Block, "b.c"), any(Subject::Tx, "b.c")),
        (1, 0)
    );
    assert_eq!(
        store.txs_within(0..=9, &mut RowBudget::new(99)).unwrap(),
        [Position {
            height: 1,
            index: 0
        }]
    );
}

#[test]
fn a_replay_that_failed_does_not_hide_the_success() {
    let (_directory, store) = store();
    for (height, code) in [(1, 5), (2, 0), (3, 32)] {
        store.save_decided(&meta(height), &block(b"same")).unwrap();
        let mut executed = executed(vec![], vec![]);
        executed.results.tx_results[0].code = code;
        store.save_results(height, &executed).unwrap();
    }
    let place = store.tx_location(&sha256(b"same"), 3).unwrap();
    assert_eq!(place.unwrap().height, 2);
}

#[test]
fn a_transaction_that_was_told_is_found_while_a_later_place_is_not_published() {
    for (_directory, store) in both() {
        let at = |published| {
            let place = store.tx_location(&sha256(b"same"), published).unwrap();
            place.map(|place| place.height)
        };
        let run = |height, code| {
            let mut executed = executed(vec![], vec![]);
            executed.results.tx_results[0].code = code;
            store.save_results(height, &executed).unwrap();
        };
        for (height, code) in [(1, 5), (2, 0)] {
            store.save_decided(&meta(height), &block(b"same")).unwrap();
            run(height, code);
        }
        assert_eq!([0, 1, 2].map(at), [None, Some(1), Some(2)]);
        // The second block again, otherwise: then the first failure is the place that there is.
        run(2, 6);
        assert_eq!([0, 1, 2].map(at), [None, Some(1), Some(1)]);
        run(2, 0);
        assert_eq!([0, 1, 2].map(at), [None, Some(1), Some(2)]);
    }
}

#[test]
fn a_search_stops_at_its_limit() {
    let (_directory, store) = store();
    for height in 1..=3 {
        store.save_decided(&meta(height), &block(b"a")).unwrap();
        store
            .save_results(height, &executed(vec![event("k", "a", "v")], vec![]))
            .unwrap();
    }
    assert_eq!(
        store
            .positions_of(Subject::Tx, "k.a", "v", 0..=9, &mut RowBudget::new(2))
            .unwrap_err()
            .code(),
        "store.too_many_rows"
    );
    assert_eq!(
        store
            .positions_where(Subject::Tx, "k.a", 0..=9, &mut RowBudget::new(2), &|_| true)
            .unwrap_err()
            .code(),
        "store.too_many_rows"
    );
    assert_eq!(
        store
            .positions_of(Subject::Tx, "k.a", "v", 2..=3, &mut RowBudget::new(2))
            .unwrap()
            .len(),
        2
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The index against a plain list, with texts that hold zeros, prefixes of each other, and the escape bytes.
    #[test]
    fn the_index_finds_what_a_plain_list_finds(
        values in proptest::collection::vec("[\u{0}\u{1}ab\u{ff}]{0,3}", 1..12),
        from in 1u64..12, to in 1u64..12,
    ) {
        let (_directory, store) = store();
        for (position, value) in values.iter().enumerate() {
            let height = position as u64 + 1;
            store.save_decided(&meta(height), &block(b"a")).unwrap();
            store.save_results(height, &executed(vec![event("k", "a", value), event("k", "ab", value)], vec![])).unwrap();
        }
        for wanted in &values {
            let expected: Vec<u64> = values.iter().enumerate()
                .filter(|(p, v)| *v == wanted && (from..=to).contains(&(*p as u64 + 1)))
                .map(|(p, _)| p as u64 + 1).collect();
            let found = store.positions_of(Subject::Tx, "k.a", wanted, from..=to, &mut RowBudget::new(99)).unwrap();
            prop_assert_eq!(&found.iter().map(|p| p.height).collect::<Vec<_>>(), &expected);
            let mut found = store.positions_where(Subject::Tx, "k.a", from..=to, &mut RowBudget::new(99), &|v| v == wanted).unwrap();
            found.sort();
            prop_assert_eq!(&found.iter().map(|p| p.height).collect::<Vec<_>>(), &expected);
        }
    }
}
