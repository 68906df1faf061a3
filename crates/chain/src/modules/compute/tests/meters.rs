//! What all transactions of a block share: whoever uses it up fails nobody else.

use super::limits::{heavy, huge, most_heavy, speech};
use super::puppet::NOTHING;
use super::two_puppets_of;
use super::world::{Code, World, zip};
use crate::block::Meter;
use crate::testing::{document, send};
use crate::types::Address;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::proto::{Any, pack};

/// One sender's transactions that use a meter up, and another's message for which too little is left, with its gas.
struct Scenario {
    world: World,
    fills: Vec<Vec<u8>>,
    wants: Any,
    gas: u64,
}

fn upload(sender: &Address, wasm_byte_code: Vec<u8>) -> Any {
    pack(&pb::MsgStoreCode {
        sender: sender.as_bytes().to_vec(),
        wasm_byte_code,
        ..Default::default()
    })
}

/// A meter without a scenario does not compile.
fn scenario(meter: Meter) -> Scenario {
    match meter {
        Meter::Gas => gas(),
        Meter::Output => output(),
        Meter::Code => code(),
    }
}

/// Bytes of transactions cost gas whatever they say: four take four fifths of the block, a fifth finds too little.
fn gas() -> Scenario {
    let (mut world, _, a, _) = two_puppets_of(&document(3));
    let fills = (0..4).map(|_| {
        let garbage = pb::MsgExecuteContract {
            sender: world.users[0].address.as_bytes().to_vec(),
            contract: a.as_bytes().to_vec(),
            msg: vec![7; 2_000_000],
            ..Default::default()
        };
        world.sign(vec![pack(&garbage)], 21_000_000)
    });
    let fills = fills.collect();
    Scenario {
        wants: upload(&world.users[1].address, huge(77)),
        gas: 30_000_000,
        world,
        fills,
    }
}

/// A contract that says half a megabyte for `n`, on a chain with gas for much more than may leave a block.
fn speaker() -> (World, Code, Address) {
    let mut document = document(3);
    document.consensus_params.block.max_gas = 1_000_000_000;
    let (mut world, code, a, _) = two_puppets_of(&document);
    speech(&mut world, &code, &a);
    (world, code, a)
}

/// A contract that says much, called often.
fn output() -> Scenario {
    let (mut world, code, a) = speaker();
    let fills = (0..12).map(|_| {
        let calls = (0..8).map(|_| world.execution(&a, &code.hash, b"n", 0).any);
        let calls = calls.collect();
        world.sign(calls, 10_000_000)
    });
    let fills = fills.collect();
    Scenario {
        wants: upload(&world.users[1].address, zip(&huge(77))),
        gas: 10_000_000,
        world,
        fills,
    }
}

/// Heavy codes, so many that another one has no room.
fn code() -> Scenario {
    let (mut world, _, _, _) = two_puppets_of(&document(3));
    let most = most_heavy(&mut world);
    let codes: Vec<_> = (0..=most).map(|n| world.store(heavy(n))).collect();
    let fills = codes[..most].iter().enumerate().map(|(n, code)| {
        let prepare_instantiate =
            world.instantiation(code, &format!("heavy {n}"), NOTHING.as_bytes());
        world.sign(vec![prepare_instantiate.any], 6_000_000)
    });
    let fills = fills.collect();
    let (init_msg, _) = world.seal(&codes[most].hash, NOTHING.as_bytes());
    let wants = pack(&pb::MsgInstantiateContract {
        sender: world.users[1].address.as_bytes().to_vec(),
        code_id: codes[most].id,
        label: "one more".into(),
        init_msg,
        ..Default::default()
    });
    Scenario {
        wants,
        gas: 6_000_000,
        world,
        fills,
    }
}

/// Whatever a proposer puts into a block, in whatever order.
#[test]
fn no_senders_use_of_any_meter_of_a_block_fails_anothers_transaction() {
    for meter in Meter::ALL {
        let Scenario {
            mut world,
            fills,
            wants,
            gas,
        } = scenario(meter);
        let (greedy, modest) = (
            world.users[1].address.clone(),
            world.users[2].address.clone(),
        );
        let wants = world.sign_by(1, vec![wants], gas);
        let transfer = world.sign_by(2, vec![send(&modest, &greedy, 5)], 100_000);
        let before = (world.balance(&greedy), world.balance(&modest));
        // Before the meter is used up, all succeeds.
        let early: Vec<Vec<u8>> = [&transfer].into_iter().chain(&fills).cloned().collect();
        let results = world.peek(&early).tx_results;
        assert_eq!(results[0].code, 0, "{meter:?}: {}", results[0].log);
        assert!(!results.iter().any(|r| r.is_left()), "{meter:?}");
        // What finds too little is left, and all behind it.
        let late = [wants, transfer];
        let txs: Vec<Vec<u8>> = fills.iter().chain(&late).cloned().collect();
        let outcome = world.block(&txs);
        let (filled, left) = outcome.tx_results.split_at(fills.len());
        assert!(filled.iter().all(|r| r.gas_used > 0), "{meter:?}");
        for result in left {
            assert!(result.is_left(), "{meter:?}: {result:?}");
            assert!(result.events.is_empty() && result.data.is_empty());
        }
        assert!(outcome.access[fills.len()].writes.is_empty());
        assert!(outcome.new_code.is_empty());
        let after = (world.balance(&greedy), world.balance(&modest));
        assert_eq!(before, after, "{meter:?}: charged");
        // The same bytes in the next block: their sequences still hold.
        for result in world.block(&late).tx_results {
            assert_eq!(result.code, 0, "{meter:?}: {}", result.log);
        }
    }
}

/// So nobody's transaction is left for ever.
#[test]
fn no_transaction_may_take_more_than_an_empty_block_has() {
    let (mut world, code, a) = speaker();
    for (calls, fits) in [(49, true), (50, false)] {
        let calls = (0..calls).map(|_| world.execution(&a, &code.hash, b"n", 0).any);
        let calls = calls.collect();
        let tx = world.sign(calls, 900_000_000);
        let user = world.users[2].address.clone();
        let transfer = world.sign_by(2, vec![send(&user, &user, 5)], 100_000);
        let results = world.block(&[tx, transfer]).tx_results;
        let text = "out of gas in location: transaction output meter; ";
        assert_eq!(results[0].code == 0, fits, "{}", results[0].log);
        assert_eq!(results[0].log.starts_with(text), !fits);
        assert_eq!(results[1].code, 0, "{}", results[1].log);
    }
}

/// The price of output is the same on every chain: what a block may have of gas changes nobody's fee.
#[test]
fn an_upload_costs_the_same_whatever_the_gas_of_a_block() {
    let used = [30_000_000, 100_000_000, 1_000_000_000].map(|gas| {
        let mut document = document(3);
        document.consensus_params.block.max_gas = gas;
        let mut world = World::from_document(&document);
        let any = upload(&world.users[0].address, zip(&huge(1)));
        let tx = world.sign(vec![any], 10_000_000);
        let result = world.block(&[tx]).tx_results.remove(0);
        assert_eq!(result.code, 0, "{}", result.log);
        result.gas_used
    });
    assert_eq!(used[0], used[1]);
    assert_eq!(used[1], used[2]);
}
