//! How nodes end: by time, by their owner, by the authority; what that takes from the network.

use super::*;
use crate::modules::poa::keeper::WINDOW_S;
use crate::modules::poa::state::{TOTAL_POWER, VALIDATORS};
use crate::modules::registration::keeper::ENDED_BLOCK_MAX;
use crate::types::proto::strongroom::poa::v1 as poa;

pub(super) fn power(chain: &Chain, machine: &Machine) -> u64 {
    let key = machine.consensus_key();
    let validator = chain.read(|ctx| VALIDATORS.get(ctx, &&key).unwrap());
    validator.map_or(0, |v| v.power)
}

#[track_caller]
pub(super) fn validate(chain: &mut Chain, machine: &Machine, power: u64) {
    let message = poa::MsgSetValidator {
        authority: user(chain, 0).to_string(),
        node_id: machine.id_text(),
        power,
        moniker: String::new(),
    };
    done(chain, 0, pack(&message));
}

/// Takes the power of the validator of genesis away, so that only those of the test count.
#[track_caller]
pub(super) fn without_genesis(chain: &mut Chain) {
    let id = node_id(&localnet_params().node_key);
    let message = poa::MsgRemoveValidator {
        authority: user(chain, 0).to_string(),
        node_id: hex::encode(id),
    };
    done(chain, 0, pack(&message));
}

#[test]
fn a_node_whose_evidence_expired_is_no_longer_registered_and_may_begin_again() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    evidence_lasts(&mut chain, 1_000);
    registered(&mut chain, 1, &machine);
    chain.clock += 1_000;
    chain.block(&[]);
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Registered));
    chain.clock += 1;
    let events = chain.block(&[]).events;
    assert!(events.iter().any(|e| e.kind == "expire_node"));
    assert_eq!(state_of(&chain, &machine.id()), Some(NodeState::Expired));
    let renew = machine.renew(&chain, &operator);
    assert_eq!(failed(&mut chain, 1, pack(&renew)).1, 104);
    // Its platform is free again.
    let other = Machine {
        platform: machine.platform,
        ..Machine::new(2)
    };
    done(&mut chain, 1, pack(&other.register(&operator)));
    let gone = revoke(&operator, &other);
    done(&mut chain, 1, gone);
    registered(&mut chain, 1, &machine.again(1));
}

#[test]
fn a_pending_node_that_does_not_confirm_is_gone_with_its_share() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    done(&mut chain, 1, pack(&machine.register(&operator)));
    let late = machine.confirm(&chain, &operator);
    chain.clock += 3_600;
    let events = chain.block(&[]).events;
    assert!(events.iter().any(|e| e.kind == "drop_node"));
    assert_eq!(state_of(&chain, &machine.id()), None);
    assert_eq!(share(&chain, &machine.id()), None);
    assert_eq!(failed(&mut chain, 1, pack(&late)).1, 7);
}

#[test]
fn expiry_takes_a_third_of_the_power_in_a_day_and_never_the_last_validator() {
    let mut chain = chain(2);
    evidence_lasts(&mut chain, 1_000);
    let machines: Vec<Machine> = (1..=4).map(Machine::new).collect();
    for machine in &machines {
        registered(&mut chain, 1, machine);
        validate(&mut chain, machine, 30);
    }
    without_genesis(&mut chain);
    let powers = |chain: &Chain| -> Vec<u64> {
        let mut all: Vec<u64> = machines.iter().map(|m| power(chain, m)).collect();
        all.sort_unstable();
        all
    };
    chain.clock += 1_001;
    let outcome = chain.block(&[]);
    // 120 / 3 = 40: one wholly, 10 of another.
    assert_eq!(powers(&chain), [0, 20, 30, 30]);
    assert_eq!(outcome.validator_updates.len(), 2);
    for _ in 0..3 {
        chain.clock += 1_000;
        assert_eq!(chain.block(&[]).validator_updates, []);
    }
    let day = i64::try_from(WINDOW_S).unwrap();
    let mut sums = Vec::new();
    for _ in 0..26 {
        chain.clock += day;
        chain.block(&[]);
        sums.push(powers(&chain).iter().sum::<u64>());
    }
    let mut before = 80;
    for sum in &sums {
        assert!(before - sum <= before / 3, "{sums:?}");
        before = *sum;
    }
    let left = machines.iter().filter(|m| power(&chain, m) > 0);
    let left: Vec<&Machine> = left.collect();
    assert_eq!(left.len(), 1, "the last one stays: {sums:?}");
    assert_eq!(state_of(&chain, &left[0].id()), Some(NodeState::Registered));
    // It still may renew, and then it is whole.
    let operator = user(&chain, 1);
    let renew = left[0].renew(&chain, &operator);
    done(&mut chain, 1, pack(&renew));
    let total = chain.read(|ctx| TOTAL_POWER.get(ctx).unwrap().unwrap());
    assert_eq!(total, power(&chain, left[0]));
}

/// Four validators of 30 and one of power 1 whose evidence ends `ahead` seconds before that of the others.
fn one_before_the_others(ahead: i64) -> (Chain, Vec<Machine>) {
    let mut chain = chain(2);
    let machines: Vec<Machine> = (1..=5).map(Machine::new).collect();
    evidence_lasts(&mut chain, 200_000);
    registered(&mut chain, 1, &machines[0]);
    validate(&mut chain, &machines[0], 1);
    let begun = chain.clock;
    for machine in &machines[1..] {
        registered(&mut chain, 1, machine);
        validate(&mut chain, machine, 30);
    }
    without_genesis(&mut chain);
    // The others renew so late that theirs ends that much later.
    chain.clock = begun + ahead;
    for machine in &machines[1..] {
        let operator = user(&chain, 1);
        let renew = machine.renew(&chain, &operator);
        done(&mut chain, 1, pack(&renew));
    }
    chain.clock = begun + 200_000;
    (chain, machines)
}

#[test]
fn a_small_validator_does_not_aim_the_day_at_the_end_of_the_others() {
    let day = i64::try_from(WINDOW_S).unwrap();
    let (mut chain, machines) = one_before_the_others(day - 60);
    let sum = |chain: &Chain| machines.iter().map(|m| power(chain, m)).sum::<u64>();
    let mut seen = vec![(chain.clock, sum(&chain))];
    // An hour at a time, and 20 seconds where the others end and the small one's day ends.
    let steps = [20; 12].into_iter().chain([3_600; 23]).chain([20; 240]);
    for step in steps.chain([3_600; 60]) {
        chain.clock += step;
        chain.block(&[]);
        seen.push((chain.clock, sum(&chain)));
    }
    let lost = |(_, before): (i64, u64), (_, after): (i64, u64)| before - after;
    assert!(
        lost(seen[0], seen[35]) == 1,
        "the small one alone: {seen:?}"
    );
    assert!(lost(seen[35], seen[275]) > 1, "the others: {seen:?}");
    for (n, first) in seen.iter().enumerate() {
        for last in seen[n..].iter().filter(|last| last.0 - first.0 <= day) {
            assert!(
                lost(*first, *last) <= first.1 / 3,
                "{first:?} {last:?}: {seen:?}"
            );
        }
    }
    assert!(lost(seen[275], seen[335]) > 1, "it goes on later: {seen:?}");
}

#[test]
fn what_left_in_other_ways_is_not_counted_to_the_third_that_expiry_may_take() {
    let mut chain = chain(2);
    let machines: Vec<Machine> = (1..=4).map(Machine::new).collect();
    for (machine, (lasts, power)) in
        machines
            .iter()
            .zip([(1_000, 10), (500_000, 300), (3_000, 10), (3_000, 10)])
    {
        evidence_lasts(&mut chain, lasts);
        registered(&mut chain, 1, machine);
        validate(&mut chain, machine, power);
    }
    without_genesis(&mut chain);
    // The first ends, and opens the day with a total of 330.
    chain.clock += 1_100;
    chain.block(&[]);
    assert_eq!(power(&chain, &machines[0]), 0);
    // The large one goes by its owner's will.
    let operator = user(&chain, 1);
    done(&mut chain, 1, revoke(&operator, &machines[1]));
    chain.clock += 3_000;
    chain.block(&[]);
    let left = power(&chain, &machines[2]) + power(&chain, &machines[3]);
    assert!(left >= 20 - 20 / 3, "{left} of 20");
}

#[test]
fn the_end_of_a_block_ends_a_bounded_number_of_nodes() {
    let mut chain = chain(2);
    let operator = user(&chain, 1);
    let many = u16::try_from(ENDED_BLOCK_MAX).unwrap() + 1;
    for n in 0..many {
        let machine = Machine::new(n);
        let register = pack(&machine.register(&operator));
        let mut draft = draft(vec![register]);
        draft.fee.gas_limit = 2_000_000;
        let bytes = draft.signed(&[&chain.users[1]]);
        let result = chain.block(&[bytes]).tx_results.remove(0);
        assert_eq!(result.code, 0, "{}", result.log);
        chain.users[1].sequence += 1;
    }
    chain.clock += 3_601;
    let dropped = |chain: &mut Chain| {
        let events = chain.block(&[]).events;
        events.iter().filter(|e| e.kind == "drop_node").count()
    };
    assert_eq!(dropped(&mut chain), ENDED_BLOCK_MAX);
    assert_eq!(dropped(&mut chain), 1);
    assert_eq!(dropped(&mut chain), 0);
}

#[test]
fn a_revoked_validator_loses_its_power_and_the_last_one_cannot_be_revoked() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    registered(&mut chain, 1, &machine);
    validate(&mut chain, &machine, 30);
    let gone = revoke(&operator, &machine);
    let mut draft = draft(vec![gone]);
    draft.fee.gas_limit = 2_000_000;
    let bytes = draft.signed(&[&chain.users[1]]);
    let outcome = chain.block(&[bytes]);
    chain.users[1].sequence += 1;
    assert_eq!(outcome.validator_updates.len(), 1);
    assert_eq!(outcome.validator_updates[0].power, 0);
    assert_eq!(power(&chain, &machine), 0);
    let authority = user(&chain, 0);
    let last = pack(&pb::MsgRevokeNode {
        sender: authority.to_string(),
        node_id: hex::encode(node_id(&localnet_params().node_key)),
    });
    let (codespace, code, _) = failed(&mut chain, 0, last);
    assert_eq!((codespace.as_str(), code), ("poa", 3));
}

#[test]
fn the_authority_bans_a_node_that_has_already_ended() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    registered(&mut chain, 1, &machine);
    let gone = revoke(&operator, &machine);
    done(&mut chain, 1, gone.clone());
    assert_eq!(failed(&mut chain, 1, gone).1, 104);
    // Another one has come to its platform, and stays.
    let other = Machine {
        platform: machine.platform,
        ..Machine::new(2)
    };
    registered(&mut chain, 1, &other);
    let authority = user(&chain, 0);
    let ban = revoke(&authority, &machine);
    done(&mut chain, 0, ban.clone());
    assert_eq!(failed(&mut chain, 0, ban).1, 104);
    assert_eq!(state_of(&chain, &other.id()), Some(NodeState::Registered));
    let back = machine.again(1);
    assert_eq!(
        failed(&mut chain, 1, pack(&back.register(&operator))).1,
        104
    );
}
