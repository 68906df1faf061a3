//! The token through its entry points, as the chain calls it.

use cosmwasm_std::testing::{
    mock_dependencies, mock_env, mock_info, MockApi, MockQuerier, MockStorage,
};
use cosmwasm_std::{
    coins, from_binary, from_slice, BankMsg, Binary, CosmosMsg, OwnedDeps, Response, StdResult,
    WasmMsg,
};

use crate::msg::{ExecuteAnswer, ExecuteMsg, InstantiateMsg, QueryAnswer, QueryMsg};
use crate::{execute, instantiate, query};
use snip::padding::BLOCK;

/// A token with everything switched on: alice has 1000, admin administrates and mints.
struct Token {
    deps: OwnedDeps<MockStorage, MockApi, MockQuerier>,
    now: u64,
}

impl Token {
    fn new() -> Self {
        let mut deps = mock_dependencies();
        let config = r#"{"public_total_supply":true,"enable_deposit":true,"enable_redeem":true,
            "enable_mint":true,"enable_burn":true,"can_modify_denoms":true}"#;
        let msg = instantiate_msg(&format!(r#","config":{config}"#));
        instantiate(deps.as_mut(), mock_env(), mock_info("admin", &[]), msg).unwrap();
        Token { deps, now: 1_000 }
    }

    fn env(&self) -> cosmwasm_std::Env {
        let mut env = mock_env();
        env.block.time = cosmwasm_std::Timestamp::from_seconds(self.now);
        env
    }

    fn call_with(
        &mut self,
        who: &str,
        funds: &[cosmwasm_std::Coin],
        json: &str,
    ) -> StdResult<Response> {
        let msg: ExecuteMsg = from_slice(json.as_bytes()).unwrap();
        let env = self.env();
        execute(self.deps.as_mut(), env, mock_info(who, funds), msg)
    }

    fn call(&mut self, who: &str, json: &str) -> Response {
        self.call_with(who, &[], json).unwrap()
    }

    fn refused(&mut self, who: &str, json: &str) -> String {
        self.call_with(who, &[], json).unwrap_err().to_string()
    }

    fn ask(&self, json: &str) -> QueryAnswer {
        let msg: QueryMsg = from_slice(json.as_bytes()).unwrap();
        let answer = query(self.deps.as_ref(), self.env(), msg).unwrap();
        assert_eq!(
            answer.len() % BLOCK,
            0,
            "the length of an answer tells nothing"
        );
        from_binary(&answer).unwrap()
    }

    fn balance(&mut self, who: &str) -> u128 {
        self.call(who, r#"{"set_viewing_key":{"key":"k"}}"#);
        let ask = format!(r#"{{"balance":{{"address":"{who}","key":"k"}}}}"#);
        let QueryAnswer::Balance { amount } = self.ask(&ask) else {
            panic!("a balance was asked for");
        };
        amount.u128()
    }

    fn allowance(&mut self, owner: &str, spender: &str) -> u128 {
        self.call(owner, r#"{"set_viewing_key":{"key":"k"}}"#);
        let ask =
            format!(r#"{{"allowance":{{"owner":"{owner}","spender":"{spender}","key":"k"}}}}"#);
        let QueryAnswer::Allowance { allowance, .. } = self.ask(&ask) else {
            panic!("an allowance was asked for");
        };
        allowance.u128()
    }

    fn supply(&self) -> Option<u128> {
        let QueryAnswer::TokenInfo { total_supply, .. } = self.ask(r#"{"token_info":{}}"#) else {
            panic!("token info was asked for");
        };
        total_supply.map(|supply| supply.u128())
    }
}

fn instantiate_msg(more: &str) -> InstantiateMsg {
    let json = format!(
        r#"{{"name":"Secret Example","symbol":"SEXM","decimals":6,"prng_seed":"c2VlZA==",
        "initial_balances":[{{"address":"alice","amount":"1000"}}],"supported_denoms":["uscrt"]{more}}}"#
    );
    from_slice(json.as_bytes()).unwrap()
}

fn data(response: &Response) -> String {
    let data = response.data.as_ref().unwrap();
    assert_eq!(data.len() % BLOCK, 0);
    String::from_utf8(data.to_vec())
        .unwrap()
        .trim_end()
        .to_string()
}

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
    assert_eq!(
        refused,
        "Generic error: insufficient funds: balance=1000, required=1001"
    );
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

/// Keys of the notifications of a response.
fn notified(response: &Response) -> Vec<&str> {
    let public = response.attributes.iter().filter(|a| !a.encrypted);
    let keys = public.map(|a| a.key.strip_prefix("snip52:").unwrap());
    keys.collect()
}

impl Token {
    /// The id that an account waits for in the transaction that all of these tests are in.
    fn id(&mut self, who: &str, channel: &str) -> String {
        self.call(who, r#"{"set_viewing_key":{"key":"k"}}"#);
        let hash = mock_env().transaction.unwrap().hash;
        let ask = format!(
            r#"{{"channel_info":{{"channels":["{channel}"],"txhash":"{hash}","viewer":{{"address":"{who}","viewing_key":"k"}}}}}}"#
        );
        let QueryAnswer::ChannelInfo { channels, .. } = self.ask(&ask) else {
            panic!("a channel was asked for");
        };
        channels[0].answer_id.as_ref().unwrap().to_base64()
    }
}

#[test]
fn both_sides_of_a_transfer_are_notified_and_nobody_else() {
    let mut token = Token::new();
    let expected = [token.id("alice", "spent"), token.id("bob", "recvd")];
    // As the chain gives it, and as the query makes it of any spelling.
    let mut env = token.env();
    env.transaction
        .as_mut()
        .unwrap()
        .hash
        .make_ascii_uppercase();
    let transfer = r#"{"transfer":{"recipient":"bob","amount":"300","memo":"hi"}}"#;
    let msg = from_slice(transfer.as_bytes()).unwrap();
    let response = execute(token.deps.as_mut(), env, mock_info("alice", &[]), msg).unwrap();
    assert_eq!(notified(&response), expected);
}

#[test]
fn a_batch_notifies_each_once_and_a_second_message_of_the_transaction_nobody_again() {
    let mut token = Token::new();
    let batch = r#"{"batch_transfer":{"actions":[{"recipient":"bob","amount":"1"},{"recipient":"carol","amount":"2"},{"recipient":"bob","amount":"3"}]}}"#;
    let response = token.call("alice", batch);
    let first = notified(&response);
    assert_eq!(first.len(), 3, "alice, bob and carol");
    let response = token.call("alice", r#"{"transfer":{"recipient":"bob","amount":"1"}}"#);
    let second = notified(&response);
    assert_eq!(second.len(), 2, "noise");
    assert!(second.iter().all(|id| !first.contains(id)));
}

#[test]
fn allowances_mints_and_burns_notify_and_the_admin_can_end_it() {
    let mut token = Token::new();
    for (sender, message, account, channel) in [
        (
            "alice",
            r#"{"increase_allowance":{"spender":"bob","amount":"5"}}"#,
            "bob",
            "allowance",
        ),
        (
            "admin",
            r#"{"mint":{"recipient":"carol","amount":"5"}}"#,
            "carol",
            "recvd",
        ),
        ("alice", r#"{"burn":{"amount":"5"}}"#, "alice", "spent"),
    ] {
        let mut env = token.env();
        env.transaction
            .as_mut()
            .unwrap()
            .hash
            .make_ascii_uppercase();
        let id = token.id(account, channel);
        let msg = from_slice(message.as_bytes()).unwrap();
        let response = execute(token.deps.as_mut(), env, mock_info(sender, &[]), msg).unwrap();
        let told = notified(&response);
        assert_eq!((told[0], told.len()), (id.as_str(), 2), "{message}");
    }
    let quiet = token.call("alice", r#"{"set_viewing_key":{"key":"k"}}"#);
    assert_eq!(
        notified(&quiet).len(),
        2,
        "what notifies nobody looks the same"
    );
    let off = r#"{"set_notification_status":{"enabled":false}}"#;
    assert!(token.refused("alice", off).contains("admin command"));
    token.call("admin", off);
    let transfer = r#"{"transfer":{"recipient":"dave","amount":"1"}}"#;
    assert!(notified(&token.call("carol", transfer)).is_empty());
}

#[test]
fn channels_are_listed_and_a_seed_is_for_its_account() {
    let mut token = Token::new();
    let QueryAnswer::ListChannels { channels } = token.ask(r#"{"list_channels":{}}"#) else {
        panic!("channels were asked for");
    };
    assert_eq!(channels, ["recvd", "spent", "allowance"]);
    let mut seed = |who: &str| {
        token.call(who, r#"{"set_viewing_key":{"key":"k"}}"#);
        let ask = format!(
            r#"{{"channel_info":{{"channels":["recvd"],"viewer":{{"address":"{who}","viewing_key":"k"}}}}}}"#
        );
        match token.ask(&ask) {
            QueryAnswer::ChannelInfo { seed, .. } => seed,
            other => panic!("{other:?}"),
        }
    };
    assert_ne!(seed("alice"), seed("bob"));
    let wrong =
        r#"{"channel_info":{"channels":["recvd"],"viewer":{"address":"alice","viewing_key":"x"}}}"#;
    assert!(matches!(
        token.ask(wrong),
        QueryAnswer::ViewingKeyError { .. }
    ));
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
    let delete = r#"{"delete_permit_revocation":{"revocation_id":"1"}}"#;
    assert!(token.refused("bob", delete).contains("No revocation found"));
    let response = token.call("alice", delete);
    let success = r#"{"delete_permit_revocation":{"status":"success"}}"#;
    assert_eq!(data(&response), success);
    assert!(listed(&token).is_empty());
}
