//! Spending what is somebody else's.

use super::*;

#[test]
fn an_allowance_can_be_spent_once() {
    let mut token = Token::new();
    let response = token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"100"}}"#,
    );
    assert_eq!(
        data(&response),
        r#"{"increase_allowance":{"spender":"bob","owner":"alice","allowance":"100"}}"#
    );
    let spend = r#"{"transfer_from":{"owner":"alice","recipient":"carol","amount":"60"}}"#;
    token.call("bob", spend);
    assert_eq!(token.balance("carol"), 60);
    assert_eq!(token.allowance("alice", "bob"), 40);
    assert_eq!(
        token.refused("bob", spend),
        "Generic error: insufficient allowance: allowance=40, required=60"
    );
    assert_eq!(
        token.refused("carol", spend),
        "Generic error: insufficient allowance: allowance=0, required=60"
    );
}

#[test]
fn who_is_allowed_nothing_moves_not_even_nothing_in_anothers_name() {
    let mut token = Token::new();
    let refused = "Generic error: insufficient allowance: allowance=0, required=0";
    let none = r#"{"send_from":{"owner":"alice","recipient":"carol","amount":"0"}}"#;
    assert_eq!(token.refused("mallory", none), refused);
    let none = r#"{"transfer_from":{"owner":"alice","recipient":"carol","amount":"0"}}"#;
    assert_eq!(token.refused("mallory", none), refused);
    let none = r#"{"burn_from":{"owner":"alice","amount":"0"}}"#;
    assert!(token.refused("mallory", none).contains("allowance=0"));
    // And one who has spent it all.
    token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"1"}}"#,
    );
    let one = r#"{"transfer_from":{"owner":"alice","recipient":"carol","amount":"1"}}"#;
    token.call("bob", one);
    let none = r#"{"transfer_from":{"owner":"alice","recipient":"carol","amount":"0"}}"#;
    assert_eq!(token.refused("bob", none), refused);
}

#[test]
fn a_spender_is_not_told_how_much_the_owner_has() {
    let mut token = Token::new();
    token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"5000"}}"#,
    );
    for spend in ["transfer_from", "send_from"] {
        let spend =
            format!(r#"{{"{spend}":{{"owner":"alice","recipient":"bob","amount":"1001"}}}}"#);
        let refused = token.refused("bob", &spend);
        assert_eq!(refused, "Generic error: insufficient funds: required=1001");
    }
    let burn = r#"{"burn_from":{"owner":"alice","amount":"1001"}}"#;
    let refused = token.refused("bob", burn);
    assert_eq!(refused, "Generic error: insufficient funds: required=1001");
}

#[test]
fn an_expired_allowance_is_worth_nothing_and_does_not_come_back() {
    let mut token = Token::new();
    token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"100","expiration":2000}}"#,
    );
    token.now = 2000;
    let spend = r#"{"transfer_from":{"owner":"alice","recipient":"bob","amount":"1"}}"#;
    assert_eq!(
        token.refused("bob", spend),
        "Generic error: insufficient allowance: allowance=0, required=1"
    );
    token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"7"}}"#,
    );
    assert_eq!(token.allowance("alice", "bob"), 7);
    token.call("bob", spend);
}

#[test]
fn a_decrease_stops_at_nothing() {
    let mut token = Token::new();
    token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"5"}}"#,
    );
    let response = token.call(
        "alice",
        r#"{"decrease_allowance":{"spender":"bob","amount":"9"}}"#,
    );
    assert_eq!(
        data(&response),
        r#"{"decrease_allowance":{"spender":"bob","owner":"alice","allowance":"0"}}"#
    );
}

#[test]
fn both_sides_can_list_their_allowances_newest_first() {
    let mut token = Token::new();
    for spender in ["bob", "carol", "dave", "bob"] {
        token.call(
            "alice",
            &format!(r#"{{"increase_allowance":{{"spender":"{spender}","amount":"5"}}}}"#),
        );
    }
    token.call("alice", r#"{"set_viewing_key":{"key":"k"}}"#);
    let page = r#"{"allowances_given":{"owner":"alice","key":"k","page":0,"page_size":2}}"#;
    let QueryAnswer::AllowancesGiven {
        allowances, count, ..
    } = token.ask(page)
    else {
        panic!("allowances were asked for");
    };
    let spenders: Vec<&str> = allowances.iter().map(|a| a.spender.as_str()).collect();
    assert_eq!((spenders, count), (vec!["dave", "carol"], 3));

    token.call("bob", r#"{"set_viewing_key":{"key":"k"}}"#);
    let page = r#"{"allowances_received":{"spender":"bob","key":"k","page_size":9}}"#;
    let QueryAnswer::AllowancesReceived {
        allowances, count, ..
    } = token.ask(page)
    else {
        panic!("allowances were asked for");
    };
    assert_eq!((allowances[0].allowance.u128(), count), (10, 1));
}
