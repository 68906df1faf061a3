//! Transactions beside each other: the same blocks on one thread and on many, and that many really ran.

use crate::Bytes;
use crate::block::{BlockOutcome, Figures, execute_block, execute_watched};
use crate::engine::ContractEngine;
use crate::error::Fault;
use crate::ports::{NoSecrets, StateRead, Watch, WatchAhead};
use crate::testing::{Chain, MemoryState, User, block_info, coins, document, draft, send};
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::{Address, Hash, RawTx, Tree};
use proptest::prelude::*;
use std::sync::Mutex;

/// A block of `txs` after genesis on so many threads, and what became of what ran beside.
fn on(threads: usize, chain: &mut Chain, txs: &[Vec<u8>]) -> (BlockOutcome, Figures) {
    // One with threads looks ahead, too, as a node does.
    chain.engine = ContractEngine::default()
        .with_threads(threads)
        .with_cores(threads);
    let info = block_info(1);
    let outcome = execute_block(
        &chain.state,
        &NoSecrets,
        chain.env(),
        &info,
        &RawTx::list(txs),
    );
    (outcome.unwrap(), chain.engine.beside())
}

fn same_on_all(chain: &mut Chain, txs: &[Vec<u8>]) -> (BlockOutcome, Figures) {
    let (alone, none) = on(1, chain, txs);
    assert_eq!(none, Figures::default());
    let (two, figures) = on(2, chain, txs);
    assert_eq!(two, alone);
    for threads in [4, 8] {
        assert_eq!(on(threads, chain, txs).0, alone);
    }
    (alone, figures)
}

/// Signs; the sender's sequence goes on.
fn signed(chain: &mut Chain, from: usize, to: &Address) -> Vec<u8> {
    let draft = draft(vec![send(&chain.users[from].address, to, 1)]);
    let tx = draft.signed(&[&chain.users[from]]);
    chain.users[from].sequence += 1;
    tx
}

fn address(chain: &Chain, user: usize) -> Address {
    chain.users[user].address.clone()
}

/// Payments of everybody to somebody of his own.
fn apart(chain: &mut Chain, pairs: usize) -> Vec<Vec<u8>> {
    let pay = |n| {
        let to = address(chain, pairs + n);
        signed(chain, n, &to)
    };
    (0..pairs).map(pay).collect()
}

#[test]
fn who_has_nothing_in_common_runs_beside_each_other_and_is_taken_as_it_ran() {
    let mut chain = Chain::new(100);
    let txs = apart(&mut chain, 50);
    let (outcome, figures) = same_on_all(&mut chain, &txs);
    assert!(outcome.tx_results.iter().all(|r| r.code == 0));
    assert_eq!((figures.taken, figures.again), (50, 0));
}

#[test]
fn what_somebody_sends_one_after_the_other_is_taken_too() {
    let mut chain = Chain::new(9);
    let mut txs = Vec::new();
    for round in 0..4 {
        for user in 0..4 {
            let to = address(&chain, 4 + (user + round) % 4);
            txs.push(signed(&mut chain, user, &to));
        }
    }
    // Whoever is paid by another in the same window is another matter.
    let (outcome, _) = same_on_all(&mut chain, &txs);
    assert!(outcome.tx_results.iter().all(|r| r.code == 0));
    let mut chain = Chain::new(9);
    let mut own = Vec::new();
    for _ in 0..4 {
        for user in 0..4 {
            let to = address(&chain, 4 + user);
            own.push(signed(&mut chain, user, &to));
        }
    }
    let (outcome, figures) = same_on_all(&mut chain, &own);
    assert!(outcome.tx_results.iter().all(|r| r.code == 0));
    assert_eq!((figures.taken, figures.again), (16, 0));
}

#[test]
fn where_all_pay_one_account_only_the_first_of_a_window_is_taken_and_soon_none_runs_beside() {
    let mut chain = Chain::new(100);
    let to = address(&chain, 99);
    let txs: Vec<_> = (0..99).map(|n| signed(&mut chain, n, &to)).collect();
    let (outcome, figures) = same_on_all(&mut chain, &txs);
    assert!(outcome.tx_results.iter().all(|r| r.code == 0));
    assert_eq!(figures.taken, figures.windows);
    assert!(figures.again > 0 && figures.again < 12, "{figures:?}");
}

#[test]
fn a_block_ends_at_its_gas_in_the_middle_of_a_window_as_it_does_alone() {
    for max_gas in [40_000, 100_000, 200_000, 430_000] {
        let mut document = document(80);
        document.consensus_params.block.max_gas = max_gas;
        let mut chain = Chain::from_document(&document, 80);
        let txs: Vec<_> = (0..40)
            .map(|n| {
                let mut draft = draft(vec![send(
                    &chain.users[n].address,
                    &chain.users[40 + n].address,
                    1,
                )]);
                draft.fee.gas_limit = 10_000;
                draft.signed(&[&chain.users[n]])
            })
            .collect();
        let (outcome, figures) = same_on_all(&mut chain, &txs);
        let ran = outcome.tx_results.iter().filter(|r| !r.is_left()).count();
        assert!(ran < 40 || max_gas == 430_000);
        // Beside each other runs only what the rest of the block can pay for: what ran more often than it had a place is nothing.
        let beside = figures.taken + figures.again;
        assert!(beside > 0 && beside <= ran as u64, "{figures:?}, {ran} ran");
    }
}

/// A sender's payments, among which somebody pays the sender now and then: what follows in the sender's strand runs again.
fn interrupted(chain: &mut Chain, txs: usize) -> Vec<Vec<u8>> {
    let (sender, to) = (address(chain, 0), address(chain, 1));
    let pay = |n| match n % 16 {
        6 => signed(chain, 2 + n / 16, &sender),
        _ => signed(chain, 0, &to),
    };
    (0..txs).map(pay).collect()
}

#[test]
fn one_whose_payments_run_again_and_again_soon_sends_alone_however_many_threads_there_are() {
    const TXS: usize = 480;
    let mut chain = Chain::new(40);
    let txs = interrupted(&mut chain, TXS);
    let (alone, _) = on(1, &mut chain, &txs);
    assert!(alone.tx_results.iter().all(|r| r.code == 0));
    for threads in [2, 4, 8] {
        let (outcome, figures) = on(threads, &mut chain, &txs);
        assert_eq!(outcome, alone);
        // They stand in one strand, on one thread: whatever runs again is lost.
        assert!(figures.windows > 0, "{figures:?}");
        assert!(figures.again < TXS as u64 / 10, "{threads}: {figures:?}");
    }
}

#[test]
fn where_limits_leave_room_for_one_beside_none_signatures_are_looked_at_ahead_as_on_one_thread() {
    let mut document = document(80);
    document.consensus_params.block.max_gas = 1_000_000;
    let mut chain = Chain::from_document(&document, 80);
    // No proposal has so many; a proposer of bad will may.
    let txs: Vec<_> = (0..40)
        .map(|n| {
            let to = address(&chain, 40 + n);
            let mut draft = draft(vec![send(&chain.users[n].address, &to, 1)]);
            draft.fee.gas_limit = 1_000_000;
            draft.signed(&[&chain.users[n]])
        })
        .collect();
    let (alone, _) = on(1, &mut chain, &txs);
    assert!(alone.tx_results.iter().all(|r| r.code == 0));
    let txs = RawTx::list(&txs);
    let engine = ContractEngine::default().with_threads(4).with_cores(2);
    let env = crate::ExecutionEnv {
        engine: &engine,
        ..chain.env()
    };
    let watch = Without([0; 32], Looked::default());
    let outcome = execute_watched(&chain.state, &NoSecrets, env, &block_info(1), &txs, &watch);
    assert_eq!(outcome.unwrap(), alone);
    // Almost all were looked at twice: to decode them, and for their signatures.
    let looked = watch.1.0.into_inner().unwrap();
    assert!(looked.len() >= 68, "{}", looked.len());
}

#[test]
fn where_none_may_run_beside_others_signatures_are_looked_at_ahead_too() {
    let mut document = document(80);
    document.consensus_params.block.max_gas = 10_000_000;
    let mut chain = Chain::from_document(&document, 80);
    // The first fills a chunk, and takes gas: then nobody's limit, which is the block's, fits what is left.
    let txs: Vec<_> = (0..40)
        .map(|n| {
            let to = address(&chain, 40 + n);
            let mut draft = draft(vec![send(&chain.users[n].address, &to, 1)]);
            draft.fee.gas_limit = 10_000_000;
            if n == 0 {
                draft.body.memo = "long".repeat(70_000);
            }
            draft.signed(&[&chain.users[n]])
        })
        .collect();
    let (alone, _) = on(1, &mut chain, &txs);
    let txs = RawTx::list(&txs);
    let engine = ContractEngine::default().with_threads(4).with_cores(2);
    let env = crate::ExecutionEnv {
        engine: &engine,
        ..chain.env()
    };
    let watch = Without([0; 32], Looked::default());
    let outcome = execute_watched(&chain.state, &NoSecrets, env, &block_info(1), &txs, &watch);
    assert_eq!(outcome.unwrap(), alone);
    assert_eq!(engine.beside(), Figures::default());
    // Decoded where they might have run beside others, then as those that run alone, and their signatures.
    let looked = watch.1.0.into_inner().unwrap();
    assert!(looked.len() >= 3 * 32, "{}", looked.len());
}

/// A state that is another matter on other threads.
struct Elsewhere<'a>(&'a MemoryState, fn() -> Result<Option<Bytes>, Fault>);

impl StateRead for Elsewhere<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.0.get(tree, key)
    }

    fn shared(&self) -> Option<Box<dyn StateRead + Sync + '_>> {
        Some(Box::new(Other(self.1)))
    }
}

struct Other(fn() -> Result<Option<Bytes>, Fault>);

impl StateRead for Other {
    fn get(&self, _: Tree, _: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.0()
    }
}

#[test]
fn what_only_those_meet_that_run_beside_others_stops_nothing() {
    let mut chain = Chain::new(40);
    let txs = apart(&mut chain, 20);
    let (alone, _) = on(1, &mut chain, &txs);
    let txs = RawTx::list(&txs);
    let faults: [fn() -> _; 3] = [
        || Err(Fault::State("not here".into())),
        || Err(Fault::Broken("never".into())),
        || panic!("a mistake of ours"),
    ];
    for fault in faults {
        chain.engine = ContractEngine::default().with_threads(2);
        let state = Elsewhere(&chain.state, fault);
        let outcome = execute_block(&state, &NoSecrets, chain.env(), &block_info(1), &txs);
        assert_eq!(outcome.unwrap(), alone);
        let figures = chain.engine.beside();
        assert!(figures.taken == 0 && figures.again >= 4, "{figures:?}");
    }
}

/// A state of which other threads do not know one account.
struct Cold<'a>(&'a MemoryState, &'a Address);

impl StateRead for Cold<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.0.get(tree, key)
    }

    fn shared(&self) -> Option<Box<dyn StateRead + Sync + '_>> {
        Some(Box::new(Warm(self)))
    }
}

struct Warm<'a>(&'a Cold<'a>);

impl StateRead for Warm<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let cold = self.0.1.as_bytes();
        match key.windows(cold.len()).any(|part| part == cold) {
            true => Err(Fault::State("not here".into())),
            false => self.0.get(tree, key),
        }
    }
}

#[test]
fn what_gave_up_may_have_used_its_limit_so_whoever_has_a_large_one_and_uses_little_soon_runs_alone()
{
    let mut chain = Chain::new(121);
    let cold = address(&chain, 120);
    let windows_of = |chain: &mut Chain, limit| {
        let txs = (0..60).map(|n| {
            // A tenth gives up: so few that what they cost at their turn is no reason to run alone.
            let to = if n % 10 == 9 {
                cold.clone()
            } else {
                address(chain, 60 + n)
            };
            let mut draft = draft(vec![send(&chain.users[n].address, &to, 1)]);
            draft.fee.gas_limit = if n % 10 == 9 { limit } else { 20_000 };
            draft.signed(&[&chain.users[n]])
        });
        let txs = txs.collect::<Vec<_>>();
        let (alone, _) = on(1, chain, &txs);
        chain.engine = ContractEngine::default().with_threads(2);
        let state = Cold(&chain.state, &cold);
        let info = block_info(1);
        let outcome = execute_block(&state, &NoSecrets, chain.env(), &info, &RawTx::list(&txs));
        assert_eq!(outcome.unwrap(), alone);
        assert!(alone.tx_results.iter().all(|r| r.code == 0));
        chain.engine.beside().windows
    };
    let honest = windows_of(&mut chain, 20_000);
    let dear = windows_of(&mut chain, 2_000_000);
    assert!(honest > dear && dear <= 3, "{honest}, {dear}");
}

/// A state for one thread.
struct Here<'a>(&'a MemoryState);

impl StateRead for Here<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.0.get(tree, key)
    }
}

#[test]
fn on_a_state_for_one_thread_all_run_alone() {
    let mut chain = Chain::new(40);
    let txs = apart(&mut chain, 20);
    let (alone, _) = on(1, &mut chain, &txs);
    chain.engine = ContractEngine::default().with_threads(8);
    let state = Here(&chain.state);
    let txs = RawTx::list(&txs);
    let outcome = execute_block(&state, &NoSecrets, chain.env(), &block_info(1), &txs);
    assert_eq!(outcome.unwrap(), alone);
    assert_eq!(chain.engine.beside().taken, 0);
}

/// Leaves one out, and knows what each thread looked at.
struct Without(Hash, Looked);

#[derive(Default)]
struct Looked(Mutex<Vec<u32>>, Hash);

impl WatchAhead for Looked {
    fn looks(&self, index: u32, hash: &Hash) -> bool {
        self.0.lock().unwrap().push(index);
        *hash != self.1
    }
}

impl Watch for Without {
    fn begins(&self, _: u32, hash: &Hash) -> bool {
        *hash != self.0
    }

    fn ahead(&self) -> &dyn WatchAhead {
        &self.1
    }
}

#[test]
fn an_exception_runs_on_no_thread_and_those_behind_it_are_told_who_they_are() {
    let mut chain = Chain::new(40);
    let mut txs = apart(&mut chain, 20);
    // It would stop whoever runs it: this one stands for that, and nobody may find out that it is good.
    txs.insert(3, apart(&mut chain, 1).remove(0));
    let txs = RawTx::list(&txs);
    let run = |threads| {
        let engine = ContractEngine::default().with_threads(threads);
        let env = crate::ExecutionEnv {
            engine: &engine,
            ..chain.env()
        };
        let hash = *txs[3].hash();
        let watch = Without(hash, Looked(Mutex::default(), hash));
        let outcome = execute_watched(&chain.state, &NoSecrets, env, &block_info(1), &txs, &watch);
        let looked = watch.1.0.into_inner().unwrap();
        (outcome.unwrap(), engine.beside(), looked)
    };
    let (alone, ..) = run(1);
    let (beside, figures, looked) = run(4);
    assert_eq!(beside, alone);
    assert_eq!(alone.tx_results[3].codespace, "strongroom");
    assert_eq!((figures.taken, figures.again), (20, 0));
    // Once to decode it, once to run it: but the exception.
    let times = |n| looked.iter().filter(|looked| **looked == n).count();
    assert_eq!((times(3), times(2), times(20)), (1, 2, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_block_gives_the_same_beside_and_alone(
        tries in proptest::collection::vec((0..12_usize, 0..12_usize, 0..10_u8, any::<u8>()), 4..120),
    ) {
        let mut chain = Chain::new(12);
        let mut txs = Vec::new();
        for (from, to, kind, byte) in tries {
            let user: &User = &chain.users[from];
            // Some are paid into an account that does not exist yet.
            let to = match kind {
                7 => Address::from_bytes(&[byte; 20]).unwrap(),
                _ => chain.users[to].address.clone(),
            };
            let mut draft = draft(vec![send(&user.address, &to, 1), send(&user.address, &to, 1)]);
            match kind {
                0 => draft.chain_id = "another".into(),
                1 => draft.fee.amount = coins(u128::MAX),
                2 => draft.mode = SignMode::LegacyAminoJson,
                3 => draft.fee.gas_limit = 8_000,
                4 => draft.fee.gas_limit = 17_000 + u64::from(byte),
                _ => {}
            }
            let mut tx = draft.signed(&[user]);
            match kind {
                5 => tx[1] ^= 1 | byte,
                6 => *tx.last_mut().unwrap() ^= 1 | byte,
                0 | 1 | 3 => {}
                _ => chain.users[from].sequence += 1,
            }
            txs.push(tx);
        }
        same_on_all(&mut chain, &txs);
    }
}
