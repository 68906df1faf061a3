//! The contract through its entry points, as the chain calls it.

use cosmwasm_std::testing::{
    mock_dependencies, mock_env, mock_info, MockApi, MockQuerier, MockStorage,
};
use cosmwasm_std::{from_slice, CosmosMsg, OwnedDeps, WasmMsg};
use snip::padding::BLOCK;

use super::*;

const GOLD: &str = r#"{"token_info":{"token_id":"gold","name":"Gold","symbol":"GLD","token_config":{"fungible":{"minters":["mint"],
    "decimals":6,"public_total_supply":true,"enable_mint":true,"enable_burn":true,"minter_may_update_metadata":true}},
    "public_metadata":{"token_uri":"public gold"},"private_metadata":{"token_uri":"secret gold"}},
    "balances":[{"address":"alice","amount":"1000"}]}"#;
const CROWN: &str = r#"{"token_info":{"token_id":"crown","name":"Crown","symbol":"CRN","token_config":{"nft":{"minters":[],
    "public_total_supply":true,"owner_is_public":true,"enable_burn":false,"owner_may_update_metadata":true,"minter_may_update_metadata":false}},
    "private_metadata":{"token_uri":"secret crown"}},"balances":[{"address":"alice","amount":"1"}]}"#;

struct Tokens {
    deps: OwnedDeps<MockStorage, MockApi, MockQuerier>,
    env: Env,
}

impl Tokens {
    /// Alice has 1000 gold and the crown. Everybody's key is their name.
    fn new() -> Self {
        let mut deps = mock_dependencies();
        let begin = format!(
            r#"{{"has_admin":true,"admin":"admin","curators":["curator"],"initial_tokens":[{GOLD},{CROWN}],"entropy":"e"}}"#
        );
        let begin = from_slice(begin.as_bytes()).unwrap();
        instantiate(deps.as_mut(), mock_env(), mock_info("curator", &[]), begin).unwrap();
        let mut tokens = Tokens {
            deps,
            env: mock_env(),
        };
        for who in ["alice", "bob", "carol"] {
            let set = format!(r#"{{"set_viewing_key":{{"key":"{who}"}}}}"#);
            tokens.call(who, &set).unwrap();
        }
        tokens
    }

    fn respond(&mut self, who: &str, json: &str) -> StdResult<Response> {
        let msg: ExecuteMsg = from_slice(json.as_bytes())?;
        execute(
            self.deps.as_mut(),
            self.env.clone(),
            mock_info(who, &[]),
            msg,
        )
    }

    fn call(&mut self, who: &str, json: &str) -> Result<String, String> {
        let response = self.respond(who, json).map_err(|error| error.to_string())?;
        Ok(text(response.data.unwrap()))
    }

    fn transfer(
        &mut self,
        who: &str,
        id: &str,
        from: &str,
        to: &str,
        amount: u128,
    ) -> Result<String, String> {
        let json = format!(
            r#"{{"transfer":{{"token_id":"{id}","from":"{from}","recipient":"{to}","amount":"{amount}"}}}}"#
        );
        self.call(who, &json)
    }

    fn ask(&self, json: &str) -> Result<String, String> {
        let msg: QueryMsg = from_slice(json.as_bytes()).unwrap();
        let answer = query(self.deps.as_ref(), self.env.clone(), msg);
        answer.map(text).map_err(|error| error.to_string())
    }

    fn balance_for(&self, viewer: &str, id: &str, owner: &str) -> Result<String, String> {
        self.ask(&format!(
            r#"{{"balance":{{"token_id":"{id}","owner":"{owner}","viewer":"{viewer}","key":"{viewer}"}}}}"#
        ))
    }

    fn balances(&self, owner: &str) -> String {
        self.ask(&format!(
            r#"{{"all_balances":{{"owner":"{owner}","key":"{owner}"}}}}"#
        ))
        .unwrap()
    }
}

fn text(bytes: Binary) -> String {
    assert_eq!(
        bytes.len() % BLOCK,
        0,
        "the length of an answer tells nothing"
    );
    String::from_utf8(bytes.0).unwrap().trim_end().to_string()
}

fn amount(amount: u128) -> Result<String, String> {
    Ok(format!(r#"{{"balance":{{"amount":"{amount}"}}}}"#))
}

#[test]
fn tokens_move_and_only_their_owners_see_balances() {
    let mut t = Tokens::new();
    let answer = t.transfer("alice", "gold", "alice", "bob", 300).unwrap();
    assert_eq!(answer, r#"{"transfer":{"status":"success"}}"#);
    assert_eq!(t.balance_for("alice", "gold", "alice"), amount(700));
    assert_eq!(t.balance_for("bob", "gold", "bob"), amount(300));
    assert!(t
        .balance_for("bob", "gold", "alice")
        .unwrap_err()
        .contains("do not have permission"));
    let refused = t.transfer("bob", "gold", "bob", "carol", 301).unwrap_err();
    assert_eq!(refused, "Generic error: insufficient funds: required=301");
    assert!(t
        .transfer("alice", "silver", "alice", "bob", 1)
        .unwrap_err()
        .contains("does not exist"));
}

#[test]
fn what_was_let_of_a_token_of_a_kind_ends_with_its_sale_and_does_not_come_back_with_it() {
    let mut t = Tokens::new();
    let give = r#"{"give_permission":{"allowed_address":"bob","token_id":"crown","transfer":"5","view_private_metadata":true}}"#;
    let private = r#"{"token_id_private_info":{"token_id":"crown","address":"bob","key":"bob"}}"#;
    t.call("alice", give).unwrap();
    assert!(t.ask(private).unwrap().contains("secret crown"));
    t.transfer("alice", "crown", "alice", "carol", 1).unwrap();
    t.transfer("carol", "crown", "carol", "alice", 1).unwrap();
    let refused = t.transfer("bob", "crown", "alice", "bob", 1).unwrap_err();
    assert!(
        refused.contains("not granted transfer permission"),
        "{refused}"
    );
    assert!(t.ask(private).is_err());
    let left = r#"{"permission":{"owner":"alice","allowed_address":"bob","key":"alice","token_id":"crown"}}"#;
    assert_eq!(t.ask(left).unwrap(), r#"{"permission":null}"#);
    t.call("alice", give).unwrap();
    t.transfer("bob", "crown", "alice", "bob", 1).unwrap();
    // Of many alike it stays, as an allowance does.
    let gold = give.replace("crown", "gold");
    t.call("alice", &gold).unwrap();
    t.transfer("alice", "gold", "alice", "carol", 1_000)
        .unwrap();
    t.transfer("carol", "gold", "carol", "alice", 1_000)
        .unwrap();
    t.transfer("bob", "gold", "alice", "bob", 5).unwrap();
}

#[test]
fn who_may_move_tokens_is_not_told_how_many_there_are() {
    let mut t = Tokens::new();
    let give =
        r#"{"give_permission":{"allowed_address":"bob","token_id":"gold","transfer":"5000"}}"#;
    t.call("alice", give).unwrap();
    let refused = t
        .transfer("bob", "gold", "alice", "bob", 2_000)
        .unwrap_err();
    assert_eq!(refused, "Generic error: insufficient funds: required=2000");
}

#[test]
fn a_token_of_a_kind_has_one_owner() {
    let mut t = Tokens::new();
    let owner = |t: &Tokens| {
        t.ask(r#"{"token_id_public_info":{"token_id":"crown"}}"#)
            .unwrap()
    };
    assert!(owner(&t).contains(r#""owner":"alice""#));
    assert!(t.transfer("bob", "crown", "bob", "bob", 1).is_err());
    t.transfer("bob", "crown", "bob", "bob", 0).unwrap();
    assert!(owner(&t).contains(r#""owner":"alice""#), "nothing moved");
    t.transfer("alice", "crown", "alice", "bob", 1).unwrap();
    assert!(owner(&t).contains(r#""owner":"bob""#));
    assert_eq!(
        t.balances("alice"),
        r#"{"all_balances":[{"token_id":"gold","amount":"1000"}]}"#
    );
    assert_eq!(
        t.balances("bob"),
        r#"{"all_balances":[{"token_id":"crown","amount":"1"}]}"#
    );
}

#[test]
fn who_was_let_moves_as_many_as_that_until_then() {
    let mut t = Tokens::new();
    let refused = t.transfer("bob", "gold", "alice", "bob", 1).unwrap_err();
    assert!(refused.contains("not granted transfer permission"));
    let height = t.env.block.height + 5;
    let give = format!(
        r#"{{"give_permission":{{"allowed_address":"bob","token_id":"gold","transfer":"10","transfer_expiry":{{"at_height":{height}}}}}}}"#
    );
    t.call("alice", &give).unwrap();
    t.transfer("bob", "gold", "alice", "carol", 7).unwrap();
    let refused = t.transfer("bob", "gold", "alice", "carol", 4).unwrap_err();
    assert_eq!(
        refused,
        "Generic error: Insufficient transfer allowance: 3, required: 4"
    );
    assert!(
        t.transfer("bob", "crown", "alice", "bob", 1).is_err(),
        "another token"
    );
    t.env.block.height = height;
    assert!(
        t.transfer("bob", "gold", "alice", "carol", 1).is_err(),
        "over"
    );
    assert_eq!(t.balance_for("carol", "gold", "carol"), amount(7));
}

#[test]
fn who_was_let_sees_until_it_is_taken_back() {
    let mut t = Tokens::new();
    let private = r#"{"token_id_private_info":{"token_id":"crown","address":"bob","key":"bob"}}"#;
    assert!(t.ask(private).is_err());
    for id in ["gold", "crown"] {
        let give = format!(
            r#"{{"give_permission":{{"allowed_address":"bob","token_id":"{id}","view_balance":true,"view_private_metadata":true}}}}"#
        );
        t.call("alice", &give).unwrap();
    }
    assert_eq!(t.balance_for("bob", "gold", "alice"), amount(1000));
    assert!(t.ask(private).unwrap().contains("secret crown"));
    let permission =
        r#"{"permission":{"owner":"alice","allowed_address":"bob","key":"bob","token_id":"gold"}}"#;
    assert!(t
        .ask(permission)
        .unwrap()
        .contains(r#""view_balance_perm":true"#));
    let revoke =
        r#"{"revoke_permission":{"token_id":"gold","owner":"alice","allowed_address":"bob"}}"#;
    assert!(t.call("carol", revoke).is_err());
    t.call("alice", revoke).unwrap();
    assert!(t.balance_for("bob", "gold", "alice").is_err());
    t.transfer("alice", "crown", "alice", "carol", 1).unwrap();
    assert!(
        t.ask(private).is_err(),
        "what alice let is not carol's word"
    );
}

#[test]
fn private_metadata_is_for_those_who_have_such_tokens() {
    let mut t = Tokens::new();
    let ask = |t: &Tokens, who: &str| {
        t.ask(&format!(
            r#"{{"token_id_private_info":{{"token_id":"gold","address":"{who}","key":"{who}"}}}}"#
        ))
    };
    assert!(ask(&t, "alice").unwrap().contains("secret gold"));
    assert!(ask(&t, "bob").is_err());
    t.transfer("alice", "gold", "alice", "bob", 1).unwrap();
    assert!(ask(&t, "bob").unwrap().contains("secret gold"));
    let public = t
        .ask(r#"{"token_id_public_info":{"token_id":"gold"}}"#)
        .unwrap();
    assert!(
        public.contains("public gold") && !public.contains("secret gold"),
        "{public}"
    );
}

#[test]
fn minters_mint_owners_burn_and_the_supply_follows() {
    let mut t = Tokens::new();
    let mint = r#"{"mint_tokens":{"mint_tokens":[{"token_id":"gold","balances":[{"address":"bob","amount":"50"}]}]}}"#;
    assert!(t.call("alice", mint).unwrap_err().contains("Only minters"));
    t.call("mint", mint).unwrap();
    let burn = |who: &str| {
        format!(
            r#"{{"burn_tokens":{{"burn_tokens":[{{"token_id":"gold","balances":[{{"address":"{who}","amount":"20"}}]}}]}}}}"#
        )
    };
    assert!(t.call("bob", &burn("alice")).is_err());
    t.call("bob", &burn("bob")).unwrap();
    assert_eq!(t.balance_for("bob", "gold", "bob"), amount(30));
    let info = t
        .ask(r#"{"token_id_public_info":{"token_id":"gold"}}"#)
        .unwrap();
    assert!(info.contains(r#""total_supply":"1030""#), "{info}");
    let too_many = mint.replace(r#""50""#, &format!(r#""{}""#, u128::MAX));
    assert!(t
        .call("mint", &too_many)
        .unwrap_err()
        .contains("more tokens than can be counted"));
    let crown = mint.replace("gold", "crown");
    assert!(t.call("mint", &crown).unwrap_err().contains("not enabled"));
    let keep = burn("alice").replace("gold", "crown");
    assert!(t.call("alice", &keep).unwrap_err().contains("not enabled"));
}

#[test]
fn curators_make_ids_once_and_their_minters() {
    let mut t = Tokens::new();
    let silver = GOLD.replace("gold", "silver");
    let curate = format!(r#"{{"curate_token_ids":{{"initial_tokens":[{silver}]}}}}"#);
    assert!(t
        .call("alice", &curate)
        .unwrap_err()
        .contains("Only curators"));
    t.call("curator", &curate).unwrap();
    assert!(t
        .call("curator", &curate)
        .unwrap_err()
        .contains("already exists"));
    let two = CROWN
        .replace("crown", "orb")
        .replace(r#""amount":"1""#, r#""amount":"2""#);
    let two = format!(r#"{{"curate_token_ids":{{"initial_tokens":[{two}]}}}}"#);
    assert!(t.call("curator", &two).is_err(), "two of a kind");
    let add = r#"{"add_minters":{"token_id":"silver","add_minters":["bob"]}}"#;
    assert!(t.call("alice", add).is_err());
    t.call("curator", add).unwrap();
    let mint = r#"{"mint_tokens":{"mint_tokens":[{"token_id":"silver","balances":[{"address":"bob","amount":"5"}]}]}}"#;
    t.call("bob", mint).unwrap();
    t.call(
        "admin",
        r#"{"remove_minters":{"token_id":"silver","remove_minters":["bob"]}}"#,
    )
    .unwrap();
    assert!(t.call("bob", mint).is_err());
    let info = t.ask(r#"{"contract_info":{}}"#).unwrap();
    let expected = r#"{"contract_info":{"admin":"admin","curators":["curator"],"all_token_ids":["gold","crown","silver"]}}"#;
    assert_eq!(info, expected);
}

#[test]
fn the_admin_names_curators_and_leaves_only_on_purpose() {
    let mut t = Tokens::new();
    assert!(t
        .call("bob", r#"{"add_curators":{"add_curators":["bob"]}}"#)
        .is_err());
    t.call("admin", r#"{"add_curators":{"add_curators":["bob"]}}"#)
        .unwrap();
    t.call(
        "admin",
        r#"{"remove_curators":{"remove_curators":["curator"]}}"#,
    )
    .unwrap();
    t.call("admin", r#"{"change_admin":{"new_admin":"carol"}}"#)
        .unwrap();
    let leave = |who: &str, contract: &str| {
        format!(r#"{{"remove_admin":{{"current_admin":"{who}","contract_address":"{contract}"}}}}"#)
    };
    let contract = t.env.contract.address.to_string();
    assert!(t.call("carol", &leave("carol", "elsewhere")).is_err());
    assert!(t.call("carol", &leave("bob", &contract)).is_err());
    t.call("carol", &leave("carol", &contract)).unwrap();
    let info = t.ask(r#"{"contract_info":{}}"#).unwrap();
    assert!(
        info.contains(r#""admin":null,"curators":["bob"]"#),
        "{info}"
    );
}

#[test]
fn receivers_are_told_and_batches_move_all_or_nothing() {
    let mut t = Tokens::new();
    t.call("shop", r#"{"register_receive":{"code_hash":"ab"}}"#)
        .unwrap();
    let send = r#"{"send":{"token_id":"gold","from":"alice","recipient":"shop","amount":"5","msg":"e30=","memo":"tea"}}"#;
    let response = t.respond("alice", send).unwrap();
    let CosmosMsg::Wasm(WasmMsg::Execute { msg, .. }) = &response.messages[0].msg else {
        panic!("a contract is called");
    };
    assert_eq!(
        text(msg.clone()),
        r#"{"snip1155_receive":{"sender":"alice","token_id":"gold","from":"alice","amount":"5","memo":"tea","msg":"e30="}}"#
    );
    let action = |to: &str| {
        format!(r#"{{"token_id":"gold","from":"alice","recipient":"{to}","amount":"1"}}"#)
    };
    let batch = format!(
        r#"{{"batch_transfer":{{"actions":[{},{}]}}}}"#,
        action("bob"),
        action("carol")
    );
    t.call("alice", &batch).unwrap();
    let batch = format!(
        r#"{{"batch_send":{{"actions":[{},{}]}}}}"#,
        action("bob"),
        action("shop")
    );
    assert_eq!(t.respond("alice", &batch).unwrap().messages.len(), 1);
    assert_eq!(t.balance_for("bob", "gold", "bob"), amount(2));
}

#[test]
fn metadata_is_changed_by_those_who_may() {
    let mut t = Tokens::new();
    let change = |id: &str| {
        format!(
            r#"{{"change_metadata":{{"token_id":"{id}","public_metadata":{{"token_uri":"new"}}}}}}"#
        )
    };
    assert!(t.call("alice", &change("gold")).is_err() && t.call("mint", &change("crown")).is_err());
    t.call("mint", &change("gold")).unwrap();
    t.call("alice", &change("crown")).unwrap();
    let info = t
        .ask(r#"{"token_id_private_info":{"token_id":"crown","address":"alice","key":"alice"}}"#)
        .unwrap();
    assert!(
        info.contains(r#""token_uri":"new""#) && info.contains("secret crown"),
        "{info}"
    );
}

#[test]
fn histories_are_newest_first_and_a_wrong_key_opens_nothing() {
    let mut t = Tokens::new();
    t.transfer("alice", "gold", "alice", "bob", 3).unwrap();
    let ask = |key: &str| {
        t.ask(&format!(
            r#"{{"transaction_history":{{"address":"alice","key":"{key}","page_size":1}}}}"#
        ))
        .unwrap()
    };
    let moved =
        r#""action":{"transfer":{"from":"alice","sender":null,"recipient":"bob","amount":"3"}}"#;
    assert!(
        ask("alice").contains(moved) && ask("alice").contains(r#""total":3"#),
        "{}",
        ask("alice")
    );
    assert!(ask("bob").starts_with(r#"{"viewing_key_error""#));
}
