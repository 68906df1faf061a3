//! What contracts of the ordinary library say otherwise: messages without a code hash, messages and queries of other modules in
//! protobuf, answers in their own spelling.

use super::puppet;
use super::world::{World, b64};
use super::{call, sends, smart, sub, two_puppets};
use crate::types::Address;
use crate::types::proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend, QueryBalanceRequest};
use crate::types::proto::cosmos::bank::v1beta1::{QueryBalanceResponse, QueryDenomOwnersRequest};
use crate::types::proto::cosmos::feegrant::v1beta1::{MsgGrantAllowance, MsgRevokeAllowance};
use crate::types::proto::secret::compute::v1beta1::MsgExecuteContract;
use crate::types::proto::{Any, Message, pack};
use base64::Engine as _;

/// A message of another module, as std 1 or std 2 sends it.
fn any(kind: &str, any: &Any) -> String {
    let value = b64(&any.value);
    let msg = format!(
        r#"{{"{kind}":{{"type_url":"{}","value":"{value}"}}}}"#,
        any.type_url
    );
    sends(&[sub(&msg, None)])
}

fn grpc(path: &str, request: &impl Message) -> String {
    let data = b64(request.encode_to_vec());
    format!(r#"{{"grpc":{{"path":"{path}","data":"{data}"}}}}"#)
}

/// Lets the first contract ask; what it was answered.
fn answer(world: &mut World, code: &super::Code, a: &Address, request: &str) -> String {
    // The puppet tells a request by its third byte; behind an `s` it asks anything.
    world.execute(a, code, &format!("s{request}")).ok();
    world.kept(a, "answer").unwrap()
}

#[test]
fn a_message_without_a_code_hash_is_bound_to_the_code_that_the_callee_has() {
    let (mut world, code, a, b) = two_puppets();
    let named = call(&b, &code.hex(), "s", 0);
    let hash = format!(r#""code_hash":"{}","#, code.hex());
    let unnamed = named.replace(&hash, "");
    assert_ne!(named, unnamed);
    world
        .execute(&a, &code, &sends(&[sub(&unnamed, None)]))
        .ok();
    assert!(world.kept(&b, "last").is_some());
    // To write none is not to leave it out.
    let empty = named.replace(&code.hex(), "");
    let failed = world.execute(&a, &code, &sends(&[sub(&empty, None)]));
    assert!(failed.result.log.contains("failed to validate transaction"));

    let question = smart(&b, &code.hex(), "r").replace(&hash, "");
    assert_eq!(
        answer(&mut world, &code, &a, &question),
        answer(&mut world, &code, &a, &smart(&b, &code.hex(), "r"))
    );
    // Instantiation and migration name the code by its number.
    let made = format!(
        r#"{{"wasm":{{"instantiate":{{"admin":"{a}","code_id":{},"msg":"{}","funds":[],"label":"made"}}}}}}"#,
        code.id,
        b64(puppet::NOTHING)
    );
    world.execute(&a, &code, &sends(&[sub(&made, None)])).ok();
    let made = crate::modules::compute::state::contract_address(code.id, 3, &a).unwrap();
    let migrate = format!(
        r#"{{"wasm":{{"migrate":{{"contract_addr":"{made}","new_code_id":{},"msg":"{}"}}}}}}"#,
        code.id,
        b64(puppet::NOTHING)
    );
    let migrated = world.execute(&a, &code, &sends(&[sub(&migrate, None)]));
    // The puppet has no `migrate`: so far it came.
    let log = &migrated.result.log;
    assert!(
        migrated.result.code == 0 || log.contains("for an unexpected reason"),
        "{log}"
    );
}

#[test]
fn a_contract_sends_messages_of_other_modules_in_its_own_name_and_none_that_is_not_allowed() {
    let (mut world, code, a, b) = two_puppets();
    let sent = world.execution(&a, &code.hash, b"s", 1_000);
    world.run(sent, super::world::GAS).ok();
    let send = |from: &Address| {
        pack(&MsgSend {
            from_address: from.to_string(),
            to_address: b.to_string(),
            amount: crate::testing::coins(7),
        })
    };
    for kind in ["stargate", "any"] {
        world.execute(&a, &code, &any(kind, &send(&a))).ok();
    }
    assert_eq!((world.balance(&a), world.balance(&b)), (1_000 - 14, 14));
    // In the name of another: who must sign is the chain's own rule.
    let other = world.users[0].address.clone();
    let failed = world.execute(&a, &code, &any("any", &send(&other)));
    let (space, number, text) = failed.error();
    assert_eq!((space, number), ("sdk", 4), "{text}");
    // Calls of contracts have a form of their own; what is not a message is refused by its type.
    let execute = pack(&MsgExecuteContract {
        sender: a.as_bytes().to_vec(),
        contract: b.as_bytes().to_vec(),
        ..Default::default()
    });
    let unknown = Any {
        type_url: "/no.such.Msg".into(),
        value: Vec::new(),
    };
    for refused in [execute, unknown] {
        let failed = world.execute(&a, &code, &any("any", &refused));
        let text = format!(
            "dispatch: submessages: message {} is not allowed from the contract: unknown message from the contract",
            refused.type_url
        );
        assert_eq!(failed.error(), ("compute", 18, text.as_str()));
    }
    let malformed = Any {
        type_url: pack(&MsgMultiSend::default()).type_url,
        value: vec![0xff],
    };
    let failed = world.execute(&a, &code, &any("any", &malformed));
    assert_ne!(failed.result.code, 0);
    assert_eq!((world.balance(&a), world.balance(&b)), (1_000 - 14, 14));
}

#[test]
fn a_message_in_protobuf_is_paid_by_its_bytes_before_anything_is_made_of_it() {
    let (mut world, code, a, _) = two_puppets();
    let empty_fields = |count: usize| Any {
        type_url: pack(&MsgMultiSend::default()).type_url,
        value: [0x0a, 0x00].repeat(count),
    };
    let gas = |world: &mut World, count| {
        let done = world.execute(&a, &code, &any("any", &empty_fields(count)));
        assert_ne!(done.result.code, 0);
        done.result.gas_used
    };
    let (few, many) = (gas(&mut world, 10), gas(&mut world, 1_010));
    // The price of the transaction's own bytes, where it stands in base64 twice, comes on top.
    assert!(many - few >= 2_000 * 10, "{few} {many}");
}

#[test]
fn a_contract_grants_no_fees_since_no_check_could_hold_them() {
    let (mut world, code, a, b) = two_puppets();
    let grant = pack(&MsgGrantAllowance {
        granter: a.to_string(),
        grantee: b.to_string(),
        allowance: None,
    });
    let revoke = pack(&MsgRevokeAllowance {
        granter: a.to_string(),
        grantee: b.to_string(),
    });
    for refused in [grant, revoke] {
        let failed = world.execute(&a, &code, &any("any", &refused));
        assert_eq!((failed.error().0, failed.error().1), ("compute", 18));
    }
}

#[test]
fn an_error_of_a_message_in_protobuf_quotes_little_of_what_the_contract_wrote() {
    let (mut world, code, a, b) = two_puppets();
    let mut send = MsgSend {
        from_address: a.to_string(),
        to_address: b.to_string(),
        amount: crate::testing::coins(7),
    };
    send.amount[0].denom = "!".repeat(10_000);
    let failed = world.execute(&a, &code, &any("any", &pack(&send)));
    assert_ne!(failed.result.code, 0);
    assert!(failed.result.log.len() < 600, "{}", failed.result.log.len());
}

#[test]
fn a_contract_asks_other_modules_in_protobuf_what_is_on_the_list() {
    let (mut world, code, a, b) = two_puppets();
    let sent = world.execution(&b, &code.hash, b"s", 42);
    world.run(sent, super::world::GAS).ok();
    let request = QueryBalanceRequest {
        address: b.to_string(),
        denom: "uscrt".into(),
    };
    let path = "/cosmos.bank.v1beta1.Query/Balance";
    for kind in ["grpc", "stargate"] {
        let request = grpc(path, &request).replace("grpc", kind);
        let answer = answer(&mut world, &code, &a, &request);
        let data = answer
            .strip_prefix(r#"{"Ok":{"Ok":""#)
            .and_then(|a| a.strip_suffix(r#""}}"#))
            .unwrap_or_else(|| panic!("{answer}"));
        let data = base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap();
        let response = QueryBalanceResponse::decode(data.as_slice()).unwrap();
        assert_eq!(response.balance.unwrap().amount, "42");
    }
    let listed = "/cosmos.bank.v1beta1.Query/DenomOwners";
    let secret = "/secret.compute.v1beta1.Query/QuerySecretContract";
    for path in [listed, secret, "/no.Query/Such", "", "/"] {
        let request = grpc(path, &QueryDenomOwnersRequest::default());
        assert_eq!(
            answer(&mut world, &code, &a, &request),
            format!(
                r#"{{"Err":{{"unsupported_request":{{"kind":"query path '{path}' is not allowed from the contract"}}}}}}"#
            )
        );
    }
    let nobody = QueryBalanceRequest {
        address: "nobody".into(),
        denom: "uscrt".into(),
    };
    let refused = answer(&mut world, &code, &a, &grpc(path, &nobody));
    assert!(refused.starts_with(r#"{"Ok":{"Err":""#), "{refused}");
}

#[test]
fn a_contract_of_the_ordinary_library_is_answered_in_its_spelling() {
    let mut world = World::new();
    // What every contract of that library imports, and the secret one with it: to sign.
    let validate = r#"(import "env" "addr_validate" (func (param i32) (result i32)))"#;
    let sign = r#"(import "env" "secp256k1_sign" (func (param i32 i32) (result i64)))"#;
    for (imports, ok, err) in [
        (validate.to_owned(), r#"{"ok":{"ok":"#, r#"{"ok":{"error":"#),
        (
            format!("{validate}{sign}"),
            r#"{"Ok":{"Ok":"#,
            r#"{"Ok":{"Err":"#,
        ),
    ] {
        let code = world.store(puppet::importing(&imports));
        let a = world.instantiate(&code);
        let info = format!(r#"{{"wasm":{{"code_info":{{"code_id":{}}}}}}}"#, code.id);
        let told = answer(&mut world, &code, &a, &info);
        assert!(told.starts_with(ok), "{told}");
        let info = r#"{"wasm":{"code_info":{"code_id":99}}}"#;
        let told = answer(&mut world, &code, &a, info);
        assert!(told.starts_with(err), "{told}");
    }
}

#[test]
fn the_payload_of_a_message_comes_back_with_its_reply_and_only_then() {
    let (mut world, code, a, b) = two_puppets();
    world.execute(&a, &code, "=1n").ok();
    let plain = sub(&call(&b, &code.hex(), "s", 0), None)
        .replace(r#""id":0"#, r#""id":1"#)
        .replace("never", "always");
    let with = plain.replace(r#""id":1"#, r#""id":1,"payload":"cGF5""#);
    for (message, told) in [(plain, false), (with, true)] {
        world.execute(&a, &code, &sends(&[message])).ok();
        let reply = world.kept(&a, "told1").unwrap();
        assert_eq!(reply.contains(r#""payload":"cGF5""#), told, "{reply}");
        assert_eq!(reply.contains("payload"), told, "{reply}");
    }
}

#[test]
fn what_a_library_may_ask_and_the_chain_does_not_answer_is_refused_by_name() {
    let mut world = World::new();
    let validate = r#"(import "env" "addr_validate" (func (param i32) (result i32)))"#;
    let code = world.store(puppet::importing(validate));
    let a = world.instantiate(&code);
    for (request, text) in [
        (
            format!(r#"{{"wasm":{{"raw":{{"contract_addr":"{a}","key":"a2V5"}}}}}}"#),
            r#"{"ok":{"error":"raw queries are not answered"#,
        ),
        (
            format!(
                r#"{{"wasm":{{"raw_range":{{"contract_addr":"{a}","start":null,"end":"a2V5","limit":3,"order":"ascending"}}}}}}"#
            ),
            r#"{"ok":{"error":"raw queries are not answered"#,
        ),
        (
            r#"{"bank":{"denom_metadata":{"denom":"uscrt"}}}"#.to_owned(),
            r#"{"error":{"unsupported_request":{"kind":"bank metadata"}}}"#,
        ),
        (
            r#"{"bank":{"all_denom_metadata":{"pagination":null}}}"#.to_owned(),
            r#"{"error":{"unsupported_request":{"kind":"bank metadata"}}}"#,
        ),
    ] {
        let told = answer(&mut world, &code, &a, &request);
        assert!(told.starts_with(text), "{told}");
    }
    // Fees of IBC packets, of 2.2.
    let fee =
        r#"{"ibc":{"pay_packet_fee":{"port_id":"p","channel_id":"c","fee":{},"relayers":[]}}}"#;
    let failed = world.execute(&a, &code, &sends(&[sub(fee, None)]));
    let (space, number, text) = failed.error();
    assert_eq!((space, number), ("compute", 18), "{text}");
    assert!(text.contains("Unknown variant of IBC"), "{text}");
}
