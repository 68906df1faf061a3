//! The contract through its entry points, as the chain calls it. Here: tokens that are made, moved and destroyed, and who administrates.

mod approvals;
mod clones;
mod metadata;
mod views;

use cosmwasm_std::testing::{
    mock_dependencies, mock_env, mock_info, MockApi, MockQuerier, MockStorage,
};
use cosmwasm_std::{from_slice, CosmosMsg, OwnedDeps, WasmMsg};
use snip::padding::BLOCK;

use crate::answer::QueryAnswer;

use super::*;

struct Nft {
    deps: OwnedDeps<MockStorage, MockApi, MockQuerier>,
    env: Env,
}

impl Nft {
    /// Alice has `cat` and `dog`, bob `owl`; admin mints. Everybody's key is their name.
    fn with(config: &str) -> Self {
        let mut deps = mock_dependencies();
        let json =
            format!(r#"{{"name":"Animals","symbol":"ANI","entropy":"e","config":{config}}}"#);
        let msg = from_slice(json.as_bytes()).unwrap();
        instantiate(deps.as_mut(), mock_env(), mock_info("admin", &[]), msg).unwrap();
        let mut nft = Nft {
            deps,
            env: mock_env(),
        };
        for (id, owner) in [("cat", "alice"), ("dog", "alice"), ("owl", "bob")] {
            let mint = format!(
                r#"{{"mint_nft":{{"token_id":"{id}","owner":"{owner}","public_metadata":{{"token_uri":"public {id}"}},
                "private_metadata":{{"extension":{{"name":"secret {id}"}}}}}}}}"#
            );
            let answer = nft.call("admin", &mint).unwrap();
            assert_eq!(answer, format!(r#"{{"mint_nft":{{"token_id":"{id}"}}}}"#));
        }
        for who in ["alice", "bob", "carol", "admin"] {
            let set = format!(r#"{{"set_viewing_key":{{"key":"{who}"}}}}"#);
            nft.call(who, &set).unwrap();
        }
        nft
    }

    fn new() -> Self {
        Nft::with(r#"{"enable_burn":true}"#)
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

    fn ask(&self, json: &str) -> Result<String, String> {
        let msg: QueryMsg = from_slice(json.as_bytes()).unwrap();
        let answer = query(self.deps.as_ref(), self.env.clone(), msg);
        answer.map(text).map_err(|error| error.to_string())
    }

    fn ask_as(&self, who: &str, query: &str, fields: &str) -> Result<String, String> {
        let viewer = format!(r#""viewer":{{"address":"{who}","viewing_key":"{who}"}}"#);
        self.ask(&format!(r#"{{"{query}":{{{fields},{viewer}}}}}"#))
    }

    fn owner_for(&self, who: &str, id: &str) -> Option<String> {
        let answer = self
            .ask_as(who, "owner_of", &format!(r#""token_id":"{id}""#))
            .ok()?;
        let owner = answer.split(r#""owner":""#).nth(1)?.split('"').next()?;
        Some(owner.to_string())
    }

    fn tokens(&self, owner: &str) -> String {
        let ask = format!(r#"{{"tokens":{{"owner":"{owner}","viewing_key":"{owner}"}}}}"#);
        self.ask(&ask).unwrap()
    }

    fn transfer(&mut self, who: &str, id: &str, to: &str) -> Result<String, String> {
        let json = format!(r#"{{"transfer_nft":{{"token_id":"{id}","recipient":"{to}"}}}}"#);
        self.call(who, &json)
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

fn list(tokens: &[&str]) -> String {
    format!(r#"{{"token_list":{{"tokens":{tokens:?}}}}}"#).replace(", ", ",")
}

const REFUSED: &str = "Generic error: You are not authorized to perform this action on token";

#[test]
fn a_token_moves_and_its_old_owner_sees_it_no_more() {
    let mut nft = Nft::new();
    assert_eq!(nft.tokens("alice"), list(&["cat", "dog"]));
    nft.transfer("alice", "cat", "carol").unwrap();
    assert_eq!(nft.tokens("alice"), list(&["dog"]));
    assert_eq!(nft.tokens("carol"), list(&["cat"]));
    assert_eq!(nft.owner_for("carol", "cat").as_deref(), Some("carol"));
    assert_eq!(nft.owner_for("alice", "cat"), None);
    assert!(nft
        .transfer("alice", "cat", "alice")
        .unwrap_err()
        .starts_with(REFUSED));
}

#[test]
fn ids_are_unique_and_free_ones_are_found() {
    let mut nft = Nft::new();
    let taken = nft
        .call("admin", r#"{"mint_nft":{"token_id":"cat"}}"#)
        .unwrap_err();
    assert_eq!(taken, "Generic error: Token ID cat is already in use");
    nft.call("admin", r#"{"mint_nft":{"token_id":"4"}}"#)
        .unwrap();
    let batch = r#"{"batch_mint_nft":{"mints":[{},{}]}}"#;
    let made = nft.call("admin", batch).unwrap();
    assert_eq!(made, r#"{"batch_mint_nft":{"token_ids":["5","6"]}}"#);
    assert!(nft
        .call("alice", r#"{"mint_nft":{}}"#)
        .unwrap_err()
        .contains("Only designated minters"));
    let both = r#"{"mint_nft":{"public_metadata":{"token_uri":"a","extension":{}}}}"#;
    assert!(nft.call("admin", both).unwrap_err().contains("either"));
}

#[test]
fn burnt_tokens_are_gone_and_lists_stay_whole() {
    let mut nft = Nft::new();
    nft.call("alice", r#"{"burn_nft":{"token_id":"cat","memo":"ash"}}"#)
        .unwrap();
    assert_eq!(nft.tokens("alice"), list(&["dog"]));
    let all = r#"{"all_tokens":{"viewer":{"address":"admin","viewing_key":"admin"}}}"#;
    assert_eq!(nft.ask(all).unwrap(), list(&["owl", "dog"]));
    nft.call(
        "bob",
        r#"{"batch_burn_nft":{"burns":[{"token_ids":["owl"]}]}}"#,
    )
    .unwrap();
    nft.call("alice", r#"{"burn_nft":{"token_id":"dog"}}"#)
        .unwrap();
    assert_eq!(nft.ask(all).unwrap(), list(&[]));
    let mut kept = Nft::with("{}");
    assert!(kept
        .call("alice", r#"{"burn_nft":{"token_id":"cat"}}"#)
        .unwrap_err()
        .contains("not enabled"));
}

#[test]
fn what_cannot_be_moved_can_be_burnt_even_where_nothing_else_can() {
    let mut nft = Nft::with("{}");
    nft.call(
        "admin",
        r#"{"mint_nft":{"token_id":"badge","owner":"alice","transferable":false}}"#,
    )
    .unwrap();
    assert!(nft
        .transfer("alice", "badge", "bob")
        .unwrap_err()
        .contains("non-transferable"));
    nft.call("alice", r#"{"burn_nft":{"token_id":"badge"}}"#)
        .unwrap();
    assert_eq!(nft.tokens("alice"), list(&["cat", "dog"]));
}

#[test]
fn a_stopped_contract_moves_nothing() {
    let mut nft = Nft::new();
    let stop = |level: &str| format!(r#"{{"set_contract_status":{{"level":"{level}"}}}}"#);
    assert!(nft
        .call("alice", &stop("stop_all"))
        .unwrap_err()
        .contains("admin command"));
    nft.call("admin", &stop("stop_transactions")).unwrap();
    assert!(nft
        .transfer("alice", "cat", "bob")
        .unwrap_err()
        .contains("temporarily disabled"));
    nft.call("alice", r#"{"approve_all":{"operator":"bob"}}"#)
        .unwrap();
    nft.call("admin", &stop("stop_all")).unwrap();
    assert!(nft
        .call("alice", r#"{"revoke_all":{"operator":"bob"}}"#)
        .is_err());
    nft.call("admin", &stop("normal")).unwrap();
    nft.transfer("alice", "cat", "bob").unwrap();
}

#[test]
fn minters_and_the_admin_change_hands() {
    let mut nft = Nft::new();
    nft.call("admin", r#"{"set_minters":{"minters":["bob"]}}"#)
        .unwrap();
    nft.call("admin", r#"{"add_minters":{"minters":["carol","bob"]}}"#)
        .unwrap();
    assert_eq!(
        nft.ask(r#"{"minters":{}}"#).unwrap(),
        r#"{"minters":{"minters":["bob","carol"]}}"#
    );
    nft.call("admin", r#"{"remove_minters":{"minters":["bob"]}}"#)
        .unwrap();
    nft.call("admin", r#"{"change_admin":{"address":"carol"}}"#)
        .unwrap();
    assert!(nft
        .call("admin", r#"{"set_minters":{"minters":[]}}"#)
        .is_err());
}
