//! What somebody will try, and how it is refused.

use super::*;
use crate::modules::registration::keeper::PENDING_MAX;

/// Code and text of a refusal by this module.
#[track_caller]
fn refused(chain: &mut Chain, n: usize, message: Any) -> (u32, String) {
    let (codespace, code, text) = failed(chain, n, message);
    assert!(
        ["register", "sdk", "poa"].contains(&codespace.as_str()),
        "{text}"
    );
    assert_ne!(code, 0);
    (code, text)
}

#[test]
fn evidence_that_is_bound_to_anything_else_is_refused() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    let changes: [fn(&mut Registration); 6] = [
        |r| r.chain_id = "secretdev-2".into(),
        |r| r.genesis_hash = [9; 32],
        |r| r.one_time_key = [9; 32],
        |r| r.node_key = [9; 32],
        |r| r.operator = [9; 20],
        |r| r.enclave_version = 8,
    ];
    for change in changes {
        let mut bound = machine.statement(&operator);
        change(&mut bound);
        // The keys sign what the chain expects: only the evidence is of another.
        let honest = machine.register(&operator);
        let other = machine.message(&operator, bound);
        let message = pb::MsgRegisterNode {
            evidence: other.evidence,
            ..honest
        };
        let (code, text) = refused(&mut chain, 1, pack(&message));
        assert_eq!(code, 101);
        assert!(text.contains("binds another statement"), "{text}");
    }
}

#[test]
fn forged_evidence_and_bytes_that_are_none_are_refused() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    let honest = machine.register(&operator);
    let with = |evidence: Vec<u8>| {
        pack(&pb::MsgRegisterNode {
            evidence,
            ..honest.clone()
        })
    };
    let mut forged = honest.evidence.clone();
    *forged.last_mut().unwrap() ^= 1;
    let (code, text) = refused(&mut chain, 1, with(forged));
    assert!(code == 101 && text.contains("attest.forged"), "{text}");
    assert_eq!(refused(&mut chain, 1, with(vec![7; 100])).0, 101);
    assert_eq!(refused(&mut chain, 1, with(Vec::new())).0, 18);
    let long = vec![0; crate::attest::EVIDENCE_BYTES_MAX + 1];
    assert_eq!(refused(&mut chain, 1, with(long)).0, 18);
}

#[test]
fn evidence_of_another_operator_cannot_be_registered_by_who_copies_it() {
    let mut chain = chain(3);
    let (machine, victim, thief) = (Machine::new(1), user(&chain, 1), user(&chain, 2));
    let mut copied = machine.register(&victim);
    copied.operator = thief.to_string();
    // The keys have signed for the victim: that is seen first.
    assert_eq!(refused(&mut chain, 2, pack(&copied)).0, 102);
    // Nor with keys of his own.
    let own = Machine {
        platform: machine.platform,
        ..Machine::new(2)
    };
    let message = pb::MsgRegisterNode {
        evidence: machine.register(&victim).evidence,
        ..own.register(&thief)
    };
    assert_eq!(refused(&mut chain, 2, pack(&message)).0, 101);
    done(&mut chain, 1, pack(&machine.register(&victim)));
}

#[test]
fn nobody_registers_a_key_of_another() {
    let mut chain = chain(3);
    let (victim, thief) = (Machine::new(1), Machine::new(2));
    let operator = user(&chain, 2);
    // An attested enclave of the thief takes whatever keys its host names; the keys themselves have to agree.
    for (node, consensus) in [(true, false), (false, true)] {
        let mut bound = thief.statement(&operator);
        if node {
            bound.node_key = victim.node.public();
        }
        if consensus {
            bound.consensus_key = victim.consensus.public();
        }
        let message = pb::MsgRegisterNode {
            node_key: bound.node_key.to_vec(),
            consensus_key: bound.consensus_key.to_vec(),
            ..thief.message(&operator, bound)
        };
        let (code, text) = refused(&mut chain, 2, pack(&message));
        assert!(code == 102 && text.contains("has not signed"), "{text}");
    }
    // A consensus key belongs to one live node, even if it signs for another.
    registered(&mut chain, 1, &victim);
    let second = Machine {
        consensus: victim.consensus.clone(),
        ..thief
    };
    let operator = user(&chain, 1);
    let (code, text) = refused(&mut chain, 1, pack(&second.register(&operator)));
    assert!(code == 102 && text.contains("another node votes"), "{text}");
}

#[test]
fn a_one_time_key_is_used_once_and_for_good() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    let register = pack(&machine.register(&operator));
    done(&mut chain, 1, register.clone());
    assert_eq!(refused(&mut chain, 1, register.clone()).0, 102);
    let other = Machine {
        one_time: machine.one_time.clone(),
        ..Machine::new(2)
    };
    let message = pack(&other.register(&operator));
    assert_eq!(refused(&mut chain, 1, message).0, 102);
    let gone = revoke(&operator, &machine);
    done(&mut chain, 1, gone);
    assert_eq!(refused(&mut chain, 1, register).0, 102);
    done(&mut chain, 1, pack(&machine.again(1).register(&operator)));
}

#[test]
fn a_one_time_key_of_low_order_gets_no_share() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    let bound = Registration {
        one_time_key: [0; 32],
        ..machine.statement(&operator)
    };
    let message = pb::MsgRegisterNode {
        one_time_key: vec![0; 32],
        ..machine.message(&operator, bound)
    };
    let (code, text) = refused(&mut chain, 1, pack(&message));
    assert!(code == 102 && text.contains("low order"), "{text}");
}

#[test]
fn keys_that_anybody_signs_for_are_refused() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    // The identity: under it a signature of zeros over anything is right.
    let mut weak = [0; 32];
    weak[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let mut bound = machine.statement(&operator);
    bound.consensus_key = weak;
    let message = pb::MsgRegisterNode {
        consensus_key: weak.to_vec(),
        consensus_signature: signature.to_vec(),
        ..machine.message(&operator, bound)
    };
    let (code, text) = refused(&mut chain, 1, pack(&message));
    assert!(code == 102 && text.contains("small order"), "{text}");
}

#[test]
fn a_platform_has_one_live_node() {
    let mut chain = chain(3);
    let (a, b) = (user(&chain, 1), user(&chain, 2));
    let (first, second) = (Machine::new(1), Machine::new(2));
    let second = Machine {
        platform: first.platform,
        ..second
    };
    done(&mut chain, 1, pack(&first.register(&a)));
    let (code, text) = refused(&mut chain, 2, pack(&second.register(&b)));
    assert!(code == 103 && text.contains(&first.id_text()), "{text}");
    // Its owner gives it up: then there is room.
    let gone = revoke(&a, &first);
    done(&mut chain, 1, gone);
    done(&mut chain, 2, pack(&second.register(&b)));
    // Whom the authority revokes, that one does not come back, nor another node on its platform.
    let authority = user(&chain, 0);
    let gone = revoke(&authority, &second);
    done(&mut chain, 0, gone);
    let back = second.again(2);
    assert_eq!(refused(&mut chain, 2, pack(&back.register(&b))).0, 104);
    let other = Machine {
        platform: first.platform,
        ..Machine::new(3)
    };
    assert_eq!(refused(&mut chain, 2, pack(&other.register(&b))).0, 103);
}

#[test]
fn a_node_belongs_to_who_registered_it() {
    let mut chain = chain(3);
    let (owner, other) = (user(&chain, 1), user(&chain, 2));
    let machine = Machine::new(1);
    done(&mut chain, 1, pack(&machine.register(&owner)));
    let confirm = machine.confirm(&chain, &other);
    assert_eq!(refused(&mut chain, 2, pack(&confirm)).0, 4);
    let theirs = revoke(&other, &machine);
    assert_eq!(refused(&mut chain, 2, theirs.clone()).0, 4);
    let confirm = machine.confirm(&chain, &owner);
    done(&mut chain, 1, pack(&confirm));
    let renew = machine.renew(&chain, &other);
    assert_eq!(refused(&mut chain, 2, pack(&renew)).0, 4);
    assert_eq!(refused(&mut chain, 2, theirs).0, 4);
    // Not even with its keys, and not once it was given up.
    let message = pack(&machine.again(1).register(&other));
    assert_eq!(refused(&mut chain, 2, message).0, 4);
    let gone = revoke(&owner, &machine);
    done(&mut chain, 1, gone);
    let message = pack(&machine.again(2).register(&other));
    assert_eq!(refused(&mut chain, 2, message).0, 4);
}

#[test]
fn nobody_confirms_without_the_seed() {
    let mut chain = chain(2);
    let (machine, other, operator) = (Machine::new(1), Machine::new(2), user(&chain, 1));
    done(&mut chain, 1, pack(&machine.register(&operator)));
    done(&mut chain, 1, pack(&other.register(&operator)));
    let honest = machine.confirm(&chain, &operator);
    let with = |possession: Vec<u8>| {
        pack(&pb::MsgConfirmNode {
            possession,
            ..honest.clone()
        })
    };
    let guessed = with(vec![0; 32]);
    assert_eq!(refused(&mut chain, 1, guessed).0, 105);
    let of_other = with(other.confirm(&chain, &operator).possession);
    assert_eq!(refused(&mut chain, 1, of_other).0, 105);
    assert_eq!(refused(&mut chain, 1, with(vec![0; 31])).0, 18);
    // Another seed.
    let ring = SeedRing::genesis(Security::Insecure, MasterSeed::new([2; 32]));
    let keys = EpochKeys::of(&SEAL_CHAIN, &ring).unwrap();
    let proof = keys.possession(&machine.target()).unwrap();
    assert_eq!(refused(&mut chain, 1, with(proof.to_vec())).0, 105);
    let honest = pack(&honest);
    done(&mut chain, 1, honest.clone());
    assert_eq!(refused(&mut chain, 1, honest).0, 104, "twice");
    let unknown = pack(&pb::MsgConfirmNode {
        node_id: Machine::new(9).id_text(),
        operator: operator.to_string(),
        possession: vec![0; 32],
    });
    assert_eq!(refused(&mut chain, 1, unknown).0, 7);
}

#[test]
fn evidence_of_a_renewal_is_fresh_of_the_same_machine_and_of_this_network() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    registered(&mut chain, 1, &machine);
    let first = machine.renew(&chain, &operator);
    done(&mut chain, 1, pack(&first));
    // The same evidence again: the challenge is another one since.
    assert_eq!(refused(&mut chain, 1, pack(&first)).0, 101);
    let moved = Machine {
        platform: [9; 32],
        ..machine.clone()
    };
    let message = moved.renew(&chain, &operator);
    assert_eq!(refused(&mut chain, 1, pack(&message)).0, 104);
    // Evidence of a joining enclave says nothing about one that runs.
    let joining = pb::MsgRenewNode {
        evidence: machine.again(1).register(&operator).evidence,
        ..first
    };
    assert_eq!(refused(&mut chain, 1, pack(&joining)).0, 101);
    let pending = Machine::new(2);
    done(&mut chain, 1, pack(&pending.register(&operator)));
    let message = pending.renew(&chain, &operator);
    assert_eq!(refused(&mut chain, 1, pack(&message)).0, 104);
}

#[test]
fn verifying_is_paid_for_before_it_begins() {
    let mut chain = chain(2);
    let (machine, operator) = (Machine::new(1), user(&chain, 1));
    let mut draft = draft(vec![pack(&machine.register(&operator))]);
    draft.fee.gas_limit = 60_000;
    let bytes = draft.signed(&[&chain.users[1]]);
    let result = chain.block(&[bytes]).tx_results.remove(0);
    assert_eq!((result.codespace.as_str(), result.code), ("sdk", 11));
    assert!(result.log.contains("Verifying evidence"), "{}", result.log);
    assert_eq!(state_of(&chain, &machine.id()), None);
}

#[test]
fn a_flood_of_registrations_ends_at_a_bound_and_drains_by_itself() {
    let mut chain = chain(2);
    let operator = user(&chain, 1);
    let most = u16::try_from(PENDING_MAX).unwrap();
    for n in 0..most {
        let machine = Machine::new(n);
        let register = machine.register(&operator);
        chain.write(|ctx| {
            let joining = Joining {
                operator: operator.clone(),
                evidence: register.evidence,
                one_time_key: *machine.one_time.public(),
                node_key: machine.node.public(),
                consensus_key: machine.consensus_key(),
                enclave_version: 7,
                node_signature: register.node_signature.try_into().unwrap(),
                consensus_signature: register.consensus_signature.try_into().unwrap(),
            };
            super::super::join::register(ctx, &joining).unwrap();
        });
    }
    let late = Machine::new(most);
    let (code, text) = refused(&mut chain, 1, pack(&late.register(&operator)));
    assert!(code == 106 && text.contains("256"), "{text}");
    // Whoever is pending may ask again: that takes no more room.
    done(
        &mut chain,
        1,
        pack(&Machine::new(0).again(0).register(&operator)),
    );
    chain.clock += 3_601;
    for _ in 0..3 {
        chain.block(&[]);
    }
    assert_eq!(state_of(&chain, &Machine::new(0).id()), None);
    assert_eq!(share(&chain, &Machine::new(0).id()), None);
    done(&mut chain, 1, pack(&late.register(&operator)));
}

#[test]
fn the_policy_decides_and_only_the_authority_changes_it() {
    let mut chain = chain(2);
    let (authority, operator) = (user(&chain, 0), user(&chain, 1));
    let update = |sender: &Address, policy: String| {
        pack(&pb::MsgUpdatePolicy {
            authority: sender.to_string(),
            policy,
        })
    };
    let json = |policy: &Policy| serde_json::to_string(policy).unwrap();
    let insecure = json(&Policy::insecure());
    assert_eq!(refused(&mut chain, 1, update(&operator, insecure)).0, 4);
    assert_eq!(
        refused(&mut chain, 0, update(&authority, "{}".into())).0,
        108
    );
    let attested = json(&Policy::new(Security::Attested));
    let (code, text) = refused(&mut chain, 0, update(&authority, attested));
    assert!(code == 108 && text.contains("never changes"), "{text}");
    let long = " ".repeat(super::super::msg::POLICY_BYTES_MAX + 1);
    assert_eq!(refused(&mut chain, 0, update(&authority, long)).0, 18);
    let code = crate::attest::Code {
        kind: crate::attest::Kind::Simulated,
        measurement: [3; 32].into(),
        registers: Default::default(),
        from_height: 0,
        until_height: None,
    };
    let mut policy = Policy {
        code: vec![code.clone(); crate::attest::POLICY_ENTRIES_MAX + 1],
        ..Policy::insecure()
    };
    let (code, _) = refused(&mut chain, 0, update(&authority, json(&policy)));
    assert_eq!(code, 18, "longer than a policy may be");
    policy.code.truncate(1);
    done(&mut chain, 0, update(&authority, json(&policy)));
    let machine = Machine::new(1);
    let (code, text) = refused(&mut chain, 1, pack(&machine.register(&operator)));
    assert!(code == 101 && text.contains("attest.measurement"), "{text}");
}

#[test]
fn collateral_that_no_vendor_signed_is_refused() {
    let mut chain = chain(2);
    let submit = |collateral: Vec<u8>| {
        pack(&pb::MsgSubmitCollateral {
            submitter: User::new(1).address.to_string(),
            collateral,
        })
    };
    assert_eq!(refused(&mut chain, 1, submit(vec![255; 40])).0, 107);
    let item = crate::attest::Item::IntelRootCrl(vec![0x30, 0]);
    assert_eq!(refused(&mut chain, 1, submit(item.encode())).0, 107);
    assert_eq!(refused(&mut chain, 1, submit(Vec::new())).0, 18);
    let long = vec![0; crate::attest::COLLATERAL_BYTES_MAX + 1];
    assert_eq!(refused(&mut chain, 1, submit(long)).0, 18);
}
