//! Room, shares and turns: no sender keeps another out.

use super::*;

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
    fn check_tx(&self, tx: &[u8], _: CheckKind, earliest: Height) -> Option<Checked> {
        *self.0.lock().unwrap() += 1;
        let last = said(tx).timeout_height;
        Some(Checked {
            answer: ExecTxResult {
                code: u32::from(last != 0 && last < earliest),
                gas_wanted: i64::from(tx[0]),
                ..ExecTxResult::default()
            },
            timeout_height: said(tx).timeout_height,
            parties: said(tx).parties,
        })
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
            assert_eq!(refused.code(), 20);
            let again = refused.retry_after().unwrap();
            // A block of a second, and the place among those who are refused before it.
            assert!(again <= Duration::from_secs(2), "{refused}");
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
fn before_the_first_block_there_is_room_for_as_much_as_blocks_have() {
    let limits = Limits::default();
    let each_second = Limits {
        wait_max: Duration::from_secs(3),
        interval: Some(Duration::from_secs(1)),
        ..limits
    };
    // Seven eighths of one block, or of two.
    for (limits, alone) in [(limits, 140), (each_second, 280)] {
        let (pool, _) = payers(limits);
        pool.expect(0, usize::MAX, None, Some(160));
        assert_eq!(flood(&pool, 1, 400), alone);
        assert_eq!(flood(&pool, 2, 400), 1);
        assert_eq!(reap(&pool, 160).len(), alone.min(159) + 1);
    }
}

#[test]
fn who_waits_as_it_was_told_has_one_in_each_block_however_others_hurry() {
    let (pool, _) = blocks_of(160);
    let patient = |n| of(&[99], 1, n);
    for block in 0..10_u16 {
        // Forty who do not wait take all that there is.
        let hurried = |n: u16| of(&[1 + u8::try_from(n % 40).unwrap()], 1, block * 400 + n);
        let taken = (0..400).filter(|n| pool.submit(hurried(*n)).is_ok());
        assert!(taken.count() >= 100, "{block}");
        assert!(pool.submit(hurried(400)).is_err(), "{block}");
        assert!(pool.submit(patient(block)).unwrap().is_ok(), "{block}");
        // Of more it is told to wait, as they are.
        assert!(pool.submit(patient(block + 100)).is_err(), "{block}");
        let given = reap(&pool, 160);
        assert!(given.contains(&patient(block)), "{block}");
        let given = RawTx::list(given);
        pool.block_committed(0, given.iter().map(|tx| (tx, true)), |left| {
            vec![false; left.len()]
        });
    }
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
    pool.block_committed(0, [(&RawTx::from(&other[..]), true)], all_again);
    assert_eq!(pool.reap(7, 9, None, None), RawTx::list([behind.to_vec()]));
}

/// A pool with room for two blocks of a hundred gas.
fn each_second() -> (Mempool, Arc<Mutex<usize>>) {
    let (pool, checks) = payers(Limits {
        wait_max: Duration::from_secs(3),
        interval: Some(Duration::from_secs(1)),
        ..Limits::default()
    });
    assert!(pool.reap(0, usize::MAX, None, Some(100)).is_empty());
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
        pool.block_committed(0, given.iter().map(|tx| (tx, true)), all_again);
        assert_eq!(pool.size().txs, 0);
    }
    assert_eq!(paid, 630);
}

#[test]
fn what_may_be_dropped_unpaid_keeps_nobody_out_after_empty_blocks_and_a_start() {
    let too_late = |pool: &Mempool, height| {
        assert!(pool.submit(of(&[1], 1, 0)).unwrap().is_ok());
        // It fits no block beside the first, and would have five to wait for.
        let refused = pool.submit(until(height, &[2], 100)).unwrap_err();
        assert_eq!(refused.code(), 20);
        assert!(pool.submit(until(height + 6, &[2], 100)).unwrap().is_ok());
    };
    let (pool, _) = each_second();
    for height in 1..10 {
        assert!(pool.reap(height, usize::MAX, None, Some(100)).is_empty());
    }
    too_late(&pool, 10);
    let (pool, _) = each_second();
    pool.expect(99, usize::MAX, None, Some(100));
    too_late(&pool, 100);
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
    pool.block_committed(0, given.iter().map(|tx| (tx, true)), all_again);
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
            pool.block_committed(0, given.iter().map(|tx| (tx, true)), |left| vec![false; left.len()]);
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
