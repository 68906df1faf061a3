//! The auction through its entry points, as the chain calls it; tokens are counted here from what it says to its token.

use std::collections::BTreeMap;

use cosmwasm_std::testing::{
    mock_dependencies, mock_env, mock_info, MockApi, MockQuerier, MockStorage,
};
use cosmwasm_std::{
    from_binary, from_slice, ContractResult, Empty, OwnedDeps, Querier, QuerierResult,
    QueryRequest, SystemResult, Timestamp,
};
use serde::Deserialize;

use super::*;

const END: u64 = 1_000;

/// What the token's code hash is in the beginning.
fn begun() -> String {
    "ab".repeat(32)
}

struct Scene {
    deps: OwnedDeps<MockStorage, MockApi, Chain>,
    env: Env,
    paid: BTreeMap<String, u128>,
    /// To which code the last payment was bound.
    bound_to: String,
}

/// A chain that tells code hashes, or does not know the question.
#[derive(Default)]
struct Chain {
    code_hash: Option<String>,
    other: MockQuerier,
}

impl Querier for Chain {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        let asked = from_slice(request).unwrap();
        match (asked, &self.code_hash) {
            (QueryRequest::<Empty>::Stargate { path, data }, Some(hash)) => {
                assert_eq!(
                    path,
                    "/secret.compute.v1beta1.Query/CodeHashByContractAddress"
                );
                assert_eq!(data.as_slice(), b"\n\x05token");
                let answer = [&[0x0a, 64], hash.as_bytes()].concat();
                SystemResult::Ok(ContractResult::Ok(Binary(answer)))
            }
            _ => self.other.raw_query(request),
        }
    }
}

#[derive(Deserialize)]
struct Paid {
    batch_transfer: Actions,
}

#[derive(Deserialize)]
struct Actions {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    recipient: String,
    amount: Uint128,
}

impl Scene {
    fn new() -> Self {
        let mock = mock_dependencies();
        let mut deps = OwnedDeps {
            storage: mock.storage,
            api: mock.api,
            querier: Chain::default(),
            custom_query_type: mock.custom_query_type,
        };
        let mut env = mock_env();
        env.block.time = Timestamp::from_seconds(1);
        env.block.random = Some(Binary(vec![7; 32]));
        let begin = format!(
            r#"{{"item":"a clock","token":{{"address":"token","code_hash":"{}"}},"ends_at":{END},"minimum":"10"}}"#,
            begun()
        );
        let begin = from_slice(begin.as_bytes()).unwrap();
        let response =
            instantiate(deps.as_mut(), env.clone(), mock_info("seller", &[]), begin).unwrap();
        let CosmosMsg::Wasm(WasmMsg::Execute { msg, .. }) = &response.messages[0].msg else {
            panic!("the token is told to tell");
        };
        let told = String::from_utf8(msg.to_vec()).unwrap();
        let code_hash = &env.contract.code_hash;
        let expected = format!(r#"{{"register_receive":{{"code_hash":"{code_hash}"}}}}"#);
        assert_eq!(told.trim_end(), expected);
        Scene {
            deps,
            env,
            paid: BTreeMap::new(),
            bound_to: String::new(),
        }
    }

    fn call(&mut self, who: &str, json: &str) -> Result<String, String> {
        let msg: ExecuteMsg = from_slice(json.as_bytes()).unwrap();
        let info = mock_info(who, &[]);
        let response = execute(self.deps.as_mut(), self.env.clone(), info, msg);
        let response = response.map_err(|error| error.to_string())?;
        for message in &response.messages {
            let CosmosMsg::Wasm(WasmMsg::Execute { msg, code_hash, .. }) = &message.msg else {
                panic!("only the token is called");
            };
            self.bound_to.clone_from(code_hash);
            let paid: Paid = from_binary(msg).unwrap();
            for action in paid.batch_transfer.actions {
                *self.paid.entry(action.recipient).or_default() += action.amount.u128();
            }
        }
        let data = response.data.unwrap();
        assert_eq!(data.len() % snip::padding::BLOCK, 0);
        Ok(String::from_utf8(data.0).unwrap().trim_end().to_string())
    }

    fn bid(&mut self, who: &str, amount: u128, deposit: u128) -> Result<String, String> {
        self.bid_as(who, who, amount, deposit)
    }

    fn bid_as(
        &mut self,
        who: &str,
        bidder: &str,
        amount: u128,
        deposit: u128,
    ) -> Result<String, String> {
        let bid = format!(r#"{{"bid":{{"bidder":"{bidder}","amount":"{amount}"}}}}"#);
        let bid = Binary(bid.into_bytes()).to_base64();
        let receive = format!(
            r#"{{"receive":{{"sender":"{who}","from":"{who}","amount":"{deposit}","msg":"{bid}"}}}}"#
        );
        self.call("token", &receive)
    }

    fn next_block(&mut self, time: u64) {
        self.env.block.height += 1;
        self.env.block.time = Timestamp::from_seconds(time);
    }

    fn close(&mut self) {
        self.next_block(END);
        self.call("anyone", r#"{"close":{}}"#).unwrap();
        self.next_block(END);
    }

    fn settle(&mut self) -> String {
        self.call("anyone", r#"{"settle":{}}"#).unwrap()
    }

    fn ask(&self, json: &str) -> QueryAnswer {
        let msg = from_slice(json.as_bytes()).unwrap();
        let answer = query(self.deps.as_ref(), self.env.clone(), msg).unwrap();
        assert_eq!(answer.len() % snip::padding::BLOCK, 0);
        from_binary(&answer).unwrap()
    }

    fn winner(&self) -> Option<String> {
        let QueryAnswer::Result { winner, .. } = self.ask(r#"{"result":{}}"#) else {
            panic!("the result was asked for");
        };
        winner.map(Addr::into_string)
    }
}

#[test]
fn the_highest_bid_wins_and_the_others_have_their_deposits_back() {
    let mut s = Scene::new();
    s.bid("alice", 100, 150).unwrap();
    s.bid("bob", 120, 120).unwrap();
    s.bid("carol", 30, 500).unwrap();
    s.close();
    assert_eq!(s.settle(), r#"{"settle":{"left":0}}"#);
    assert_eq!(s.winner().as_deref(), Some("bob"));
    let paid = [("alice", 150), ("carol", 500), ("seller", 120)];
    assert_eq!(s.paid, paid.map(|(who, sum)| (who.to_string(), sum)).into());
}

#[test]
fn a_token_that_was_given_other_code_still_pays_everybody() {
    let now = "cd".repeat(32);
    for (told, bound_to) in [
        (Some(now.clone()), now),
        // A chain that does not tell, or tells something else.
        (None, begun()),
        (Some("zz".repeat(32)), begun()),
    ] {
        let mut s = Scene::new();
        s.bid("alice", 100, 150).unwrap();
        s.deps.querier.code_hash = told;
        s.close();
        s.settle();
        assert_eq!(s.bound_to, bound_to);
        assert_eq!((s.paid["seller"], s.paid["alice"]), (100, 50));
    }
}

#[test]
fn the_winner_pays_the_bid_and_not_the_deposit() {
    let mut s = Scene::new();
    s.bid("alice", 100, 1_000).unwrap();
    s.close();
    s.settle();
    assert_eq!((s.paid["seller"], s.paid["alice"]), (100, 900));
}

#[test]
fn a_copied_bid_in_another_name_is_none() {
    let mut s = Scene::new();
    let refused = s.bid_as("mallory", "alice", 100, 100).unwrap_err();
    assert_eq!(refused, "Generic error: This is another's bid");
    s.close();
    s.settle();
    assert_eq!((s.winner(), s.paid.len()), (None, 0));
}

#[test]
fn a_bid_is_covered_at_least_the_minimum_and_only_rises() {
    let mut s = Scene::new();
    assert!(s.bid("alice", 101, 100).is_err(), "more than the deposit");
    assert!(s.bid("alice", 9, 100).is_err(), "less than the minimum");
    s.bid("alice", 100, 100).unwrap();
    assert!(s.bid("alice", 100, 50).is_err(), "no more than before");
    s.bid("alice", 150, 50).unwrap();
    s.close();
    s.settle();
    assert_eq!(s.paid["seller"], 150);
    assert_eq!(s.paid.get("alice"), None, "150 were sent, 150 are paid");
}

#[test]
fn only_the_token_brings_bids() {
    let mut s = Scene::new();
    let bid = Binary(br#"{"bid":{"bidder":"mallory","amount":"99"}}"#.to_vec()).to_base64();
    let lie = format!(
        r#"{{"receive":{{"sender":"mallory","from":"mallory","amount":"99","msg":"{bid}"}}}}"#
    );
    assert!(s.call("mallory", &lie).unwrap_err().contains("by `send`"));
    let bare = r#"{"receive":{"sender":"alice","from":"alice","amount":"99","msg":null}}"#;
    assert!(
        s.call("token", bare).is_err(),
        "tokens without a bid are refused"
    );
}

#[test]
fn nobody_raises_the_bid_of_another_with_tokens_of_the_others() {
    let mut s = Scene::new();
    s.bid("alice", 100, 200).unwrap();
    let bid = Binary(br#"{"bid":{"bidder":"alice","amount":"150"}}"#.to_vec()).to_base64();
    for amount in ["0", "10"] {
        let spent = format!(
            r#"{{"receive":{{"sender":"mallory","from":"alice","amount":"{amount}","msg":"{bid}"}}}}"#
        );
        assert!(s
            .call("token", &spent)
            .unwrap_err()
            .contains("another's bid"));
    }
    s.close();
    s.settle();
    assert_eq!(s.paid["seller"], 100);
}

#[test]
fn bids_end_in_time_and_each_step_has_its_block() {
    let mut s = Scene::new();
    s.bid("alice", 100, 100).unwrap();
    assert!(s
        .call("bob", r#"{"close":{}}"#)
        .unwrap_err()
        .contains("not over"));
    assert!(s
        .call("bob", r#"{"settle":{}}"#)
        .unwrap_err()
        .contains("not closed"));
    s.next_block(END);
    assert!(s.bid("bob", 200, 200).unwrap_err().contains("is over"));
    s.call("bob", r#"{"close":{}}"#).unwrap();
    assert!(s
        .call("bob", r#"{"close":{}}"#)
        .unwrap_err()
        .contains("closed already"));
    assert!(s
        .call("bob", r#"{"settle":{}}"#)
        .unwrap_err()
        .contains("later block"));
    s.next_block(END);
    s.settle();
    assert_eq!(s.settle(), r#"{"settle":{"left":0}}"#);
    assert_eq!(s.paid["seller"], 100, "once");
}

#[test]
fn ties_are_broken_by_the_random_bytes_and_by_nothing_else() {
    let winner = |random: u8| {
        let mut s = Scene::new();
        for bidder in ["alice", "bob", "carol"] {
            s.bid(bidder, 100, 100).unwrap();
        }
        s.bid("dave", 99, 100).unwrap();
        let mut bytes = vec![0; 32];
        bytes[15] = random;
        s.env.block.random = Some(Binary(bytes));
        s.close();
        s.env.block.random = Some(Binary(vec![255; 32]));
        s.settle();
        assert_eq!(s.paid.values().sum::<u128>(), 400);
        s.winner().unwrap()
    };
    assert_eq!([0, 1, 2, 3].map(winner), ["alice", "bob", "carol", "alice"]);
}

#[test]
fn a_draw_among_very_many_goes_on_in_the_next_transaction_and_comes_to_the_same() {
    let equals = 2 * PASSED_AT_ONCE + 50;
    let winner = |random: u128| {
        let mut s = Scene::new();
        for n in 0..equals {
            s.bid(&format!("bidder{n}"), 100, 100).unwrap();
        }
        s.env.block.random = Some(Binary(random.to_be_bytes().to_vec()));
        s.close();
        let all = format!(r#"{{"settle":{{"left":{equals}}}}}"#);
        let mut steps = 1;
        while s.settle() == all {
            assert_eq!((s.winner(), s.paid.len()), (None, 0));
            steps += 1;
        }
        assert_eq!(s.paid["seller"], 100);
        (steps, s.winner().unwrap())
    };
    for (random, steps, drawn) in [
        (0, 3, 0),
        (equals - 1, 1, equals - 1),
        (equals - PASSED_AT_ONCE - 1, 1, equals - PASSED_AT_ONCE - 1),
        (equals - PASSED_AT_ONCE - 2, 2, equals - PASSED_AT_ONCE - 2),
        (equals, 3, 0),
    ] {
        assert_eq!(winner(random), (steps, format!("bidder{drawn}")));
    }
}

#[test]
fn what_a_bid_writes_is_as_long_whatever_it_is() {
    let lengths = |bids: &[(&str, u128)]| {
        let mut s = Scene::new();
        for (bidder, amount) in bids {
            s.bid(bidder, *amount, *amount).unwrap();
        }
        let highest = to_vec(&HIGHEST.load(&s.deps.storage).unwrap()).unwrap();
        let bid = BIDS.get(&s.deps.storage, &[b"carol"]).unwrap();
        (highest.len(), to_vec(&bid.unwrap()).unwrap().len())
    };
    let one = lengths(&[("carol", 10)]);
    assert_eq!(one, lengths(&[("bob", 10), ("carol", 10)]));
    assert_eq!(one, lengths(&[("bob", 12), ("carol", 10)]));
    assert_eq!(one, lengths(&[("bob", 10), ("carol", u128::MAX)]));
}

#[test]
fn a_bidder_who_rose_out_of_a_tie_is_not_drawn_for_the_lower_amount() {
    let mut s = Scene::new();
    s.bid("alice", 100, 100).unwrap();
    s.bid("bob", 100, 100).unwrap();
    s.bid("alice", 101, 100).unwrap();
    s.close();
    s.settle();
    assert_eq!(s.winner().as_deref(), Some("alice"));
    assert_eq!(
        (s.paid["seller"], s.paid["alice"], s.paid["bob"]),
        (101, 99, 100)
    );
}

#[test]
fn many_bidders_are_paid_back_in_steps_each_once() {
    let mut s = Scene::new();
    let bidders = PAID_AT_ONCE + 5;
    for n in 0..bidders {
        s.bid(&format!("bidder{n}"), 10 + u128::from(n), 100)
            .unwrap();
    }
    s.close();
    assert_eq!(s.settle(), r#"{"settle":{"left":5}}"#);
    assert_eq!(s.settle(), r#"{"settle":{"left":0}}"#);
    s.settle();
    let total: u128 = s.paid.values().sum();
    assert_eq!(total, u128::from(bidders) * 100);
    assert_eq!(s.paid["seller"], u128::from(bidders) + 9);
}

#[test]
fn only_the_key_opens_a_bid() {
    let mut s = Scene::new();
    s.bid("alice", 100, 150).unwrap();
    s.call("alice", r#"{"set_viewing_key":{"key":"k"}}"#)
        .unwrap();
    let wrong = s.ask(r#"{"bid":{"address":"alice","key":"guess"}}"#);
    assert!(matches!(wrong, QueryAnswer::ViewingKeyError { .. }));
    assert_eq!(wrong, s.ask(r#"{"bid":{"address":"bob","key":"k"}}"#));
    assert_eq!(
        s.ask(r#"{"bid":{"address":"alice","key":"k"}}"#),
        QueryAnswer::Bid {
            amount: Uint128::new(100),
            deposit: Uint128::new(150),
        }
    );
}
