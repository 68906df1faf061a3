//! The auction of docs/book/auction.md, as the page shows it, on the whole machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_testkit::call::executed;
use strongroom_testkit::genesis::TIME;
use strongroom_testkit::{Chain, Contract, Executed, Refused, User, contract};
use strongroom_types::proto::secret::compute::v1beta1::{MsgExecuteContract, MsgMigrateContract};

/// Blocks come each second; bids are taken for this long.
const OPEN_SECONDS: u64 = 60;

struct Scene {
    chain: Chain,
    token: Contract,
    auction: Contract,
    seller: User,
    bidders: [User; 3],
}

impl Scene {
    fn new() -> Self {
        let mut chain = Chain::new();
        let seller = chain.user("a");
        let bidders = ["b", "c", "d"].map(|name| chain.user(name));
        let balances: Vec<Value> = bidders
            .iter()
            .map(|user| json!({"address": user.address().to_string(), "amount": "1000"}))
            .collect();
        let code = chain.store_code(&seller, contract("token")).unwrap();
        let begin = json!({
            "name": "Test token", "symbol": "TEST", "decimals": 6, "prng_seed": "c2VlZA==",
            "initial_balances": balances,
        });
        let admin = seller.address().to_string();
        let token = chain
            .instantiate_for(&seller, &code, "token", &begin, &admin)
            .unwrap();
        let code = chain.store_code(&seller, contract("auction")).unwrap();
        let height = chain.height();
        let now = u64::try_from(TIME).unwrap() + height;
        let begin = json!({
            "item": "a clock",
            "token": {"address": token.address.to_string(), "code_hash": hex::encode(token.code_hash)},
            "ends_at": now + OPEN_SECONDS,
            "minimum": "10",
        });
        let auction = chain
            .instantiate(&seller, &code, "auction", &begin)
            .unwrap();
        Self {
            chain,
            token,
            auction,
            seller,
            bidders,
        }
    }

    fn bid(&mut self, bidder: &User, amount: u32, deposit: u32) -> Result<Executed, Refused> {
        let message = send(&self.auction, bidder, amount, deposit);
        self.chain.execute(bidder, &self.token.clone(), &message)
    }

    fn call(&mut self, message: &Value) -> Result<Executed, Refused> {
        let (seller, auction) = (self.seller.clone(), self.auction.clone());
        self.chain.execute(&seller, &auction, message)
    }

    fn wait_for_the_end(&mut self) {
        for _ in 0..OPEN_SECONDS + 10 {
            self.chain.block(Vec::new());
        }
    }

    fn tokens(&mut self, user: &User) -> String {
        let token = self.token.clone();
        let set = json!({"set_viewing_key": {"key": "k"}});
        self.chain.execute(user, &token, &set).unwrap();
        let ask = json!({"balance": {"address": user.address().to_string(), "key": "k"}});
        let answer: Value = self.chain.query(&token, &ask).unwrap();
        answer["balance"]["amount"].as_str().unwrap().to_owned()
    }

    fn result(&mut self) -> Value {
        let auction = self.auction.clone();
        let answer: Value = self.chain.query(&auction, &json!({"result": {}})).unwrap();
        answer["result"].clone()
    }
}

/// A bid as the page writes it: tokens to the auction, with a message that names the bidder. All of the same length.
fn send(auction: &Contract, bidder: &User, amount: u32, deposit: u32) -> Value {
    let bid =
        json!({"bid": {"bidder": bidder.address().to_string(), "amount": amount.to_string()}});
    let bid = format!("{:<120}", bid.to_string());
    json!({"send": {
        "recipient": auction.address.to_string(),
        "amount": deposit.to_string(),
        "msg": STANDARD.encode(bid),
        "gas_target": "200000",
    }})
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

    s.wait_for_the_end();
    let late = s.bid(&b, 900, 500).unwrap_err();
    assert!(late.text.contains("The bidding is over"), "{late}");
    s.call(&json!({"close": {}})).unwrap();
    let settled = s.call(&json!({"settle": {}})).unwrap();
    assert_eq!(settled.json::<Value>(), json!({"settle": {"left": 0}}));

    assert_eq!(
        s.result(),
        json!({"winner": c.address().to_string(), "price": "450"})
    );
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
    s.wait_for_the_end();
    s.call(&json!({"close": {}})).unwrap();

    // The same token with a word behind it: another hash.
    let mut other = contract("token");
    other.extend([0, 5, 4, b'w', b'o', b'r', b'd']);
    let seller = s.seller.clone();
    let code = s.chain.store_code(&seller, other).unwrap();
    assert_ne!(code.hash, s.token.code_hash);
    s.token.code_hash = code.hash;
    let token = s.token.clone();
    let sealed = s.chain.message(&seller, &token, &json!({}));
    let migrate = MsgMigrateContract {
        sender: seller.address().to_string(),
        contract: token.address.to_string(),
        code_id: code.id,
        msg: sealed.message.msg,
        ..MsgMigrateContract::default()
    };
    let tx = s.chain.tx().message(&migrate);
    let tx = s.chain.sign(&seller, &tx);
    assert_eq!(s.chain.block(vec![tx])[0].code, 0);

    s.call(&json!({"settle": {}})).unwrap();
    let tokens = [&seller, &b, &c].map(|user| s.tokens(user));
    assert_eq!(tokens, ["450", "1000", "550"]);
}

#[test]
fn a_bid_shows_in_nothing_that_others_see_not_even_in_its_gas() {
    let mut s = Scene::new();
    let [b, c, d] = s.bidders.clone();
    let mut gas = Vec::new();
    // A first bid, one that leads, one that equals it, one that does not lead.
    for (bidder, amount) in [(&b, 300), (&c, 450), (&d, 450)] {
        gas.push(s.bid(bidder, amount, 500).unwrap().gas_used);
    }
    let mut s = Scene::new();
    for (bidder, amount) in [(&b, 500), (&c, 10), (&d, 11)] {
        gas.push(s.bid(bidder, amount, 500).unwrap().gas_used);
    }
    assert!(gas.iter().all(|used| *used == gas[0]), "{gas:?}");

    let auction = s.auction.clone();
    let set = json!({"set_viewing_key": {"key": "k"}});
    s.chain.execute(&b, &auction, &set).unwrap();
    let ask = |who: &User| json!({"bid": {"address": who.address().to_string(), "key": "k"}});
    let own: Value = s.chain.query(&auction, &ask(&b)).unwrap();
    assert_eq!(own, json!({"bid": {"amount": "500", "deposit": "500"}}));
    let others: Value = s.chain.query(&auction, &ask(&c)).unwrap();
    assert!(others["viewing_key_error"].is_object(), "{others}");
}

#[test]
fn a_copied_bid_fails_and_moves_no_tokens() {
    let mut s = Scene::new();
    let [b, mallory, _] = s.bidders.clone();
    let token = s.token.clone();
    let message = send(&s.auction, &b, 300, 500);
    let sealed = s.chain.message(&b, &token, &message);
    // Mallory sees ciphertext in the mempool, and sends it in another name.
    let copy = MsgExecuteContract {
        sender: mallory.address().as_bytes().to_vec(),
        ..sealed.message.clone()
    };
    let tx = s.chain.tx().message(&copy);
    let tx = s.chain.sign(&mallory, &tx);
    let refused = executed(&s.chain.block(vec![tx])[0], &sealed.key).unwrap_err();
    assert!(refused.text.contains("This is another's bid"), "{refused}");
    assert_eq!(s.tokens(&mallory), "1000");
}

#[test]
fn what_is_not_the_token_cannot_bid() {
    let mut s = Scene::new();
    let [b, _, _] = s.bidders.clone();
    let who = b.address().to_string();
    let bid = json!({"bid": {"bidder": who, "amount": "999"}}).to_string();
    let lie = json!({"receive": {"sender": who, "from": who, "amount": "999", "msg": STANDARD.encode(bid)}});
    let auction = s.auction.clone();
    let refused = s.chain.execute(&b, &auction, &lie).unwrap_err();
    assert!(refused.text.contains("Bids come with tokens"), "{refused}");
}
