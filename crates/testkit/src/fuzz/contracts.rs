//! The contracts that random blocks talk to, and what the real ones are told.

use super::admin::Target;
use super::messages::{amount, coins, recipient};
use super::nodes::Nodes;
use super::rng::Rng;
use crate::call::{Code, Contract};
use crate::chain::Chain;
use crate::user::User;
use crate::wasm::{contract, puppet};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_sdk::message::Sealer;
use strongroom_types::{Address, Gas, Hash};

/// Bytes that the speaker says in one call, and at most how many more.
const SPOKEN_BYTES: usize = 500_000;
const SPOKEN_MORE: usize = 10_000;
/// Gas of a call in which the most is said: 2.1 for a byte, some for the call.
pub(super) const SPEECH_GAS: Gas = 1_072_000;

/// Whose language a contract understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// `contracts/puppet.wat`: does what it is told, down to the bytes of its answer.
    Puppet,
    /// `contracts/probe`: one effect for each message.
    Probe,
    /// `contracts/token`: what people use.
    Token,
    /// `contracts/everything-v010`: the same as the puppet in the words of v0.10.
    V010,
    /// `contracts/stock`: iterates, and sends and asks in protobuf.
    Stock,
    /// `contracts/everything`: calls the imports.
    Everything,
}

/// A contract that may be called.
#[derive(Clone, Debug)]
pub(super) struct Callee {
    pub(super) address: Address,
    pub(super) code_hash: Hash,
    pub(super) language: Language,
    pub(super) admin: Option<Address>,
}

/// What messages are made of.
pub(super) struct Known {
    /// Puppets first, so that most calls are theirs.
    pub(super) callees: Vec<Callee>,
    /// How many of them were there at first, and stay.
    pub(super) first: usize,
    /// The codes to which contracts migrate: a puppet, another one, the probe, one of v0.10, the one of every import.
    pub(super) targets: Vec<Target>,
    /// A puppet that says [`SPOKEN_BYTES`] for `n`, and that nobody else talks to.
    pub(super) speaker: Callee,
    pub(super) users: Vec<Address>,
    pub(super) chain_id: String,
    /// The list of notes.
    pub(super) stock: Address,
    /// Those who join, and what they say.
    pub(super) nodes: Nodes,
    sealer: Sealer,
}

impl Known {
    /// Stores and instantiates all of them on a new chain.
    pub(super) fn on(chain: &mut Chain, users: &[User]) -> Self {
        let owner = chain.user("a");
        let addresses: Vec<Address> = users.iter().map(|u| u.address().clone()).collect();
        let other = puppet("(data (i32.const 0x600000) \"other\")");
        let puppet = store(chain, &owner, puppet(""));
        let probe = store(chain, &owner, contract("probe"));
        let token = store(chain, &owner, contract("token"));
        let v010 = store(chain, &owner, contract("everything_v010"));
        let other = store(chain, &owner, other);
        let stock = store(chain, &owner, contract("stock"));
        let everything = store(chain, &owner, contract("everything"));
        let mut made = |code: &Code, language, label: &str, begin: &Value, admin: &str| {
            let made = chain.instantiate_for(&owner, code, label, begin, admin);
            let Contract { address, code_hash } = made.expect("a contract");
            Callee {
                address,
                code_hash,
                language,
                admin: admin.parse().ok(),
            }
        };
        let nothing = spoken("");
        let mut callees: Vec<Callee> = (0..3)
            .map(|n| {
                let label = format!("puppet {n}");
                made(&puppet, Language::Puppet, &label, &nothing, "")
            })
            .collect();
        callees.push(made(&probe, Language::Probe, "probe", &json!({}), ""));
        let begin = token_begins(&addresses);
        callees.push(made(&token, Language::Token, "token", &begin, ""));
        let empty = json!({"log": [], "messages": []});
        callees.push(made(&v010, Language::V010, "v0.10", &empty, ""));
        let stock = made(&stock, Language::Stock, "stock", &json!({}), "");
        callees.push(stock.clone());
        for n in 0..2 {
            let label = format!("everything {n}");
            callees.push(made(
                &everything,
                Language::Everything,
                &label,
                &json!({}),
                "",
            ));
        }
        // Contracts that change: the authority's, two users', and a contract's.
        let contract = callees[0].address.clone();
        let admins = addresses.iter().take(3).cloned().chain([contract]);
        for (n, admin) in admins.enumerate() {
            let (label, admin) = (format!("changing {n}"), admin.to_string());
            callees.push(made(&puppet, Language::Puppet, &label, &nothing, &admin));
        }
        let admin = addresses[1].to_string();
        callees.push(made(
            &v010,
            Language::V010,
            "changing v0.10",
            &empty,
            &admin,
        ));
        let speaker = made(&puppet, Language::Puppet, "speaker", &nothing, "");
        let targets = [
            (&puppet, Language::Puppet),
            (&other, Language::Puppet),
            (&probe, Language::Probe),
            (&v010, Language::V010),
            (&everything, Language::Everything),
        ];
        let targets = targets.map(|(code, language)| Target {
            id: code.id,
            hash: code.hash,
            language,
        });
        Self {
            first: callees.len(),
            callees,
            targets: targets.to_vec(),
            speaker,
            nodes: Nodes::of(chain, &addresses),
            users: addresses,
            chain_id: chain.options().chain_id.clone(),
            stock: stock.address,
            sealer: Sealer::new([7; 32], *chain.network_key()),
        }
    }

    /// Somebody to call.
    pub(super) fn callee(&self, rng: &mut Rng) -> Callee {
        rng.pick(&self.callees)
    }

    /// Seals a message; sometimes for another code, sometimes broken.
    pub(super) fn seal(&self, rng: &mut Rng, code_hash: &Hash, plain: &[u8]) -> Vec<u8> {
        let hash = if rng.once_in(20) {
            Hash::default()
        } else {
            *code_hash
        };
        let mut wire = self.seal_well(rng, &hash, plain);
        if rng.once_in(20) {
            rng.mutate(&mut wire);
        }
        wire
    }

    /// Seals a message as a client does.
    pub(super) fn seal_well(&self, rng: &mut Rng, code_hash: &Hash, plain: &[u8]) -> Vec<u8> {
        let mut nonce = Hash::default();
        nonce[..8].copy_from_slice(&rng.next().to_be_bytes());
        let sealed = self.sealer.seal_with(&nonce, code_hash, plain);
        sealed.expect("a network key").wire
    }
}

fn store(chain: &mut Chain, owner: &User, wasm: Vec<u8>) -> Code {
    chain.store_code(owner, wasm).expect("a good module")
}

/// The answer of a puppet with one attribute of this value in clear, if there is one.
fn spoken(value: &str) -> Value {
    let attributes = match value {
        "" => json!([]),
        _ => json!([{"key": "k", "value": value, "encrypted": false}]),
    };
    json!({"Ok": {"messages": [], "attributes": attributes, "events": [], "data": null}})
}

/// What the speaker is told before a block of speeches: what to say.
pub(super) fn rehearsal(rng: &mut Rng) -> Vec<u8> {
    let value = "x".repeat(SPOKEN_BYTES + rng.below(SPOKEN_MORE));
    format!("+{}", spoken(&value)).into_bytes()
}

fn token_begins(users: &[Address]) -> Value {
    let balances: Vec<Value> = users
        .iter()
        .map(|user| json!({"address": user.to_string(), "amount": "1000000"}))
        .collect();
    json!({
        "name": "Fuzzed token",
        "symbol": "FUZZ",
        "decimals": 6,
        "admin": users[0].to_string(),
        "prng_seed": "c2VlZA==",
        "initial_balances": balances,
        "supported_denoms": ["uscrt"],
        "config": {
            "public_total_supply": true,
            "enable_deposit": true,
            "enable_redeem": true,
            "enable_mint": true,
            "enable_burn": true,
        },
    })
}

pub(super) fn text(rng: &mut Rng) -> String {
    "t".repeat(rng.pick(&[0, 1, 20, 300, 5_000]))
}

/// Somebody, now and then nobody.
pub(super) fn name(rng: &mut Rng, known: &Known) -> String {
    recipient(rng, known)
}

/// What the probe is told.
pub(super) fn to_probe(rng: &mut Rng, known: &Known, inner: &[u8]) -> Value {
    let callee = known.callee(rng);
    let callee = json!({
        "address": callee.address.to_string(),
        "code_hash": hex::encode(callee.code_hash),
    });
    let attributes: Vec<Value> = (0..rng.below(4))
        .map(|n| json!({"key": format!("k{n}"), "value": text(rng), "plaintext": rng.once_in(2)}))
        .collect();
    let inner = STANDARD.encode(inner);
    match rng.below(21) {
        0 => json!({"nothing": {}}),
        1 => json!({"fail": {"message": text(rng)}}),
        2 => json!({"write_and_fail": {"key": text(rng), "value": text(rng)}}),
        3 => json!({"emit": {"attributes": attributes}}),
        4 => {
            json!({"emit_event": {"name": rng.pick(&["ab", "transfer", "", "a"]), "attributes": attributes}})
        }
        5 => json!({"set_data": {"data": inner}}),
        6 => json!({"look": {}}),
        7 => json!({"write": {"key": text(rng), "value": text(rng)}}),
        8 => json!({"remove": {"key": text(rng)}}),
        9 => json!({"spin": {"rounds": rng.pick(&[1_u64, 1_000, 100_000, u64::MAX])}}),
        10 => json!({"panic": {"message": text(rng)}}),
        11 => json!({"recurse": {"depth": rng.pick(&[1_u64, 500, 100_000])}}),
        12 => json!({"grow": {"kib": rng.pick(&[1_u32, 1_000, 11_000, 20_000, u32::MAX])}}),
        13 => json!({"evaporate": {"gas": rng.pick(&[0_u32, 1, 10_000, u32::MAX])}}),
        14 => json!({"call": {"callee": callee, "msg": inner, "funds": json_coins(rng)}}),
        15 => json!({"call_self": {"levels": rng.below(20)}}),
        16 => json!({"ask": {"callee": callee, "msg": STANDARD.encode(question(rng, known))}}),
        17 => json!({"write_long": {"bytes": rng.pick(&[1_u32, 20_000, 524_289, u32::MAX])}}),
        18 => json!({"emit_many": {"events": rng.pick(&[1_u32, 300, 5_000])}}),
        19 => json!({"say_much": {"bytes": rng.pick(&[1_u32, 20_000, 900_000, u32::MAX])}}),
        _ => json!({"send": {"to_address": name(rng, known), "amount": json_coins(rng)}}),
    }
}

pub(super) fn json_coins(rng: &mut Rng) -> Vec<Value> {
    let coins = coins(rng).into_iter();
    let coins = coins.map(|c| json!({"denom": c.denom, "amount": c.amount}));
    coins.collect()
}

/// What the probe and the token are asked.
pub(super) fn question(rng: &mut Rng, known: &Known) -> String {
    let question = match rng.below(8) {
        0 => json!({"read": {"key": text(rng)}}),
        1 => json!({"look": {}}),
        2 => json!({"fail": {"message": text(rng)}}),
        3 => json!({"panic": {"message": text(rng)}}),
        4 => json!({"write": {"key": "k", "value": "v"}}),
        5 => json!({"ask_self": {"levels": rng.below(14)}}),
        6 => json!({"token_info": {}}),
        _ => json!({"balance": {"address": name(rng, known), "key": text(rng), "denom": "uscrt"}}),
    };
    question.to_string()
}

/// What the token is told.
pub(super) fn to_token(rng: &mut Rng, known: &Known, inner: &[u8]) -> Value {
    let (who, amount) = (name(rng, known), amount(rng));
    let moved = json!({"recipient": who, "amount": amount, "memo": text(rng)});
    let from =
        json!({"owner": rng.pick(&known.users).to_string(), "recipient": who, "amount": amount});
    match rng.below(18) {
        0..=3 => json!({"transfer": moved}),
        4 => json!({"send": {"recipient": who, "amount": amount, "msg": STANDARD.encode(inner)}}),
        5 => json!({"batch_transfer": {"actions": vec![moved; rng.below(5)]}}),
        6 => json!({"deposit": {}}),
        7 => json!({"redeem": {"amount": amount, "denom": "uscrt"}}),
        8 => json!({"burn": {"amount": amount}}),
        9 => json!({"set_viewing_key": {"key": text(rng)}}),
        10 => json!({"create_viewing_key": {"entropy": text(rng), "padding": text(rng)}}),
        11 => json!({"increase_allowance": {"spender": who, "amount": amount}}),
        12 => json!({"transfer_from": from}),
        13 => json!({"register_receive": {"code_hash": hex::encode(known.callee(rng).code_hash)}}),
        14 => json!({"add_minters": {"minters": [who]}}),
        15 => json!({"batch_transfer_from": {"actions": vec![from; rng.below(20)]}}),
        16 => {
            json!({"update_seed": {"signed_doc": {"params": {"chain_id": text(rng)}, "signature": {
                "pub_key": {"type": "tendermint/PubKeySecp256k1", "value": STANDARD.encode(text(rng))},
                "signature": STANDARD.encode(inner),
            }}}})
        }
        _ => json!({"mint": moved}),
    }
}
