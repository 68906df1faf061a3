//! A new policy and the nodes that were verified under the old one.

use super::end::{power, validate, without_genesis};
use super::*;
use crate::attest::{Code, Kind};
use crate::modules::registration::review::{RECALL_S, REVIEWED_BLOCK_MAX};
use crate::modules::registration::state::REVIEW;

/// A policy that takes code with these measurements, up to a height.
fn takes(measurements: &[u8], until_height: Option<u64>) -> Policy {
    let code = measurements.iter().map(|measurement| Code {
        kind: Kind::Simulated,
        measurement: [*measurement; 32].into(),
        registers: Default::default(),
        from_height: 0,
        until_height,
    });
    Policy {
        code: code.collect(),
        ..Policy::insecure()
    }
}

/// The last second of a recall that the newest block made.
fn recalled(chain: &Chain) -> Option<u64> {
    let now = u64::try_from(chain.info().time.seconds).unwrap();
    Some(now + RECALL_S + 1)
}

#[test]
fn a_policy_that_refuses_what_a_node_had_proven_gives_it_a_day_to_renew() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    registered(&mut chain, 1, &machine);
    assert_eq!(found(&chain, &machine.id()).deadline, None);
    update_policy(&mut chain, &takes(&[3], None));
    let deadline = found(&chain, &machine.id()).deadline;
    assert_eq!(deadline, recalled(&chain));
    // What it says about its code is what the policy does not take.
    let renew = machine.renew(&chain, &operator);
    assert_eq!(failed(&mut chain, 1, pack(&renew)).1, 101);
    // The same policy again gives no more time, nor does one that takes it.
    chain.clock += 1_000;
    update_policy(&mut chain, &takes(&[3], None));
    assert_eq!(found(&chain, &machine.id()).deadline, deadline);
    update_policy(&mut chain, &takes(&[2, 3], None));
    assert_eq!(found(&chain, &machine.id()).deadline, deadline);
    let renew = machine.renew(&chain, &operator);
    done(&mut chain, 1, pack(&renew));
    assert_eq!(found(&chain, &machine.id()).deadline, None);
    // One that does not renew is over.
    update_policy(&mut chain, &takes(&[3], None));
    chain.clock += i64::try_from(RECALL_S).unwrap() + 1;
    let events = chain.block(&[]).events;
    assert!(events.iter().any(|e| e.kind == "expire_node"));
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Expired));
}

/// How many recalls a block with this policy tells.
fn told(chain: &mut Chain, policy: &Policy) -> usize {
    let message = pb::MsgUpdatePolicy {
        authority: user(chain, 0).to_string(),
        policy: serde_json::to_string(policy).unwrap(),
    };
    let mut draft = draft(vec![pack(&message)]);
    draft.fee.gas_limit = 2_000_000;
    let bytes = draft.signed(&[&chain.users[0]]);
    chain.users[0].sequence += 1;
    let block = chain.block(&[bytes]);
    assert_eq!(block.tx_results[0].code, 0);
    let of = |e: &&crate::types::Event| e.kind == "recall_node";
    block.events.iter().filter(of).count()
}

#[test]
fn a_recall_is_told_once() {
    let mut chain = chain(2);
    registered(&mut chain, 1, &Machine::new(1));
    let policy = takes(&[3], None);
    let first = told(&mut chain, &policy);
    assert_eq!(first, 1, "the node of genesis has no evidence");
    assert_eq!(told(&mut chain, &policy), 0);
}

#[test]
fn evidence_that_ends_within_the_day_of_a_recall_ends_when_it_did_and_is_not_told_of() {
    let mut chain = chain(2);
    evidence_lasts(&mut chain, RECALL_S - 100);
    let machine = Machine::new(1);
    registered(&mut chain, 1, &machine);
    let deadline = found(&chain, &machine.id()).deadline;
    assert_eq!(told(&mut chain, &takes(&[3], None)), 0);
    assert_eq!(found(&chain, &machine.id()).deadline, deadline);
}

#[test]
fn a_policy_that_refuses_all_validators_takes_a_third_of_the_power_in_a_day() {
    let mut chain = chain(2);
    let machines: Vec<Machine> = (1..=4).map(Machine::new).collect();
    for machine in &machines {
        registered(&mut chain, 1, machine);
        validate(&mut chain, machine, 30);
    }
    without_genesis(&mut chain);
    let sum = |chain: &Chain| machines.iter().map(|m| power(chain, m)).sum::<u64>();
    update_policy(&mut chain, &takes(&[3], None));
    let day = i64::try_from(RECALL_S).unwrap();
    chain.clock += day - 100;
    chain.block(&[]);
    assert_eq!(sum(&chain), 120, "a day to renew");
    chain.clock += 101;
    chain.block(&[]);
    assert_eq!(sum(&chain), 80);
    chain.clock += day - 10;
    chain.block(&[]);
    assert_eq!(sum(&chain), 80);
}

#[test]
fn a_policy_under_which_evidence_lasts_shorter_holds_for_the_nodes_that_there_are() {
    let mut chain = chain(2);
    let machine = Machine::new(1);
    registered(&mut chain, 1, &machine);
    evidence_lasts(&mut chain, 5_000);
    let now = u64::try_from(chain.info().time.seconds).unwrap();
    assert_eq!(found(&chain, &machine.id()).deadline, Some(now + 5_001));
    // A longer time comes with the next renewal.
    chain.clock += 1_000;
    evidence_lasts(&mut chain, 50_000);
    assert_eq!(found(&chain, &machine.id()).deadline, Some(now + 5_001));
}

#[test]
fn a_node_that_has_not_confirmed_yet_is_held_against_the_policy_too() {
    let mut chain = chain(2);
    let (machine, other, operator) = (Machine::new(1), Machine::new(2), user(&chain, 1));
    registered(&mut chain, 1, &other);
    done(&mut chain, 1, pack(&machine.register(&operator)));
    let back = other.again(1);
    done(&mut chain, 1, pack(&back.register(&operator)));
    let hour = found(&chain, &machine.id()).deadline;
    update_policy(&mut chain, &takes(&[3], None));
    let end = recalled(&chain);
    assert_eq!(found(&chain, &machine.id()).deadline, hour);
    for one in [&machine, &back] {
        let confirm = one.confirm(&chain, &operator);
        done(&mut chain, 1, pack(&confirm));
        assert_eq!(found(&chain, &one.id()).deadline, end);
    }
}

#[test]
fn code_whose_last_height_is_over_is_recalled_then() {
    let mut chain = chain(2);
    let machine = Machine::new(1);
    registered(&mut chain, 1, &machine);
    let height = chain.info().height;
    update_policy(&mut chain, &takes(&[2], Some(height + 4)));
    for _ in 0..2 {
        assert_eq!(found(&chain, &machine.id()).deadline, None);
        chain.block(&[]);
    }
    assert_eq!(chain.info().height, height + 3);
    assert_eq!(found(&chain, &machine.id()).deadline, None);
    chain.block(&[]);
    assert_eq!(found(&chain, &machine.id()).deadline, recalled(&chain));
}

#[test]
fn a_block_holds_a_bounded_number_of_nodes_against_a_policy() {
    let mut chain = chain(2);
    let many = u16::try_from(REVIEWED_BLOCK_MAX).unwrap() + 1;
    let operator = user(&chain, 1);
    for n in 0..many {
        let register = Machine::new(n).register(&operator);
        let mut draft = draft(vec![pack(&register)]);
        draft.fee.gas_limit = 2_000_000;
        let bytes = draft.signed(&[&chain.users[1]]);
        chain.users[1].sequence += 1;
        assert_eq!(chain.block(&[bytes]).tx_results.remove(0).code, 0);
    }
    let lowered = |chain: &Chain| {
        let of = |n: &u16| found(chain, &Machine::new(*n).id()).claims.unwrap();
        (0..many)
            .filter(|n| of(n).valid_until < 253_402_300_799)
            .count()
    };
    assert_eq!(lowered(&chain), 0);
    update_policy(&mut chain, &takes(&[3], None));
    // The node of genesis is one of those that were looked at, or is not.
    let first = lowered(&chain);
    assert!(
        (REVIEWED_BLOCK_MAX - 1..=REVIEWED_BLOCK_MAX).contains(&first),
        "{first}"
    );
    assert!(chain.read(|ctx| REVIEW.get(ctx).unwrap().unwrap().from.is_some()));
    chain.block(&[]);
    assert_eq!(lowered(&chain), usize::from(many));
    assert!(chain.read(|ctx| REVIEW.get(ctx).unwrap().unwrap().from.is_none()));
}
