//! What a start finds: results that are gone, and blocks that are not its own.

use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use strongroom_node::app::RecoverError;
use strongroom_store::blocks::BlockStore;
use strongroom_testkit::{Chain, Contract, User, contract};
use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
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

/// Makes a block of so many sends of one account to itself; gives the transactions.
fn sends(chain: &mut Chain, user: &User, count: usize) -> Vec<Vec<u8>> {
    let message = MsgSend {
        from_address: user.address().to_string(),
        to_address: user.address().to_string(),
        amount: vec![Coin {
            denom: String::from("uscrt"),
            amount: String::from("1"),
        }],
    };
    let tx = chain.tx().message(&message).gas(100_000);
    let txs: Vec<_> = (0..count).map(|_| chain.sign(user, &tx)).collect();
    let results = chain.block(txs.clone());
    assert!(results.iter().all(|result| result.code == 0));
    txs
}

/// A copy of a chain's block store, as a snapshot of the disk has it.
fn copy(chain: &Chain) -> (tempfile::TempDir, PathBuf) {
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
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("blocks");
    all(&chain.blocks_directory(), &path);
    (directory, path)
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
        let (_directory, damaged) = copy(&chain);
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
    let (_directory, older) = copy(&chain);
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
    let (_directory, blocks) = copy(&other);
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
