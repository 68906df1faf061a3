//! The auction of docs/book/auction.md, as the page shows it.

use crate::contract;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::LazyLock;
use strongroom_kit::leaks;
use strongroom_kit::{Call, Contract, Executed, Network, Refused, User};

/// Bids are taken for this long.
const OPEN_SECONDS: u64 = 600;

#[derive(Clone)]
struct Scene {
    net: Network,
    token: Contract,
    auction: Contract,
    seller: User,
    bidders: [User; 3],
}

impl Scene {
    fn new() -> Self {
        static BEGUN: LazyLock<Scene> = LazyLock::new(Scene::begin);
        BEGUN.clone()
    }

    fn begin() -> Self {
        let mut net = Network::new();
        let seller = net.user("alice");
        let bidders = ["bob", "carol", "dave"].map(|name| net.user(name));
        let balances = bidders
            .iter()
            .map(|user| json!({"address": user.to_string(), "amount": "1000"}));
        let code = net.store(&seller, contract("token")).unwrap();
        let begin = json!({
            "name": "Test token", "symbol": "TEST", "decimals": 6, "prng_seed": "c2VlZA==",
            "initial_balances": balances.collect::<Vec<Value>>(),
        });
        let made = Call::instantiate(&seller, &code, "token", &begin).admin(seller.address());
        let token = net.run(&made).unwrap().contract().unwrap();
        let code = net.store(&seller, contract("auction")).unwrap();
        let begin = json!({
            "item": "a clock",
            "token": {"address": token.to_string(), "code_hash": hex::encode(token.code_hash)},
            "ends_at": net.time() + OPEN_SECONDS,
            "minimum": "10",
        });
        let auction = net.instantiate(&seller, &code, "auction", &begin).unwrap();
        Self {
            net,
            token,
            auction,
            seller,
            bidders,
        }
    }

    fn bid(&mut self, bidder: &User, amount: u32, deposit: u32) -> Result<Executed, Refused> {
        let call = self.bid_call(bidder, amount, deposit);
        self.net.run(&call)
    }

    /// A bid as the page writes it: tokens to the auction, with a message that names the bidder. All of the same length.
    fn bid_call(&self, bidder: &User, amount: u32, deposit: u32) -> Call {
        let bid = json!({"bid": {"bidder": bidder.to_string(), "amount": amount.to_string()}});
        let bid = format!("{:<120}", bid.to_string());
        let message = json!({"send": {
            "recipient": self.auction.to_string(),
            "amount": deposit.to_string(),
            "msg": STANDARD.encode(bid),
            "gas_target": "200000",
        }});
        Call::execute(bidder, &self.token, &message)
    }

    fn call(&mut self, message: &Value) -> Result<Executed, Refused> {
        self.net.execute(&self.seller, &self.auction, message)
    }

    fn tokens(&mut self, user: &User) -> String {
        let set = json!({"set_viewing_key": {"key": "k"}});
        self.net.execute(user, &self.token, &set).unwrap();
        let ask = json!({"balance": {"address": user.to_string(), "key": "k"}});
        let answer: Value = self.net.query(&self.token, &ask).unwrap();
        answer["balance"]["amount"].as_str().unwrap().to_owned()
    }

    fn result(&mut self) -> Value {
        let answer: Value = self
            .net
            .query(&self.auction, &json!({"result": {}}))
            .unwrap();
        answer["result"].clone()
    }
}

#[test]
fn the_highest_bid_buys_and_everybody_else_has_their_tokens_back() {
    let mut s = Scene::new();
    let [b, c, d] = s.bidders.clone();
    s.bid(&b, 300, 500).unwrap();
    s.bid(&c, 450, 500).unwrap();
    s.bid(&d, 20, 500).unwrap();
    s.bid(&d, 310, 1).unwrap();
    let early = s.call(&json!({"close": {}})).unwrap_err();
    assert!(early.text.contains("The bidding is not over"), "{early}");
    assert_eq!(s.result(), json!({"winner": null, "price": null}));

    s.net.wait(OPEN_SECONDS);
    let late = s.bid(&b, 900, 500).unwrap_err();
    assert!(late.text.contains("The bidding is over"), "{late}");
    s.call(&json!({"close": {}})).unwrap();
    let settled = s.call(&json!({"settle": {}})).unwrap();
    assert_eq!(settled.json::<Value>(), json!({"settle": {"left": 0}}));

    assert_eq!(s.result(), json!({"winner": c.to_string(), "price": "450"}));
    let seller = s.seller.clone();
    let tokens = [&seller, &b, &c, &d].map(|user| s.tokens(user));
    assert_eq!(tokens, ["450", "1000", "550", "1000"]);
}

#[test]
fn a_token_that_was_given_other_code_meanwhile_locks_nobodys_deposit() {
    let mut s = Scene::new();
    let [b, c, _] = s.bidders.clone();
    s.bid(&b, 300, 500).unwrap();
    s.bid(&c, 450, 500).unwrap();
    s.net.wait(OPEN_SECONDS);
    s.call(&json!({"close": {}})).unwrap();

    // The same token with a word behind it: another hash.
    let mut other = contract("token");
    other.extend([0, 5, 4, b'w', b'o', b'r', b'd']);
    let seller = s.seller.clone();
    let code = s.net.store(&seller, other).unwrap();
    assert_ne!(code.hash, s.token.code_hash);
    let moved = s
        .net
        .run(&Call::migrate(&seller, &s.token, &code, &json!({})));
    s.token = moved.unwrap().contract().unwrap();

    s.call(&json!({"settle": {}})).unwrap();
    let tokens = [&seller, &b, &c].map(|user| s.tokens(user));
    assert_eq!(tokens, ["450", "1000", "550"]);
}

#[test]
fn a_bid_shows_in_nothing_that_a_host_or_the_public_sees() {
    let mut s = Scene::new();
    let [b, c, d] = s.bidders.clone();
    s.bid(&b, 300, 500).unwrap();
    let bids = |amounts: [u32; 2]| {
        let calls = [
            s.bid_call(&c, amounts[0], 500),
            s.bid_call(&d, amounts[1], 500),
        ];
        move |net: &mut Network| calls.iter().for_each(|call| drop(net.run(call).unwrap()))
    };
    // One that leads and one that does not; one that equals the highest; both below it; below each other.
    for other in [[450, 460], [300, 300], [250, 240], [500, 10]] {
        leaks::between(&s.net, bids([310, 301]), bids(other)).assert_none();
    }
}

#[test]
fn who_bids_is_public_and_what_is_bid_only_the_bidder_reads() {
    let mut s = Scene::new();
    let [b, c, _] = s.bidders.clone();
    s.bid(&b, 500, 500).unwrap();
    s.bid(&c, 10, 500).unwrap();
    let set = json!({"set_viewing_key": {"key": "k"}});
    s.net.execute(&b, &s.auction, &set).unwrap();
    let ask = |who: &User| json!({"bid": {"address": who.to_string(), "key": "k"}});
    let own: Value = s.net.query(&s.auction, &ask(&b)).unwrap();
    assert_eq!(own, json!({"bid": {"amount": "500", "deposit": "500"}}));
    let others: Value = s.net.query(&s.auction, &ask(&c)).unwrap();
    assert!(others["viewing_key_error"].is_object(), "{others}");
}

#[test]
fn a_copied_bid_fails_and_moves_no_tokens() {
    let mut s = Scene::new();
    let [b, mallory, _] = s.bidders.clone();
    let copy = s.bid_call(&b, 300, 500).stolen_by(&mallory);
    let refused = s.net.run(&copy).unwrap_err();
    assert!(refused.text.contains("This is another's bid"), "{refused}");
    assert_eq!(s.tokens(&mallory), "1000");
    // Bound, it does not even get that far.
    let bound = s.bid_call(&b, 300, 500).bound().stolen_by(&mallory);
    let refused = s.net.run(&bound).unwrap_err();
    assert!(
        refused.text.contains("failed to validate transaction"),
        "{refused}"
    );
}

#[test]
fn what_is_not_the_token_cannot_bid() {
    let mut s = Scene::new();
    let [b, _, _] = s.bidders.clone();
    let who = b.to_string();
    let bid = json!({"bid": {"bidder": who, "amount": "999"}}).to_string();
    let lie = json!({"receive": {"sender": who, "from": who, "amount": "999", "msg": STANDARD.encode(bid)}});
    let refused = s.net.execute(&b, &s.auction, &lie).unwrap_err();
    assert!(refused.text.contains("Bids come with tokens"), "{refused}");
}
