//! Calls of contracts that run beside each other: what they see of the block, and the codes that they load.

use super::limits::{heavy, most_heavy};
use super::puppet::{self, NOTHING};
use super::two_puppets_of;
use super::world::{GAS, World};
use crate::block::{BlockOutcome, Figures};
use crate::modules::compute::ContractEngine;
use crate::testing::{document, send};
use crate::types::Address;
use crate::types::proto::pack;
use crate::types::proto::secret::compute::v1beta1 as pb;

/// What the block gives on so many threads, with every code loaded before, and what became of those that ran beside others.
fn on(threads: usize, world: &mut World, txs: &[Vec<u8>]) -> (BlockOutcome, Figures) {
    world.engine = ContractEngine::default()
        .with_threads(threads)
        .with_cores(threads);
    // What is not loaded yet is loaded at its turn, which changes nothing either.
    let cold = world.peek(txs);
    world.engine = core::mem::take(&mut world.engine).with_threads(threads);
    let warm = world.peek(txs);
    assert_eq!(cold, warm);
    (warm, world.engine.beside())
}

#[test]
fn a_contract_sees_how_many_passed_before_it_also_where_one_beside_it_did_not() {
    let (mut world, code, a, b) = two_puppets_of(&document(3));
    // Each keeps its `env`, in which its number stands.
    let call = |world: &mut World, user: usize, contract: &Address| {
        let (msg, _) = world.seal(&code.hash, b"r");
        let keeps = pack(&pb::MsgExecuteContract {
            sender: world.users[user].address.as_bytes().to_vec(),
            contract: contract.as_bytes().to_vec(),
            msg,
            ..Default::default()
        });
        world.sign_by(user, vec![keeps], GAS)
    };
    let first = call(&mut world, 0, &a);
    let (one, other) = (
        world.users[1].address.clone(),
        world.users[2].address.clone(),
    );
    world.users[1].sequence += 7;
    let refused = world.sign_by(1, vec![send(&one, &one, 1)], 100_000);
    let pays = world.sign_by(2, vec![send(&other, &other, 1)], 100_000);
    let last = call(&mut world, 2, &b);
    let good = [first.clone(), pays.clone(), last.clone(), refused.clone()];
    let txs = [first, refused, pays, last];
    let (alone, _) = on(1, &mut world, &txs);
    let codes: Vec<u32> = alone.tx_results.iter().map(|r| r.code).collect();
    assert_eq!(codes, [0, 32, 0, 0]);
    for threads in [2, 8] {
        let (outcome, figures) = on(threads, &mut world, &txs);
        assert_eq!(outcome, alone);
        // Only the last sees that one before it did not pass.
        assert_eq!((figures.taken, figures.again), (3, 1));
    }
    let (alone, _) = on(1, &mut world, &good);
    let (outcome, figures) = on(2, &mut world, &good);
    assert_eq!((outcome, figures.again), (alone, 0));
}

#[test]
fn a_block_has_room_for_as_many_codes_as_one_thread_finds_room_for() {
    let (mut world, _, _, _) = two_puppets_of(&document(3));
    let most = most_heavy(&mut world);
    let codes: Vec<_> = (0..=most).map(|n| world.store(heavy(n))).collect();
    let txs = codes.iter().enumerate().map(|(n, code)| {
        let made = world.instantiation(code, &format!("heavy {n}"), NOTHING.as_bytes());
        world.sign(vec![made.any], 6_000_000)
    });
    let txs: Vec<_> = txs.collect();
    let (alone, _) = on(1, &mut world, &txs);
    assert!(alone.tx_results[most].is_left() && !alone.tx_results[most - 1].is_left());
    for threads in [2, 4] {
        let (outcome, figures) = on(threads, &mut world, &txs);
        assert_eq!(outcome, alone);
        assert!(figures.taken + figures.again > 0, "{figures:?}");
    }
}

#[test]
fn uploads_never_run_beside_anything_and_what_their_senders_send_after_them_waits_too() {
    let (mut world, _, _, _) = two_puppets_of(&document(3));
    let mut txs = Vec::new();
    for n in 0..3 {
        let sender = world.users[n].address.clone();
        let upload = pack(&pb::MsgStoreCode {
            sender: sender.as_bytes().to_vec(),
            wasm_byte_code: puppet::wasm(&format!("(data (i32.const 0x600000) \"{n}\")")),
            ..Default::default()
        });
        txs.push(world.sign_by(n, vec![upload], 2_000_000));
        txs.push(world.sign_by(n, vec![send(&sender, &sender, 1)], 100_000));
    }
    let (alone, _) = on(1, &mut world, &txs);
    assert!(alone.tx_results.iter().all(|r| r.code == 0));
    let (outcome, figures) = on(8, &mut world, &txs);
    assert_eq!((outcome, figures), (alone, Figures::default()));
}
