//! Tokens that are the same but for their number.

use super::*;

impl Nft {
    fn clones(&mut self, who: &str, fields: &str) -> Result<String, String> {
        self.call(who, &format!(r#"{{"mint_nft_clones":{{{fields}}}}}"#))
    }

    /// Run, number and quantity of a token, as `who` sees them.
    fn serial(&self, who: &str, id: &str) -> Option<[Option<u32>; 3]> {
        let answer = self.ask_as(who, "nft_dossier", &format!(r#""token_id":"{id}""#));
        let QueryAnswer::NftDossier(dossier) = from_slice(answer.unwrap().as_bytes()).unwrap()
        else {
            panic!("a dossier was asked for");
        };
        let info = dossier.mint_run_info?;
        assert_eq!(info.collection_creator.unwrap(), "admin");
        Some([
            info.mint_run,
            info.serial_number,
            info.quantity_minted_this_run,
        ])
    }
}

#[test]
fn clones_are_numbered_in_their_run_and_runs_by_their_id() {
    let mut nft = Nft::new();
    let gold = r#""mint_run_id":"gold","quantity":3,"owner":"alice","public_metadata":{"token_uri":"coin"},"memo":"m""#;
    let made = nft.clones("admin", gold).unwrap();
    assert_eq!(
        made,
        r#"{"mint_nft_clones":{"first_minted":"3","last_minted":"5"}}"#
    );
    for (id, number) in [("3", 1), ("4", 2), ("5", 3)] {
        let expected = [Some(1), Some(number), Some(3)];
        assert_eq!(nft.serial("alice", id), Some(expected));
        assert_eq!(nft.owner_for("alice", id).as_deref(), Some("alice"));
    }
    nft.clones("admin", gold).unwrap();
    assert_eq!(nft.serial("alice", "6"), Some([Some(2), Some(1), Some(3)]));
    nft.clones(
        "admin",
        r#""mint_run_id":"silver","quantity":1,"owner":"alice""#,
    )
    .unwrap();
    assert_eq!(nft.serial("alice", "9"), Some([Some(1), Some(1), Some(1)]));
    nft.clones("admin", r#""quantity":2,"owner":"alice""#)
        .unwrap();
    assert_eq!(nft.serial("alice", "11"), Some([None, Some(2), Some(2)]));

    // Each is a token of its own.
    nft.transfer("alice", "4", "bob").unwrap();
    assert_eq!(nft.serial("bob", "4"), Some([Some(1), Some(2), Some(3)]));
    let history = r#"{"transaction_history":{"address":"bob","viewing_key":"bob"}}"#;
    assert!(nft.ask(history).unwrap().contains(r#""token_id":"4""#));
}

#[test]
fn runs_of_different_minters_are_counted_apart() {
    let mut nft = Nft::new();
    nft.call("admin", r#"{"add_minters":{"minters":["bob"]}}"#)
        .unwrap();
    for (who, id) in [("admin", "3"), ("bob", "4")] {
        nft.clones(who, r#""mint_run_id":"gold","quantity":1"#)
            .unwrap();
        assert_eq!(nft.serial(who, id), Some([Some(1), Some(1), Some(1)]));
    }
}

#[test]
fn ids_that_are_taken_are_left_out_of_a_run() {
    let mut nft = Nft::new();
    nft.call("admin", r#"{"mint_nft":{"token_id":"5"}}"#)
        .unwrap();
    let made = nft.clones("admin", r#""quantity":2"#).unwrap();
    assert_eq!(
        made,
        r#"{"mint_nft_clones":{"first_minted":"4","last_minted":"6"}}"#
    );
}

#[test]
fn a_run_that_is_refused_uses_up_no_number() {
    let mut nft = Nft::new();
    let long = format!(r#""quantity":1,"mint_run_id":"{}""#, "x".repeat(129));
    for (who, fields, why) in [
        ("admin", r#""quantity":0,"mint_run_id":"gold""#, "Quantity"),
        ("alice", r#""quantity":1,"mint_run_id":"gold""#, "minters"),
        ("admin", r#""quantity":1,"mint_run_id":"""#, "mint run"),
        ("admin", &long, "mint run"),
        ("admin", r#""quantity":4294967296"#, "parsing"),
        ("admin", r#""quantity":-1"#, "parsing"),
        (
            "admin",
            r#""quantity":1,"public_metadata":{"token_uri":"a","extension":{}}"#,
            "either",
        ),
    ] {
        let refused = nft.clones(who, fields).unwrap_err();
        assert!(refused.contains(why), "{fields}: {refused}");
    }
    nft.clones("admin", r#""quantity":1,"mint_run_id":"gold""#)
        .unwrap();
    assert_eq!(nft.serial("admin", "3"), Some([Some(1), Some(1), Some(1)]));
    nft.call(
        "admin",
        r#"{"set_contract_status":{"level":"stop_transactions"}}"#,
    )
    .unwrap();
    assert!(nft.clones("admin", r#""quantity":1"#).is_err());
}

#[test]
fn a_single_token_may_have_a_number_too() {
    let mut nft = Nft::new();
    let mint = r#"{"mint_nft":{"token_id":"pawn","owner":"alice","serial_number":{"mint_run":3,"serial_number":67,"quantity_minted_this_run":1000}}}"#;
    let minted = nft.respond("admin", mint).unwrap();
    let log = &minted.attributes[0];
    assert_eq!(
        (log.key.trim(), log.value.trim(), log.encrypted),
        ("minted", "pawn", true)
    );
    assert_eq!(
        nft.serial("alice", "pawn"),
        Some([Some(3), Some(67), Some(1000)])
    );
}

#[test]
fn how_a_token_was_made_does_not_tell_that_it_is_there() {
    let mut nft = Nft::new();
    nft.call(
        "admin",
        r#"{"mint_nft":{"token_id":"hidden","owner":"alice"}}"#,
    )
    .unwrap();
    assert_eq!(nft.serial("bob", "hidden"), None);
    assert_eq!(nft.serial("bob", "unicorn"), None);
    assert!(nft.serial("alice", "hidden").is_some());
    // It has public metadata: that it is there is no secret.
    assert!(nft.serial("bob", "cat").is_some());
}

#[test]
fn numbers_that_minters_chose_are_soon_behind_and_no_number_comes_twice() {
    let mut nft = Nft::new();
    let mints: Vec<String> = (3..203)
        .map(|id| format!(r#"{{"token_id":"{id}"}}"#))
        .collect();
    let batch = format!(r#"{{"batch_mint_nft":{{"mints":[{}]}}}}"#, mints.join(","));
    nft.call("admin", &batch).unwrap();
    // 203 were made, then these: 300 and 301 are in the way (303 is the next that is looked at), and 204 is destroyed.
    for id in ["204", "300", "301"] {
        let mint = format!(r#"{{"mint_nft":{{"token_id":"{id}","owner":"admin"}}}}"#);
        nft.call("admin", &mint).unwrap();
    }
    nft.call("admin", r#"{"burn_nft":{"token_id":"204"}}"#)
        .unwrap();
    let made = nft.clones("admin", r#""quantity":98"#).unwrap();
    assert_eq!(
        made,
        r#"{"mint_nft_clones":{"first_minted":"206","last_minted":"306"}}"#
    );
    nft.call("admin", r#"{"burn_nft":{"token_id":"306"}}"#)
        .unwrap();
    let made = nft.clones("admin", r#""quantity":1"#).unwrap();
    assert_eq!(
        made,
        r#"{"mint_nft_clones":{"first_minted":"307","last_minted":"307"}}"#
    );
}

#[test]
fn a_row_of_chosen_numbers_costs_a_few_looks() {
    let mut nft = Nft::new();
    for id in 3..40 {
        let mint = format!(r#"{{"mint_nft":{{"token_id":"{}"}}}}"#, id + 37);
        nft.call("admin", &mint).unwrap();
    }
    // 40 to 76 are taken: 40, 41, 43, 47, 55 and 71 are looked at, then 103 is free.
    let made = nft.clones("admin", r#""quantity":2"#).unwrap();
    assert_eq!(
        made,
        r#"{"mint_nft_clones":{"first_minted":"103","last_minted":"104"}}"#
    );
}

#[test]
fn calls_are_not_told_apart_by_the_number_of_their_attributes() {
    let mut nft = Nft::new();
    for call in [
        r#"{"mint_nft":{"token_id":"x","owner":"admin"}}"#,
        r#"{"mint_nft_clones":{"quantity":3}}"#,
        r#"{"batch_mint_nft":{"mints":[{"token_id":"y"}]}}"#,
        r#"{"transfer_nft":{"token_id":"x","recipient":"bob"}}"#,
        r#"{"burn_nft":{"token_id":"y"}}"#,
        r#"{"set_viewing_key":{"key":"k"}}"#,
    ] {
        let attributes = nft.respond("admin", call).unwrap().attributes;
        let bytes: Vec<(usize, usize)> = attributes
            .iter()
            .map(|a| (a.key.len(), a.value.len()))
            .collect();
        assert_eq!(bytes, [(256, 256); 2], "{call}");
        assert!(attributes.iter().all(|attribute| attribute.encrypted));
    }
}
