//! What leaves a contract: sealed where it must be, refused where it breaks the rules.

use super::{response, two_puppets};

#[test]
fn attributes_and_data_are_sealed_to_the_sender_unless_the_contract_says_otherwise() {
    let (mut world, code, a, _) = two_puppets();
    let attributes = r#"{"key":"hidden","value":"plaintext"},{"key":"open","value":"seen","encrypted":false},
        {"key":"contract_address","value":"forged","encrypted":false},{"key":"contract_address","value":"forged"}"#;
    let msg = response(&[], attributes, "").replace(r#""data":null"#, r#""data":"c2VjcmV0""#);
    let done = world.execute(&a, &code, &msg).ok();
    assert!(done.events().contains(&format!(
        "wasm{{contract_address={a},hidden=plaintext,open=seen}}"
    )));
    let text = format!("{:?}", done.result);
    assert!(!text.contains("plaintext") && !text.contains("hidden") && !text.contains("forged"));
    assert!(text.contains("open"));
    use crate::types::proto::cosmos::base::abci::v1beta1::TxMsgData;
    use crate::types::proto::{Message as _, secret::compute::v1beta1 as pb};
    let data = TxMsgData::decode(done.result.data.as_slice()).unwrap();
    let response =
        pb::MsgExecuteContractResponse::decode(data.msg_responses[0].value.as_slice()).unwrap();
    assert_eq!(
        done.key.open_data(&response.data).unwrap().as_slice(),
        b"secret"
    );
}

#[test]
fn a_custom_event_that_breaks_the_rules_fails_and_never_shows_what_was_to_be_sealed() {
    let (mut world, code, a, _) = two_puppets();
    let event = |kind: &str, key: &str, value: &str, open: bool| {
        let encrypted = !open;
        format!(
            r#"{{"type":"{kind}","attributes":[{{"key":"{key}","value":"{value}","encrypted":{encrypted}}}]}}"#
        )
    };
    let cases = [
        (
            event(" ab ", "k", "v", true),
            "Event type too short: 'ab': invalid event",
        ),
        (
            event("kind", " ", "v", true),
            "Empty attribute key. Value: v: invalid event",
        ),
        (
            event("kind", " ", "v", false),
            "Empty attribute key. Value: <sealed>: invalid event",
        ),
        (
            event("kind", "k", " ", true),
            "Empty attribute value. Key: k: invalid event",
        ),
        (
            event("kind", "k", " ", false),
            "Empty attribute value. Key: <sealed>: invalid event",
        ),
        (
            event("kind", "_k", "v", true),
            "Attribute key starts with reserved prefix _: '_k': invalid event",
        ),
        (
            event("kind", "_k", "v", false),
            "Attribute key starts with reserved prefix _: '<sealed>': invalid event",
        ),
    ];
    for (event, text) in cases {
        let done = world.execute(&a, &code, &response(&[], "", &event));
        assert_eq!(done.error(), ("compute", 21, text));
    }
}

#[test]
fn a_result_of_no_known_shape_fails_without_being_shown() {
    let (mut world, code, a, _) = two_puppets();
    for msg in [
        "x",
        "{}",
        r#"{"Ok":"aGk="}"#,
        r#"{"Ok":{"messages":[]}}"#,
        r#"{"Ok":null}"#,
    ] {
        let done = world.execute(&a, &code, msg);
        let text = "Execution error: Enclave: failed to deserialize data: execute contract failed";
        assert_eq!(done.error(), ("compute", 3, text));
    }
}

#[test]
fn a_message_that_does_not_open_or_is_for_another_code_runs_nothing() {
    let (mut world, code, a, _) = two_puppets();
    let other = world.execution(&a, &[7; 32], b"s", 0);
    let done = world.run(other, super::world::GAS);
    let text = "Execution error: Enclave: failed to validate transaction: execute contract failed";
    assert_eq!(done.error(), ("compute", 3, text));
    use crate::types::proto::{Message as _, pack, secret::compute::v1beta1 as pb};
    let good = world.execution(&a, &code.hash, b"s", 0);
    let good = pb::MsgExecuteContract::decode(good.any.value.as_slice()).unwrap();
    let mut flipped = good.msg.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let cut = good.msg[..good.msg.len() - 1].to_vec();
    for msg in [
        flipped,
        cut,
        b"{\"plain\":{}}".to_vec(),
        Vec::new(),
        vec![0; 300],
    ] {
        let any = pack(&pb::MsgExecuteContract {
            msg,
            ..good.clone()
        });
        let tx = world.sign(vec![any], super::world::GAS);
        let result = world.block(&[tx]).tx_results.remove(0);
        let text = "failed to execute message; message index: 0: Execution error: Enclave: failed to decrypt data: execute contract failed";
        assert_eq!((result.code, result.log.as_str()), (3, text));
    }
    assert_eq!(world.kept(&a, "last"), None);
}
