//! Contracts that get other code.

use super::admin::{allow_admin, allow_code, lock, update_admin};
use super::puppet::{self, NOTHING, NOTHING_V010, SEEN};
use super::world::{Code, Done, GAS, Sent, World, b64};
use super::{asked, call, response, sends, smart, sub};
use crate::modules::compute::query;
use crate::modules::compute::state::{CONTRACTS, Contract, StorageLayout};
use crate::query::QueryStop;
use crate::types::Address;
use crate::types::proto::secret::compute::v1beta1 as pb;
use crate::types::proto::{Any, Message as _, pack};

/// The user who administers; the first user is the authority.
pub(super) const ADMIN: usize = 1;

/// A code that behaves as the puppet and has another hash.
fn other_puppet(n: u8) -> Vec<u8> {
    puppet::wasm(&format!("(data (i32.const 0x600000) \"{n}\")"))
}

/// A chain with two codes and a contract of the first, of which user 1 is the admin.
pub(super) fn administered() -> (World, Code, Code, Address) {
    let mut world = World::new();
    let (old, new) = (world.store(puppet::wasm("")), world.store(other_puppet(2)));
    let admin = world.users[ADMIN].address.clone();
    let contract = world.instantiate_for(&old, &admin);
    (world, old, new, contract)
}

pub(super) fn migration(
    world: &mut World,
    user: usize,
    contract: &Address,
    code: &Code,
    msg: &str,
) -> Sent {
    let (msg, key) = world.seal(&code.hash, msg.as_bytes());
    let any = pack(&pb::MsgMigrateContract {
        sender: world.users[user].address.to_string(),
        contract: contract.to_string(),
        code_id: code.id,
        msg,
        ..Default::default()
    });
    Sent { any, key }
}

pub(super) fn migrate(
    world: &mut World,
    user: usize,
    contract: &Address,
    code: &Code,
    msg: &str,
) -> Done {
    let sent = migration(world, user, contract, code, msg);
    world.run_by(user, sent)
}

pub(super) fn record(world: &World, contract: &Address) -> Contract {
    let record = world.read(|ctx| CONTRACTS.get(ctx, contract).unwrap());
    record.unwrap().into_contract()
}

pub(super) fn history(world: &World, contract: &Address) -> Vec<(i32, u64)> {
    let request = pb::QueryContractHistoryRequest {
        contract_address: contract.to_string(),
    };
    let answer = world.read(|ctx| query::contract_history(ctx, request).unwrap());
    let entries = answer.entries.into_iter();
    entries.map(|e| (e.operation, e.code_id)).collect()
}

pub(super) fn contracts_of(world: &World, code: &Code) -> Vec<String> {
    let request = pb::QueryByCodeIdRequest { code_id: code.id };
    let answer = world.read(|ctx| query::contracts_by_code_id(ctx, request));
    let infos = answer.map(|a| a.contract_infos).unwrap_or_default();
    infos.into_iter().map(|i| i.contract_address).collect()
}

/// A message of a contract that migrates another.
fn migrate_message(contract: &Address, code: &Code, hash: &str, msg: &str) -> String {
    let (id, msg) = (code.id, b64(msg));
    format!(
        r#"{{"wasm":{{"migrate":{{"contract_addr":"{contract}","code_hash":"{hash}","code_id":{id},"msg":"{msg}"}}}}}}"#
    )
}

/// The same, as what a contract sends without a reply.
pub(super) fn wasm_migrate(contract: &Address, code: &Code, hash: &str, msg: &str) -> String {
    sub(&migrate_message(contract, code, hash, msg), None)
}

#[test]
fn an_admin_gives_a_contract_new_code_that_has_the_address_and_the_state() {
    let (mut world, old, new, contract) = administered();
    world.execute(&contract, &old, "s").ok();
    let admin = world.users[ADMIN].address.clone();
    let clear = r#"{"key":"k","value":"v","encrypted":false}"#;
    let said = response(&[], clear, "").replace("null", &format!("\"{}\"", b64("migrated")));
    let done = migrate(&mut world, ADMIN, &contract, &new, &said).ok();
    let url = "/secret.compute.v1beta1.MsgMigrateContract";
    assert_eq!(
        done.events(),
        [
            format!("message{{action={url},sender={admin}}}"),
            format!("message{{module=compute,sender={admin}}}"),
            format!("migrate{{code_id={},contract_address={contract}}}", new.id),
            format!("wasm{{contract_address={contract},k=v}}"),
        ]
    );
    let data = crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData::decode(
        done.result.data.as_slice(),
    );
    let answer = data.unwrap().msg_responses.remove(0).value;
    let answer = pb::MsgMigrateContractResponse::decode(answer.as_slice()).unwrap();
    assert_eq!(&*done.key.open_data(&answer.data).unwrap(), b"migrated");

    assert_eq!(
        world.query(&contract, &new.hash, b"r"),
        Ok(b"seen".to_vec())
    );
    let wrong = world.execute(&contract, &old, NOTHING);
    let text = "Execution error: Enclave: failed to validate transaction: execute contract failed";
    assert_eq!(wrong.error(), ("compute", 3, text));
    world.execute(&contract, &new, "r").ok();
    let env = world.kept(&contract, "env").unwrap();
    assert!(env.contains(&new.hex()) && env.contains(&contract.to_string()));
    let (init, migrated) = (1, 2);
    assert_eq!(
        history(&world, &contract),
        [(init, old.id), (migrated, new.id)]
    );
    assert_eq!(contracts_of(&world, &old), [""; 0]);
    assert_eq!(contracts_of(&world, &new), [contract.to_string()]);
    assert_eq!(record(&world, &contract).admin, Some(admin));
}

#[test]
fn a_contract_may_get_the_same_code_again() {
    let (mut world, old, _, contract) = administered();
    migrate(&mut world, ADMIN, &contract, &old, "s").ok();
    assert_eq!(world.kept(&contract, "last").as_deref(), Some(SEEN));
    assert_eq!(history(&world, &contract), [(1, old.id), (2, old.id)]);
    assert_eq!(contracts_of(&world, &old), [contract.to_string()]);
}

#[test]
fn a_migration_is_refused_with_the_texts_that_clients_know_and_leaves_nothing() {
    let (mut world, old, new, contract) = administered();
    let without = world.instantiate(&old);
    let nobody = Address::from_bytes(&[77; 20]).unwrap();
    let before = record(&world, &contract);
    let missing = Code { id: 9, ..new };
    let admins = "requires migrate from admin: migrate contract failed";
    let cases = [
        (0, &contract, &new, "compute", 5, admins),
        (
            0,
            &without,
            &new,
            "compute",
            5,
            "contract is not upgradable: migrate contract failed",
        ),
        (
            ADMIN,
            &nobody,
            &new,
            "sdk",
            18,
            "unknown contract: contract: not found: invalid request",
        ),
        (
            ADMIN,
            &contract,
            &missing,
            "sdk",
            18,
            "unknown code: failed to get code info for code id 9: invalid request",
        ),
        (
            ADMIN,
            &contract,
            &Code {
                hash: old.hash,
                ..new
            },
            "compute",
            5,
            "Execution error: Enclave: failed to validate transaction: migrate contract failed",
        ),
    ];
    for (user, target, code, space, number, text) in cases {
        let done = migrate(&mut world, user, target, code, "s");
        assert_eq!(done.error(), (space, number, text));
    }
    let plaintext = pack(&pb::MsgMigrateContract {
        sender: world.users[ADMIN].address.to_string(),
        contract: contract.to_string(),
        code_id: new.id,
        msg: format!("{}{{}}", new.hex()).into_bytes(),
        ..Default::default()
    });
    let sent = migration(&mut world, ADMIN, &contract, &new, "s");
    let done = world.run_by(
        ADMIN,
        Sent {
            any: plaintext,
            ..sent
        },
    );
    let text = "Execution error: Enclave: failed to decrypt data: migrate contract failed";
    assert_eq!(done.error(), ("compute", 5, text));

    // The new code fails: by its own word after it has written, by a panic, by a message that fails.
    let own = migrate(&mut world, ADMIN, &contract, &new, r#"f{"Err":"not now"}"#);
    assert_eq!(own.contract_error(), "not now");
    assert_eq!(own.error().1, 5);
    assert!(own.error().2.ends_with(": migrate contract failed"));
    let panic = migrate(&mut world, ADMIN, &contract, &new, "p");
    let text = "Execution error: Enclave: the contract panicked: migrate contract failed";
    assert_eq!(panic.error(), ("compute", 5, text));
    // The new code itself is called and writes, before another call fails.
    let later = sends(&[
        sub(&call(&contract, &new.hex(), "s", 0), None),
        sub(&call(&without, &old.hex(), "p", 0), None),
    ]);
    let later = migrate(&mut world, ADMIN, &contract, &new, &later);
    let text = "dispatch: submessages: Execution error: Enclave: the contract panicked: execute contract failed";
    assert_eq!(later.error(), ("compute", 3, text));

    assert_eq!(record(&world, &contract), before);
    assert_eq!(history(&world, &contract), [(1, old.id)]);
    assert_eq!(
        contracts_of(&world, &old),
        [contract.to_string(), without.to_string()]
    );
    assert_eq!(world.kept(&contract, "last"), None);
    world.execute(&contract, &old, "s").ok();
}

#[test]
fn code_without_a_migrate_of_its_own_is_given_to_no_contract() {
    let (mut world, _, _, contract) = administered();
    let mut wasm = puppet::wasm("");
    // The export gets another name.
    let at = wasm.windows(8).position(|w| w == b"\x07migrate").unwrap();
    wasm[at + 1] = b'n';
    let without = world.store(wasm);
    let done = migrate(&mut world, ADMIN, &contract, &without, NOTHING);
    let text = "Execution error: Enclave: calling a function in the contract failed for an unexpected reason: migrate contract failed";
    assert_eq!(done.error(), ("compute", 5, text));
}

#[test]
fn a_contract_of_v010_becomes_one_of_v1_and_the_other_way_round() {
    let (mut world, _, v1, _) = administered();
    let v010 = world.store(puppet::wasm_v010());
    let admin = world.users[ADMIN].address.clone();
    let sent = world.instantiation_for(&v010, NOTHING_V010, &admin);
    let contract = world.made(sent, &v010);
    world.execute(&contract, &v010, "s").ok();
    // The new code's `migrate` answers in its own form.
    let done = migrate(&mut world, ADMIN, &contract, &v1, NOTHING_V010);
    let text = "Execution error: Enclave: failed to deserialize data: migrate contract failed";
    assert_eq!(done.error(), ("compute", 5, text));
    migrate(&mut world, ADMIN, &contract, &v1, NOTHING).ok();
    assert_eq!(world.query(&contract, &v1.hash, b"r"), Ok(b"seen".to_vec()));
    let done = world.execute(&contract, &v1, NOTHING).ok();
    let execute = format!("execute{{contract_address={contract}}}");
    assert!(done.events().contains(&execute), "{:?}", done.events());

    let done = migrate(&mut world, ADMIN, &contract, &v010, "r").ok();
    let event = format!("migrate{{code_id={},contract_address={contract}}}", v010.id);
    assert!(done.events().contains(&event));
    let env = world.kept(&contract, "env").unwrap();
    let sender = format!(r#""message":{{"sender":"{admin}","sent_funds":[]}}"#);
    assert!(env.contains(&sender), "{env}");
    assert_eq!(
        world.query(&contract, &v010.hash, b"r"),
        Ok(b"seen".to_vec())
    );
    assert_eq!(history(&world, &contract).len(), 3);
}

#[test]
fn code_that_iterates_is_given_to_no_contract_that_was_made_without_order() {
    let (mut world, old, new, contract) = administered();
    let scan = r#"(import "env" "db_scan" (func (param i32 i32 i32) (result i32)))"#;
    let iterating = world.store(puppet::importing(scan));
    let text = "the code iterates, and the contract keeps no order of its keys: it was made with code that does not: migrate contract failed";
    let done = migrate(&mut world, ADMIN, &contract, &iterating, NOTHING);
    assert_eq!(done.error(), ("compute", 5, text));
    assert_eq!(history(&world, &contract), [(1, old.id)]);
    // By a contract that is its admin neither.
    let factory = world.instantiate(&old);
    let made = world.instantiate_for(&old, &factory);
    let message = wasm_migrate(&made, &iterating, &iterating.hex(), NOTHING);
    let done = world.execute(&factory, &old, &sends(&[message]));
    let text = format!("dispatch: submessages: {text}");
    assert_eq!(done.error(), ("compute", 5, text.as_str()));

    // One that was made with order goes to code that does not iterate, and back.
    let admin = world.users[ADMIN].address.clone();
    let ordered = world.instantiate_for(&iterating, &admin);
    for code in [&new, &iterating, &old] {
        migrate(&mut world, ADMIN, &ordered, code, "s").ok();
        assert_eq!(
            record(&world, &ordered).storage_layout,
            StorageLayout::Ordered
        );
    }
    // What the authority allowed is not used up by what was refused.
    lock(&mut world, ADMIN, &contract).ok();
    allow_code(&mut world, &contract, &iterating).ok();
    for _ in 0..2 {
        let done = migrate(&mut world, ADMIN, &contract, &iterating, NOTHING);
        assert!(done.error().2.starts_with("the code iterates"));
    }
}

#[test]
fn a_migrate_that_wants_to_know_is_told_who_migrates_and_which_version_the_state_has() {
    let (mut world, old, _, contract) = administered();
    let admin = world.users[ADMIN].address.clone();
    // Keeps what it is told beside its message, under `env`.
    let telling = puppet::telling_of_migrations();
    let mut versioned = telling.clone();
    let section = b"\x12cw_migrate_version7";
    versioned.extend([0, u8::try_from(section.len()).unwrap()]);
    versioned.extend(section);
    let (telling, versioned) = (world.store(telling), world.store(versioned));
    for (code, by, version) in [
        (&telling, &admin, "null"),
        (&versioned, &admin, "null"),
        (&telling, &admin, "7"),
    ] {
        migrate(&mut world, ADMIN, &contract, code, NOTHING).ok();
        let told = world.kept(&contract, "env").unwrap();
        let expected = format!(r#"{{"sender":"{by}","old_migrate_version":{version}}}"#);
        assert_eq!(told, expected);
    }
    // A contract that migrates another is the sender.
    let factory = world.instantiate(&old);
    let made = world.instantiate_for(&versioned, &factory);
    let message = wasm_migrate(&made, &telling, &telling.hex(), NOTHING);
    world.execute(&factory, &old, &sends(&[message])).ok();
    let told = world.kept(&made, "env").unwrap();
    let expected = format!(r#"{{"sender":"{factory}","old_migrate_version":7}}"#);
    assert_eq!(told, expected);
}

/// What a host without keys answers to a simulation of one message of the admin.
fn simulated(world: &mut World, any: Any) -> Result<u64, String> {
    let tx = world.sign_by(ADMIN, vec![any], GAS);
    world.users[ADMIN].sequence -= 1;
    let block = crate::testing::block_info(world.height);
    let overlay = crate::overlay::Overlay::default();
    let outcome = crate::simulate(&world.state, overlay, world.env(), &block, &tx);
    match outcome {
        Ok(simulated) => Ok(simulated.unwrap().gas_used),
        Err(QueryStop::Error(e)) => Err(e.grpc().1),
        Err(QueryStop::Fault(fault)) => panic!("{fault}"),
    }
}

#[test]
fn a_host_estimates_a_change_of_admin_and_ends_a_migration_where_its_message_would_be_opened() {
    let (mut world, _, new, contract) = administered();
    let sent = migration(&mut world, ADMIN, &contract, &new, NOTHING);
    let text = simulated(&mut world, sent.any).unwrap_err();
    let expected =
        "Execution error: Enclave: failed to verify transaction signature: migrate contract failed";
    assert!(text.contains(expected), "{text}");
    let update = pb::MsgUpdateAdmin {
        sender: world.users[ADMIN].address.to_string(),
        new_admin: contract.to_string(),
        contract: contract.to_string(),
        ..Default::default()
    };
    let estimate = simulated(&mut world, pack(&update)).unwrap();
    let used = update_admin(&mut world, ADMIN, &contract, &contract).ok();
    let used = used.result.gas_used.unsigned_abs();
    assert!(estimate.abs_diff(used) < 3_000, "{estimate} and {used}");
}

#[test]
fn a_contract_that_leaves_a_code_gives_its_place_in_the_list_to_the_last_one() {
    let (mut world, old, new, first) = administered();
    let admin = world.users[ADMIN].address.clone();
    let more: Vec<Address> = (0..3)
        .map(|_| world.instantiate_for(&old, &admin))
        .collect();
    let all = |list: &[&Address]| list.iter().map(|a| a.to_string()).collect::<Vec<_>>();
    migrate(&mut world, ADMIN, &first, &new, NOTHING).ok();
    assert_eq!(
        contracts_of(&world, &old),
        all(&[&more[2], &more[0], &more[1]])
    );
    migrate(&mut world, ADMIN, &more[1], &new, NOTHING).ok();
    migrate(&mut world, ADMIN, &more[2], &new, NOTHING).ok();
    assert_eq!(contracts_of(&world, &old), all(&[&more[0]]));
    migrate(&mut world, ADMIN, &first, &old, NOTHING).ok();
    assert_eq!(contracts_of(&world, &old), all(&[&more[0], &first]));
    assert_eq!(contracts_of(&world, &new), all(&[&more[2], &more[1]]));
}

#[test]
fn the_code_hash_of_a_contract_is_that_of_the_new_code_for_queries_and_for_contracts() {
    let (mut world, old, new, contract) = administered();
    let asker = world.instantiate(&old);
    world.execute(&contract, &old, "s").ok();
    migrate(&mut world, ADMIN, &contract, &new, NOTHING).ok();
    world
        .execute(&asker, &old, &smart(&contract, &new.hex(), "r"))
        .ok();
    let answer = world.kept(&asker, "answer").unwrap();
    assert_eq!(answer, format!(r#"{{"Ok":{{"Ok":"{}"}}}}"#, b64("seen")));
    let request = pb::QueryByContractAddressRequest {
        contract_address: contract.to_string(),
    };
    let hash = world.read(|ctx| query::code_hash_by_contract_address(ctx, request).unwrap());
    assert_eq!(hash.code_hash, new.hex());
}

#[test]
fn a_contract_migrates_those_whose_admin_it_is_and_the_history_hides_what_it_said() {
    let (mut world, old, new, other) = administered();
    let factory = world.instantiate(&old);
    let made = world.instantiate_for(&old, &factory);
    let said = response(&[], r#"{"key":"secret","value":"word"}"#, "");
    let message = wasm_migrate(&made, &new, &new.hex(), &said);
    let done = world.execute(&factory, &old, &sends(&[message])).ok();
    let events = done.events();
    let [.., migrated, said] = events.as_slice() else {
        panic!("{events:?}");
    };
    let expected = format!("migrate{{code_id={},contract_address={made}}}", new.id);
    assert_eq!(*migrated, expected);
    assert!(said.contains("secret=word"), "{said}");
    assert_eq!(history(&world, &made), [(1, old.id), (2, new.id)]);
    let request = pb::QueryContractHistoryRequest {
        contract_address: made.to_string(),
    };
    let entries = world.read(|ctx| query::contract_history(ctx, request).unwrap());
    let kept = &entries.entries[1].msg;
    assert!(!kept.windows(6).any(|w| w == b"secret"));

    let refused = [
        (
            wasm_migrate(&other, &new, &new.hex(), NOTHING),
            "compute",
            5,
            "requires migrate from admin: migrate contract failed",
        ),
        (
            wasm_migrate(&made, &old, &new.hex(), NOTHING),
            "compute",
            5,
            "Execution error: Enclave: failed to validate transaction: migrate contract failed",
        ),
        (
            wasm_migrate(&made, &Code { id: 0, ..new }, &new.hex(), NOTHING),
            "sdk",
            18,
            "code id is required: invalid request",
        ),
        (
            wasm_migrate(&made, &new, &new.hex(), NOTHING).replace(&made.to_string(), "somebody"),
            "sdk",
            7,
            "somebody: invalid address",
        ),
    ];
    for (message, space, code, text) in refused {
        let done = world.execute(&factory, &old, &sends(&[message]));
        let text = format!("dispatch: submessages: {text}");
        assert_eq!(done.error(), (space, code, text.as_str()));
    }
    let own = wasm_migrate(&made, &new, &new.hex(), r#"{"Err":"no"}"#);
    let done = world.execute(&factory, &old, &sends(&[own]));
    assert_eq!(done.contract_error(), "no");
    assert_eq!(history(&world, &made).len(), 2);
}

#[test]
fn a_contract_that_migrates_itself_sends_its_later_messages_to_the_new_code() {
    let (mut world, old, new, _) = administered();
    let user = world.users[0].address.clone();
    let contract = world.instantiate_for(&old, &user);
    update_admin(&mut world, 0, &contract, &contract).ok();
    let messages = [
        wasm_migrate(&contract, &new, &new.hex(), NOTHING),
        sub(&call(&contract, &new.hex(), "s", 0), None),
    ];
    world.execute(&contract, &old, &sends(&messages)).ok();
    assert_eq!(record(&world, &contract).code_id, new.id);
    assert_eq!(world.kept(&contract, "last").as_deref(), Some(SEEN));
}

#[test]
fn a_failed_migration_of_which_a_contract_is_told_leaves_nothing_and_a_word_is_not_used_up() {
    let (mut world, old, new, _) = administered();
    let factory = world.instantiate(&old);
    let user = world.users[0].address.clone();
    let made = world.instantiate_for(&old, &user);
    lock(&mut world, 0, &made).ok();
    allow_admin(&mut world, &made, &factory.to_string()).ok();
    update_admin(&mut world, 0, &made, &factory).ok();
    allow_code(&mut world, &made, &new).ok();
    let before = record(&world, &made);
    let fails = migrate_message(&made, &new, &new.hex(), r#"f{"Err":"no"}"#);
    let message = asked(7, "error", &fails, None);
    let done = world.execute(&factory, &old, &sends(&[message])).ok();
    assert!(!done.events().iter().any(|e| e.starts_with("migrate")));
    let told = world.kept(&factory, "told7").unwrap();
    assert!(told.contains(r#""error":"no""#), "{told}");
    assert_eq!(record(&world, &made), before);
    assert_eq!(history(&world, &made), [(1, old.id)]);
    assert_eq!(world.kept(&made, "last"), None);
    world.execute(&made, &old, NOTHING).ok();
    // The authority's word still counts, once.
    let well = migrate_message(&made, &new, &new.hex(), "s");
    let message = asked(8, "success", &well, None);
    world.execute(&factory, &old, &sends(&[message])).ok();
    let told = world.kept(&factory, "told8").unwrap();
    let event = format!(
        r#"{{"type":"migrate","attributes":[{{"key":"code_id","value":"{}"}}"#,
        new.id
    );
    assert!(told.contains(&event), "{told}");
    assert_eq!(record(&world, &made).code_id, new.id);
    let again = wasm_migrate(&made, &new, &new.hex(), "s");
    let done = world.execute(&factory, &old, &sends(&[again]));
    let text = "dispatch: submessages: requires governance approval for migration: migrate contract failed";
    assert_eq!(done.error(), ("compute", 5, text));
}

#[test]
fn a_migration_costs_the_load_of_its_code_and_ends_where_its_gas_does() {
    let (mut world, _, new, contract) = administered();
    let sent = migration(&mut world, ADMIN, &contract, &new, "g");
    let tx = world.sign_by(ADMIN, vec![sent.any], 200_000);
    let result = world.block(&[tx]).tx_results.remove(0);
    assert_eq!((result.codespace.as_str(), result.code), ("sdk", 11));
    assert!(result.log.contains("wasm contract"), "{}", result.log);
    let done = migrate(&mut world, ADMIN, &contract, &new, NOTHING).ok();
    let used = done.result.gas_used;
    assert!((20_000..GAS.cast_signed() / 50).contains(&used), "{used}");
}
