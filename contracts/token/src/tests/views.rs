//! Who may read: keys, permits, histories.

use super::*;

#[test]
fn a_wrong_and_a_missing_viewing_key_get_the_same_answer() {
    let mut token = Token::new();
    let ask = r#"{"balance":{"address":"alice","key":"guess"}}"#;
    let missing = token.ask(ask);
    token.call("alice", r#"{"set_viewing_key":{"key":"real"}}"#);
    assert_eq!(token.ask(ask), missing);
    assert_eq!(
        missing,
        QueryAnswer::ViewingKeyError {
            msg: "Wrong viewing key for this address or viewing key not set".into()
        }
    );
}

#[test]
fn a_created_viewing_key_opens_the_balance() {
    let mut token = Token::new();
    let response = token.call("alice", r#"{"create_viewing_key":{"entropy":"dice"}}"#);
    let answer: ExecuteAnswer = from_slice(data(&response).as_bytes()).unwrap();
    let ExecuteAnswer::CreateViewingKey { key } = answer else {
        panic!("a key was asked for");
    };
    let ask = format!(r#"{{"balance":{{"address":"alice","key":"{key}"}}}}"#);
    assert!(matches!(token.ask(&ask), QueryAnswer::Balance { .. }));
}

#[test]
fn histories_are_newest_first_and_seen_by_everybody_who_took_part() {
    let mut token = Token::new();
    token.call(
        "alice",
        r#"{"transfer":{"recipient":"bob","amount":"1","memo":"first"}}"#,
    );
    token.call("alice", r#"{"transfer":{"recipient":"bob","amount":"2"}}"#);
    token.call("bob", r#"{"burn":{"amount":"3"}}"#);
    for who in ["alice", "bob"] {
        token.call(who, r#"{"set_viewing_key":{"key":"k"}}"#);
    }
    let msg = r#"{"transfer_history":{"address":"bob","key":"k","page":0,"page_size":10,"should_filter_decoys":false}}"#;
    let QueryAnswer::TransferHistory { txs, total } = token.ask(msg) else {
        panic!("transfers were asked for");
    };
    let seen: Vec<_> = txs
        .iter()
        .map(|t| (t.id, t.coins.amount.u128(), t.memo.as_deref()))
        .collect();
    assert_eq!(
        (seen, total),
        (vec![(3, 2, None), (2, 1, Some("first"))], Some(2))
    );
    assert_eq!(txs[0].coins.denom, "SEXM");
    assert_eq!(txs[0].block_time, 1_000);

    let msg = r#"{"transaction_history":{"address":"bob","key":"k","page":1,"page_size":2}}"#;
    let QueryAnswer::TransactionHistory { txs, total } = token.ask(msg) else {
        panic!("everything was asked for");
    };
    assert_eq!((txs.len(), txs[0].id, total), (1, 2, Some(3)));
    let msg = r#"{"transaction_history":{"address":"alice","key":"k","page_size":9}}"#;
    let QueryAnswer::TransactionHistory { txs, total } = token.ask(msg) else {
        panic!("everything was asked for");
    };
    assert_eq!((txs.last().unwrap().id, total), (1, Some(3)));
}

#[test]
fn all_permits_are_withdrawn_by_a_revocation_that_can_be_seen_and_deleted() {
    let mut token = Token::new();
    token.call("alice", r#"{"set_viewing_key":{"key":"k"}}"#);
    let revoke = r#"{"revoke_all_permits":{"interval":{"created_before":"1700000000"}}}"#;
    let response = token.call("alice", revoke);
    assert_eq!(
        data(&response),
        r#"{"revoke_all_permits":{"status":"success","revocation_id":"1"}}"#
    );
    let ask = r#"{"list_permit_revocations":{"page":0,"page_size":10,"viewer":{"address":"alice","viewing_key":"k"}}}"#;
    let listed = |token: &Token| match token.ask(ask) {
        QueryAnswer::ListPermitRevocations { revocations } => revocations,
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(&token)[0].revocation_id, "1");
    let all = token.call("alice", r#"{"revoke_all_permits":{}}"#);
    let named = r#"{"revoke_all_permits":{"status":"success","revocation_id":"REVOKED_ALL"}}"#;
    assert_eq!(data(&all), named);
    let delete = r#"{"delete_permit_revocation":{"revocation_id":"REVOKED_ALL"}}"#;
    token.call("alice", delete);
    let delete = r#"{"delete_permit_revocation":{"revocation_id":"1"}}"#;
    assert!(token.refused("bob", delete).contains("No revocation found"));
    let response = token.call("alice", delete);
    let success = r#"{"delete_permit_revocation":{"status":"success"}}"#;
    assert_eq!(data(&response), success);
    assert!(listed(&token).is_empty());
}
