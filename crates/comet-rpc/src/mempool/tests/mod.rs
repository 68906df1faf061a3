mod shares;

use super::*;

/// Accepts what does not begin with `bad`; remembers what it was asked. `once` passes only as new. While `lost` is at the front nothing is told.
#[derive(Clone, Default)]
struct Judge(Asked);

type Asked = Arc<Mutex<Vec<(Vec<u8>, CheckKind)>>>;

impl Checker for Judge {
    fn check_tx(&self, tx: &[u8], kind: CheckKind, _: Height) -> Option<Checked> {
        let mut asked = self.0.lock().unwrap();
        if asked.first().is_some_and(|(tx, _)| tx == b"lost") {
            return None;
        }
        asked.push((tx.to_vec(), kind));
        let bad = tx.starts_with(b"bad") || (tx.starts_with(b"once") && kind == CheckKind::Recheck);
        let answer = ExecTxResult {
            code: u32::from(bad),
            gas_wanted: 10,
            ..ExecTxResult::default()
        };
        Some(answer.into())
    }
}

fn pool(limits: Limits) -> (Mempool, Judge) {
    let judge = Judge::default();
    (Mempool::new(limits, Arc::new(judge.clone())), judge)
}

#[test]
fn transactions_leave_in_the_order_in_which_they_came() {
    let (pool, _) = pool(Limits::default());
    for tx in RawTx::list([b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]) {
        assert!(pool.submit(tx).unwrap().is_ok());
    }
    let all = RawTx::list([b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    let reaps = |bytes, gas| {
        let reaped = pool.reap(1, usize::MAX, bytes, gas);
        pool.release(&reaped, 0);
        reaped
    };
    assert_eq!(reaps(None, None), all);
    assert_eq!(reaps(None, Some(20)), all[..2]);
    // 3 bytes and 2 of framing each.
    assert_eq!(reaps(Some(10), None), all[..2]);
    assert_eq!(reaps(Some(9), None), all[..1]);
    assert_eq!(pool.size(), Size { txs: 3, bytes: 11 });
}

#[test]
fn what_one_block_was_given_the_next_one_is_not_unless_it_had_no_room_for_it() {
    let (pool, _) = pool(Limits::default());
    let [one, two, three] = [b"one", b"two", b"tri"].map(|tx| RawTx::from(tx.as_slice()));
    for tx in [&one, &two, &three] {
        assert!(pool.submit(tx.clone()).unwrap().is_ok());
    }
    assert_eq!(
        pool.reap(1, usize::MAX, Some(10), None),
        [one.clone(), two.clone()]
    );
    // They wait for the end of their block, and clients see that.
    assert_eq!(pool.size().txs, 3);
    assert_eq!(pool.peek(9).len(), 3);
    pool.release([&two], 0);
    assert_eq!(
        pool.reap(1, usize::MAX, None, None),
        [two.clone(), three.clone()]
    );
    assert!(pool.reap(1, usize::MAX, None, None).is_empty());
    pool.block_committed(0, [(&one, true)], |left| vec![true; left.len()]);
    assert!(pool.reap(1, usize::MAX, None, None).is_empty());
    pool.block_committed(0, [(&two, true), (&three, true)], |left| {
        vec![true; left.len()]
    });
    assert_eq!(pool.size().txs, 0);
    // What is unknown is not brought in by that.
    pool.release([&one], 0);
    assert!(pool.reap(1, usize::MAX, None, None).is_empty());
}

#[test]
fn the_same_bytes_are_refused_until_forgotten() {
    let (pool, _) = pool(Limits {
        seen_max: 2,
        ..Limits::default()
    });
    pool.submit(b"a".to_vec()).unwrap();
    assert_eq!(pool.submit(b"a".to_vec()), Err(MempoolError::Seen));
    assert_eq!(MempoolError::Seen.code(), 19);
    // Included and successful: still remembered.
    pool.block_committed(0, [(&RawTx::from(b"a".as_slice()), true)], |left| {
        vec![true; left.len()]
    });
    assert_eq!(pool.submit(b"a".to_vec()), Err(MempoolError::Seen));
    // Included and failed: may come again.
    pool.submit(b"b".to_vec()).unwrap();
    pool.block_committed(0, [(&RawTx::from(b"b".as_slice()), false)], |left| {
        vec![true; left.len()]
    });
    assert!(pool.submit(b"b".to_vec()).unwrap().is_ok());
    // Two younger hashes push the oldest out.
    pool.submit(b"c".to_vec()).unwrap();
    assert!(pool.submit(b"a".to_vec()).unwrap().is_ok());
}

#[test]
fn a_refused_transaction_may_come_again() {
    let (pool, judge) = pool(Limits::default());
    assert_eq!(pool.submit(b"bad".to_vec()).unwrap().code, 1);
    assert_eq!(pool.submit(b"bad".to_vec()).unwrap().code, 1);
    assert_eq!(judge.0.lock().unwrap().len(), 2);
    assert_eq!(pool.size(), Size::default());
}

#[test]
fn each_limit_is_reached_with_its_own_code() {
    let limits = Limits {
        tx_bytes_max: 4,
        txs_max: 2,
        total_bytes_max: 7,
        seen_max: 10,
        ..Limits::default()
    };
    let (pool, _) = pool(limits);
    let error = pool.submit(b"12345".to_vec()).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (21, "Tx too large. Max size is 4, but got 5")
    );
    pool.submit(b"1234".to_vec()).unwrap();
    let error = pool.submit(b"5678".to_vec()).unwrap_err();
    assert_eq!(error.code(), 20);
    pool.submit(b"567".to_vec()).unwrap();
    // What waits already, or is too long, is not told to come again.
    assert_eq!(pool.submit(b"567".to_vec()), Err(MempoolError::Seen));
    assert_eq!(pool.submit(b"12345".to_vec()).unwrap_err().code(), 21);
    let error = pool.submit(b"8".to_vec()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mempool is full: number of txs 2 (max: 2), total txs bytes 7 (max: 7)"
    );
}

#[test]
fn what_is_longer_than_a_block_is_refused_for_good() {
    let (pool, _) = pool(Limits::default());
    pool.expect(0, 9, Some(202), None);
    // 2 of framing up to 127 bytes, and 3 beyond.
    assert!(pool.submit(vec![b'x'; 199]).unwrap().is_ok());
    let error = pool.submit(vec![b'x'; 200]).unwrap_err();
    let text = "Tx too large. Max size is 199, but got 200";
    assert_eq!((error.code(), error.to_string().as_str()), (21, text));
    assert_eq!(pool.reap(1, 9, Some(202), None).len(), 1);
}

#[test]
fn what_is_not_checked_yet_takes_its_room_until_it_waits_or_is_gone() {
    let limits = Limits {
        txs_max: 3,
        total_bytes_max: 7,
        ..Limits::default()
    };
    let (pool, _) = pool(limits);
    let (good, bad) = (pool.admit(b"good".to_vec()), pool.admit(b"bad".to_vec()));
    let full = |tx: &[u8]| pool.admit(tx.to_vec()).map(|_| ()).unwrap_err();
    assert_eq!(
        full(b"x").to_string(),
        "mempool is full: number of txs 2 (max: 3), total txs bytes 7 (max: 7)"
    );
    assert_eq!(pool.size(), Size::default(), "none waits for a block");
    // A good one goes on taking its room, a bad one gives it back.
    assert!(pool.check(good.unwrap()).unwrap().is_ok());
    assert!(matches!(
        full(b"x"),
        MempoolError::Full {
            txs: 2,
            bytes: 7,
            ..
        }
    ));
    assert!(!pool.check(bad.unwrap()).unwrap().is_ok());
    // So does one that is never checked, and it may come again.
    for _ in 0..3 {
        drop(pool.admit(b"new".to_vec()).unwrap());
    }
    let two = (
        pool.admit(b"a".to_vec()).unwrap(),
        pool.admit(b"b".to_vec()).unwrap(),
    );
    assert!(matches!(
        full(b"c"),
        MempoolError::Full {
            txs: 3,
            bytes: 6,
            ..
        }
    ));
    drop(two);
    assert!(pool.submit(b"c".to_vec()).unwrap().is_ok());
    assert_eq!(pool.size(), Size { txs: 2, bytes: 5 });
}

#[test]
fn a_check_that_panics_gives_its_room_back() {
    struct Panics;
    impl Checker for Panics {
        fn check_tx(&self, _: &[u8], _: CheckKind, _: Height) -> Option<Checked> {
            panic!("on purpose")
        }
    }
    let limits = Limits {
        txs_max: 1,
        ..Limits::default()
    };
    let pool = Mempool::new(limits, Arc::new(Panics));
    for _ in 0..2 {
        let admitted = pool.admit(b"a".to_vec()).unwrap();
        let check = || pool.check(admitted);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err());
    }
}

#[test]
fn after_a_block_the_rest_is_checked_again_in_order() {
    let (pool, judge) = pool(Limits::default());
    for tx in [&b"once"[..], b"stay", b"gone"] {
        pool.submit(tx.to_vec()).unwrap();
    }
    judge.0.lock().unwrap().clear();
    let reset = judge.clone();
    pool.block_committed(
        0,
        [
            (&RawTx::from(b"gone".as_slice()), true),
            (&RawTx::from(b"stranger".as_slice()), true),
        ],
        |left| {
            assert!(reset.0.lock().unwrap().is_empty(), "reset comes first");
            vec![true; left.len()]
        },
    );
    let asked: Vec<_> = judge.0.lock().unwrap().clone();
    assert_eq!(
        asked,
        [
            (b"once".to_vec(), CheckKind::Recheck),
            (b"stay".to_vec(), CheckKind::Recheck)
        ]
    );
    assert_eq!(pool.peek(9), RawTx::list([b"stay".to_vec()]));
    assert_eq!(pool.size(), Size { txs: 1, bytes: 4 });
    // Included elsewhere counts as seen here too.
    assert_eq!(pool.submit(b"stranger".to_vec()), Err(MempoolError::Seen));
}

#[test]
fn what_cannot_be_checked_now_is_neither_dropped_nor_taken_nor_refused_for_good() {
    let (pool, judge) = pool(Limits::default());
    for tx in [b"one", b"two", b"six"] {
        assert!(pool.submit(tx.to_vec()).unwrap().is_ok());
    }
    // A first check: it may come again.
    *judge.0.lock().unwrap() = vec![(b"lost".to_vec(), CheckKind::Probe)];
    let refused = pool.submit(b"new".to_vec()).unwrap_err();
    assert_eq!((refused.code(), refused.retry_after()), (20, Some(SOON)));
    assert!(refused.to_string().starts_with("mempool is full: "));
    assert_eq!(pool.check_only(b"new"), Err(MempoolError::Unchecked));
    assert_eq!(pool.size().txs, 3);
    // After a block: all go on waiting, and nothing is let in that may have to build on them.
    let gone = RawTx::from(b"one".as_slice());
    pool.block_committed(0, [(&gone, true)], all_again);
    judge.0.lock().unwrap().clear();
    assert_eq!(pool.size().txs, 2);
    assert_eq!(pool.submit(b"new".to_vec()), Err(MempoolError::Unchecked));
    assert_eq!(pool.check_only(b"new"), Err(MempoolError::Unchecked));
    assert!(judge.0.lock().unwrap().is_empty());
    // After the next one it can be told.
    pool.block_committed(0, [], all_again);
    let asked = [b"two", b"six"].map(|tx| (tx.to_vec(), CheckKind::Recheck));
    assert_eq!(*judge.0.lock().unwrap(), asked);
    assert!(pool.submit(b"new".to_vec()).unwrap().is_ok());
    assert_eq!(pool.reap(2, 9, None, None).len(), 3);
}

/// Looks at heights alone: the first byte is the last block that a transaction may be in, 0 for any.
#[derive(Clone, Default)]
struct Heights(AskedFor);

type AskedFor = Arc<Mutex<Vec<(Vec<u8>, Height)>>>;

impl Checker for Heights {
    fn check_tx(&self, tx: &[u8], _: CheckKind, earliest: Height) -> Option<Checked> {
        self.0.lock().unwrap().push((tx.to_vec(), earliest));
        let timeout_height = Height::from(tx[0]);
        let answer = ExecTxResult {
            code: u32::from(timeout_height != 0 && timeout_height < earliest),
            ..ExecTxResult::default()
        };
        Some(Checked {
            answer,
            timeout_height,
            // Who has a third byte has a name.
            parties: tx.get(2).map(|name| account(*name)).into_iter().collect(),
        })
    }
}

fn all_again(left: &[RawTx]) -> Vec<bool> {
    vec![true; left.len()]
}

#[test]
fn what_comes_while_a_block_runs_is_checked_for_the_one_after_it() {
    let heights = Heights::default();
    let pool = Mempool::new(Limits::default(), Arc::new(heights.clone()));
    // A block that was given nothing is none: it is made when something waits.
    assert!(pool.reap(5, 9, None, None).is_empty());
    assert!(pool.submit(vec![5, 0]).unwrap().is_ok());
    assert_eq!(pool.reap(5, 9, None, None).len(), 1);
    assert!(!pool.submit(vec![5, 1]).unwrap().is_ok());
    assert!(!pool.check_only(&[5, 2]).unwrap().is_ok());
    assert!(pool.submit(vec![6, 3]).unwrap().is_ok());
    // While block 5 runs, block 4 is committed: what 5 was given is good for 5 still, and so what builds on it.
    heights.0.lock().unwrap().clear();
    pool.block_committed(4, [], all_again);
    let asked = heights.0.lock().unwrap().clone();
    assert_eq!(asked, [(vec![5, 0], 0), (vec![6, 3], 6)]);
    assert_eq!(pool.size().txs, 2);
}

#[test]
fn the_next_block_is_the_one_after_the_newest_whoever_told_of_that_last() {
    let heights = Heights::default();
    let pool = Mempool::new(Limits::default(), Arc::new(heights.clone()));
    let is_good_until = |height: u8, n: u8| {
        assert!(!pool.submit(vec![height - 1, n, n]).unwrap().is_ok());
        assert!(pool.submit(vec![height, n, n]).unwrap().is_ok());
    };
    // A start at a block, blocks that were made without being given anything, and blocks that were.
    pool.expect(20, 9, None, None);
    is_good_until(21, 1);
    pool.block_committed(22, [], |left| vec![false; left.len()]);
    is_good_until(23, 2);
    pool.expect(20, 9, None, None);
    is_good_until(23, 3);
    assert_eq!(pool.reap(23, 9, None, None).len(), 2);
    is_good_until(24, 4);
}

#[test]
fn no_block_is_given_what_it_is_too_late_for_nor_what_may_build_on_that() {
    let pool = Mempool::new(Limits::default(), Arc::new(Heights::default()));
    let [first, late, behind] = [[0, 1], [5, 2], [0, 3]].map(|tx| RawTx::from(tx.as_slice()));
    for tx in [&first, &late, &behind] {
        assert!(pool.submit(tx.clone()).unwrap().is_ok());
    }
    // Given to its block, which had no room for it.
    assert_eq!(pool.reap(5, 2, None, None), [first.clone(), late.clone()]);
    pool.release([&late], 0);
    assert!(pool.reap(6, 9, None, None).is_empty());
    pool.block_committed(0, [(&first, true)], all_again);
    assert_eq!(pool.reap(6, 9, None, None), [behind]);
}

fn account(number: u8) -> Address {
    Address::from_bytes(&[number; 20]).unwrap()
}
