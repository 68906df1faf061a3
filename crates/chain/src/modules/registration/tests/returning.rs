//! A registered node that registers again is what it was until it has shown that it holds the seed.

use super::*;
use crate::modules::registration::state::PLATFORMS;

/// The node of a machine, on the platform of another one, with a new one-time key.
fn moved(machine: &Machine, to: &Machine, n: u16) -> Machine {
    Machine {
        platform: to.platform,
        ..machine.again(n)
    }
}

/// Another node that wants to be on the platform of a machine.
fn squatter(n: u16, on: &Machine) -> Machine {
    Machine {
        platform: on.platform,
        ..Machine::new(n)
    }
}

fn holder(chain: &Chain, machine: &Machine) -> Option<NodeId> {
    chain.read(|ctx| PLATFORMS.get(ctx, &&machine.platform).unwrap())
}

/// A chain with a registered node of user 1, its machine, and two more machines.
fn started() -> (Chain, Address, [Machine; 3]) {
    let mut chain = chain(3);
    let machines = [1, 2, 3].map(Machine::new);
    evidence_lasts(&mut chain, 10_000);
    registered(&mut chain, 1, &machines[0]);
    let operator = user(&chain, 1);
    (chain, operator, machines)
}

#[test]
fn a_node_that_moves_keeps_its_platform_and_takes_the_other_one_until_it_confirms() {
    let (mut chain, operator, [first, second, _]) = started();
    let before = found(&chain, &first.id());
    chain.clock += 5_000;
    let moving = moved(&first, &second, 1);
    let result = done(&mut chain, 1, pack(&moving.register(&operator)));
    assert_eq!(kinds(&result, &first), ["register_node"]);
    let after = found(&chain, &first.id());
    assert_eq!(after.state, NodeState::Registered);
    assert_eq!(
        (&after.claims, after.deadline),
        (&before.claims, before.deadline)
    );
    // Neither platform takes another node, of whomever.
    for (n, on) in [(7, &first), (8, &second)] {
        let other = squatter(n, on);
        for sender in [1, 2] {
            let register = other.register(&user(&chain, sender));
            assert_eq!(failed(&mut chain, sender, pack(&register)).1, 103);
        }
    }
    // Where it was it still runs, and renews.
    let renew = first.renew(&chain, &operator);
    done(&mut chain, 1, pack(&renew));
    let confirm = moving.confirm(&chain, &operator);
    done(&mut chain, 1, pack(&confirm));
    let arrived = found(&chain, &first.id());
    assert_eq!(arrived.claims.unwrap().platform_id, second.platform);
    // The evidence is that of the registration, not of the renewal meanwhile.
    assert_eq!(arrived.deadline, before.deadline.map(|end| end + 5_000));
    assert_eq!(holder(&chain, &second), Some(first.id()));
    assert_eq!(holder(&chain, &first), None);
    let next = squatter(7, &first);
    registered(&mut chain, 2, &next);
}

#[test]
fn where_a_node_returns_to_is_shown_until_it_confirms() {
    let (mut chain, operator, [first, second, _]) = started();
    let shown = |chain: &Chain| {
        let request = pb::QueryNodeRequest {
            node_id: first.id_text(),
        };
        let path = "/strongroom.registration.v1.Query/Node";
        let answer: pb::QueryNodeResponse = chain.query(path, &request).unwrap();
        let node = answer.node.unwrap();
        let until = node.returns_until.map(|time| time.seconds);
        (node.returns_to.map(|to| to.platform_id), until)
    };
    assert_eq!(shown(&chain), (None, None));
    let moving = moved(&first, &second, 1);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    let hour = chain.info().time.seconds + 3_600;
    assert_eq!(shown(&chain), (Some(second.platform.to_vec()), Some(hour)));
    let confirm = moving.confirm(&chain, &operator);
    done(&mut chain, 1, pack(&confirm));
    assert_eq!(shown(&chain), (None, None));
}

#[test]
fn a_node_that_only_says_it_moves_never_frees_its_platform_and_holds_two_at_most() {
    let (mut chain, operator, [first, second, third]) = started();
    for (n, to) in [(1, &second), (2, &third), (3, &second), (4, &first)] {
        let moving = moved(&first, to, n);
        done(&mut chain, 1, pack(&moving.register(&operator)));
        assert_eq!(holder(&chain, &first), Some(first.id()));
        for other in [&second, &third] {
            let taken = other.platform == to.platform;
            assert_eq!(holder(&chain, other), taken.then(|| first.id()));
        }
    }
    // A share that was asked for before is no longer the one that is confirmed.
    let confirm = moved(&first, &first, 4).confirm(&chain, &operator);
    done(&mut chain, 1, pack(&confirm));
    assert_eq!(holder(&chain, &first), Some(first.id()));
    assert_eq!(failed(&mut chain, 1, pack(&confirm)).1, 104);
}

#[test]
fn what_a_node_returns_with_ends_with_it() {
    let (mut chain, operator, [first, second, _]) = started();
    let moving = moved(&first, &second, 1);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    let late = moving.confirm(&chain, &operator);
    let gone = revoke(&operator, &first);
    done(&mut chain, 1, gone);
    assert_eq!(
        (holder(&chain, &first), holder(&chain, &second)),
        (None, None)
    );
    assert_eq!(failed(&mut chain, 1, pack(&late)).1, 104);
    // The same by time.
    registered(&mut chain, 1, &first.again(2));
    let moving = moved(&first, &second, 3);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    chain.clock += 10_001;
    chain.block(&[]);
    assert_eq!(state_of(&chain, &first.id()), Some(NodeState::Expired));
    assert_eq!(
        (holder(&chain, &first), holder(&chain, &second)),
        (None, None)
    );
    registered(&mut chain, 2, &squatter(7, &second));
}

#[test]
fn a_node_that_is_banned_on_its_way_leaves_both_platforms_taken() {
    let (mut chain, operator, [first, second, _]) = started();
    let moving = moved(&first, &second, 1);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    let ban = revoke(&user(&chain, 0), &first);
    done(&mut chain, 0, ban);
    for (n, on) in [(7, &first), (8, &second)] {
        let register = squatter(n, on).register(&operator);
        assert_eq!(failed(&mut chain, 1, pack(&register)).1, 103);
    }
}

#[test]
fn evidence_that_is_over_is_not_confirmed() {
    let (mut chain, operator, [first, second, _]) = started();
    evidence_lasts(&mut chain, 2_000);
    let moving = moved(&first, &second, 1);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    chain.clock += 1_500;
    let renew = first.renew(&chain, &operator);
    done(&mut chain, 1, pack(&renew));
    chain.clock += 501;
    chain.block(&[]);
    let confirm = moving.confirm(&chain, &operator);
    let (_, code, text) = failed(&mut chain, 1, pack(&confirm));
    assert!(
        code == 104 && text.contains("its evidence is over"),
        "{text}"
    );
    assert_eq!(state_of(&chain, &first.id()), Some(NodeState::Registered));
    // It holds that platform no longer, as soon as somebody else wants it.
    assert_eq!(holder(&chain, &second), Some(first.id()));
    registered(&mut chain, 2, &squatter(7, &second));
}

#[test]
fn a_return_that_is_not_confirmed_in_an_hour_is_over_and_leaves_the_platform_to_the_next() {
    let (mut chain, operator, [first, second, _]) = started();
    let moving = moved(&first, &second, 1);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    let confirm = moving.confirm(&chain, &operator);
    let next = squatter(7, &second);
    let register = next.register(&user(&chain, 2));
    chain.clock += 3_500;
    assert_eq!(failed(&mut chain, 2, pack(&register)).1, 103);
    chain.clock += 100;
    chain.block(&[]);
    let (_, code, text) = failed(&mut chain, 1, pack(&confirm));
    assert!(
        code == 104 && text.contains("its hour to confirm is over"),
        "{text}"
    );
    registered(&mut chain, 2, &next);
    assert_eq!(holder(&chain, &second), Some(next.id()));
    // The node that did not come is what it was, and its share is gone.
    assert_eq!(holder(&chain, &first), Some(first.id()));
    assert_eq!(state_of(&chain, &first.id()), Some(NodeState::Registered));
    assert_eq!(share(&chain, &first.id()), None);
    assert_eq!(failed(&mut chain, 1, pack(&confirm)).1, 104);
    // What becomes of it later takes nothing from the next one.
    let moving = moved(&first, &first, 2);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    let gone = revoke(&operator, &first);
    done(&mut chain, 1, gone);
    assert_eq!(holder(&chain, &second), Some(next.id()));
}

#[test]
fn a_return_to_its_own_platform_that_is_over_frees_nothing() {
    let (mut chain, operator, [first, second, _]) = started();
    done(&mut chain, 1, pack(&first.again(1).register(&operator)));
    // Nor does one of a node that was banned on its way.
    let mover = Machine::new(4);
    registered(&mut chain, 1, &mover);
    let moving = moved(&mover, &second, 2);
    done(&mut chain, 1, pack(&moving.register(&operator)));
    let ban = revoke(&user(&chain, 0), &mover);
    done(&mut chain, 0, ban);
    chain.clock += 4_000;
    chain.block(&[]);
    for (n, on) in [(7, &first), (8, &second), (9, &mover)] {
        let register = squatter(n, on).register(&user(&chain, 2));
        assert_eq!(failed(&mut chain, 2, pack(&register)).1, 103);
    }
}
