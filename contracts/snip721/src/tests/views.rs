//! Who sees what, and what pages tell.

use super::*;

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
