//! Whom owners let see and move tokens, and for how long.

use super::*;

#[test]
fn an_approved_spender_moves_one_token_once_and_an_operator_all() {
    let mut nft = Nft::new();
    nft.call("alice", r#"{"approve":{"spender":"bob","token_id":"cat"}}"#)
        .unwrap();
    assert!(nft
        .call("bob", r#"{"approve":{"spender":"carol","token_id":"cat"}}"#)
        .is_err());
    let access = nft
        .ask_as("alice", "owner_of", r#""token_id":"cat""#)
        .unwrap();
    assert!(
        access.contains(r#""approvals":[{"spender":"bob","expires":"never"}]"#),
        "{access}"
    );
    nft.transfer("bob", "cat", "alice").unwrap();
    assert!(
        nft.transfer("bob", "cat", "bob").is_err(),
        "it ended with the transfer"
    );

    nft.call("alice", r#"{"approve_all":{"operator":"bob"}}"#)
        .unwrap();
    nft.transfer("bob", "cat", "carol").unwrap();
    nft.call("bob", r#"{"approve":{"spender":"carol","token_id":"dog"}}"#)
        .unwrap();
    nft.call("alice", r#"{"revoke_all":{"operator":"bob"}}"#)
        .unwrap();
    assert!(nft.transfer("bob", "dog", "bob").is_err());
    nft.call(
        "alice",
        r#"{"revoke":{"spender":"carol","token_id":"dog"}}"#,
    )
    .unwrap();
    assert!(nft.transfer("carol", "dog", "carol").is_err());
}

#[test]
fn operators_that_were_revoked_leave_room_for_others_and_what_they_had_before_is_void() {
    let mut nft = Nft::new();
    nft.call("alice", r#"{"approve":{"spender":"op0","token_id":"cat"}}"#)
        .unwrap();
    // Four times as many as a list has places.
    for n in 0..4 * crate::approval::APPROVED_MAX {
        let [approve, revoke] = ["approve_all", "revoke_all"]
            .map(|word| format!(r#"{{"{word}":{{"operator":"op{n}"}}}}"#));
        nft.call("alice", &approve).unwrap();
        nft.call("alice", &revoke).unwrap();
    }
    // Revoked for all, so for the cat too.
    assert!(nft.transfer("op0", "cat", "op0").is_err());
    let access = nft
        .ask_as("alice", "owner_of", r#""token_id":"cat""#)
        .unwrap();
    assert!(access.contains(r#""approvals":[]"#), "{access}");
    nft.call("alice", r#"{"approve":{"spender":"op0","token_id":"cat"}}"#)
        .unwrap();
    nft.transfer("op0", "cat", "op0").unwrap();

    // Denials of a token that deny nothing take no place either.
    for n in 0..2 * crate::approval::APPROVED_MAX {
        let [approve, revoke] = ["approve", "revoke"]
            .map(|word| format!(r#"{{"{word}":{{"spender":"op{n}","token_id":"dog"}}}}"#));
        nft.call("alice", &approve).unwrap();
        nft.call("alice", &revoke).unwrap();
    }
}

#[test]
fn an_operator_lends_nothing_for_longer_than_it_was_lent() {
    let mut nft = Nft::new();
    let end = nft.env.block.height + 5;
    let operator =
        format!(r#"{{"approve_all":{{"operator":"bob","expires":{{"at_height":{end}}}}}}}"#);
    nft.call("alice", &operator).unwrap();
    for spender in ["bob", "carol"] {
        let approve = format!(r#"{{"approve":{{"spender":"{spender}","token_id":"cat"}}}}"#);
        nft.call("bob", &approve).unwrap();
    }
    let time =
        r#"{"approve":{"spender":"carol","token_id":"cat","expires":{"at_time":9999999999}}}"#;
    assert!(nft.call("bob", time).unwrap_err().contains("of the kind"));
    let access = nft
        .ask_as("alice", "owner_of", r#""token_id":"cat""#)
        .unwrap();
    let until = format!(r#""expires":{{"at_height":{end}}}"#);
    assert_eq!(access.matches(&until).count(), 2, "{access}");
    nft.env.block.height = end;
    for spender in ["bob", "carol"] {
        assert!(nft.transfer(spender, "cat", spender).is_err(), "{spender}");
    }
}

#[test]
fn what_an_operator_lent_ends_with_the_word_of_the_owner_by_which_it_could_and_comes_back_by_none()
{
    let all = r#"{"approve_all":{"operator":"bob"}}"#;
    let lend = r#"{"approve":{"spender":"carol","token_id":"cat"}}"#;
    let listed = r#""approvals":[]"#;
    for ends in [
        r#"{"revoke_all":{"operator":"bob"}}"#,
        r#"{"set_whitelisted_approval":{"address":"bob","transfer":"none"}}"#,
        r#"{"revoke":{"spender":"bob","token_id":"cat"}}"#,
        r#"{"set_whitelisted_approval":{"address":"bob","token_id":"cat","transfer":"revoke_token"}}"#,
        r#"{"approve_all":{"operator":"bob","expires":{"at_height":1}}}"#,
    ] {
        let mut nft = Nft::new();
        nft.call("alice", all).unwrap();
        nft.call("bob", lend).unwrap();
        nft.call("alice", ends).unwrap();
        assert!(nft.transfer("carol", "cat", "carol").is_err(), "{ends}");
        let access = nft.ask_as("alice", "owner_of", r#""token_id":"cat""#);
        assert!(access.unwrap().contains(listed), "{ends}");
        nft.call("alice", all).unwrap();
        assert!(nft.transfer("carol", "cat", "carol").is_err(), "{ends}");
        // What the operator lends by the new word holds again.
        nft.call("bob", lend).unwrap();
        nft.transfer("carol", "cat", "carol").unwrap();
    }
}

#[test]
fn what_the_owner_lent_does_not_end_with_an_operators_right_and_what_an_operator_denied_stays() {
    let mut nft = Nft::new();
    for operator in ["bob", "carol"] {
        let all = format!(r#"{{"approve_all":{{"operator":"{operator}"}}}}"#);
        nft.call("alice", &all).unwrap();
    }
    nft.call(
        "alice",
        r#"{"approve":{"spender":"dave","token_id":"cat"}}"#,
    )
    .unwrap();
    nft.call("bob", r#"{"revoke":{"spender":"carol","token_id":"dog"}}"#)
        .unwrap();
    nft.call("alice", r#"{"revoke_all":{"operator":"bob"}}"#)
        .unwrap();
    assert!(nft.transfer("carol", "dog", "carol").is_err());
    nft.transfer("dave", "cat", "dave").unwrap();
}

#[test]
fn an_operator_that_was_denied_a_token_lends_it_to_nobody_not_even_to_itself() {
    let mut nft = Nft::new();
    nft.call("alice", r#"{"approve_all":{"operator":"bob"}}"#)
        .unwrap();
    nft.call("alice", r#"{"revoke":{"spender":"bob","token_id":"cat"}}"#)
        .unwrap();
    for spender in ["bob", "carol"] {
        let approve = format!(r#"{{"approve":{{"spender":"{spender}","token_id":"cat"}}}}"#);
        assert!(nft.call("bob", &approve).is_err(), "{spender}");
        assert!(nft.transfer(spender, "cat", spender).is_err(), "{spender}");
    }
    nft.transfer("bob", "dog", "bob").unwrap();
}

#[test]
fn approvals_end_at_their_time() {
    let mut nft = Nft::new();
    let height = nft.env.block.height + 5;
    let approve = format!(
        r#"{{"approve":{{"spender":"bob","token_id":"cat","expires":{{"at_height":{height}}}}}}}"#
    );
    nft.call("alice", &approve).unwrap();
    let verify = r#"{"verify_transfer_approval":{"token_ids":["cat","owl"],"address":"bob","viewing_key":"bob"}}"#;
    let yes =
        r#"{"verify_transfer_approval":{"approved_for_all":true,"first_unapproved_token":null}}"#;
    assert_eq!(nft.ask(verify).unwrap(), yes);
    nft.env.block.height = height;
    let no =
        r#"{"verify_transfer_approval":{"approved_for_all":false,"first_unapproved_token":"cat"}}"#;
    assert_eq!(nft.ask(verify).unwrap(), no);
    assert!(nft.transfer("bob", "cat", "bob").is_err());
}

#[test]
fn receivers_are_told_as_they_asked_to_be() {
    let mut nft = Nft::new();
    let told = |response: &Response| -> Vec<String> {
        let messages = response.messages.iter().map(|message| match &message.msg {
            CosmosMsg::Wasm(WasmMsg::Execute { msg, .. }) => text(msg.clone()),
            _ => panic!("a contract is called"),
        });
        messages.collect()
    };
    let send = r#"{"send_nft":{"contract":"shop","token_id":"cat","msg":"e30="}}"#;
    let info = r#"{"batch_send_nft":{"sends":[{"contract":"shop","token_ids":["dog"],"receiver_info":
        {"recipient_code_hash":"ab","also_implements_batch_receive_nft":true}}]}}"#;
    nft.call("shop", r#"{"register_receive_nft":{"code_hash":"cd"}}"#)
        .unwrap();
    let response = nft.respond("alice", send).unwrap();
    assert_eq!(
        told(&response),
        [r#"{"receive_nft":{"sender":"alice","token_id":"cat","msg":"e30="}}"#]
    );
    nft.call("alice", r#"{"approve_all":{"operator":"bob"}}"#)
        .unwrap();
    let response = nft.respond("bob", info).unwrap();
    let expected =
        r#"{"batch_receive_nft":{"sender":"bob","from":"alice","token_ids":["dog"],"msg":null}}"#;
    assert_eq!(told(&response), [expected]);
    let unknown = r#"{"send_nft":{"contract":"bob","token_id":"owl"}}"#;
    assert!(nft.respond("bob", unknown).unwrap().messages.is_empty());
}
