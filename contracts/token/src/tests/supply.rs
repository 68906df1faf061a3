//! Making and destroying tokens, and what the admin may.

use super::*;

#[test]
fn only_minters_mint_and_the_supply_cannot_overflow() {
    let mut token = Token::new();
    let mint = r#"{"mint":{"recipient":"bob","amount":"50"}}"#;
    assert_eq!(
        token.refused("bob", mint),
        "Generic error: Minting is allowed to minter accounts only"
    );
    token.call("admin", r#"{"add_minters":{"minters":["bob"]}}"#);
    token.call("bob", mint);
    assert_eq!(token.supply(), Some(1050));
    let too_many = format!(
        r#"{{"mint":{{"recipient":"bob","amount":"{}"}}}}"#,
        u128::MAX
    );
    assert_eq!(
        token.refused("bob", &too_many),
        "Generic error: this would make more tokens than can be counted"
    );
    token.call("admin", r#"{"remove_minters":{"minters":["bob"]}}"#);
    assert!(token.refused("bob", mint).contains("minter accounts only"));
    token.call("admin", r#"{"set_minters":{"minters":["carol"]}}"#);
    assert!(token
        .refused("admin", mint)
        .contains("minter accounts only"));
}

#[test]
fn burning_takes_from_balance_supply_and_allowance() {
    let mut token = Token::new();
    token.call("alice", r#"{"burn":{"amount":"100","memo":"ash"}}"#);
    token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"30"}}"#,
    );
    token.call(
        "bob",
        r#"{"batch_burn_from":{"actions":[{"owner":"alice","amount":"10"},{"owner":"alice","amount":"20"}]}}"#,
    );
    assert_eq!((token.balance("alice"), token.supply()), (870, Some(870)));
    assert_eq!(token.allowance("alice", "bob"), 0);
}

#[test]
fn coins_become_tokens_and_tokens_become_coins() {
    let mut token = Token::new();
    token
        .call_with("bob", &coins(500, "uscrt"), r#"{"deposit":{}}"#)
        .unwrap();
    assert_eq!(token.balance("bob"), 500);
    let response = token.call("bob", r#"{"redeem":{"amount":"200"}}"#);
    assert_eq!(
        response.messages[0].msg,
        CosmosMsg::Bank(BankMsg::Send {
            to_address: "bob".into(),
            amount: coins(200, "uscrt"),
        })
    );
    assert_eq!((token.balance("bob"), token.supply()), (300, Some(1300)));
    let refused = token.call_with("bob", &coins(5, "uatom"), r#"{"deposit":{}}"#);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Generic error: Tried to deposit an unsupported coin uatom"
    );
    assert_eq!(
        token.refused("bob", r#"{"redeem":{"amount":"1","denom":"uatom"}}"#),
        "Generic error: Tried to redeem for an unsupported coin uatom"
    );
    token.call("admin", r#"{"add_supported_denoms":{"denoms":["uatom"]}}"#);
    assert!(token
        .refused("bob", r#"{"redeem":{"amount":"1"}}"#)
        .contains("must be named"));
}

#[test]
fn the_admin_hands_over_and_only_the_admin_may() {
    let mut token = Token::new();
    let take = r#"{"change_admin":{"address":"bob"}}"#;
    assert!(token.refused("bob", take).contains("admin command"));
    token.call("admin", take);
    assert!(token.refused("admin", take).contains("admin command"));
    token.call("bob", take);
}

#[test]
fn a_stopped_contract_lets_out_only_what_its_level_allows() {
    let mut token = Token::new();
    let stop = |level: &str| format!(r#"{{"set_contract_status":{{"level":"{level}"}}}}"#);
    let transfer = r#"{"transfer":{"recipient":"bob","amount":"1"}}"#;
    let redeem = r#"{"redeem":{"amount":"1"}}"#;
    let stopped = "Generic error: This contract is stopped and this action is not allowed";

    token.call("admin", &stop("stop_all_but_redeems"));
    assert_eq!(token.refused("alice", transfer), stopped);
    token.call("alice", redeem);
    token.call("admin", &stop("stop_all"));
    assert_eq!(token.refused("alice", redeem), stopped);
    assert!(token
        .refused("alice", &stop("normal_run"))
        .contains("admin command"));
    token.call("admin", &stop("normal_run"));
    token.call("alice", transfer);
}

#[test]
fn what_was_not_switched_on_is_refused() {
    let mut deps = mock_dependencies();
    let admin = mock_info("admin", &[]);
    let msg = instantiate_msg("");
    instantiate(deps.as_mut(), mock_env(), admin, msg).unwrap();
    let mut token = Token { deps, now: 1 };
    assert_eq!(token.supply(), None);
    for (json, kind) in [
        (r#"{"mint":{"recipient":"bob","amount":"1"}}"#, "Mint"),
        (r#"{"burn":{"amount":"1"}}"#, "Burn"),
        (r#"{"redeem":{"amount":"1"}}"#, "Redeem"),
        (r#"{"deposit":{}}"#, "Deposit"),
        (r#"{"set_minters":{"minters":["bob"]}}"#, "Mint"),
        (r#"{"add_supported_denoms":{"denoms":["x"]}}"#, "denoms"),
    ] {
        assert!(token.refused("admin", json).contains(kind), "{json}");
    }
}

#[test]
fn bad_names_are_refused_at_the_start() {
    let try_with = |change: fn(&mut InstantiateMsg)| {
        let mut deps = mock_dependencies();
        let mut msg = instantiate_msg("");
        change(&mut msg);
        instantiate(deps.as_mut(), mock_env(), mock_info("admin", &[]), msg).is_err()
    };
    assert!(!try_with(|_| ()));
    assert!(try_with(|msg| msg.name = "ab".into()));
    assert!(try_with(|msg| msg.name = "x".repeat(31)));
    assert!(try_with(|msg| msg.symbol = "ab".into()));
    assert!(try_with(|msg| msg.symbol = "lower".into()));
    assert!(try_with(|msg| msg.decimals = 19));
}

#[test]
fn public_queries_answer_in_the_usual_shapes() {
    let token = Token::new();
    let text = |json: &str| {
        let msg: QueryMsg = from_slice(json.as_bytes()).unwrap();
        let Binary(answer) = query(token.deps.as_ref(), mock_env(), msg).unwrap();
        String::from_utf8(answer).unwrap().trim_end().to_string()
    };
    assert_eq!(
        text(r#"{"token_info":{}}"#),
        r#"{"token_info":{"name":"Secret Example","symbol":"SEXM","decimals":6,"total_supply":"1000"}}"#
    );
    assert_eq!(
        text(r#"{"token_config":{}}"#),
        r#"{"token_config":{"public_total_supply":true,"deposit_enabled":true,"redeem_enabled":true,"mint_enabled":true,"burn_enabled":true,"supported_denoms":["uscrt"]}}"#
    );
    assert_eq!(
        text(r#"{"contract_status":{}}"#),
        r#"{"contract_status":{"status":"normal_run"}}"#
    );
    assert_eq!(
        text(r#"{"minters":{}}"#),
        r#"{"minters":{"minters":["admin"]}}"#
    );
    assert_eq!(
        text(r#"{"exchange_rate":{}}"#),
        r#"{"exchange_rate":{"rate":"1","denom":"uscrt"}}"#
    );
}
