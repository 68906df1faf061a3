use super::*;

/// Accepts what does not begin with `bad`; remembers what it was asked. `once` passes only as new.
#[derive(Clone, Default)]
struct Judge(Asked);

type Asked = Arc<Mutex<Vec<(Vec<u8>, CheckKind)>>>;

impl Checker for Judge {
    fn check_tx(&self, tx: &[u8], kind: CheckKind, _: Height) -> Checked {
        self.0.lock().unwrap().push((tx.to_vec(), kind));
        let bad = tx.starts_with(b"bad") || (tx.starts_with(b"once") && kind == CheckKind::Recheck);
        ExecTxResult {
            code: u32::from(bad),
            gas_wanted: 10,
            ..ExecTxResult::default()
        }
        .into()
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
    pool.block_committed([(&one, true)], |left| vec![true; left.len()]);
    assert!(pool.reap(1, usize::MAX, None, None).is_empty());
    pool.block_committed([(&two, true), (&three, true)], |left| {
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
    pool.block_committed([(&RawTx::from(b"a".as_slice()), true)], |left| {
        vec![true; left.len()]
    });
    assert_eq!(pool.submit(b"a".to_vec()), Err(MempoolError::Seen));
    // Included and failed: may come again.
    pool.submit(b"b".to_vec()).unwrap();
    pool.block_committed([(&RawTx::from(b"b".as_slice()), false)], |left| {
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
        fn check_tx(&self, _: &[u8], _: CheckKind, _: Height) -> Checked {
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

/// Looks at heights alone: the first byte is the last block that a transaction may be in, 0 for any.
#[derive(Clone, Default)]
struct Heights(AskedFor);

type AskedFor = Arc<Mutex<Vec<(Vec<u8>, Height)>>>;

impl Checker for Heights {
    fn check_tx(&self, tx: &[u8], _: CheckKind, earliest: Height) -> Checked {
        self.0.lock().unwrap().push((tx.to_vec(), earliest));
        let timeout_height = Height::from(tx[0]);
        let answer = ExecTxResult {
            code: u32::from(timeout_height != 0 && timeout_height < earliest),
            ..ExecTxResult::default()
        };
        Checked {
            answer,
            timeout_height,
            // Who has a third byte has a name.
            parties: tx.get(2).map(|name| account(*name)).into_iter().collect(),
        }
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
    assert!(!pool.check_only(&[5, 2]).is_ok());
    assert!(pool.submit(vec![6, 3]).unwrap().is_ok());
    // While block 5 runs, block 4 is committed: what 5 was given is good for 5 still, and so what builds on it.
    heights.0.lock().unwrap().clear();
    pool.block_committed([], all_again);
    let asked = heights.0.lock().unwrap().clone();
    assert_eq!(asked, [(vec![5, 0], 0), (vec![6, 3], 6)]);
    assert_eq!(pool.size().txs, 2);
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
    pool.block_committed([(&first, true)], all_again);
    assert_eq!(pool.reap(6, 9, None, None), [behind]);
}

fn account(number: u8) -> Address {
    Address::from_bytes(&[number; 20]).unwrap()
}

/// A transaction: its gas, its number, and who pays and signs.
fn of(parties: &[u8], gas: u8, n: u16) -> Vec<u8> {
    [&[gas][..], &n.to_be_bytes(), parties].concat()
}

/// The same, in no block after `height`.
fn until(height: u8, parties: &[u8], gas: u8) -> Vec<u8> {
    of(&[parties, &[LAST, height]].concat(), gas, 0)
}

/// Behind it is the last block, and it is nobody's name.
const LAST: u8 = 255;

fn said(tx: &[u8]) -> Outline {
    let mut parts = tx[3..].split(|byte| *byte == LAST);
    let parties = parts.next().unwrap().iter();
    Outline {
        parties: parties.map(|number| account(*number)).collect(),
        gas_wanted: i64::from(tx[0]),
        timeout_height: parts.next().map_or(0, |height| height[0].into()),
    }
}

/// Accepts all of [`of`] that are not too late.
#[derive(Clone, Default)]
struct Payers(Arc<Mutex<usize>>);

impl Checker for Payers {
    fn check_tx(&self, tx: &[u8], _: CheckKind, earliest: Height) -> Checked {
        *self.0.lock().unwrap() += 1;
        let last = said(tx).timeout_height;
        Checked {
            answer: ExecTxResult {
                code: u32::from(last != 0 && last < earliest),
                gas_wanted: i64::from(tx[0]),
                ..ExecTxResult::default()
            },
            timeout_height: said(tx).timeout_height,
            parties: said(tx).parties,
        }
    }

    fn outline(&self, tx: &[u8]) -> Option<Outline> {
        Some(said(tx))
    }
}

fn payers(limits: Limits) -> (Mempool, Arc<Mutex<usize>>) {
    let payers = Payers::default();
    let checks = Arc::clone(&payers.0);
    (Mempool::new(limits, Arc::new(payers)), checks)
}

/// How many of these transactions of one sender are let in, each of one gas.
fn flood(pool: &Mempool, sender: u8, most: u16) -> usize {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(1_000);
    let taken = |n| match pool.submit(of(&[sender], 1, n)) {
        Ok(answer) => {
            assert!(answer.is_ok());
            true
        }
        Err(refused) => {
            assert_eq!((refused.code(), refused.retry_after()), (20, Some(1)));
            assert!(
                refused.to_string().starts_with("mempool is full: "),
                "{refused}"
            );
            false
        }
    };
    let first = NEXT.fetch_add(most, std::sync::atomic::Ordering::Relaxed);
    (first..first + most).filter(|n| taken(*n)).count()
}

/// A pool that holds what fits the next block, which takes so much gas; nothing waits in it.
fn blocks_of(gas: u64) -> (Mempool, Arc<Mutex<usize>>) {
    let (pool, checks) = payers(Limits {
        wait_max: Duration::ZERO,
        ..Limits::default()
    });
    assert!(reap(&pool, gas).is_empty());
    (pool, checks)
}

fn reap(pool: &Mempool, gas: u64) -> Vec<Vec<u8>> {
    let txs = pool.reap(1, usize::MAX, None, Some(gas));
    txs.iter().map(|tx| tx.to_vec()).collect()
}

#[test]
fn who_is_alone_fills_the_next_block_but_for_what_is_kept_for_others() {
    let (pool, checks) = blocks_of(160);
    assert_eq!(flood(&pool, 1, 400), 140);
    assert_eq!(
        *checks.lock().unwrap(),
        140,
        "who has no room is not checked"
    );
    // One for each who has nothing waiting, until those fill the next block.
    for sender in 2..162 {
        assert_eq!(flood(&pool, sender, 3), 1, "{sender}");
    }
    let refused = pool.submit(of(&[162], 1, 0)).unwrap_err();
    let text = "mempool is full: 300 txs wait for blocks, try again in 580 ms";
    assert_eq!(refused.to_string(), text);
    // All who came late are in that block, though the first had filled it.
    assert_eq!(reap(&pool, 40).len(), 40);
    let left = pool.inner().waiting.values().filter(|w| !w.reaped).count();
    let left_of_one = pool
        .inner()
        .waiting
        .values()
        .filter(|w| !w.reaped && w.sender() == Some(&account(1)))
        .count();
    assert_eq!((left, left_of_one), (260, 139));
}

#[test]
fn while_others_wait_each_has_its_share_and_what_is_refused_may_come_again() {
    let (pool, _) = blocks_of(120);
    assert_eq!(flood(&pool, 1, 10), 10);
    // Two: each has a third, or half of what the other leaves.
    assert_eq!(flood(&pool, 2, 200), 55);
    let refused = pool.submit(of(&[2], 1, 999)).unwrap_err();
    let text = "mempool is full: 55 txs of this sender wait for blocks, as many as others leave it, try again in 145 ms";
    assert_eq!(refused.to_string(), text);
    assert_eq!(flood(&pool, 1, 200), 40 - 10);
    // They are in the block that runs: there is room again, and both are known.
    assert_eq!(reap(&pool, 120).len(), 95);
    assert!(pool.submit(of(&[2], 1, 999)).unwrap().is_ok());
    // Half of it is for whoever comes, beyond that there are shares.
    assert_eq!(flood(&pool, 1, 200), 59);
}

#[test]
fn one_large_transaction_is_let_in_beside_what_fits_and_keeps_nobody_out() {
    let (pool, _) = blocks_of(200);
    assert!(pool.submit(of(&[1], 100, 0)).unwrap().is_ok());
    // Another's, although it does not fit the same block: it is first in the one after, and what fits goes before it.
    assert!(pool.submit(of(&[2], 120, 0)).unwrap().is_ok());
    assert!(pool.submit(of(&[4], 120, 0)).is_err());
    assert!(pool.submit(of(&[3], 1, 0)).unwrap().is_ok());
    assert_eq!(reap(&pool, 200), [of(&[1], 100, 0), of(&[3], 1, 0)]);
    assert!(pool.submit(of(&[3], 1, 1)).unwrap().is_ok());
    assert!(pool.submit(of(&[3], 100, 2)).is_err(), "above its share");
    assert_eq!(reap(&pool, 200), [of(&[2], 120, 0), of(&[3], 1, 1)]);
}

#[test]
fn the_last_places_of_the_mempool_are_for_whoever_has_nothing_waiting() {
    let (pool, _) = payers(Limits {
        txs_max: 64,
        ..Limits::default()
    });
    assert_eq!(flood(&pool, 1, 100), 56);
    for sender in 2..10 {
        assert_eq!(flood(&pool, sender, 2), 1, "{sender}");
    }
    let refused = pool.submit(of(&[10], 1, 0)).unwrap_err();
    assert!(matches!(refused, MempoolError::Full { txs: 64, .. }));
    // Bytes as well: what a block was given takes its room until that is over.
    let (pool, _) = payers(Limits {
        total_bytes_max: 1_600,
        ..Limits::default()
    });
    let large = |sender, n| [of(&[sender], 1, n), vec![sender; 190]].concat();
    for n in 0..7 {
        assert!(pool.submit(large(1, n)).unwrap().is_ok(), "{n}");
    }
    assert!(pool.submit(large(1, 7)).is_err());
    assert_eq!(pool.reap(1, 6, None, None).len(), 6);
    assert!(pool.submit(large(1, 7)).is_err());
    assert!(pool.submit(large(2, 0)).unwrap().is_ok());
}

#[test]
fn there_is_room_for_the_blocks_that_are_over_in_time() {
    // 40 in a block, which takes milliseconds.
    for (wait_max, room) in [(Duration::ZERO, 40), (Duration::from_secs(3_600), 160)] {
        let limits = Limits {
            wait_max,
            ..Limits::default()
        };
        let (pool, _) = payers(limits);
        assert!(reap(&pool, 40).is_empty());
        for sender in 0..40 {
            assert_eq!(flood(&pool, sender, 1), 1);
        }
        // Of how long blocks take nothing is known.
        assert_eq!((flood(&pool, 40, 1), flood(&pool, 41, 1)), (1, 0));
        assert_eq!(reap(&pool, 40).len(), 40);
        assert_eq!(reap(&pool, 40).len(), 1);
        assert!(reap(&pool, 40).is_empty());
        assert_eq!(pool.inner().room(&pool.limits).gas, room);
    }
}

#[test]
fn one_heavy_transaction_makes_nobody_wait_who_fits_into_the_next_block() {
    let (pool, _) = blocks_of(200);
    assert!(pool.submit(of(&[1], 200, 0)).unwrap().is_ok());
    assert_eq!(reap(&pool, 200).len(), 1);
    std::thread::sleep(Duration::from_millis(50));
    for _ in 0..2 {
        for sender in 2..202 {
            assert_eq!(flood(&pool, sender, 1), 1, "{sender}");
        }
        // One more that does not fit, of this block or the one before.
        flood(&pool, 202, 1);
        assert_eq!(flood(&pool, 203, 1), 0);
        assert_eq!(reap(&pool, 200).len(), 200);
    }
}

#[test]
fn blocks_take_of_each_sender_in_turn_and_nothing_is_held_up_for_longer_than_one_block() {
    let (pool, _) = payers(Limits::default());
    let send = |sender, n| {
        let tx = of(&[sender], 1, n);
        assert!(pool.submit(tx.clone()).unwrap().is_ok());
        tx
    };
    assert!(reap(&pool, 99).is_empty());
    let all = [(1, 0), (1, 1), (1, 2), (2, 0)].map(|(sender, n)| send(sender, n));
    let at = |places: &[usize]| places.iter().map(|at| all[*at].clone()).collect::<Vec<_>>();
    let [third, other] = [(3, 0), (2, 1)].map(|(sender, n)| send(sender, n));
    assert_eq!(
        reap(&pool, 4),
        [at(&[0, 3]), vec![third, all[1].clone()]].concat()
    );
    // What a block had no room for, and what a later one came before, is first now, as it came.
    let new = [4, 5].map(|sender| send(sender, 0));
    pool.release(&RawTx::list([all[1].clone()]), 4);
    assert_eq!(reap(&pool, 3), [at(&[1, 2]), vec![other]].concat());
    assert_eq!(reap(&pool, 4), new);
}

#[test]
fn what_has_a_party_in_common_stays_in_the_order_of_its_checks() {
    let (pool, _) = payers(Limits::default());
    // The fourth has a signer whose third one comes before it.
    let all: Vec<_> = [
        (&[1][..], 0),
        (&[1], 1),
        (&[1], 2),
        (&[2, 1], 3),
        (&[2], 4),
        (&[3], 5),
    ]
    .map(|(parties, n)| of(parties, 1, n))
    .into();
    for tx in &all {
        assert!(pool.submit(tx.clone()).unwrap().is_ok());
    }
    let order = [0, 5, 1, 2, 3, 4].map(|at: usize| all[at].clone());
    assert_eq!(reap(&pool, 99), order);
}

#[test]
fn what_is_too_late_holds_up_nobody_but_its_own_sender() {
    let pool = Mempool::new(Limits::default(), Arc::new(Heights::default()));
    // A first byte is the last block, the third the name.
    let [late, behind, other] = [[5, 0, 1], [0, 1, 1], [0, 2, 2]];
    for tx in [late, behind, other] {
        assert!(pool.submit(tx.to_vec()).unwrap().is_ok());
    }
    assert_eq!(pool.reap(6, 9, None, None), RawTx::list([other.to_vec()]));
    pool.block_committed([(&RawTx::from(&other[..]), true)], all_again);
    assert_eq!(pool.reap(7, 9, None, None), RawTx::list([behind.to_vec()]));
}

/// A pool with room for two blocks of a hundred gas.
fn each_second() -> (Mempool, Arc<Mutex<usize>>) {
    let (pool, checks) = payers(Limits {
        wait_max: Duration::from_secs(3),
        interval: Some(Duration::from_secs(1)),
        ..Limits::default()
    });
    assert!(reap(&pool, 100).is_empty());
    (pool, checks)
}

#[test]
fn what_may_be_dropped_unpaid_keeps_nobody_out() {
    let (pool, _) = each_second();
    let mut paid = 0;
    for block in 1..11_u8 {
        // A tiny one that is first, and large ones for which the next block is the last: they would not be in it.
        assert!(pool.submit(of(&[1], 1, block.into())).unwrap().is_ok());
        for attacker in 2..5 {
            let refused = pool.submit(until(block, &[attacker], 100)).unwrap_err();
            assert_eq!(refused.code(), 20);
        }
        // Nor what comes behind its own, or behind what else it signs.
        assert!(pool.submit(until(block, &[1], 1)).is_err());
        assert!(pool.submit(until(block, &[9, 1], 1)).is_err());
        // One that is in time if it comes to it.
        assert!(pool.submit(until(block, &[5], 1)).unwrap().is_ok());
        assert!(pool.submit(until(block + 9, &[6], 60)).unwrap().is_ok());
        assert!(pool.submit(of(&[7], 1, block.into())).unwrap().is_ok());
        let given = pool.reap(block.into(), usize::MAX, None, Some(100));
        paid += given.iter().map(|tx| u64::from(tx[0])).sum::<u64>();
        pool.block_committed(given.iter().map(|tx| (tx, true)), all_again);
        assert_eq!(pool.size().txs, 0);
    }
    assert_eq!(paid, 630);
}

#[test]
fn what_does_not_fit_lets_those_behind_it_in_and_is_first_in_the_next_block() {
    let (pool, _) = each_second();
    let [one, two, behind, dust] =
        [(1, 60), (2, 60), (2, 1), (3, 1)].map(|(sender, gas)| of(&[sender], gas, gas.into()));
    for tx in [&one, &two, &dust, &behind] {
        assert!(pool.submit(tx.clone()).unwrap().is_ok());
    }
    assert_eq!(reap(&pool, 100), [one, dust]);
    let new = of(&[4], 60, 0);
    assert!(pool.submit(new.clone()).unwrap().is_ok());
    assert_eq!(reap(&pool, 100), [two, behind]);
    assert_eq!(reap(&pool, 100), [new]);
}

#[test]
fn one_who_has_nothing_waiting_is_let_in_whatever_others_have() {
    let (pool, _) = payers(Limits::default());
    let reap = |txs| pool.reap(1, txs, None, Some(100)).len();
    // Blocks that look fast, of transactions that take little of what they ask for.
    assert_eq!(reap(16), 0);
    for sender in 1..9 {
        assert!(pool.submit(of(&[sender], 12, 0)).unwrap().is_ok());
    }
    let given = pool.reap(1, 16, None, Some(100));
    assert_eq!(given.len(), 8);
    std::thread::sleep(Duration::from_millis(10));
    pool.release([], 8);
    assert_eq!(reap(16), 0);
    pool.block_committed(given.iter().map(|tx| (tx, true)), all_again);
    assert_eq!(pool.inner().room(&pool.limits).gas, 400);
    let taken = (0..100).filter(|n| pool.submit(of(&[9], 10, *n)).is_ok());
    assert_eq!(taken.count(), 35);
    // They are slow, after all.
    assert_eq!(reap(16), 10);
    std::thread::sleep(Duration::from_millis(1_000));
    pool.release([], 100);
    assert_eq!(reap(16), 10);
    assert!(pool.inner().room(&pool.limits).gas < 150);
    for sender in 10..26 {
        assert_eq!(flood(&pool, sender, 1), 1, "{sender}");
    }
    // All that fit a block are in the second one at the latest, behind what was due; the one that did not is later.
    let given = [(); 2].map(|()| pool.reap(1, 16, None, Some(100)));
    let fresh = given.iter().flatten().filter(|tx| tx[0] == 1);
    assert_eq!(fresh.count(), 15);
}

#[test]
fn what_is_due_is_not_held_back_by_what_came_before_and_is_not() {
    let (pool, _) = each_second();
    assert!(pool.submit(of(&[1], 10, 0)).unwrap().is_ok());
    pool.inner().blocks = 1;
    pool.inner().waiting.values_mut().for_each(|w| w.due = 9);
    assert!(pool.submit(of(&[2], 1, 0)).unwrap().is_ok());
    assert!(pool.submit(of(&[2], 1, 1)).unwrap().is_ok());
    let fresh: Vec<_> = (3..23).map(|sender| of(&[sender], 1, 0)).collect();
    let mut inner = pool.inner();
    let of_two = inner.waiting.values_mut().skip(1);
    of_two.for_each(|w| w.due = 0);
    drop(inner);
    for tx in &fresh {
        assert!(pool.submit(tx.clone()).unwrap().is_ok());
    }
    assert_eq!(reap(&pool, 2), [of(&[2], 1, 0), of(&[2], 1, 1)]);
}

proptest::proptest! {
    #[test]
    fn nobody_is_held_up_for_long_by_turns_and_no_order_is_changed(
        sent in proptest::collection::vec((1_u8..6, 0_u8..6, 1_u8..20, 0_usize..8), 1..400),
    ) {
        const GAS: u64 = 100;
        let (pool, _) = blocks_of(GAS);
        let mut waiting: Vec<(Vec<u8>, u64)> = Vec::new();
        let mut blocks = 0_u64;
        for (n, (payer, signer, gas, pause)) in sent.iter().enumerate() {
            let parties = match *signer {
                0 => vec![*payer],
                signer if signer == *payer => vec![*payer],
                signer => vec![*payer, signer],
            };
            let tx = of(&parties, *gas, n as u16);
            let has_some = pool.inner().waiting.values().any(|w| !w.reaped && w.sender() == Some(&account(*payer)));
            let queued = pool.inner().senders.total().queued;
            match pool.submit(tx.clone()) {
                Ok(_) => {
                    // The block that would have it without turns, where a large one leaves a fifth of each unused; and two.
                    waiting.push((tx, blocks + queued.gas / (GAS - 20) + 3));
                }
                // Who has nothing waiting is refused only where the first ones of others fill the next block.
                Err(refused) => proptest::prop_assert!(has_some || queued.gas >= GAS - 20, "{refused}"),
            }
            // The room of a block, the first ones that fit the next, and one more.
            proptest::prop_assert!(pool.inner().senders.total().queued.gas < GAS * 2 + 20);
            if *pause > 0 {
                continue;
            }
            let given = reap(&pool, GAS);
            blocks += u64::from(!given.is_empty());
            for (at, tx) in given.iter().enumerate() {
                for other in &given[at + 1..] {
                    let shared = tx[3..].iter().any(|party| other[3..].contains(party));
                    proptest::prop_assert!(!shared || tx[1..3] < other[1..3], "{tx:?} {other:?}");
                }
            }
            waiting.retain(|(tx, _)| !given.contains(tx));
            for (tx, until) in &waiting {
                proptest::prop_assert!(blocks < *until, "{tx:?} waits");
                let parties = &tx[3..];
                let overtaken = given.iter().any(|g| g[1..3] > tx[1..3] && g[3..].iter().any(|p| parties.contains(p)));
                proptest::prop_assert!(!overtaken, "{tx:?}");
            }
            let given = RawTx::list(given);
            pool.block_committed(given.iter().map(|tx| (tx, true)), |left| vec![false; left.len()]);
            // Counted as it is.
            let (mut queued, mut all) = (Load::default(), Load::default());
            for w in pool.inner().waiting.values() {
                all = all.plus(w.load);
                queued = if w.reaped { queued } else { queued.plus(w.load) };
            }
            let total = pool.inner().senders.total();
            proptest::prop_assert_eq!((total.queued, total.all), (queued, all));
        }
    }
}
