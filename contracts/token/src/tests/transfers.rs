//! Moving tokens.

use super::*;

#[test]
fn a_transfer_moves_tokens_and_answers_success() {
    let mut token = Token::new();
    let response = token.call(
        "alice",
        r#"{"transfer":{"recipient":"bob","amount":"300"}}"#,
    );
    assert_eq!(data(&response), r#"{"transfer":{"status":"success"}}"#);
    assert_eq!((token.balance("alice"), token.balance("bob")), (700, 300));
    assert_eq!(token.supply(), Some(1000));
}

#[test]
fn a_transfer_to_oneself_changes_nothing() {
    let mut token = Token::new();
    token.call(
        "alice",
        r#"{"transfer":{"recipient":"alice","amount":"300"}}"#,
    );
    assert_eq!(token.balance("alice"), 1000);
}

#[test]
fn nobody_can_transfer_more_than_they_have() {
    let mut token = Token::new();
    let refused = token.refused(
        "alice",
        r#"{"transfer":{"recipient":"bob","amount":"1001"}}"#,
    );
    assert_eq!(refused, "Generic error: insufficient funds: required=1001");
    assert_eq!((token.balance("alice"), token.balance("bob")), (1000, 0));
}

#[test]
fn fields_that_the_token_does_not_know_are_ignored() {
    let mut token = Token::new();
    token.call(
        "alice",
        r#"{"transfer":{"recipient":"bob","amount":"1","padding":"xxx","decoys":["carol",{"a":[1]}],"gas_target":"5","memo":null}}"#,
    );
    assert_eq!(token.balance("bob"), 1);
}

#[test]
fn a_batch_moves_everything_in_order() {
    let mut token = Token::new();
    let response = token.call(
        "alice",
        r#"{"batch_transfer":{"actions":[{"recipient":"bob","amount":"1"},{"recipient":"carol","amount":"2"}]}}"#,
    );
    assert_eq!(
        data(&response),
        r#"{"batch_transfer":{"status":"success"}}"#
    );
    assert_eq!((token.balance("bob"), token.balance("carol")), (1, 2));
}

#[test]
fn a_registered_receiver_is_told_in_a_padded_message() {
    let mut token = Token::new();
    token.call("shop", r#"{"register_receive":{"code_hash":"abcd"}}"#);
    let response = token.call(
        "alice",
        r#"{"send":{"recipient":"shop","amount":"5","msg":"e30=","memo":"for tea"}}"#,
    );
    let [message] = response.messages.as_slice() else {
        panic!("one message is sent");
    };
    let CosmosMsg::Wasm(WasmMsg::Execute {
        contract_addr,
        code_hash,
        msg,
        funds,
    }) = &message.msg
    else {
        panic!("a contract is called");
    };
    assert_eq!(
        (contract_addr.as_str(), code_hash.as_str()),
        ("shop", "abcd")
    );
    assert!(funds.is_empty());
    assert_eq!(msg.len(), BLOCK);
    assert_eq!(
        String::from_utf8(msg.to_vec()).unwrap().trim_end(),
        r#"{"receive":{"sender":"alice","from":"alice","amount":"5","memo":"for tea","msg":"e30="}}"#
    );
}

#[test]
fn a_send_without_memo_and_message_leaves_out_the_one_and_prints_null_for_the_other() {
    let mut token = Token::new();
    let response = token.call(
        "alice",
        r#"{"send":{"recipient":"shop","recipient_code_hash":"ef","amount":"5"}}"#,
    );
    let CosmosMsg::Wasm(WasmMsg::Execute { msg, code_hash, .. }) = &response.messages[0].msg else {
        panic!("a contract is called");
    };
    assert_eq!(code_hash, "ef");
    assert_eq!(
        String::from_utf8(msg.to_vec()).unwrap().trim_end(),
        r#"{"receive":{"sender":"alice","from":"alice","amount":"5","msg":null}}"#
    );
}

#[test]
fn a_send_to_somebody_who_did_not_register_is_a_transfer() {
    let mut token = Token::new();
    let response = token.call("alice", r#"{"send":{"recipient":"bob","amount":"5"}}"#);
    assert!(response.messages.is_empty());
    assert_eq!(token.balance("bob"), 5);
}
