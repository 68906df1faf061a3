//! Contracts of other chains on the whole machine: published crates as they are, compiled by plain `cargo`, and a list written with the newest
//! ordinary library (`contracts/stock`). Their state is sealed and their iterations are proven; they know nothing of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_testkit::{Chain, Contract, Executed, Refused, User, contract};
use strongroom_types::Coin;
use strongroom_types::proto::Message;
use strongroom_types::proto::cosmos::bank::v1beta1::{
    MsgSend, QueryBalanceRequest, QueryBalanceResponse,
};
use strongroom_types::proto::cosmos::base::v1beta1::Coin as ProtoCoin;

pub(super) struct Scene {
    pub(super) chain: Chain,
    pub(super) alice: User,
    bob: User,
}

pub(super) fn scene() -> Scene {
    let chain = Chain::new();
    let (alice, bob) = (chain.user("a"), chain.user("b"));
    Scene { chain, alice, bob }
}

impl Scene {
    pub(super) fn make(&mut self, wasm: &str, message: &Value) -> Contract {
        let alice = self.alice.clone();
        let code = self.chain.store_code(&alice, contract(wasm)).unwrap();
        self.chain
            .instantiate(&alice, &code, wasm, message)
            .unwrap()
    }

    fn run(&mut self, contract: &Contract, message: &Value) -> Executed {
        self.attempt(contract, message).unwrap()
    }

    fn attempt(&mut self, contract: &Contract, message: &Value) -> Result<Executed, Refused> {
        let alice = self.alice.clone();
        self.chain.execute(&alice, contract, message)
    }

    pub(super) fn ask(&mut self, contract: &Contract, question: &Value) -> Value {
        self.chain.query(contract, question).unwrap()
    }

    fn text(&self) -> (String, String) {
        (
            self.alice.address().to_string(),
            self.bob.address().to_string(),
        )
    }
}

pub(super) fn coins(uscrt: u128) -> Vec<Coin> {
    vec![Coin {
        denom: "uscrt".into(),
        amount: uscrt,
    }]
}

#[test]
fn a_cw20_token_moves_lists_its_holders_in_order_and_keeps_all_of_it_sealed() {
    let mut s = scene();
    let (alice, bob) = s.text();
    let begin = json!({
        "name": "Stock token", "symbol": "STOCK", "decimals": 6,
        "initial_balances": [{"address": alice, "amount": "1000"}],
    });
    let token = s.make("cw20_base", &begin);
    s.run(
        &token,
        &json!({"transfer": {"recipient": bob, "amount": "300"}}),
    );
    let balance = json!({"balance": {"address": bob}});
    assert_eq!(s.ask(&token, &balance), json!({"balance": "300"}));
    let mut holders = [alice.clone(), bob.clone()];
    holders.sort();
    let all = json!({"all_accounts": {}});
    assert_eq!(s.ask(&token, &all), json!({"accounts": holders}));
    let behind = json!({"all_accounts": {"start_after": holders[0]}});
    assert_eq!(s.ask(&token, &behind), json!({"accounts": [holders[1]]}));
    // An allowance is a record in two lists.
    s.run(
        &token,
        &json!({"increase_allowance": {"spender": bob, "amount": "5"}}),
    );
    let given = json!({"all_allowances": {"owner": alice}});
    assert_eq!(
        s.ask(&token, &given)["allowances"][0]["spender"],
        json!(bob)
    );
    let refused = s
        .attempt(
            &token,
            &json!({"transfer": {"recipient": bob, "amount": "701"}}),
        )
        .unwrap_err();
    assert_eq!((refused.codespace.as_str(), refused.code), ("compute", 3));
    assert!(refused.text.contains("Cannot Sub"), "{}", refused.text);
    // It goes on after a restart, before there is another block.
    s.chain.restart();
    assert_eq!(s.ask(&token, &balance), json!({"balance": "300"}));
}

#[test]
fn a_cw721_collection_mints_and_lists_its_tokens() {
    let mut s = scene();
    let (alice, bob) = s.text();
    let begin = json!({"name": "Stamps", "symbol": "STAMP", "minter": alice});
    let stamps = s.make("cw721_base", &begin);
    for id in ["c", "a", "b"] {
        let mint =
            json!({"mint": {"token_id": id, "owner": alice, "token_uri": null, "extension": {}}});
        s.run(&stamps, &mint);
    }
    let all = |after: Option<&str>| json!({"all_tokens": {"start_after": after, "limit": 2}});
    assert_eq!(s.ask(&stamps, &all(None)), json!({"tokens": ["a", "b"]}));
    assert_eq!(s.ask(&stamps, &all(Some("b"))), json!({"tokens": ["c"]}));
    s.run(
        &stamps,
        &json!({"transfer_nft": {"recipient": bob, "token_id": "b"}}),
    );
    s.run(&stamps, &json!({"burn": {"token_id": "a"}}));
    let of = |owner: &str| json!({"tokens": {"owner": owner}});
    assert_eq!(s.ask(&stamps, &of(&alice)), json!({"tokens": ["c"]}));
    assert_eq!(s.ask(&stamps, &of(&bob)), json!({"tokens": ["b"]}));
    assert_eq!(
        s.ask(&stamps, &json!({"num_tokens": {}})),
        json!({"count": 2})
    );
}

#[test]
fn a_cw1_whitelist_sends_what_its_admins_say_and_nobody_else() {
    let mut s = scene();
    let (alice, bob) = s.text();
    let begin = json!({"admins": [alice], "mutable": true});
    let proxy = s.make("cw1_whitelist", &begin);
    let user = s.alice.clone();
    let same = json!({"update_admins": {"admins": [alice]}});
    s.chain
        .execute_with(&user, &proxy, &same, &coins(50))
        .unwrap();
    let send = json!({"execute": {"msgs": [
        {"bank": {"send": {"to_address": bob, "amount": [{"denom": "uscrt", "amount": "20"}]}}},
    ]}});
    let before = s.chain.balance(s.bob.address(), "uscrt");
    s.run(&proxy, &send);
    assert_eq!(s.chain.balance(s.bob.address(), "uscrt"), before + 20);
    let other = s.bob.clone();
    assert!(s.chain.execute(&other, &proxy, &send).is_err());
    assert_eq!(s.chain.balance(&proxy.address, "uscrt"), 30);
}

#[test]
fn a_cw3_multisig_passes_a_proposal_that_moves_a_cw20_token_without_knowing_its_code_hash() {
    let mut s = scene();
    let (alice, bob) = s.text();
    let begin = json!({
        "voters": [{"addr": alice, "weight": 2}, {"addr": bob, "weight": 1}],
        "threshold": {"absolute_count": {"weight": 3}},
        "max_voting_period": {"height": 1000},
    });
    let multisig = s.make("cw3_fixed_multisig", &begin);
    let begin = json!({
        "name": "Stock token", "symbol": "STOCK", "decimals": 6,
        "initial_balances": [{"address": multisig.address.to_string(), "amount": "1000"}],
    });
    let token = s.make("cw20_base", &begin);
    let transfer = json!({"transfer": {"recipient": bob, "amount": "7"}});
    let message = json!({"wasm": {"execute": {
        "contract_addr": token.address.to_string(),
        "msg": STANDARD.encode(transfer.to_string()),
        "funds": [],
    }}});
    let propose = json!({"propose": {"title": "pay", "description": "Bob", "msgs": [message]}});
    s.run(&multisig, &propose);
    let execute = json!({"execute": {"proposal_id": 1}});
    assert!(s.attempt(&multisig, &execute).is_err(), "a vote is missing");
    let other = s.bob.clone();
    let vote = json!({"vote": {"proposal_id": 1, "vote": "yes"}});
    s.chain.execute(&other, &multisig, &vote).unwrap();
    s.run(&multisig, &execute);
    let balance = json!({"balance": {"address": bob}});
    assert_eq!(s.ask(&token, &balance), json!({"balance": "7"}));
    s.run(&multisig, &propose);
    let newest = s.ask(&multisig, &json!({"reverse_proposals": {}}));
    let ids: Vec<&Value> = newest["proposals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["id"])
        .collect();
    assert_eq!(ids, [&json!(2), &json!(1)]);
    let votes = s.ask(&multisig, &json!({"list_votes": {"proposal_id": 1}}));
    assert_eq!(votes["votes"].as_array().unwrap().len(), 2);
}

#[test]
fn a_factory_reads_the_address_of_the_collection_that_it_made_from_its_reply() {
    let mut s = scene();
    let (alice, bob) = s.text();
    let begin = json!({
        "name": "Stock token", "symbol": "STOCK", "decimals": 6,
        "initial_balances": [{"address": alice, "amount": "1000"}],
    });
    let token = s.make("cw20_base", &begin);
    let user = s.alice.clone();
    let collection = contract("cw721_metadata_onchain");
    let code = s.chain.store_code(&user, collection).unwrap();
    let begin = json!({
        "owner": alice, "max_tokens": 2, "unit_price": "10", "name": "Stamps", "symbol": "STAMP",
        "collection_info_extension": null, "token_code_id": code.id,
        "cw20_address": token.address.to_string(), "token_uri": "", "extension": null,
        "withdraw_address": null,
    });
    // It unwraps what cw-utils makes of the reply: without an address it panics here.
    let shop = s.make("cw721_fixed_price", &begin);
    let config = s.ask(&shop, &json!({"get_config": {}}));
    let address = config["cw721_address"].as_str().unwrap();
    let stamps = Contract {
        address: address.parse().unwrap(),
        code_hash: code.hash,
    };
    let pay = |amount: &str| json!({"send": {"contract": shop.address.to_string(), "amount": amount, "msg": ""}});
    s.run(&token, &pay("10"));
    let other = s.bob.clone();
    let give = json!({"transfer": {"recipient": bob, "amount": "10"}});
    s.run(&token, &give);
    s.chain.execute(&other, &token, &pay("10")).unwrap();
    for (id, owner) in [("0", &alice), ("1", &bob)] {
        let question = json!({"owner_of": {"token_id": id, "include_expired": null}});
        assert_eq!(s.ask(&stamps, &question)["owner"], json!(owner));
    }
    assert!(s.attempt(&token, &pay("10")).is_err(), "sold out");
    let held = s.ask(
        &token,
        &json!({"balance": {"address": shop.address.to_string()}}),
    );
    assert_eq!(held, json!({"balance": "20"}));
}

#[test]
fn a_cw4_group_lists_its_members_and_remembers_who_they_were() {
    let mut s = scene();
    let (alice, bob) = s.text();
    let begin = json!({"admin": alice, "members": [{"addr": alice, "weight": 2}]});
    let group = s.make("cw4_group", &begin);
    let before = s.chain.height();
    s.run(
        &group,
        &json!({"update_members": {"remove": [], "add": [{"addr": bob, "weight": 5}]}}),
    );
    let members = s.ask(&group, &json!({"list_members": {}}));
    assert_eq!(members["members"].as_array().unwrap().len(), 2);
    assert_eq!(
        s.ask(&group, &json!({"total_weight": {}})),
        json!({"weight": 7})
    );
    let was = json!({"member": {"addr": bob, "at_height": before}});
    assert_eq!(s.ask(&group, &was), json!({"weight": null}));
}

#[test]
fn a_list_with_the_newest_library_walks_both_ways_and_speaks_with_other_modules() {
    let mut s = scene();
    let (_, bob) = s.text();
    let list = s.make("stock", &json!({}));
    let fill = |from: u64, to: u64| json!({"fill": {"from": from, "to": to, "text": "note"}});
    s.run(&list, &fill(0, 100));
    s.run(&list, &json!({"remove": {"number": 50}}));
    let numbers = |after: Value, limit: u32, descending: bool| json!({"numbers": {"after": after, "limit": limit, "descending": descending}});
    assert_eq!(
        s.ask(&list, &numbers(json!(48), 3, false)),
        json!([49, 51, 52])
    );
    assert_eq!(
        s.ask(&list, &numbers(json!(52), 3, true)),
        json!([51, 49, 48])
    );
    assert_eq!(
        s.ask(&list, &numbers(Value::Null, 1_000, true))
            .as_array()
            .unwrap()
            .len(),
        99
    );
    let texts = json!({"texts": {"limit": 2, "descending": true}});
    assert_eq!(s.ask(&list, &texts), json!(["note", "note"]));

    // A walk costs less than two reads one by one for each entry.
    let read = s.run(&list, &json!({"read": {"count": 99}}));
    let walk = s.run(&list, &json!({"walk": {"count": 99}}));
    assert_eq!(walk.attribute("read"), Some("99"));
    let gas = |run: &Executed| run.gas_used - 30_000;
    assert!(
        gas(&walk) < 3 * gas(&read),
        "{} {}",
        walk.gas_used,
        read.gas_used
    );

    let user = s.alice.clone();
    s.chain
        .execute_with(&user, &list, &fill(0, 1), &coins(9))
        .unwrap();
    let send = MsgSend {
        from_address: list.address.to_string(),
        to_address: bob,
        amount: vec![ProtoCoin {
            denom: "uscrt".into(),
            amount: "4".into(),
        }],
    };
    s.run(
        &list,
        &json!({"send": {"type_url": "/cosmos.bank.v1beta1.MsgSend", "value": STANDARD.encode(send.encode_to_vec())}}),
    );
    let request = QueryBalanceRequest {
        address: list.address.to_string(),
        denom: "uscrt".into(),
    };
    let data = STANDARD.encode(request.encode_to_vec());
    let ask = |path: &str| json!({"ask": {"path": path, "data": data}});
    let sealed = s
        .chain
        .query_bytes(&list, &ask("/cosmos.bank.v1beta1.Query/Balance"))
        .unwrap();
    let balance = QueryBalanceResponse::decode(sealed.as_slice()).unwrap();
    assert_eq!(balance.balance.unwrap().amount, "5");
    let refused = s
        .chain
        .query_bytes(&list, &ask("/cosmos.bank.v1beta1.Query/DenomOwners"));
    let text = refused.unwrap_err().text;
    assert!(text.contains("is not allowed from the contract"), "{text}");
}
