//! The mempool's pending state, and estimates of gas.

use super::{SIMULATED_MESSAGES_MAX, with_msg_responses};
use crate::Bytes;
use crate::error::Fault;
use crate::ports::StateRead;
use crate::query::QueryStop;
use crate::testing::{Chain, MemoryState, USER_BALANCE, coins, draft, send};
use crate::tx::GasPrice;
use crate::types::proto::cosmos::tx::v1beta1::TxRaw;
use crate::types::proto::secret::compute::v1beta1::MsgExecuteContract;
use crate::types::proto::{Message, pack};
use crate::types::{Address, Tree};
use proptest::prelude::*;

/// A send of the first user to the second, signed with the sequence that the first has now.
fn signed_send(chain: &Chain) -> Vec<u8> {
    let [from, to] = [&chain.users[0], &chain.users[1]];
    draft(vec![send(&from.address, &to.address, 1)]).signed(&[from])
}

#[test]
fn a_second_transaction_of_one_signer_counts_on_the_first() {
    let mut chain = Chain::new(2);
    let first = signed_send(&chain);
    chain.users[0].sequence = 1;
    let second = signed_send(&chain);
    assert_eq!(
        chain.check(&second).unwrap().2,
        "account sequence mismatch, expected 0, got 1: incorrect account sequence"
    );
    assert_eq!(chain.check(&first), None);
    assert_eq!(chain.check(&second), None);
    assert_eq!(chain.check(&first).unwrap().1, 32);
    // After the block that holds the first, the second is still good, the first is not.
    assert_eq!(
        chain.block(std::slice::from_ref(&first)).tx_results[0].code,
        0
    );
    assert_eq!(chain.check_as(&second, true).result.error, None);
    assert_eq!(chain.check_as(&first, true).result.error.unwrap().code, 32);
}

#[test]
fn what_is_pending_cannot_be_spent_twice() {
    let mut chain = Chain::new(1);
    let address = chain.users[0].address.clone();
    let most = chain.balance(&address);
    let mut first = draft(vec![send(&address, &address, 1)]);
    first.fee.amount = coins(most);
    let bytes = first.signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes), None);
    chain.users[0].sequence = 1;
    let bytes = draft(vec![send(&address, &address, 1)]).signed(&[&chain.users[0]]);
    let text = "spendable balance 0uscrt is smaller than 10000uscrt: insufficient funds: insufficient funds";
    assert_eq!(chain.check(&bytes).unwrap().2, text);
}

#[test]
fn a_transaction_that_the_next_block_would_be_too_late_for_takes_no_space_in_it() {
    let mut chain = Chain::new(2);
    chain.block(&[]);
    let mut late = draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        1,
    )]);
    late.body.timeout_height = chain.height;
    let bytes = late.signed(&[&chain.users[0]]);
    let text = "block height: 2, timeout height: 1: tx timeout height";
    assert_eq!(chain.check(&bytes), Some(("sdk".into(), 30, text.into())));
    late.body.timeout_height = chain.height + 1;
    let bytes = late.signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes), None);
    assert_eq!(
        chain.block(std::slice::from_ref(&bytes)).tx_results[0].code,
        0
    );
    late.body.timeout_height = chain.height;
    let bytes = late.signed(&[&chain.users[0]]);
    assert_eq!(chain.check_as(&bytes, true).result.error.unwrap().code, 30);
}

#[test]
fn nobody_sends_away_what_the_fee_of_the_next_transaction_would_be_paid_from() {
    let mut chain = Chain::new(2);
    let (from, to) = (
        chain.users[0].address.clone(),
        chain.users[1].address.clone(),
    );
    let all = chain.balance(&from);
    let first = draft(vec![send(&from, &to, all - 10_000)]).signed(&[&chain.users[0]]);
    chain.users[0].sequence = 1;
    let second = draft(vec![send(&from, &to, 1)]).signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&first), None);
    assert_eq!(chain.check(&second).unwrap().1, 5);
    // What goes to oneself is not gone.
    let mut chain = Chain::new(2);
    let first = draft(vec![send(&from, &from, all - 10_000)]).signed(&[&chain.users[0]]);
    assert_eq!((chain.check(&first), chain.check(&second)), (None, None));
    let codes: Vec<u32> = chain
        .block(&[first, second])
        .tx_results
        .iter()
        .map(|r| r.code)
        .collect();
    assert_eq!(codes, [0, 0]);
}

#[test]
fn the_first_party_of_a_transaction_is_who_signs_for_the_fee_and_then_come_all_others() {
    let mut chain = Chain::new(3);
    let [a, b, c] = [0, 1, 2].map(|n| chain.users[n].address.clone());
    let mut draft = draft(vec![send(&a, &b, 1)]);
    let said = |bytes: &[u8]| super::outline(bytes).map(|said| (said.parties, said.gas));
    let gas = draft.fee.gas_limit;
    let bytes = draft.signed(&[&chain.users[0]]);
    assert_eq!(said(&bytes), Some((vec![a.clone()], gas)));
    assert_eq!(
        chain.check_as(&bytes, false).parties,
        std::slice::from_ref(&a)
    );
    // It does not pass again, and what does not pass has none.
    assert_eq!(chain.check_as(&bytes, false).parties, []);
    chain.users[0].sequence += 1;
    draft.fee.payer = b.to_string();
    let bytes = draft.signed(&[&chain.users[0], &chain.users[1]]);
    assert_eq!(said(&bytes), Some((vec![b.clone(), a.clone()], gas)));
    assert_eq!(
        chain.check_as(&bytes, false).parties,
        [b.clone(), a.clone()]
    );
    // Whoever names a granter answers for it; the granter is a party, whether it allows it or not.
    draft.fee.granter = c.to_string();
    draft.body.timeout_height = 9;
    let bytes = draft.signed(&[&chain.users[0], &chain.users[1]]);
    assert_eq!(said(&bytes), Some((vec![b, a, c], gas)));
    assert_eq!(super::outline(&bytes).unwrap().timeout_height, 9);
    assert_eq!(said(b"garbage"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever CheckTx passes is charged when it is delivered, in the order in which it was checked.
    #[test]
    fn whatever_passes_the_check_is_charged_when_it_is_delivered(
        tries in proptest::collection::vec(
            (0..3_usize, 0..4_usize, 0..4_u8, 1..USER_BALANCE * 2, 3_900..8_000_u64, 0..4_u64, any::<bool>()),
            1..30,
        ),
    ) {
        let mut chain = Chain::new(3);
        chain.block(&[]);
        let mut accepted = Vec::new();
        for (from, payer, to, amount, gas, timeout, whole) in tries {
            let to = match chain.users.get(usize::from(to)) {
                Some(user) => user.address.clone(),
                None => Address::from_bytes(&[9; 20]).unwrap(),
            };
            // Half of them spend all that is left after one or two fees of this size.
            let amount = if whole { USER_BALANCE - 10_000 * u128::from(timeout) } else { amount };
            let mut draft = draft(vec![send(&chain.users[from].address, &to, amount)]);
            draft.fee.gas_limit = gas;
            draft.body.timeout_height = timeout;
            let mut signers = vec![&chain.users[from]];
            if let Some(other) = chain.users.get(payer).filter(|_| payer != from) {
                draft.fee.payer = other.address.to_string();
                signers.push(other);
            }
            let bytes = draft.signed(&signers);
            if chain.check(&bytes).is_none() {
                chain.users[from].sequence += 1;
                if payer != from && payer < 3 {
                    chain.users[payer].sequence += 1;
                }
                accepted.push(bytes);
            }
        }
        let collector = Address::of_module(crate::modules::accounts::FEE_COLLECTOR);
        let results = chain.block(&accepted).tx_results;
        for result in &results {
            prop_assert!(result.gas_wanted > 0 && !result.events.is_empty(), "{}", result.log);
        }
        prop_assert_eq!(chain.balance(&collector), 10_000 * accepted.len() as u128);
    }
}

/// A state of which one read fails.
struct Fails<'s>(&'s MemoryState, core::cell::Cell<usize>);

impl StateRead for Fails<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.1.replace(self.1.get().wrapping_sub(1)) {
            0 => Err(Fault::State("too many open files".into())),
            _ => self.0.get(tree, key),
        }
    }
}

#[test]
fn a_state_that_cannot_be_read_for_a_moment_leaves_pending_what_was() {
    let mut chain = Chain::new(2);
    let first = signed_send(&chain);
    let [one, other] = [0, 1].map(|n| chain.users[n].address.clone());
    let of_other = draft(vec![send(&other, &one, 1)]).signed(&[&chain.users[1]]);
    chain.users[0].sequence = 1;
    let second = signed_send(&chain);
    let (block, price) = (chain.info(), GasPrice::default());
    let mut faults = 0_usize;
    // At each of its reads.
    loop {
        chain.pending.reset();
        assert_eq!(chain.check(&first), None);
        let mut pending = core::mem::take(&mut chain.pending);
        let state = Fails(&chain.state, faults.into());
        let checked = pending.check(&state, chain.env(), &block, &price, &of_other, false);
        chain.pending = pending;
        if checked.is_ok() {
            break;
        }
        faults += 1;
        // The first is not forgotten, and nothing of what failed is kept.
        assert_eq!((chain.check(&second), chain.check(&of_other)), (None, None));
    }
    assert!(faults > 1, "{faults}");
}

#[test]
fn a_failed_check_leaves_nothing_pending() {
    let mut chain = Chain::new(2);
    let mut bad = draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        1,
    )]);
    bad.chain_id = "other".into();
    let bytes = bad.signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes).unwrap().1, 4);
    bad.chain_id = crate::testing::CHAIN_ID.into();
    let bytes = bad.signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes), None);
}

/// The transaction with other signatures.
fn with_signature(bytes: &[u8], signature: Vec<u8>) -> Vec<u8> {
    let mut raw = TxRaw::decode(bytes).unwrap();
    raw.signatures = vec![signature];
    raw.encode_to_vec()
}

#[test]
fn a_simulation_takes_zero_signatures_and_estimates_what_delivery_uses() {
    let mut chain = Chain::new(2);
    let bytes = draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        1,
    )])
    .signed(&[&chain.users[0]]);
    let estimates: Vec<u64> = [vec![0; 64], Vec::new()]
        .into_iter()
        .map(|signature| {
            chain
                .simulate(&with_signature(&bytes, signature))
                .unwrap()
                .gas_used
        })
        .collect();
    let simulated = chain
        .simulate(&with_signature(&bytes, vec![0; 64]))
        .unwrap();
    assert_eq!(simulated.gas_wanted, 100_000);
    assert_eq!(simulated.events.len(), 12);
    let data = simulated.data.clone();
    let response = with_msg_responses(simulated.into_response()).unwrap();
    let result = response.result.unwrap();
    assert_eq!(result.data, data);
    assert_eq!(
        result.msg_responses[0].type_url,
        "/cosmos.bank.v1beta1.MsgSendResponse"
    );
    let used = chain.block(&[bytes]).tx_results[0].gas_used;
    assert_eq!(estimates, [used as u64; 2]);
}

#[test]
fn a_simulation_without_gas_limit_and_fee_runs_but_checks_the_sequence() {
    let mut chain = Chain::new(2);
    let make = |chain: &Chain| {
        let mut draft = draft(vec![send(
            &chain.users[0].address,
            &chain.users[1].address,
            1,
        )]);
        draft.fee.gas_limit = 0;
        draft.fee.amount = vec![];
        with_signature(&draft.signed(&[&chain.users[0]]), vec![0; 64])
    };
    assert!(chain.simulate(&make(&chain)).is_ok());
    chain.users[0].sequence = 3;
    let Err(QueryStop::Error(e)) = chain.simulate(&make(&chain)) else {
        panic!("it ran")
    };
    let (code, text) = e.grpc();
    assert_eq!(code.number(), 2);
    assert!(text.starts_with(
        "account sequence mismatch, expected 0, got 3: incorrect account sequence with gas used: '"
    ));
}

#[test]
fn a_failing_simulation_tells_error_and_gas() {
    let chain = Chain::new(2);
    let too_much = draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        u128::MAX,
    )]);
    let bytes = too_much.signed(&[&chain.users[0]]);
    let Err(QueryStop::Error(e)) = chain.simulate(&bytes) else {
        panic!("it ran")
    };
    let text = e.grpc().1;
    assert!(text.starts_with(
        "failed to execute message; message index: 0: spendable balance 999999990000uscrt is"
    ));
    assert!(text.contains(": insufficient funds with gas used: '"));
    let Err(QueryStop::Error(e)) = chain.simulate(&[]) else {
        panic!("it ran")
    };
    assert_eq!(
        (e.grpc().0.number(), e.grpc().1.as_str()),
        (3, "empty txBytes is not allowed")
    );
    let Err(QueryStop::Error(e)) = chain.simulate(b"xx") else {
        panic!("it ran")
    };
    assert!(e.grpc().1.ends_with(": tx parse error with gas used: '0'"));
}

#[test]
fn a_message_to_a_contract_passes_the_check_without_secrets() {
    let mut chain = Chain::new(1);
    let msg = MsgExecuteContract {
        sender: chain.users[0].address.as_bytes().to_vec(),
        contract: vec![5; 20],
        msg: vec![1; 200],
        ..Default::default()
    };
    let bytes = draft(vec![pack(&msg)]).signed(&[&chain.users[0]]);
    assert_eq!(chain.check(&bytes), None);
    let mut bad = msg;
    bad.sender = vec![1; 3];
    let bytes = draft(vec![pack(&bad)]).signed(&[&chain.users[0]]);
    let text = "address length must be 20 or 32 bytes, got 3: unknown address";
    assert_eq!(chain.check(&bytes), Some(("sdk".into(), 9, text.into())));
}

#[test]
fn the_host_cannot_simulate_a_message_to_a_contract_and_says_so_as_clients_expect() {
    use crate::modules::compute::state as compute;
    let mut chain = Chain::new(1);
    let (creator, contract) = (
        chain.users[0].address.clone(),
        Address::from_bytes(&[5; 20]).unwrap(),
    );
    chain.write(|ctx| {
        let code = compute::Code {
            hash: [1; 32],
            weight: 1,
            creator: creator.clone(),
            source: String::new(),
            builder: String::new(),
            prep_version: 1,
            requires_random: false,
            iterates: false,
            stock: false,
            generation: strongroom_vm::Generation::V1,
        };
        compute::CODES
            .set(
                ctx,
                &1,
                &compute::CodeRecord::V1(code, compute::MigrateWords::default()),
            )
            .unwrap();
        let record = compute::Contract {
            code_id: 1,
            creator: creator.clone(),
            admin: None,
            label: "x".into(),
            created: compute::Position {
                height: 1,
                tx_index: 0,
            },
            storage_layout: compute::StorageLayout::Flat,
            require_governance: false,
            place: 0,
        };
        compute::CONTRACTS
            .set(ctx, &contract, &compute::ContractRecord::V1(record))
            .unwrap();
    });
    let msg = MsgExecuteContract {
        sender: creator.as_bytes().to_vec(),
        contract: contract.as_bytes().to_vec(),
        msg: vec![1; 200],
        ..Default::default()
    };
    let bytes = draft(vec![pack(&msg)]).signed(&[&chain.users[0]]);
    let Err(QueryStop::Error(e)) = chain.simulate(&bytes) else {
        panic!("it ran")
    };
    let text = e.grpc().1;
    let start = "failed to execute message; message index: 0: Execution error: Enclave: failed to verify transaction \
                 signature: execute contract failed with gas used: '";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn a_simulation_counts_on_what_waits_and_takes_the_committed_sequence_too() {
    let mut chain = Chain::new(2);
    let first = signed_send(&chain);
    chain.users[0].sequence = 1;
    let second = signed_send(&chain);
    chain.users[0].sequence = 2;
    let third = signed_send(&chain);
    assert!(chain.simulate(&second).is_err());
    assert_eq!(chain.check(&first), None);
    let estimates = [&first, &second].map(|tx| chain.simulate(tx).unwrap().gas_used);
    let Err(QueryStop::Error(e)) = chain.simulate(&third) else {
        panic!("it ran")
    };
    let text = e.grpc().1;
    assert!(
        text.starts_with("account sequence mismatch, expected 1, got 2"),
        "{text}"
    );
    // A simulation leaves nothing behind.
    assert_eq!(chain.check(&second), None);
    assert!(chain.simulate(&third).is_ok());
    let used = chain.block(&[first, second]).tx_results;
    assert_eq!(
        estimates.map(|gas| gas as i64),
        [used[0].gas_used, used[1].gas_used]
    );
}

#[test]
fn a_simulation_cannot_spend_what_waiting_transactions_spend() {
    let mut chain = Chain::new(1);
    let address = chain.users[0].address.clone();
    let mut first = draft(vec![send(&address, &address, 1)]);
    first.fee.amount = coins(chain.balance(&address));
    assert_eq!(chain.check(&first.signed(&[&chain.users[0]])), None);
    chain.users[0].sequence = 1;
    let second = draft(vec![send(&address, &address, 1)]).signed(&[&chain.users[0]]);
    let Err(QueryStop::Error(e)) = chain.simulate(&second) else {
        panic!("it ran")
    };
    assert!(
        e.grpc().1.contains("spendable balance 0uscrt"),
        "{:?}",
        e.grpc()
    );
}

#[test]
fn a_simulation_takes_a_bounded_number_of_messages() {
    let chain = Chain::new(1);
    let address = &chain.users[0].address;
    let with = |n| draft(vec![send(address, address, 1); n]).signed(&[&chain.users[0]]);
    assert!(chain.simulate(&with(SIMULATED_MESSAGES_MAX)).is_ok());
    let Err(QueryStop::Error(e)) = chain.simulate(&with(SIMULATED_MESSAGES_MAX + 1)) else {
        panic!("it ran")
    };
    assert_eq!(e.grpc().0.number(), 3);
}

/// Sends of the users by their numbers, each signed after the one before and accepted.
fn accepted(chain: &mut Chain, sends: &[(usize, usize, u128)]) -> Vec<Vec<u8>> {
    let accept = |(from, to, amount): &(usize, usize, u128)| {
        let message = send(
            &chain.users[*from].address,
            &chain.users[*to].address,
            *amount,
        );
        let bytes = draft(vec![message]).signed(&[&chain.users[*from]]);
        chain.users[*from].sequence += 1;
        assert_eq!(chain.check(&bytes), None);
        bytes
    };
    sends.iter().map(accept).collect()
}

#[test]
fn what_a_block_leaves_as_it_was_foretold_is_not_checked_again() {
    let mut chain = Chain::new(6);
    let txs = accepted(&mut chain, &[(0, 1, 5), (2, 3, 5), (0, 1, 6), (4, 5, 5)]);
    // The sender of the third is that of the first, and stands where the check of the first put it.
    let (outcome, again) = chain.block_beside(&txs[..2], &txs[2..]);
    assert!(outcome.tx_results.iter().all(|r| r.code == 0));
    assert_eq!(again, [false, false]);
    // It is still there: who comes after it is checked on top of it.
    let more = accepted(&mut chain, &[(0, 1, 7), (2, 3, 1)]);
    assert_eq!(chain.check(&txs[2]).unwrap().1, 32);
    let (_, again) = chain.block_beside(&txs[2..], &more);
    assert_eq!(again, [false, false]);
    assert_eq!(
        chain.check_as(&more[0], true).result.error.unwrap().code,
        32
    );
    let codes = chain.block(&more).tx_results;
    assert!(codes.iter().all(|r| r.code == 0), "{codes:?}");
}

#[test]
fn whoever_was_paid_or_paid_otherwise_than_foretold_is_checked_again_and_so_is_what_expires() {
    let mut chain = Chain::new(6);
    let waiting = accepted(&mut chain, &[(1, 2, 5), (3, 4, 5)]);
    let mut late = draft(vec![send(
        &chain.users[5].address,
        &chain.users[4].address,
        1,
    )]);
    late.body.timeout_height = chain.height + 1;
    let late = late.signed(&[&chain.users[5]]);
    assert_eq!(chain.check(&late), None);
    let left = [waiting, vec![late]].concat();
    // Nobody checked this one here; it pays the first of those that wait.
    let paying = draft(vec![send(
        &chain.users[0].address,
        &chain.users[1].address,
        9,
    )]);
    let paying = paying.signed(&[&chain.users[0]]);
    let (outcome, again) = chain.block_beside(&[paying], &left);
    assert_eq!(outcome.tx_results[0].code, 0);
    assert_eq!(again, [true, false, true]);
    // What is checked again was taken out, else its sequence would count twice.
    assert_eq!(chain.check_as(&left[0], true).result.error, None);
    assert_eq!(
        chain.check_as(&left[2], true).result.error.unwrap().code,
        30
    );
    // Those that follow no record are all checked again.
    let (_, again) = chain.block_beside(&[], &[left[0].clone(), b"unknown".to_vec()]);
    assert_eq!(again, [true, true]);
    assert_eq!(chain.check_as(&left[0], true).result.error, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// After any block, what is left as it was stands where a check of all would put it.
    #[test]
    fn what_is_not_checked_again_stands_where_a_check_of_all_would_put_it(
        tries in proptest::collection::vec((0..4_usize, 0..5_usize, 0..4_usize, 1..USER_BALANCE * 2), 1..40),
        sizes in proptest::collection::vec(0..6_usize, 1..8),
    ) {
        let mut chain = Chain::new(4);
        chain.block(&[]);
        let mut left = Vec::new();
        let mut sizes = sizes.into_iter().cycle();
        for tries in tries.chunks(4) {
            for (from, to, payer, amount) in tries {
                let to = match chain.users.get(*to) {
                    Some(user) => user.address.clone(),
                    None => Address::from_bytes(&[9; 20]).unwrap(),
                };
                let mut draft = draft(vec![send(&chain.users[*from].address, &to, *amount)]);
                let mut signers = vec![&chain.users[*from]];
                if payer != from {
                    draft.fee.payer = chain.users[*payer].address.to_string();
                    signers.push(&chain.users[*payer]);
                }
                let bytes = draft.signed(&signers);
                if chain.check(&bytes).is_none() {
                    chain.users[*from].sequence += 1;
                    if payer != from {
                        chain.users[*payer].sequence += 1;
                    }
                    left.push((bytes, *from, *payer));
                }
            }
            let size = sizes.next().unwrap_or(0).min(left.len());
            let rest = left.split_off(size);
            let bytes = |of: &[(Vec<u8>, usize, usize)]| of.iter().map(|(tx, ..)| tx.clone()).collect::<Vec<_>>();
            let (_, again) = chain.block_beside(&bytes(&left), &bytes(&rest));
            left = rest;
            let mut kept = Vec::new();
            for (waits, again) in left.iter().zip(again) {
                if !again || chain.check_as(&waits.0, true).result.error.is_none() {
                    kept.push(waits.clone());
                }
            }
            let pending = chain.pending.pending().into_writes();
            // The same once more, from nothing.
            chain.pending.reset();
            for waits in &left {
                let passes = chain.check_as(&waits.0, true).result.error.is_none();
                prop_assert_eq!(passes, kept.contains(waits));
            }
            let all = chain.pending.pending().into_writes();
            prop_assert!(pending.iter().eq(all.iter()), "{pending:?} {all:?}");
            left = kept;
            for user in 0..chain.users.len() {
                let waits = left.iter().filter(|(_, from, payer)| *from == user || *payer == user);
                let waits = waits.count() as u64;
                let address = chain.users[user].address.clone();
                chain.users[user].sequence = chain.sequence(&address) + waits;
            }
        }
    }
}
