//! Blocks: fees folded, replays, gas of the block, and no transaction that pays for its neighbours.

use crate::Bytes;
use crate::block::{execute_block, execute_watched};
use crate::check::CheckState;
use crate::engine::ContractEngine;
use crate::error::Fault;
use crate::modules::accounts::FEE_COLLECTOR;
use crate::modules::bank;
use crate::overlay::Slot;
use crate::ports::{NoSecrets, StateRead, Watch};
use crate::testing::{Chain, MemoryState, USER_BALANCE, block_info, coins, document, draft, send};
use crate::tx::GasPrice;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::{Address, Hash, RawTx, Tree};
use proptest::prelude::*;
use std::cell::Cell;

fn collector() -> Address {
    Address::of_module(FEE_COLLECTOR)
}

/// `n` transfers of 1 uscrt, each by another user to the next.
fn transfers(chain: &Chain) -> Vec<Vec<u8>> {
    let users = &chain.users;
    let next = |n: usize| &users[(n + 1) % users.len()].address;
    users
        .iter()
        .enumerate()
        .map(|(n, u)| draft(vec![send(&u.address, next(n), 1)]).signed(&[u]))
        .collect()
}

#[test]
fn the_fees_of_a_block_reach_the_collector_once_and_no_transaction_writes_to_it() {
    let mut chain = Chain::new(5);
    let outcome = {
        let txs = transfers(&chain);
        chain.block(&txs)
    };
    assert!(outcome.tx_results.iter().all(|r| r.code == 0));
    assert_eq!(chain.balance(&collector()), 50_000);
    let (address, denom) = (collector(), "uscrt");
    let slot = Slot::Native(bank::state::BALANCES.raw_key(&(&address, denom)).into());
    assert_eq!(outcome.access.len(), 5);
    assert!(
        outcome
            .access
            .iter()
            .all(|a| !a.writes.contains(&slot) && !a.reads.contains(&slot))
    );
    // Two transfers without a common account have nothing to wait for.
    assert!(
        outcome.access[0]
            .writes
            .is_disjoint(&outcome.access[3].writes)
    );
    assert!(
        outcome.access[0]
            .writes
            .is_disjoint(&outcome.access[3].reads)
    );
}

#[test]
fn the_next_block_pays_fees_on_top() {
    let mut chain = Chain::new(3);
    for round in 1..=3_u64 {
        let txs = transfers(&chain);
        assert!(chain.block(&txs).tx_results.iter().all(|r| r.code == 0));
        assert_eq!(chain.balance(&collector()), u128::from(round) * 30_000);
        for user in &mut chain.users {
            user.sequence += 1;
        }
    }
}

#[test]
fn an_empty_block_writes_nothing() {
    let mut chain = Chain::new(1);
    let outcome = chain.block(&[]);
    assert!(
        outcome.writes.0.is_empty() && outcome.tx_results.is_empty() && outcome.events.is_empty()
    );
}

#[test]
fn a_block_whose_gas_is_used_up_runs_no_further_transaction() {
    let mut document = document(6);
    document.consensus_params.block.max_gas = 32_000;
    let mut chain = Chain::from_document(&document, 6);
    let txs: Vec<Vec<u8>> = (0..6)
        .map(|n| {
            let mut draft = draft(vec![send(
                &chain.users[n].address,
                &chain.users[0].address,
                1,
            )]);
            draft.fee.gas_limit = 20_000;
            draft.signed(&[&chain.users[n]])
        })
        .collect();
    let results = chain.block(&txs).tx_results;
    let last = results.last().unwrap();
    assert_eq!((last.codespace.as_str(), last.code), ("sdk", 11));
    assert_eq!(last.log, "no block gas left to run tx: out of gas");
    assert_eq!((last.gas_wanted, last.gas_used), (0, 0));
    assert_eq!(results[0].code, 0);
    // The one that would pass the limit is left with them: the fault is the proposer's.
    let over = results.iter().position(|r| r.code != 0).unwrap();
    assert!(over > 2 && results[over..].iter().all(|r| r.is_left()));
    assert_eq!(chain.balance(&chain.users[over].address), USER_BALANCE);
}

#[test]
fn gas_and_writes_per_transfer_do_not_depend_on_the_number_of_transfers() {
    let mut gas = Vec::new();
    for users in [10_u8, 200] {
        let mut chain = Chain::new(users);
        let txs = transfers(&chain);
        let outcome = chain.block(&txs);
        assert!(outcome.tx_results.iter().all(|r| r.code == 0));
        assert!(
            outcome
                .access
                .iter()
                .all(|a| a.writes.len() <= 4 && a.reads.len() <= 10)
        );
        assert!(outcome.writes.0.len() <= usize::from(users) * 2 + 3);
        gas.push(outcome.tx_results[3].gas_used);
    }
    assert!(gas[0].abs_diff(gas[1]) < 100, "{gas:?}");
}

#[test]
fn what_does_not_decode_gives_its_error_and_its_neighbours_run() {
    let mut chain = Chain::new(2);
    let mut txs = transfers(&chain);
    txs.insert(1, b"garbage".to_vec());
    let results = chain.block(&txs).tx_results;
    assert_eq!(
        results.iter().map(|r| r.code).collect::<Vec<_>>(),
        [0, 2, 0]
    );
    assert_eq!((results[1].gas_wanted, results[1].gas_used), (0, 0));
    assert!(results[1].log.ends_with(": tx parse error"));
}

#[test]
fn all_writes_of_the_bank_are_in_the_native_tree() {
    let mut chain = Chain::new(2);
    let txs = transfers(&chain);
    let outcome = chain.block(&txs);
    assert!(
        outcome
            .writes
            .0
            .keys()
            .all(|(tree, _)| *tree == Tree::Native)
    );
}

/// A state that cannot be proven.
struct Unproven;

impl StateRead for Unproven {
    fn get(&self, _: Tree, _: &[u8]) -> Result<Option<Bytes>, Fault> {
        Err(Fault::State("a wrong proof".into()))
    }
}

#[test]
fn a_state_that_cannot_be_proven_stops_the_block_and_nothing_leaves_it() {
    let chain = Chain::new(1);
    let txs = transfers(&chain);
    let env = chain.env();
    let outcome = execute_block(
        &Unproven,
        &NoSecrets,
        env,
        &block_info(1),
        &RawTx::list(&txs),
    );
    assert_eq!(outcome, Err(Fault::State("a wrong proof".into())));
    let outcome = CheckState::default().check(
        &Unproven,
        env,
        &block_info(1),
        &GasPrice::default(),
        &txs[0],
        false,
    );
    assert_eq!(outcome, Err(Fault::State("a wrong proof".into())));
}

/// A state of which one account cannot be proven.
struct UnprovenAccount<'s>(&'s MemoryState, Address);

impl StateRead for UnprovenAccount<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let address = self.1.as_bytes();
        if key.windows(address.len()).any(|part| part == address) {
            return Unproven.get(tree, key);
        }
        self.0.get(tree, key)
    }
}

/// Who is at work.
#[derive(Default)]
struct AtWork(Cell<Option<u32>>);

impl Watch for AtWork {
    fn begins(&self, index: u32, _: &Hash) -> bool {
        self.0.set(Some(index));
        true
    }

    fn ended(&self) {
        self.0.set(None);
    }
}

#[test]
fn a_fault_is_named_after_the_transaction_whose_account_it_is_also_where_that_is_looked_up_ahead() {
    let mut chain = Chain::new(80);
    for (cores, at) in [(1, 70), (2, 3), (2, 70), (2, 79)] {
        chain.engine = ContractEngine::default().with_cores(cores);
        // Only the signer's own account is touched.
        let txs = chain.users.iter().map(|user| {
            let to_itself = vec![send(&user.address, &user.address, 1)];
            draft(to_itself).signed(&[user])
        });
        let txs = RawTx::list(txs.collect::<Vec<_>>());
        let state = UnprovenAccount(&chain.state, chain.users[at].address.clone());
        let (info, watch) = (block_info(1), AtWork::default());
        let outcome = execute_watched(&state, &NoSecrets, chain.env(), &info, &txs, &watch);
        assert_eq!(outcome, Err(Fault::State("a wrong proof".into())));
        assert_eq!(watch.0.get(), u32::try_from(at).ok(), "{cores} cores");
    }
    // Between and after them it is nobody's.
    let (info, watch) = (block_info(1), AtWork::default());
    let txs = RawTx::list(transfers(&chain));
    execute_watched(&chain.state, &NoSecrets, chain.env(), &info, &txs, &watch).unwrap();
    assert_eq!(watch.0.get(), None);
}

#[test]
fn a_block_gives_the_same_outcome_every_time() {
    let chain = Chain::new(4);
    let mut txs = transfers(&chain);
    txs.push(b"garbage".to_vec());
    let raw = RawTx::list(&txs);
    let run =
        || execute_block(&chain.state, &NoSecrets, chain.env(), &block_info(1), &raw).unwrap();
    assert_eq!(run(), run());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn arbitrary_bytes_in_a_block_change_nothing(
        txs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..8),
    ) {
        let mut chain = Chain::new(1);
        let outcome = chain.block(&txs);
        prop_assert!(outcome.tx_results.iter().all(|r| r.code != 0 && r.events.is_empty()));
        prop_assert!(outcome.writes.0.is_empty());
    }

    #[test]
    fn random_transfers_conserve_the_supply_and_fees_fold(
        moves in proptest::collection::vec((0..4_usize, 0..8_u8, 1..2_000_000_000_000_u128, 0..20_000_u128), 0..24),
        blocks in 1..4_usize,
    ) {
        let mut chain = Chain::new(4);
        let supply = chain.read(|ctx| bank::state::supply(ctx, "uscrt").unwrap());
        let mut fees = 0;
        for chunk in moves.chunks(moves.len().div_ceil(blocks).max(1)) {
            let mut txs = Vec::new();
            let mut paid = Vec::new();
            for (from, to, amount, fee) in chunk {
                // Users 0 to 3, and four addresses that come into being by receiving.
                let to = match chain.users.get(usize::from(*to)) {
                    Some(user) => user.address.clone(),
                    None => Address::from_bytes(&[*to; 20]).unwrap(),
                };
                let mut draft = draft(vec![send(&chain.users[*from].address, &to, *amount)]);
                draft.fee.amount = coins(*fee);
                txs.push(draft.signed(&[&chain.users[*from]]));
                paid.push(*fee);
                chain.users[*from].sequence += 1;
            }
            let outcome = chain.block(&txs);
            for (result, fee) in outcome.tx_results.iter().zip(paid) {
                // A payer that has run dry fails in the ante chain: then its sequence stands still.
                if result.gas_wanted == 0 || result.log.contains("insufficient funds: insufficient funds")
                    || result.code == 32 {
                    continue;
                }
                fees += fee;
            }
            for user in &mut chain.users {
                user.sequence = 0;
            }
            for n in 0..4 {
                let address = chain.users[n].address.clone();
                let account = chain.read(|ctx| crate::modules::auth::keeper::account(ctx, &address).unwrap().unwrap());
                chain.users[n].sequence = account.sequence;
            }
        }
        prop_assert_eq!(chain.balance(&collector()), fees);
        let held: u128 = chain.read(|ctx| {
            use crate::modules::auth::state::{ADDRESSES, NEXT_NUMBER};
            let end = NEXT_NUMBER.get(ctx).unwrap().unwrap();
            (0..end).map(|n| {
                let holder = ADDRESSES.get(ctx, &n).unwrap().unwrap();
                bank::state::balance(ctx, &holder, "uscrt").unwrap()
            }).sum()
        });
        prop_assert_eq!(held, supply);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// What is worked out ahead on other cores shows nowhere: results, gas, writes, and what each transaction touched.
    #[test]
    fn a_block_gives_the_same_on_one_core_and_on_many(
        tries in proptest::collection::vec((0..20_usize, 0..9_u8, any::<u8>()), 8..150),
    ) {
        let run = |cores| {
            let mut chain = Chain::new(20);
            chain.engine = ContractEngine::default().with_cores(cores);
            let mut txs = Vec::new();
            for (from, kind, byte) in &tries {
                let to = chain.users[(from + 1) % 20].address.clone();
                // Some are paid into an account that does not exist yet.
                let to = if *kind == 7 { Address::from_bytes(&[*byte; 20]).unwrap() } else { to };
                let mut draft = draft(vec![send(&chain.users[*from].address, &to, 1)]);
                match kind {
                    0 => draft.chain_id = "another".into(),
                    1 => draft.fee.amount = coins(USER_BALANCE * 2),
                    2 => draft.mode = SignMode::LegacyAminoJson,
                    _ => {}
                }
                let mut tx = draft.signed(&[&chain.users[*from]]);
                // A broken signature is in the last bytes, a broken transaction in the first.
                match kind {
                    3 => *tx.last_mut().unwrap() ^= 1 | byte,
                    4 => tx[1] ^= 1 | byte,
                    _ => chain.users[*from].sequence += 1,
                }
                txs.push(tx);
            }
            chain.block(&txs)
        };
        let one = run(1);
        prop_assert_eq!(&run(2), &one);
        prop_assert_eq!(&run(16), &one);
    }
}
