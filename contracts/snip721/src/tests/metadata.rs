//! Metadata, seals and royalties.

use super::*;

#[test]
fn what_is_sealed_nobody_sees_or_changes_until_its_owner_breaks_the_seal() {
    let cat = r#""token_id":"cat""#;
    for (stays, public, private) in [
        (true, r#""token_uri":"public cat""#, true),
        (false, r#""name":"secret cat""#, false),
    ] {
        let mut nft = Nft::with(&format!(
            r#"{{"enable_sealed_metadata":true,"unwrapped_metadata_is_private":{stays},"owner_may_update_metadata":true}}"#
        ));
        let sealed = "Generic error: Sealed metadata must be unwrapped by calling Reveal before it can be viewed";
        let unwrapped = |nft: &Nft| nft.ask(r#"{"is_unwrapped":{"token_id":"cat"}}"#).unwrap();
        assert_eq!(
            nft.ask_as("alice", "private_metadata", cat).unwrap_err(),
            sealed
        );
        assert!(nft.ask_as("bob", "private_metadata", cat).is_err());
        let dossier = nft.ask_as("alice", "nft_dossier", cat).unwrap();
        assert!(!dossier.contains("secret cat") && dossier.contains(r#""unwrapped":false"#));
        assert!(unwrapped(&nft).contains("false"));
        for who in ["alice", "admin"] {
            let set = r#"{"set_metadata":{"token_id":"cat","private_metadata":{"token_uri":"x"}}}"#;
            assert!(nft.call(who, set).unwrap_err().contains("sealed token"));
        }

        let reveal = r#"{"reveal":{"token_id":"cat"}}"#;
        assert!(nft.call("bob", reveal).unwrap_err().contains("authorized"));
        assert!(nft.call("admin", reveal).is_err());
        nft.call("alice", reveal).unwrap();
        assert!(nft.call("alice", reveal).unwrap_err().contains("already"));
        assert!(unwrapped(&nft).contains("true"));
        let info = nft.ask(r#"{"nft_info":{"token_id":"cat"}}"#).unwrap();
        assert!(info.contains(public), "{info}");
        let own = nft.ask_as("alice", "private_metadata", cat).unwrap();
        assert_eq!(own.contains("secret cat"), private);
        assert!(
            !nft.ask_as("bob", "nft_dossier", cat)
                .unwrap()
                .contains("secret cat")
                || !private
        );
        // The others are sealed still.
        assert!(nft
            .ask_as("alice", "private_metadata", r#""token_id":"dog""#)
            .is_err());
    }
    let mut open = Nft::new();
    let refused = open
        .call("alice", r#"{"reveal":{"token_id":"cat"}}"#)
        .unwrap_err();
    assert!(refused.contains("not enabled"));
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
