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
