//! Who is notified of what.

use super::*;

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
    let transfer = r#"{"transfer":{"recipient":"bob","amount":"300","memo":"hi"}}"#;
    assert_eq!(notified(&token.call("alice", transfer)), expected);
}

#[test]
fn a_batch_tells_its_receivers_by_one_attribute_and_a_second_message_tells_nobody_again() {
    let mut token = Token::new();
    let batch = r#"{"batch_transfer":{"actions":[{"recipient":"bob","amount":"1"},{"recipient":"carol","amount":"2"},{"recipient":"bob","amount":"3"}]}}"#;
    let response = token.call("alice", batch);
    assert_eq!(notified(&response)[1..], ["#multirecvd"]);
    let one = r#"{"batch_transfer":{"actions":[{"recipient":"dave","amount":"1"}]}}"#;
    let shorter = token.call("alice", one);
    let length = |response: &Response| {
        response
            .attributes
            .iter()
            .map(|a| a.value.len())
            .sum::<usize>()
    };
    assert_eq!(length(&shorter), length(&response), "one looks as three");
    let minted = r#"{"batch_mint":{"actions":[{"recipient":"erin","amount":"1"}]}}"#;
    let minted = token.call("admin", minted);
    let names = notified(&minted);
    assert_eq!((names.len(), names[1]), (2, "#multirecvd"), "nor as a mint");

    let bob = token.id("bob", "recvd");
    let transfer = r#"{"transfer":{"recipient":"bob","amount":"1"}}"#;
    let told = [token.call("alice", transfer), token.call("alice", transfer)];
    let is_told = told
        .each_ref()
        .map(|response| notified(response).contains(&bob.as_str()));
    assert_eq!(is_told, [true, false]);
    assert_eq!(notified(&told[1]).len(), 2, "noise");
}

#[test]
fn a_batch_by_allowance_tells_owners_together_too_whatever_it_did() {
    let mut token = Token::new();
    token.call(
        "alice",
        r#"{"increase_allowance":{"spender":"bob","amount":"9"}}"#,
    );
    for batch in [
        r#"{"batch_transfer_from":{"actions":[{"owner":"alice","recipient":"carol","amount":"1"}]}}"#,
        r#"{"batch_burn_from":{"actions":[{"owner":"alice","amount":"1"},{"owner":"alice","amount":"2"}]}}"#,
        r#"{"batch_send_from":{"actions":[]}}"#,
    ] {
        let response = token.call("bob", batch);
        assert_eq!(
            notified(&response),
            ["#multirecvd", "#multispent"],
            "{batch}"
        );
        let lengths: Vec<usize> = response.attributes.iter().map(|a| a.value.len()).collect();
        // 64 bytes of filter and 16 packets, in base64.
        assert_eq!(
            lengths,
            [
                (64 + 16 * 25_usize).div_ceil(3) * 4,
                (64 + 16 * 32_usize).div_ceil(3) * 4
            ]
        );
    }
}

#[test]
fn whom_the_packets_of_a_batch_do_not_suffice_for_is_told_alone() {
    let mut token = Token::new();
    let action = |number| format!(r#"{{"recipient":"account{number}","amount":"1"}}"#);
    let actions: Vec<String> = (0..18).map(action).collect();
    let batch = format!(
        r#"{{"batch_transfer":{{"actions":[{}]}}}}"#,
        actions.join(",")
    );
    let response = token.call("alice", &batch);
    let told = notified(&response);
    assert_eq!(
        (told.len(), told[3]),
        (4, "#multirecvd"),
        "spent, two of 18, sixteen together"
    );
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
        let id = token.id(account, channel);
        let response = token.call(sender, message);
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
    let expected = ["recvd", "spent", "allowance", "multirecvd", "multispent"];
    assert_eq!(channels, expected);
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
fn channels_say_how_they_are_read() {
    let mut token = Token::new();
    token.call("alice", r#"{"set_viewing_key":{"key":"k"}}"#);
    let ask = r#"{"channel_info":{"channels":["spent","multispent"],"viewer":{"address":"alice","viewing_key":"k"}}}"#;
    let QueryAnswer::ChannelInfo { channels, .. } = token.ask(ask) else {
        panic!("channels were asked for");
    };
    let [direct, group] = channels.as_slice() else {
        panic!("two were asked for");
    };
    assert_eq!(
        (direct.mode.as_str(), group.mode.as_str()),
        ("txhash", "bloom")
    );
    assert!(direct.cddl.is_some() && direct.data.is_none() && group.cddl.is_none());
    let filter = group.parameters.as_ref().unwrap();
    assert_eq!((filter.m, filter.k, filter.h.as_str()), (512, 15, "sha256"));
    let data = group.data.as_ref().unwrap();
    assert_eq!(
        (data.r#type.as_str(), data.version, data.packet_size),
        ("packet[16]", 1, 24)
    );
    let members: Vec<_> = data
        .data
        .members
        .iter()
        .map(|m| (m.r#type.as_str(), m.label.as_str()))
        .collect();
    assert_eq!(
        members,
        [
            ("uint64", "amount"),
            ("bytes8", "recipientId"),
            ("uint64", "balance")
        ]
    );
    let unknown =
        r#"{"channel_info":{"channels":["gone"],"viewer":{"address":"alice","viewing_key":"k"}}}"#;
    let msg = from_slice(unknown.as_bytes()).unwrap();
    let why = query(token.deps.as_ref(), token.env(), msg).unwrap_err();
    assert!(why.to_string().contains("`gone` channel is undefined"));
}

#[test]
fn a_seed_that_the_account_did_not_sign_is_refused() {
    let mut token = Token::new();
    for signature in ["", &"A".repeat(86)] {
        let update = format!(
            r#"{{"update_seed":{{"signed_doc":{{"params":{{"chain_id":"c","contract":"x","previous_seed":"AA=="}},"signature":{{"pub_key":{{"type":"tendermint/PubKeySecp256k1","value":"Anm+Zn753LusVaBilc6HCwcCm/zbLc4o2VnygVsW+BeY"}},"signature":"{signature}=="}}}}}}}}"#
        );
        let update = update.replace(r#""==""#, r#""""#);
        assert!(token
            .refused("alice", &update)
            .contains("Failed to verify signatures"));
    }
}
