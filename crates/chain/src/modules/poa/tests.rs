//! Validators in blocks.

use super::genesis::Genesis;
use super::keeper::{self, VALIDATORS_MAX};
use super::state::{AUTHORITY, KEYS, Validator};
use crate::ctx::Ctx;
use crate::modules::registration::state::node_id;
use crate::modules::registration::tests::{
    Machine, chain, chain_of, done, failed, registered, revoke, run, user,
};
use crate::params::VALIDATORS;
use crate::testing::{Chain, Group, document, draft, localnet_params};
use crate::types::consensus::{Misbehavior, MisbehaviorKind, TOTAL_POWER_MAX, validator_address};
use crate::types::proto::strongroom::poa::v1 as pb;
use crate::types::proto::{Any, pack};
use crate::types::{Address, ValidatorUpdate};

fn set(authority: &Address, machine: &Machine, power: u64) -> Any {
    pack(&pb::MsgSetValidator {
        authority: authority.to_string(),
        node_id: machine.id_text(),
        power,
        moniker: "one".into(),
    })
}

fn remove(authority: &Address, node_id: String) -> Any {
    pack(&pb::MsgRemoveValidator {
        authority: authority.to_string(),
        node_id,
    })
}

fn genesis_id() -> String {
    hex::encode(node_id(&localnet_params().node_key))
}

fn consensus_set(chain: &Chain) -> Vec<ValidatorUpdate> {
    VALIDATORS.read(&chain.state).unwrap().unwrap()
}

/// The updates of a block with these messages of the authority.
fn updates(chain: &mut Chain, messages: Vec<Any>) -> Vec<ValidatorUpdate> {
    let mut draft = draft(messages);
    draft.fee.gas_limit = 2_000_000;
    let bytes = draft.signed(&[&chain.users[0]]);
    let outcome = chain.block(&[bytes]);
    assert_eq!(
        outcome.tx_results[0].code, 0,
        "{}",
        outcome.tx_results[0].log
    );
    chain.users[0].sequence += 1;
    outcome.validator_updates
}

#[test]
fn the_authority_adds_changes_and_removes_validators_and_consensus_hears_of_it_once() {
    let mut chain = chain(2);
    let (authority, machine) = (user(&chain, 0), Machine::new(1));
    registered(&mut chain, 1, &machine);
    let key = machine.consensus_key();
    let update = |power: i64| ValidatorUpdate { pubkey: key, power };
    assert_eq!(
        updates(&mut chain, vec![set(&authority, &machine, 5)]),
        [update(5)]
    );
    assert_eq!(consensus_set(&chain).len(), 2);
    assert_eq!(consensus_set(&chain)[1], update(5));
    assert_eq!(chain.block(&[]).validator_updates, []);
    // The same again changes nothing; the last word of a block counts.
    assert_eq!(updates(&mut chain, vec![set(&authority, &machine, 5)]), []);
    let both = vec![set(&authority, &machine, 6), set(&authority, &machine, 7)];
    assert_eq!(updates(&mut chain, both), [update(7)]);
    let gone = remove(&authority, machine.id_text());
    let there_and_back = vec![gone.clone(), set(&authority, &machine, 7)];
    assert_eq!(updates(&mut chain, there_and_back), []);
    assert_eq!(updates(&mut chain, vec![gone.clone()]), [update(0)]);
    assert_eq!(consensus_set(&chain).len(), 1);
    assert_eq!(failed(&mut chain, 0, gone).1, 6);
    let validators: pb::QueryValidatorsResponse = chain
        .query(
            "/strongroom.poa.v1.Query/Validators",
            &pb::QueryValidatorsRequest::default(),
        )
        .unwrap();
    assert_eq!(validators.validators.len(), 1);
    assert_eq!(validators.validators[0].moniker, "banana");
}

#[test]
fn an_authority_of_several_decides_when_enough_of_them_sign() {
    let group = Group::new(2, &[1, 2, 3]);
    let mut document = document(4);
    let mut poa: Genesis = document.app_state.part("poa").unwrap();
    poa.authority = group.address.to_string();
    document.app_state.set("poa", &poa).unwrap();
    let mut chain = chain_of(&document, 4);
    let mut group = group.on(&mut chain);
    let machine = Machine::new(1);
    registered(&mut chain, 1, &machine);
    let mut decide = |chain: &mut Chain, message: Any, places: &[usize]| {
        let mut draft = draft(vec![message]);
        draft.fee.gas_limit = 2_000_000;
        let outcome = chain.block(&[group.raw(&draft, group.give(&draft, places))]);
        let code = outcome.tx_results[0].code;
        group.sequence += u64::from(code == 0);
        (code, outcome.validator_updates)
    };
    let address = chain.read(|ctx| AUTHORITY.get(ctx).unwrap().unwrap());
    let update = |power: i64| ValidatorUpdate {
        pubkey: machine.consensus_key(),
        power,
    };
    let message = set(&address, &machine, 5);
    assert_eq!(decide(&mut chain, message.clone(), &[1]), (4, vec![]));
    assert_eq!(decide(&mut chain, message, &[0, 2]), (0, vec![update(5)]));
    // A member is not the authority.
    let alone = set(&user(&chain, 1), &machine, 6);
    assert_eq!(failed(&mut chain, 1, alone).1, 4);
    let revoked = revoke(&address, &machine);
    assert_eq!(decide(&mut chain, revoked, &[1, 2]), (0, vec![update(0)]));
}

#[test]
fn only_registered_nodes_have_power_and_only_the_authority_gives_it() {
    let mut chain = chain(2);
    let (authority, other, machine) = (user(&chain, 0), user(&chain, 1), Machine::new(1));
    let refused = |chain: &mut Chain, n, message| {
        let (codespace, code, _) = failed(chain, n, message);
        (codespace, code)
    };
    let unregistered = ("poa".to_owned(), 2);
    let give = |power| set(&authority, &machine, power);
    assert_eq!(refused(&mut chain, 0, give(5)), unregistered);
    done(&mut chain, 1, pack(&machine.register(&other)));
    assert_eq!(refused(&mut chain, 0, give(5)), unregistered, "pending");
    let machine_two = Machine::new(2);
    registered(&mut chain, 1, &machine_two);
    let gone = revoke(&other, &machine_two);
    done(&mut chain, 1, gone);
    let message = set(&authority, &machine_two, 5);
    assert_eq!(refused(&mut chain, 0, message), unregistered, "revoked");
    let own = set(&other, &machine, 5);
    assert_eq!(refused(&mut chain, 1, own), ("sdk".to_owned(), 4));
    let own = remove(&other, genesis_id());
    assert_eq!(refused(&mut chain, 1, own), ("sdk".to_owned(), 4));
    assert_eq!(refused(&mut chain, 0, give(0)), ("poa".to_owned(), 4));
}

#[test]
fn the_last_validator_stays() {
    let mut chain = chain(2);
    let (authority, machine) = (user(&chain, 0), Machine::new(1));
    let last = remove(&authority, genesis_id());
    let (codespace, code, _) = failed(&mut chain, 0, last.clone());
    assert_eq!((codespace.as_str(), code), ("poa", 3));
    registered(&mut chain, 1, &machine);
    // With another one in the same block it goes.
    let key = localnet_params().validator;
    let gone = ValidatorUpdate {
        pubkey: key,
        power: 0,
    };
    let changed = updates(&mut chain, vec![set(&authority, &machine, 5), last]);
    assert!(changed.len() == 2 && changed.contains(&gone), "{changed:?}");
    let own = revoke(&user(&chain, 1), &machine);
    assert_eq!(failed(&mut chain, 1, own).1, 3);
}

fn deed(key: &[u8; 32]) -> Misbehavior {
    Misbehavior {
        kind: MisbehaviorKind::DuplicateVote,
        address: validator_address(key),
        power: 5,
        height: 2,
        time: chain(0).info().time,
        total_power: 10,
    }
}

#[test]
fn who_signed_twice_loses_its_power_in_that_block_and_for_good() {
    let mut chain = chain(2);
    let (authority, machine) = (user(&chain, 0), Machine::new(1));
    registered(&mut chain, 1, &machine);
    done(&mut chain, 0, set(&authority, &machine, 5));
    let key = machine.consensus_key();
    chain.misbehavior = vec![deed(&key), deed(&key), deed(&[9; 32])];
    let outcome = chain.block(&[]);
    let gone = ValidatorUpdate {
        pubkey: key,
        power: 0,
    };
    assert_eq!(outcome.validator_updates, [gone]);
    assert_eq!(consensus_set(&chain).len(), 1);
    let told = |outcome: &crate::BlockOutcome| {
        let kinds = outcome.events.iter().map(|e| e.kind.clone());
        kinds.filter(|k| *k == "misbehavior").count()
    };
    // Once for each, also for an address that nobody has.
    assert_eq!(told(&outcome), 2);
    assert_eq!(told(&chain.block(&[])), 0);
    chain.misbehavior.clear();
    let (codespace, code, _) = failed(&mut chain, 0, set(&authority, &machine, 5));
    assert_eq!((codespace.as_str(), code), ("poa", 8));
}

#[test]
fn the_last_validator_that_signed_twice_stays_until_there_is_another() {
    let mut chain = chain(2);
    let (authority, machine) = (user(&chain, 0), Machine::new(1));
    chain.misbehavior = vec![deed(&localnet_params().validator)];
    assert_eq!(chain.block(&[]).validator_updates, []);
    chain.misbehavior.clear();
    registered(&mut chain, 1, &machine);
    // Nobody has to take it out.
    let changed = updates(&mut chain, vec![set(&authority, &machine, 5)]);
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert_eq!(consensus_set(&chain).len(), 1);
    assert_eq!(consensus_set(&chain)[0].pubkey, machine.consensus_key());
}

#[test]
fn of_validators_that_all_signed_twice_one_stays_until_there_is_another() {
    let mut chain = chain(3);
    let (authority, first) = (user(&chain, 0), Machine::new(1));
    registered(&mut chain, 1, &first);
    done(&mut chain, 0, set(&authority, &first, 5));
    chain.misbehavior = vec![
        deed(&localnet_params().validator),
        deed(&first.consensus_key()),
    ];
    assert_eq!(chain.block(&[]).validator_updates.len(), 1);
    chain.misbehavior.clear();
    let second = Machine::new(2);
    registered(&mut chain, 2, &second);
    updates(&mut chain, vec![set(&authority, &second, 5)]);
    assert_eq!(consensus_set(&chain).len(), 1);
    assert_eq!(consensus_set(&chain)[0].pubkey, second.consensus_key());
}

#[test]
fn power_and_number_of_validators_are_bounded() {
    let mut chain = chain(2);
    let (authority, machine) = (user(&chain, 0), Machine::new(1));
    registered(&mut chain, 1, &machine);
    let genesis_power = consensus_set(&chain)[0].power;
    let most = u64::try_from(TOTAL_POWER_MAX - genesis_power).unwrap();
    for above in [most + 1, u64::MAX] {
        let message = set(&authority, &machine, above);
        assert_eq!(failed(&mut chain, 0, message).1, 4);
    }
    assert_eq!(run(&mut chain, 0, set(&authority, &machine, most)).code, 0);
    done(&mut chain, 0, set(&authority, &machine, 1));
    chain.write(|ctx: &mut Ctx<'_, '_>| {
        let mut n = 0_u64;
        while KEYS.at(&()).len(ctx).unwrap() < VALIDATORS_MAX {
            let key = crate::types::sha256(&n.to_be_bytes());
            let validator = Validator {
                node_id: [0; 20],
                power: 1,
                moniker: String::new(),
            };
            keeper::put(ctx, &key, &validator).unwrap();
            n += 1;
        }
    });
    let second = Machine::new(2);
    registered(&mut chain, 1, &second);
    let message = set(&authority, &second, 1);
    assert_eq!(failed(&mut chain, 0, message).1, 5);
    done(&mut chain, 0, set(&authority, &machine, 2));
}

#[test]
fn monikers_are_bounded() {
    let mut chain = chain(2);
    let machine = Machine::new(1);
    registered(&mut chain, 1, &machine);
    let named = |n: usize| {
        pack(&pb::MsgSetValidator {
            authority: user(&chain, 0).to_string(),
            node_id: machine.id_text(),
            power: 1,
            moniker: "x".repeat(n),
        })
    };
    let (long, most) = (named(71), named(70));
    assert_eq!(failed(&mut chain, 0, long).1, 7);
    done(&mut chain, 0, most);
}
