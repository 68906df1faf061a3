//! The contract through its entry points, as the chain calls it.

use cosmwasm_std::testing::{
    mock_dependencies, mock_env, mock_info, MockApi, MockQuerier, MockStorage,
};
use cosmwasm_std::{from_slice, CosmosMsg, OwnedDeps, WasmMsg};
use snip::padding::BLOCK;

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
fn a_token_that_is_not_there_and_one_of_another_get_the_same_answer() {
    let mut nft = Nft::new();
    for id in ["owl", "unicorn"] {
        let refused = nft.transfer("alice", id, "carol").unwrap_err();
        assert_eq!(refused, format!("{REFUSED} {id}"));
        let id_field = format!(r#""token_id":"{id}""#);
        let refused = nft.ask_as("alice", "owner_of", &id_field).unwrap_err();
        assert_eq!(
            refused,
            format!("Generic error: You are not authorized to view the owner of token {id}")
        );
        let refused = nft
            .ask_as("alice", "private_metadata", &id_field)
            .unwrap_err();
        assert_eq!(refused, format!("{REFUSED} {id}"));
    }
}

#[test]
fn owners_and_private_metadata_are_seen_by_the_owner_alone_until_others_are_let() {
    let mut nft = Nft::new();
    let secret = |nft: &Nft, who: &str| nft.ask_as(who, "private_metadata", r#""token_id":"cat""#);
    assert!(secret(&nft, "alice").unwrap().contains("secret cat"));
    assert!(secret(&nft, "bob").is_err());
    assert_eq!(nft.owner_for("bob", "cat"), None);
    let let_bob = r#"{"set_whitelisted_approval":{"address":"bob","token_id":"cat",
        "view_owner":"approve_token","view_private_metadata":"approve_token"}}"#;
    nft.call("alice", let_bob).unwrap();
    assert!(secret(&nft, "bob").unwrap().contains("secret cat"));
    assert_eq!(nft.owner_for("bob", "cat").as_deref(), Some("alice"));
    assert_eq!(nft.owner_for("bob", "dog"), None);
    assert!(
        nft.transfer("bob", "cat", "bob").is_err(),
        "seen is not moved"
    );
    let tokens = r#"{"tokens":{"owner":"alice","viewer":"bob","viewing_key":"bob"}}"#;
    assert_eq!(nft.ask(tokens).unwrap(), list(&["cat"]));

    let nobody = r#"{"set_whitelisted_approval":{"address":"bob","view_private_metadata":"none"}}"#;
    nft.call("alice", nobody).unwrap();
    assert!(secret(&nft, "bob").is_err());
    nft.transfer("alice", "cat", "carol").unwrap();
    assert_eq!(
        nft.owner_for("bob", "cat"),
        None,
        "what alice said ended with the transfer"
    );
}

#[test]
fn what_everybody_may_see_needs_no_key() {
    let mut nft = Nft::new();
    let owner = r#"{"owner_of":{"token_id":"cat"}}"#;
    assert!(nft.ask(owner).is_err());
    nft.call("alice", r#"{"set_global_approval":{"view_owner":"all"}}"#)
        .unwrap();
    assert_eq!(
        nft.ask(owner).unwrap(),
        r#"{"owner_of":{"owner":"alice","approvals":[]}}"#
    );
    nft.call(
        "alice",
        r#"{"set_global_approval":{"token_id":"cat","view_owner":"revoke_token"}}"#,
    )
    .unwrap();
    assert!(nft.ask(owner).is_err());
    let tokens = r#"{"tokens":{"owner":"alice"}}"#;
    assert_eq!(nft.ask(tokens).unwrap(), list(&["dog"]));
    let info = r#"{"nft_info":{"token_id":"cat"}}"#;
    let public = r#"{"nft_info":{"token_uri":"public cat","extension":null}}"#;
    assert_eq!(nft.ask(info).unwrap(), public);
}

#[test]
fn where_owners_are_public_one_can_be_private() {
    let mut nft = Nft::with(r#"{"public_owner":true}"#);
    let owner = |nft: &Nft, id: &str| nft.ask(&format!(r#"{{"owner_of":{{"token_id":"{id}"}}}}"#));
    assert!(owner(&nft, "cat").is_ok() && owner(&nft, "owl").is_ok());
    nft.call("alice", r#"{"make_ownership_private":{}}"#)
        .unwrap();
    assert!(owner(&nft, "cat").is_err() && owner(&nft, "owl").is_ok());
}

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
fn pages_go_on_after_the_last_token() {
    let nft = Nft::new();
    let page = |more: &str| {
        nft.ask(&format!(
            r#"{{"tokens":{{"owner":"alice","viewing_key":"alice",{more}}}}}"#
        ))
        .unwrap()
    };
    assert_eq!(page(r#""limit":1"#), list(&["cat"]));
    assert_eq!(page(r#""limit":9,"start_after":"cat""#), list(&["dog"]));
    assert_eq!(page(r#""start_after":"owl""#), list(&[]), "another's");
}

#[test]
fn the_supply_is_for_minters_unless_it_is_public() {
    let nft = Nft::new();
    let by_alice = r#"{"num_tokens":{"viewer":{"address":"alice","viewing_key":"alice"}}}"#;
    assert!(nft.ask(by_alice).unwrap_err().contains("private"));
    let by_admin = by_alice.replace("alice", "admin");
    assert_eq!(nft.ask(&by_admin).unwrap(), r#"{"num_tokens":{"count":3}}"#);
    let public = Nft::with(r#"{"public_token_supply":true}"#);
    assert_eq!(
        public.ask(r#"{"num_tokens":{}}"#).unwrap(),
        r#"{"num_tokens":{"count":3}}"#
    );
    let missing = public
        .ask(r#"{"nft_info":{"token_id":"unicorn"}}"#)
        .unwrap_err();
    assert_eq!(missing, "Generic error: Token ID: unicorn not found");
}

#[test]
fn a_wrong_key_opens_nothing() {
    let nft = Nft::new();
    let wrong = "Generic error: Wrong viewing key for this address or viewing key not set";
    for ask in [
        r#"{"tokens":{"owner":"alice","viewing_key":"bob"}}"#,
        r#"{"owner_of":{"token_id":"cat","viewer":{"address":"alice","viewing_key":"bob"}}}"#,
        r#"{"token_approvals":{"token_id":"cat","viewing_key":"bob"}}"#,
        r#"{"token_approvals":{"token_id":"unicorn","viewing_key":"bob"}}"#,
        r#"{"transaction_history":{"address":"nobody","viewing_key":""}}"#,
    ] {
        assert_eq!(nft.ask(ask).unwrap_err(), wrong, "{ask}");
    }
}

#[test]
fn a_dossier_shows_what_who_asks_may_see() {
    let mut nft = Nft::new();
    nft.call("alice", r#"{"approve":{"spender":"bob","token_id":"cat"}}"#)
        .unwrap();
    let dossier = |who: &str| {
        nft.ask_as(who, "nft_dossier", r#""token_id":"cat""#)
            .unwrap()
    };
    let own = dossier("alice");
    for part in [r#""owner":"alice""#, "secret cat", r#""address":"bob""#] {
        assert!(own.contains(part), "{part} in {own}");
    }
    let bobs = dossier("bob");
    for part in ["alice", "secret cat", r#""address":"bob""#] {
        assert!(!bobs.contains(part), "{part} in {bobs}");
    }
    assert!(bobs.contains("public cat"));
    let several = nft
        .ask_as("alice", "batch_nft_dossier", r#""token_ids":["cat","dog"]"#)
        .unwrap();
    assert!(several.contains(r#"{"token_id":"cat","#) && several.contains(r#"{"token_id":"dog","#));
}

#[test]
fn a_page_and_a_dossier_do_not_tell_of_tokens_that_one_may_not_see() {
    let mut nft = Nft::new();
    nft.call(
        "admin",
        r#"{"mint_nft":{"token_id":"bare","owner":"alice"}}"#,
    )
    .unwrap();
    let dossier = |id: &str| {
        let seen = nft
            .ask_as("bob", "nft_dossier", &format!(r#""token_id":"{id}""#))
            .unwrap();
        seen.replace(id, "ID")
    };
    assert_eq!(dossier("bare"), dossier("unicorn"));
    nft.call(
        "alice",
        r#"{"set_global_approval":{"token_id":"dog","view_owner":"approve_token"}}"#,
    )
    .unwrap();
    let after = |id: &str| {
        nft.ask(&format!(
            r#"{{"tokens":{{"owner":"alice","start_after":"{id}"}}}}"#
        ))
        .unwrap()
    };
    // `cat` stands before `dog` in alice's list, `owl` is bob's: nobody can tell.
    assert_eq!((after("cat"), after("owl")), (list(&[]), list(&[])));
    assert_eq!(
        nft.ask(r#"{"tokens":{"owner":"alice"}}"#).unwrap(),
        list(&["dog"])
    );
    let count = r#"{"num_tokens_of_owner":{"owner":"alice"}}"#;
    assert_eq!(nft.ask(count).unwrap(), r#"{"num_tokens":{"count":1}}"#);
    let own = r#"{"num_tokens_of_owner":{"owner":"alice","viewing_key":"alice"}}"#;
    assert_eq!(nft.ask(own).unwrap(), r#"{"num_tokens":{"count":3}}"#);
}

#[test]
fn histories_have_everybody_who_took_part() {
    let mut nft = Nft::new();
    nft.call("alice", r#"{"approve":{"spender":"bob","token_id":"cat"}}"#)
        .unwrap();
    nft.call(
        "bob",
        r#"{"transfer_nft":{"token_id":"cat","recipient":"carol","memo":"hi"}}"#,
    )
    .unwrap();
    let history = |who: &str| {
        let ask = format!(
            r#"{{"transaction_history":{{"address":"{who}","viewing_key":"{who}","page_size":1}}}}"#
        );
        nft.ask(&ask).unwrap()
    };
    let moved = r#""token_id":"cat","action":{"transfer":{"from":"alice","sender":"bob","recipient":"carol"}},"memo":"hi""#;
    for (who, total) in [("alice", 3), ("bob", 2), ("carol", 1)] {
        let seen = history(who);
        assert!(
            seen.contains(moved) && seen.contains(&format!(r#""total":{total}"#)),
            "{seen}"
        );
    }
}

#[test]
fn royalties_come_from_the_token_or_the_contract_and_recipients_are_for_those_who_may_know() {
    let mut nft = Nft::new();
    let of = |rate: u16| {
        format!(
            r#"{{"decimal_places_in_rates":2,"royalties":[{{"recipient":"artist","rate":{rate}}}]}}"#
        )
    };
    let set = |token: &str, rate: u16| {
        format!(
            r#"{{"set_royalty_info":{{"token_id":{token},"royalty_info":{}}}}}"#,
            of(rate)
        )
    };
    assert!(nft
        .call("alice", &set("null", 5))
        .unwrap_err()
        .contains("minters"));
    assert!(nft
        .call("admin", &set("null", 101))
        .unwrap_err()
        .contains("100%"));
    nft.call("admin", &set("null", 5)).unwrap();
    nft.call("admin", r#"{"mint_nft":{"token_id":"default"}}"#)
        .unwrap();
    let own = format!(
        r#"{{"mint_nft":{{"token_id":"own","owner":"alice","royalty_info":{}}}}}"#,
        of(7)
    );
    nft.call("admin", &own).unwrap();
    let ask = |nft: &Nft, who: &str, id: &str| {
        nft.ask_as(who, "royalty_info", &format!(r#""token_id":"{id}""#))
            .unwrap()
    };
    assert!(ask(&nft, "bob", "default").contains(r#"{"recipient":null,"rate":5}"#));
    assert!(ask(&nft, "alice", "own").contains(r#"{"recipient":"artist","rate":7}"#));
    assert!(
        nft.call("admin", &set(r#""own""#, 1)).is_err(),
        "a token that was given away"
    );
    nft.call("admin", &set(r#""default""#, 1)).unwrap();
    assert!(ask(&nft, "admin", "default").contains(r#"{"recipient":"artist","rate":1}"#));
    let cat = ask(&nft, "alice", "cat");
    assert_eq!(
        cat, r#"{"royalty_info":{"royalty_info":null}}"#,
        "made before"
    );
    let dossier = nft
        .ask_as("alice", "nft_dossier", r#""token_id":"own""#)
        .unwrap();
    assert!(
        dossier.contains(r#""recipient":"artist","rate":7"#),
        "{dossier}"
    );
}

#[test]
fn metadata_is_changed_by_those_who_may() {
    let mut nft =
        Nft::with(r#"{"owner_may_update_metadata":true,"minter_may_update_metadata":false}"#);
    let set = r#"{"set_metadata":{"token_id":"cat","public_metadata":{"token_uri":"new"}}}"#;
    assert!(nft.call("admin", set).is_err() && nft.call("bob", set).is_err());
    nft.call("alice", set).unwrap();
    let dossier = nft
        .ask_as("alice", "nft_dossier", r#""token_id":"cat""#)
        .unwrap();
    assert!(
        dossier.contains(r#""token_uri":"new""#) && dossier.contains("secret cat"),
        "{dossier}"
    );
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
