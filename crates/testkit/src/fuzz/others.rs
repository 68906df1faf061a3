//! What contracts say to other modules and to the host: messages and requests in protobuf, iteration, and every import with whatever bytes
//! there are.

use super::contracts::{Known, json_coins, name, text};
use super::messages::{coins, multi_send};
use super::rng::Rng;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_types::Address;
use strongroom_types::proto::cosmos::bank::v1beta1::{MsgSend, QueryBalanceRequest};
use strongroom_types::proto::secret::compute::v1beta1::MsgExecuteContract;
use strongroom_types::proto::{Any, Message, pack};

/// Notes that the list keeps: some pages of its keys.
const NOTES: usize = 600;

/// A message of another module that a contract sends; mostly in its own name.
fn any(rng: &mut Rng, known: &Known, own: &Address) -> Any {
    let mut any = match rng.below(6) {
        0 => multi_send(rng, known, own),
        1 => pack(&MsgExecuteContract {
            sender: own.as_bytes().to_vec(),
            contract: known.callee(rng).address.as_bytes().to_vec(),
            ..MsgExecuteContract::default()
        }),
        2 => Any {
            type_url: rng
                .pick(&[
                    "/cosmos.feegrant.v1beta1.MsgGrantAllowance",
                    "/no.such.Msg",
                    "",
                ])
                .to_owned(),
            value: rng.bytes(60),
        },
        _ => pack(&MsgSend {
            from_address: if rng.once_in(5) {
                name(rng, known)
            } else {
                own.to_string()
            },
            to_address: name(rng, known),
            amount: coins(rng),
        }),
    };
    if rng.once_in(10) {
        rng.mutate(&mut any.value);
    }
    any
}

/// The same in a sub-message.
pub(super) fn any_message(rng: &mut Rng, known: &Known) -> String {
    let own = known.callee(rng).address;
    let any = any(rng, known, &own);
    let kind = rng.pick(&["any", "stargate"]);
    json!({kind: {"type_url": any.type_url, "value": STANDARD.encode(any.value)}}).to_string()
}

/// A request to another module in protobuf: path and data.
fn question(rng: &mut Rng, known: &Known) -> (String, String) {
    const PATHS: [&str; 12] = [
        "/cosmos.bank.v1beta1.Query/Balance",
        "/cosmos.bank.v1beta1.Query/SupplyOf",
        "/cosmos.bank.v1beta1.Query/Params",
        "/cosmos.bank.v1beta1.Query/DenomOwners",
        "/cosmos.auth.v1beta1.Query/Account",
        "/cosmos.auth.v1beta1.Query/Params",
        "/cosmos.feegrant.v1beta1.Query/Allowance",
        "/secret.compute.v1beta1.Query/ContractInfo",
        "/secret.compute.v1beta1.Query/CodeHashByContractAddress",
        "/secret.compute.v1beta1.Query/LabelByAddress",
        "/secret.compute.v1beta1.Query/ContractsByCodeId",
        "/no.such.Query/At",
    ];
    // One text, or two: whatever the request is, it is of one of these forms.
    let request = QueryBalanceRequest {
        address: name(rng, known),
        denom: rng.pick(&["uscrt", "uscrt", "", "x"]).to_owned(),
    };
    let mut data = request.encode_to_vec();
    if rng.once_in(8) {
        rng.mutate(&mut data);
    }
    (rng.pick(&PATHS).to_owned(), STANDARD.encode(data))
}

/// The same as the JSON of a request.
pub(super) fn request(rng: &mut Rng, known: &Known) -> String {
    let kind = rng.pick(&["grpc", "stargate"]);
    let (path, data) = question(rng, known);
    json!({kind: {"path": path, "data": data}}).to_string()
}

/// What the list of notes (`contracts/stock`) is told.
pub(super) fn to_stock(rng: &mut Rng, known: &Known) -> Value {
    let from = rng.below(NOTES);
    match rng.below(12) {
        0..=3 => {
            let to = from + rng.pick(&[0, 1, 1, 5, 40, 300]);
            json!({"fill": {"from": from, "to": to, "text": text(rng)}})
        }
        4 | 5 => json!({"remove": {"number": from}}),
        6 => json!({"read": {"count": rng.pick(&[0, 3, 50])}}),
        7..=9 => json!({"walk": {"count": rng.pick(&[0, 1, 20, 200, u64::MAX])}}),
        // It wants to be told of what it makes, of its own code or another.
        10 => {
            let salt = STANDARD.encode(rng.below(1_000).to_string());
            json!({"make": {"code_id": rng.below(12), "salt": salt}})
        }
        _ => {
            let own = known.stock.clone();
            let any = any(rng, known, &own);
            json!({"send": {"type_url": any.type_url, "value": STANDARD.encode(any.value)}})
        }
    }
}

/// What the list is asked.
pub(super) fn ask_stock(rng: &mut Rng, known: &Known) -> Value {
    let (limit, descending) = (rng.pick(&[0, 1, 10, 100, u32::MAX]), rng.once_in(2));
    match rng.below(3) {
        0 => {
            let after = (!rng.once_in(3)).then(|| rng.below(NOTES));
            json!({"numbers": {"after": after, "limit": limit, "descending": descending}})
        }
        1 => json!({"texts": {"limit": limit, "descending": descending}}),
        _ => {
            let (path, data) = question(rng, known);
            json!({"ask": {"path": path, "data": data}})
        }
    }
}

/// What `contracts/everything` is told: imports to call, and messages.
pub(super) fn to_everything(rng: &mut Rng, known: &Known, inner: &[u8]) -> Value {
    let calls = calls(rng, known);
    let callee = known.callee(rng);
    let execute = json!({"wasm": {"execute": {
        "contract_addr": callee.address.to_string(),
        "code_hash": hex::encode(callee.code_hash),
        "msg": STANDARD.encode(inner),
        "send": json_coins(rng),
    }}});
    let mode = rng.pick(&["never", "always", "error", "success"]);
    let message = json!({"id": rng.below(3), "msg": execute, "gas_limit": null, "reply_on": mode});
    let messages = if rng.once_in(3) {
        vec![message]
    } else {
        Vec::new()
    };
    json!({"calls": calls, "messages": messages, "forget": rng.once_in(4)})
}

/// What it is asked.
pub(super) fn ask_everything(rng: &mut Rng, known: &Known) -> Value {
    json!({"call": {"calls": calls(rng, known)}})
}

/// Imports that v0.10 has, under its names.
pub(super) fn calls_v010(rng: &mut Rng, known: &Known) -> Vec<Value> {
    let renamed = |call: Value| {
        let (name, arguments) = call
            .as_object()
            .and_then(|call| call.iter().next())
            .expect("one call");
        match name.as_str() {
            "addr_canonicalize" => json!({"canonicalize_address": arguments}),
            "addr_humanize" => json!({"humanize_address": arguments}),
            "db_read" | "db_write" | "db_remove" | "db_scan" | "db_next" | "query_chain" => call,
            name if name.starts_with("ed25519") || name.starts_with("secp256k1") => call,
            _ => json!({"debug_print": {"message": "00"}}),
        }
    };
    calls(rng, known).into_iter().map(renamed).collect()
}

fn calls(rng: &mut Rng, known: &Known) -> Vec<Value> {
    (0..1 + rng.below(4)).map(|_| call(rng, known)).collect()
}

/// A call of an import: mostly with lengths that it takes.
fn call(rng: &mut Rng, known: &Known) -> Value {
    let bytes = |rng: &mut Rng, length: usize| {
        let length = if rng.once_in(6) {
            rng.below(200)
        } else {
            length
        };
        hex::encode((0..length).map(|_| rng.next() as u8).collect::<Vec<u8>>())
    };
    let key = hex::encode([b'k', rng.below(30) as u8]);
    let human = hex::encode(name(rng, known));
    match rng.below(28) {
        0..=2 => json!({"db_write": {"key": key, "value": bytes(rng, 20)}}),
        3 => json!({"db_read": {"key": key}}),
        4 => json!({"db_remove": {"key": key}}),
        5 | 6 => {
            json!({"db_scan": {"start": rng.once_in(2).then_some("6b05"), "end": null, "order": rng.pick(&[1, 1, 2, 2, 0])}})
        }
        7 => json!({"db_next": {"iterator": rng.below(3)}}),
        8 => json!({"db_next_key": {"iterator": rng.below(2)}}),
        9 => json!({"db_next_value": {"iterator": rng.below(2)}}),
        10 => json!({"addr_canonicalize": {"human": human, "room": rng.pick(&[90, 90, 20, 0])}}),
        11 => {
            json!({"addr_humanize": {"canonical": bytes(rng, 20), "room": rng.pick(&[90, 90, 20])}})
        }
        12 => json!({"addr_validate": {"human": human}}),
        13 => json!({"query_chain": {"request": hex::encode(request(rng, known))}}),
        14 => {
            json!({"secp256k1_verify": {"hash": bytes(rng, 32), "signature": bytes(rng, 64), "key": bytes(rng, 33)}})
        }
        15 => {
            json!({"secp256k1_recover_pubkey": {"hash": bytes(rng, 32), "signature": bytes(rng, 64), "parity": rng.below(4)}})
        }
        16 => {
            json!({"ed25519_verify": {"message": bytes(rng, 9), "signature": bytes(rng, 64), "key": bytes(rng, 32)}})
        }
        17 => {
            let list = |rng: &mut Rng, length| {
                (0..rng.below(4))
                    .map(|_| bytes(rng, length))
                    .collect::<Vec<_>>()
            };
            json!({"ed25519_batch_verify": {"messages": list(rng, 9), "signatures": list(rng, 64), "keys": list(rng, 32)}})
        }
        18 => json!({"secp256k1_sign": {"message": bytes(rng, 9), "key": bytes(rng, 32)}}),
        19 => json!({"ed25519_sign": {"message": bytes(rng, 9), "seed": bytes(rng, 32)}}),
        20 => json!({"dcap_quote_verify": {"quote": bytes(rng, 9), "collateral": bytes(rng, 9)}}),
        21 => json!({"gas_evaporate": {"gas": rng.pick(&[0, 1, 5_000, u32::MAX])}}),
        22 if rng.once_in(4) => json!({"abort": {"message": bytes(rng, 9)}}),
        22 => json!({"check_gas": {}}),
        23 => json!({"message_bound": {}}),
        24 => {
            json!({"secp256r1_verify": {"hash": bytes(rng, 32), "signature": bytes(rng, 64), "key": bytes(rng, 33)}})
        }
        25 => {
            json!({"secp256r1_recover_pubkey": {"hash": bytes(rng, 32), "signature": bytes(rng, 64), "parity": rng.below(5)}})
        }
        26 => {
            json!({"bls12_381_hash_to_g1": {"function": rng.pick(&[0, 0, 0, 1]), "message": bytes(rng, 9), "tag": bytes(rng, 9), "room": 48}})
        }
        _ => json!({"bls12_381_aggregate_g2": {"points": bytes(rng, 192), "room": 96}}),
    }
}
