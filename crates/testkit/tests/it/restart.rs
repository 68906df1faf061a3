//! What a start finds: results that are gone, and blocks that are not its own.

use serde_json::json;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use strongroom_chain::modules::bank::state::BALANCES;
use strongroom_comet_rpc::mempool::CheckKind;
use strongroom_node::app::RecoverError;
use strongroom_store::blocks::BlockStore;
use strongroom_store::kv::{Batch, Kv as _, LsmKv, Table};
use strongroom_store::state::{TABLES, node_kv_limits};
use strongroom_testkit::{Chain, Contract, User, contract};
use strongroom_types::proto::cosmos::bank::v1beta1::{
    MsgSend, QueryBalanceRequest, QueryBalanceResponse,
};
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::{RawTx, sha256};

/// A chain with a counter that stands at 7.
fn counting() -> (Chain, User, Contract) {
    let mut chain = Chain::new();
    let a = chain.user("a");
    let code = chain.store_code(&a, contract("counter")).unwrap();
    let begin = json!({"count": 7});
    let counter = chain.instantiate(&a, &code, "counter", &begin).unwrap();
    (chain, a, counter)
}

/// A signed send of an account to itself.
fn send(chain: &mut Chain, user: &User) -> Vec<u8> {
    let message = MsgSend {
        from_address: user.address().to_string(),
        to_address: user.address().to_string(),
        amount: vec![Coin {
            denom: String::from("uscrt"),
            amount: String::from("1"),
        }],
    };
    let tx = chain.tx().message(&message).gas(100_000);
    chain.sign(user, &tx)
}

/// Makes a block of so many sends of one account to itself; gives the transactions.
fn sends(chain: &mut Chain, user: &User, count: usize) -> Vec<Vec<u8>> {
    let txs: Vec<_> = (0..count).map(|_| send(chain, user)).collect();
    let results = chain.block(txs.clone());
    assert!(results.iter().all(|result| result.code == 0));
    txs
}

/// A copy of a directory of a chain, as a snapshot of the disk has it.
fn copy(directory: &Path) -> (tempfile::TempDir, PathBuf) {
    fn all(from: &Path, to: &Path) {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let from = entry.unwrap().path();
            let to = to.join(from.file_name().unwrap());
            if from.is_dir() {
                all(&from, &to);
            } else {
                fs::copy(from, to).unwrap();
            }
        }
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("copy");
    all(directory, &path);
    (place, path)
}

/// Bytes that lie beside the database.
fn long_rows(chain: &Chain) -> u64 {
    let files = fs::read_dir(chain.blocks_directory().join("large")).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

/// Damages the last record of the journal, which holds what was written last: it is cut off as if the machine had gone down while it was written.
fn lose_the_last_batch(blocks: &Path) {
    let entries = fs::read_dir(blocks).unwrap();
    let journals = entries.map(|entry| entry.unwrap().path());
    let journals = journals.filter(|path| path.extension().is_some_and(|end| end == "journal"));
    let newest = journals.max().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(newest, bytes).unwrap();
}

#[test]
fn where_the_results_of_the_newest_block_are_gone_it_runs_again_and_they_are_there_again() {
    // The second time block and results are long rows, which lie beside the database.
    for count in [1, 150] {
        let (mut chain, a, counter) = counting();
        let before = long_rows(&chain);
        let txs = sends(&mut chain, &a, count);
        assert_eq!(long_rows(&chain) > before, count > 1);
        let (height, app_hash) = (chain.height(), chain.app_hash());
        let results = chain.blocks().results(height).unwrap().unwrap();
        let (_directory, damaged) = copy(&chain.blocks_directory());
        lose_the_last_batch(&damaged);
        let store = BlockStore::open(&damaged).unwrap();
        assert_eq!(store.decided_height().unwrap(), Some(height));
        assert_eq!(store.executed_height().unwrap(), Some(height - 1));
        assert_eq!(store.results(height).unwrap(), None);
        drop(store);

        chain.restart_on(&damaged).unwrap();
        assert_eq!(chain.blocks().results(height).unwrap().unwrap(), results);
        let last = sha256(txs.last().unwrap());
        let place = chain.blocks().tx_location(&last, height).unwrap().unwrap();
        assert_eq!((place.height, place.index as usize), (height, count - 1));
        assert_eq!((chain.height(), chain.app_hash()), (height, app_hash));
        // Contracts are read at that height, and the chain goes on.
        let count = |chain: &mut Chain| -> serde_json::Value {
            chain.query(&counter, &json!({"get_count": {}})).unwrap()
        };
        assert_eq!(count(&mut chain)["count"], 7);
        let increment = json!({"increment": {}});
        chain.execute(&a, &counter, &increment).unwrap();
        assert_eq!(count(&mut chain)["count"], 8);
        chain.restart();
        assert_eq!(count(&mut chain)["count"], 8);
    }
}

#[test]
fn a_block_that_is_gone_with_its_results_is_told_and_nothing_runs() {
    let (mut chain, a, _) = counting();
    sends(&mut chain, &a, 1);
    let (_directory, older) = copy(&chain.blocks_directory());
    sends(&mut chain, &a, 1);
    let refused = chain.restart_on(&older).unwrap_err();
    let text = format!("the block at height {} is missing", chain.height());
    assert!(
        matches!(&refused, RecoverError::OtherBlocks(said) if *said == text),
        "{refused}"
    );
    chain.restart();
    sends(&mut chain, &a, 1);
}

#[test]
fn blocks_of_another_copy_of_the_chain_are_refused_at_the_start() {
    // The same chain up to here, and then two blocks of the same height.
    let ((mut one, a, _), (mut other, b, _)) = (counting(), counting());
    sends(&mut one, &a, 1);
    sends(&mut other, &b, 2);
    assert_eq!(one.height(), other.height());
    for height in 1..one.height() {
        assert_eq!(one.decided_block(height), other.decided_block(height));
    }
    let (_directory, blocks) = copy(&other.blocks_directory());
    let refused = one.restart_on(&blocks).unwrap_err();
    let RecoverError::OtherBlocks(text) = &refused else {
        panic!("{refused}");
    };
    assert!(
        text.contains("the blocks and the state are of different copies"),
        "{text}"
    );
    // Its own are taken as before.
    one.restart();
    let txs = sends(&mut one, &a, 1);
    assert_eq!(one.decided_block(one.height()).txs, RawTx::list(txs));
}

/// Turns one bit of the newest value at a key.
fn bend(home: &Path, raw_key: &[u8]) {
    let kv = LsmKv::open(home.join("data/state"), TABLES, node_kv_limits()).unwrap();
    let (versions, all) = (Table("versions"), (Bound::Unbounded, Bound::Unbounded));
    let snapshot = kv.snapshot().unwrap();
    let rows = snapshot.rows(versions, all).unwrap();
    let mut found = rows
        .map(Result::unwrap)
        .filter(|(_, row)| row[1..].starts_with(raw_key));
    let (key, mut row) = found.next_back().unwrap();
    *row.last_mut().unwrap() ^= 1;
    let mut batch = Batch::new();
    batch.put(versions, key, row);
    kv.write(batch).unwrap();
}

#[test]
fn a_damaged_value_is_told_with_its_code_to_who_asks_for_it_and_where_a_block_ends_by_it() {
    let (mut chain, a, _) = counting();
    let tx = send(&mut chain, &a);
    let (_directory, home) = copy(chain.home());
    bend(&home, &BALANCES.raw_key(&(a.address(), "uscrt")));
    chain.restart_in(&home).unwrap();
    let request = QueryBalanceRequest {
        address: a.address().to_string(),
        denom: String::from("uscrt"),
    };
    let path = "/cosmos.bank.v1beta1.Query/Balance";
    let asked = chain.ask::<QueryBalanceResponse>(path, &request);
    let simulated = chain.simulate(&tx).unwrap_err();
    let checked = chain.host().check_in_share(&tx, CheckKind::New);
    let ended = chain.two(Vec::new(), |_, _| vec![tx]).unwrap_err();
    // A check tells the log, and its client to try again.
    assert_eq!(checked.code, 20, "{checked:?}");
    for told in [
        format!("{:?}", asked.unwrap_err()),
        format!("{simulated:?}"),
        ended.to_string(),
    ] {
        let value = "store.damaged: the store is damaged: a value is not the one in the tree (tree native, key hash ";
        assert!(told.contains(value), "{told}");
    }
    assert!(!ended.is_transient());
}
