//! Users, coins, time, snapshots, events, replies, queries.

use crate::contract;
use base64::Engine as _;
use serde_json::{Value, json};
use std::sync::LazyLock;
use strongroom_kit::{Call, Coin, Contract, Network, Setup, Tolerance, User};

/// Alice's token of which she has 1,000. Made once: tests take clones.
fn token() -> (Network, Contract) {
    static BEGUN: LazyLock<(Network, Contract)> = LazyLock::new(|| {
        let mut net = Network::new();
        let alice = net.user("alice");
        let code = net.store(&alice, contract("token")).unwrap();
        let begin = json!({
            "name": "Test token", "symbol": "TEST", "decimals": 6, "prng_seed": "c2VlZA==",
            "initial_balances": [{"address": alice.to_string(), "amount": "1000"}],
            "config": {"enable_deposit": true, "enable_redeem": true},
            "supported_denoms": ["uscrt"],
        });
        let token = net.instantiate(&alice, &code, "token", &begin).unwrap();
        (net, token)
    });
    BEGUN.clone()
}

fn transfer(to: &User, amount: u32) -> Value {
    json!({"transfer": {"recipient": to.to_string(), "amount": amount.to_string()}})
}

fn balance(net: &mut Network, token: &Contract, user: &User) -> String {
    let permit = user.permit(net.chain_id(), "p", &[&token.to_string()], &["balance"]);
    let ask = json!({"with_permit": {"permit": permit, "query": {"balance": {}}}});
    let answer: Value = net.query(token, &ask).unwrap();
    answer["balance"]["amount"].as_str().unwrap().to_owned()
}

#[test]
fn tokens_move_and_each_user_reads_its_own_balance_with_a_permit() {
    let (mut net, token) = token();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let moved = net.execute(&alice, &token, &transfer(&bob, 300)).unwrap();
    assert_eq!(
        moved.json::<Value>(),
        json!({"transfer": {"status": "success"}})
    );
    assert_eq!(balance(&mut net, &token, &alice), "700");
    assert_eq!(balance(&mut net, &token, &bob), "300");
    // A permit of another chain, or for another contract, opens nothing.
    for permit in [
        bob.permit("other-1", "p", &[&token.to_string()], &["balance"]),
        bob.permit(net.chain_id(), "p", &[&bob.to_string()], &["balance"]),
    ] {
        let mut forged = permit;
        forged["params"]["chain_id"] = net.chain_id().into();
        forged["params"]["allowed_tokens"] = json!([token.to_string()]);
        let ask = json!({"with_permit": {"permit": forged, "query": {"balance": {}}}});
        assert!(net.query::<Value>(&token, &ask).is_err());
    }
}

#[test]
fn coins_move_where_a_contract_moves_them_and_nowhere_else() {
    let (mut net, token) = token();
    let bob = net.user("bob");
    let before = net.balance(bob.address(), "uscrt");
    let deposit =
        Call::execute(&bob, &token, &json!({"deposit": {}})).funds(&[Coin::new(70, "uscrt")]);
    net.run(&deposit).unwrap();
    assert_eq!(net.balance(bob.address(), "uscrt"), before - 70);
    assert_eq!(net.balance(&token.address, "uscrt"), 70);
    assert_eq!(balance(&mut net, &token, &bob), "70");
    let refused = net
        .execute(&bob, &token, &json!({"redeem": {"amount": "71"}}))
        .unwrap_err();
    assert!(
        refused.text.contains("insufficient funds: required=71"),
        "{refused}"
    );
    net.execute(&bob, &token, &json!({"redeem": {"amount": "70"}}))
        .unwrap();
    assert_eq!(net.balance(bob.address(), "uscrt"), before);
    // More than one has is refused by the chain.
    let coins = [Coin::new(before + 1, "uscrt")];
    let refused = net
        .run(&Call::execute(&bob, &token, &json!({"deposit": {}})).funds(&coins))
        .unwrap_err();
    assert_eq!((refused.codespace.as_str(), refused.code), ("sdk", 5));
    let alice = net.user("alice");
    net.send(&bob, alice.address(), &[Coin::new(9, "uscrt")])
        .unwrap();
    assert_eq!(net.balance(bob.address(), "uscrt"), before - 9);
}

#[test]
fn others_have_coins_when_they_are_given_some_and_denominations_are_those_of_the_setup() {
    let (atoms, scrt) = (Coin::new(5, "uatom"), Coin::new(7, "uscrt"));
    let setup = Setup {
        users: vec![("zoe".to_owned(), vec![atoms.clone(), scrt, atoms])],
        ..Setup::default()
    };
    let mut net = Network::with(&setup);
    let (zoe, max) = (net.user("zoe"), net.user("max"));
    assert_eq!(net.balance(zoe.address(), "uatom"), 10);
    assert_eq!(net.balance(max.address(), "uatom"), 0);
    net.give(&max, 12, "uatom");
    net.send(&max, zoe.address(), &[Coin::new(2, "uatom")])
        .unwrap();
    assert_eq!(
        (
            net.balance(zoe.address(), "uatom"),
            net.balance(max.address(), "uatom")
        ),
        (12, 10)
    );
}

#[test]
fn a_clone_is_a_snapshot_and_neither_of_the_two_knows_of_the_other() {
    let (mut net, token) = token();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let snapshot = net.clone();
    let first = net.execute(&alice, &token, &transfer(&bob, 1000)).unwrap();
    assert_eq!(balance(&mut net, &token, &alice), "0");
    let mut back = snapshot;
    assert!(back.height() < net.height());
    // The same call gives the same again, to the last byte of what everybody sees.
    let again = back.execute(&alice, &token, &transfer(&bob, 1000)).unwrap();
    assert_eq!(again.gas_used, first.gas_used);
    assert_eq!(again.public(), first.public());
    back.execute(&bob, &token, &transfer(&alice, 1)).unwrap();
    assert_eq!(balance(&mut back, &token, &alice), "1");
    assert_eq!(balance(&mut net, &token, &alice), "0");
}

/// What a contract sees of its environment.
fn look(net: &mut Network, probe: &Contract) -> Value {
    let alice = net.user("alice");
    net.execute(&alice, probe, &json!({"look": {}}))
        .unwrap()
        .json()
}

#[test]
fn blocks_and_time_pass_as_the_test_says_and_contracts_see_it() {
    let mut net = Network::new();
    let alice = net.user("alice");
    let code = net.store(&alice, contract("probe")).unwrap();
    let probe = net.instantiate(&alice, &code, "probe", &json!({})).unwrap();
    let (height, time) = (net.height(), net.time());
    let seen = look(&mut net, &probe);
    assert_eq!(seen["height"], height + 1, "{seen}");
    assert!(
        seen["time"].to_string().contains(&(time + 6).to_string()),
        "{seen}"
    );
    net.wait(86_400);
    assert_eq!((net.height(), net.time()), (height + 2, time + 6 + 86_400));
    net.advance(1_000_000, 5);
    let seen = look(&mut net, &probe);
    assert_eq!(seen["height"], height + 1_000_003);
    assert!(
        seen["time"]
            .to_string()
            .contains(&(time + 6 + 86_400 + 5 + 6).to_string()),
        "{seen}"
    );
}

#[test]
fn each_viewer_sees_what_its_key_opens() {
    let mut net = Network::new();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let code = net.store(&alice, contract("everything")).unwrap();
    let it = net.instantiate(&alice, &code, "it", &json!({})).unwrap();
    let act =
        json!({"says": [["whisper", "42"]], "shows": [["open", "yes"]], "data": "eyJhIjoxfQ=="});
    let done = net.execute(&alice, &it, &act).unwrap();
    assert_eq!(
        (done.attribute("whisper"), done.attribute("open")),
        (Some("42"), Some("yes"))
    );
    let (hers, his) = (done.seen_by(&alice), done.seen_by(&bob));
    assert_eq!(
        (hers.attribute("whisper"), hers.attribute("open")),
        (Some("42"), Some("yes"))
    );
    assert_eq!(hers.data.as_deref(), Some(done.data.as_slice()));
    assert_eq!(
        (his.attribute("whisper"), his.attribute("open")),
        (None, Some("yes"))
    );
    assert_eq!(his, done.public());
    assert_eq!(done.json::<Value>(), json!({"a": 1}));
    // What a contract refuses, only its sender reads: here, that is who called.
    let refused = net
        .execute(&alice, &it, &json!({"fail": "no more"}))
        .unwrap_err();
    assert!(refused.text.contains("no more"), "{refused}");
}

#[test]
fn replies_and_messages_of_contracts_run_as_on_a_chain() {
    let mut net = Network::new();
    let alice = net.user("alice");
    let code = net.store(&alice, contract("everything")).unwrap();
    let [it, other] =
        ["it", "other"].map(|label| net.instantiate(&alice, &code, label, &json!({})).unwrap());
    let inner = json!({"fail": "not today"}).to_string();
    let msg = base64::engine::general_purpose::STANDARD.encode(inner);
    let call = json!({"wasm": {"execute": {
        "contract_addr": other.to_string(), "code_hash": hex::encode(other.code_hash), "msg": msg, "send": [],
    }}});
    let act =
        json!({"messages": [{"id": 7, "msg": call, "reply_on": "always", "gas_limit": null}]});
    let done = net.execute(&alice, &it, &act).unwrap();
    assert_eq!(done.events_of("reply").count(), 1, "{:?}", done.events);
    let told: Value = net.query(&it, &json!({"told": {}})).unwrap();
    assert!(told.to_string().contains("not today"), "{told}");
}

#[test]
fn several_calls_share_a_block_and_one_that_fails_takes_nothing_from_the_others() {
    let (mut net, token) = token();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let height = net.height();
    let calls = [1, 5_000, 2].map(|amount| Call::execute(&alice, &token, &transfer(&bob, amount)));
    let results = net.block(&calls);
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(net.height(), height + 1);
    assert_eq!(balance(&mut net, &token, &bob), "3");
}

#[test]
fn a_call_that_may_not_use_the_gas_it_needs_ends_as_on_a_chain() {
    let (mut net, token) = token();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let poor = Call::execute(&alice, &token, &transfer(&bob, 1)).gas(40_000);
    let refused = net.run(&poor).unwrap_err();
    assert_eq!(
        (refused.codespace.as_str(), refused.code),
        ("sdk", 11),
        "{refused}"
    );
    assert_eq!(balance(&mut net, &token, &bob), "0");
}

#[test]
fn an_admin_migrates_and_bound_messages_are_told_from_others() {
    let mut net = Network::new();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let counter = net.store(&alice, contract("counter")).unwrap();
    let probe = net.store(&alice, contract("probe")).unwrap();
    let begin =
        Call::instantiate(&alice, &counter, "one", &json!({"count": 1})).admin(alice.address());
    let one = net.run(&begin).unwrap().contract().unwrap();
    let move_in = json!({"note": "moved in"});
    assert!(
        net.run(&Call::migrate(&bob, &one, &probe, &move_in))
            .is_err()
    );
    let moved = net
        .run(&Call::migrate(&alice, &one, &probe, &move_in))
        .unwrap();
    let one = moved.contract().unwrap();
    assert_eq!(one.code_hash, probe.hash);
    assert_eq!(
        net.stored(&one, b"migrated").as_deref(),
        Some(&b"moved in"[..])
    );
    let vault = net.store(&alice, contract("vault")).unwrap();
    let vault = net
        .instantiate(&alice, &vault, "vault", &json!({"only_bound": true}))
        .unwrap();
    let put = Call::execute(&alice, &vault, &json!({"put": {"name": "n", "text": "t"}}));
    assert!(net.run(&put).is_err());
    net.run(&put.bound()).unwrap();
}

#[test]
fn the_gas_of_every_call_is_noted_and_held_against_a_kept_file() {
    let (mut net, token) = token();
    let (alice, bob) = (net.user("alice"), net.user("bob"));
    let mut cost = || {
        let done = net.execute(&alice, &token, &transfer(&bob, 1));
        done.unwrap().gas_used
    };
    let dear = cost().max(cost());
    let report = net.gas_report();
    assert_eq!(report.get("token: execute transfer"), Some(dear));
    assert!(
        report
            .get("token: instantiate")
            .is_some_and(|gas| gas > 20_000)
    );
    let directory = std::env::temp_dir().join(format!("strongroom-kit-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("gas.txt");
    let fails = || std::panic::catch_unwind(|| report.assert_kept(&file, Tolerance(1))).is_err();
    assert!(fails(), "no file");
    std::fs::write(&file, report.to_string()).unwrap();
    report.assert_kept(&file, Tolerance(0));
    let cheaper = report
        .to_string()
        .replace(&dear.to_string(), &(dear - dear / 50).to_string());
    std::fs::write(&file, cheaper).unwrap();
    assert!(fails(), "two per cent more than what was kept");
    report.assert_kept(&file, Tolerance(3));
    std::fs::write(&file, "nonsense").unwrap();
    assert!(fails(), "no report");
    std::fs::remove_dir_all(&directory).unwrap();
}
