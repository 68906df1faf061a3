//! Messages of the module that are wrong in one respect, every kind of them; and what contracts send that is no message.

use super::migrate::{ADMIN, administered};
use super::puppet::NOTHING;
use super::world::{Code, GAS, World};
use super::{sends, two_puppets};
use crate::modules::compute::MODULE;
use crate::types::Address;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::proto::{Any, pack};

/// One message of each kind that would succeed, all of one sender, who is the admin of `contract`.
fn one_of_each(
    world: &mut World,
    sender: usize,
    old: &Code,
    new: &Code,
    contract: &Address,
) -> Vec<Any> {
    let (bytes, text) = (
        world.users[sender].address.as_bytes().to_vec(),
        world.users[sender].address.to_string(),
    );
    let address = contract.to_string();
    let mut sealed = |code: &Code| world.seal(&code.hash, NOTHING.as_bytes()).0;
    let (to_old, to_new) = (sealed(old), sealed(new));
    let info = pb::MigrateContractInfo {
        address: address.clone(),
        new_code_id: new.id,
    };
    vec![
        pack(&pb::MsgStoreCode {
            sender: bytes.clone(),
            wasm_byte_code: super::puppet::wasm(r#"(func (export "stored"))"#),
            ..Default::default()
        }),
        pack(&pb::MsgInstantiateContract {
            sender: bytes.clone(),
            code_id: old.id,
            label: "malformed".into(),
            init_msg: to_old.clone(),
            ..Default::default()
        }),
        pack(&pb::MsgExecuteContract {
            sender: bytes,
            contract: contract.as_bytes().to_vec(),
            msg: to_old,
            ..Default::default()
        }),
        pack(&pb::MsgMigrateContract {
            sender: text.clone(),
            contract: address.clone(),
            code_id: new.id,
            msg: to_new,
            ..Default::default()
        }),
        pack(&pb::MsgUpdateAdmin {
            sender: text.clone(),
            new_admin: address.clone(),
            contract: address.clone(),
            ..Default::default()
        }),
        pack(&pb::MsgClearAdmin {
            sender: text.clone(),
            contract: address.clone(),
            ..Default::default()
        }),
        pack(&pb::MsgSetContractGovernance {
            sender: text.clone(),
            contract_address: address,
        }),
        pack(&pb::MsgContractGovernanceProposal {
            authority: text.clone(),
            title: "t".into(),
            description: "d".into(),
            contracts: vec![info],
            admin_updates: Vec::new(),
        }),
        pack(&pb::MsgUpdateParams {
            authority: text,
            params: Some(pb::Params {
                compile_cost: "800000000000000000".into(),
                max_contract_size: 300_000,
            }),
        }),
    ]
}

/// Runs messages that all fail. Nothing but fees, sequences and keys of accounts changes.
#[track_caller]
fn all_fail(world: &mut World, signer: usize, messages: Vec<Any>) {
    for any in messages {
        let before = world.state.0.clone();
        let url = any.type_url.clone();
        let tx = world.sign_by(signer, vec![any], GAS);
        let outcome = world.block(&[tx]);
        let result = &outcome.tx_results[0];
        assert!(result.code != 0 && !result.codespace.is_empty(), "{url}");
        let told = result.events.iter().flat_map(|e| &e.attributes);
        if !told.clone().any(|a| a.key == "acc_seq") {
            // It did not come so far that its sequence was taken.
            world.users[signer].sequence -= 1;
            assert!(world.state.0 == before, "{url}: {}", result.log);
        }
        let changed = world
            .state
            .0
            .iter()
            .filter(|(key, value)| before.get(*key) != Some(value));
        assert!(changed.count() <= 3, "{url}: {}", result.log);
        assert!(outcome.new_code.is_empty());
    }
}

#[test]
fn no_message_runs_in_the_name_of_another_signer() {
    let (mut world, old, new, contract) = administered();
    let messages = one_of_each(&mut world, ADMIN, &old, &new, &contract);
    let kinds: std::collections::BTreeSet<&str> =
        messages.iter().map(|any| any.type_url.as_str()).collect();
    assert_eq!(kinds.len(), MODULE.messages.len());
    // Signed with the right account number and sequence of the other, then with those of the sender that it claims.
    all_fail(&mut world, 2, messages.clone());
    let (number, sequence) = (world.users[ADMIN].number, world.users[ADMIN].sequence);
    (world.users[2].number, world.users[2].sequence) = (number, sequence);
    all_fail(&mut world, 2, messages);
}

#[test]
fn a_message_that_is_cut_or_longer_or_of_no_address_changes_nothing() {
    let (mut world, old, new, contract) = administered();
    for any in one_of_each(&mut world, ADMIN, &old, &new, &contract) {
        let changed = |value: Vec<u8>| Any {
            value,
            ..any.clone()
        };
        let half = any.value[..any.value.len() / 2].to_vec();
        let mut short_sender = any.value.clone();
        // The first field is the sender or authority: one byte less of it.
        short_sender.remove(2);
        short_sender[1] -= 1;
        let bad = vec![
            changed(Vec::new()),
            changed(half),
            changed([any.value.as_slice(), &[0xfa, 0x07, 0x00]].concat()),
            changed(short_sender),
        ];
        all_fail(&mut world, ADMIN, bad);
    }
    // They were good: each of those that need no authority succeeds.
    for any in one_of_each(&mut world, ADMIN, &old, &new, &contract)
        .into_iter()
        .take(5)
    {
        let tx = world.sign_by(ADMIN, vec![any], GAS);
        let result = world.block(&[tx]).tx_results.remove(0);
        assert_eq!(result.code, 0, "{}", result.log);
        if result.events.iter().any(|e| e.kind == "migrate") {
            let back = world.seal(&old.hash, NOTHING.as_bytes()).0;
            let back = pack(&pb::MsgMigrateContract {
                sender: world.users[ADMIN].address.to_string(),
                contract: contract.to_string(),
                code_id: old.id,
                msg: back,
                ..Default::default()
            });
            let tx = world.sign_by(ADMIN, vec![back], GAS);
            assert_eq!(world.block(&[tx]).tx_results[0].code, 0);
        }
    }
}

#[test]
fn a_sub_message_that_is_none_fails_the_call_that_sends_it() {
    let (mut world, code, a, b) = two_puppets();
    let good = super::call(&b, &code.hex(), "s", 0);
    let with = |id: &str, msg: &str, gas: &str, mode: &str| {
        format!(r#"{{"id":{id},"msg":{msg},"gas_limit":{gas},"reply_on":"{mode}"}}"#)
    };
    world
        .execute(&a, &code, &sends(&[with("7", &good, "null", "never")]))
        .ok();
    let two = good.replacen('{', r#"{"custom":{},"#, 1);
    let text = "Execution error: Enclave: failed to deserialize data: execute contract failed";
    for bad in [
        with("18446744073709551616", &good, "null", "never"),
        with("-1", &good, "null", "never"),
        with("\"7\"", &good, "null", "never"),
        with("7", &good, "-1", "never"),
        with("7", &good, "1.5", "never"),
        with("7", &good, "null", "sometimes"),
        with("7", "null", "null", "never"),
        with("7", "{}", "null", "never"),
        with("7", &two, "null", "never"),
        with("7", r#"{"no_such_kind":{}}"#, "null", "never"),
        with("7", r#"{"wasm":{"no_such_message":{}}}"#, "null", "never"),
        with(
            "7",
            r#"{"wasm":{"execute":{"contract_addr":7}}}"#,
            "null",
            "never",
        ),
        with(
            "7",
            r#"{"bank":{"send":{"to_address":"x"}}}"#,
            "null",
            "never",
        ),
        good.clone(),
        "7".into(),
    ] {
        let last = world.kept(&b, "last");
        let done = world.execute(&a, &code, &sends(std::slice::from_ref(&bad)));
        let (space, number, log) = done.error();
        assert_eq!((space, number), ("compute", 3), "{bad}: {log}");
        assert!(log.ends_with(text), "{bad}: {log}");
        assert_eq!(world.kept(&b, "last"), last);
    }
    world.execute(&a, &code, "s").ok();
}
