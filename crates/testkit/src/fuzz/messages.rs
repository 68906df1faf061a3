//! Messages: good ones, half good ones, and what a puppet is made to say and to ask.

use super::admin;
use super::contracts::{Known, Language, question, to_probe, to_token};
use super::others;
use super::rng::Rng;
use super::v010;
use crate::wasm::puppet;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use strongroom_sdk::message::{Binding, Target};
use strongroom_types::proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use strongroom_types::proto::cosmos::base::v1beta1::Coin;
use strongroom_types::proto::secret::compute::v1beta1::{
    MsgExecuteContract, MsgInstantiateContract, MsgStoreCode,
};
use strongroom_types::proto::{Any, pack};
use strongroom_types::{Address, sha256};

const AMOUNTS: &[&str] = &[
    "0",
    "1",
    "1",
    "5",
    "1000",
    "77777",
    "999999999999999999",
    "1000000000000000000000",
    "340282366920938463463374607431768211455",
    "340282366920938463463374607431768211456",
    "115792089237316195423570985008687907853269984665640564039457584007913129639935",
    "115792089237316195423570985008687907853269984665640564039457584007913129639936",
    "-1",
    "01",
    "",
    "1e3",
];

/// Mostly what somebody has.
pub(super) fn amount(rng: &mut Rng) -> String {
    if rng.once_in(5) {
        rng.pick(AMOUNTS).to_owned()
    } else {
        (1 + rng.below(100)).to_string()
    }
}

fn denom(rng: &mut Rng) -> String {
    match rng.below(30) {
        0 => String::new(),
        1 => "x".repeat(1 + rng.below(300)),
        2 => String::from("ibc/0F1E"),
        3 => String::from("usc\u{e9}t\u{0}"),
        _ => String::from("uscrt"),
    }
}

pub(super) fn coins(rng: &mut Rng) -> Vec<Coin> {
    let n = if rng.once_in(6) { rng.below(5) } else { 1 };
    let coin = |rng: &mut Rng| Coin {
        denom: denom(rng),
        amount: amount(rng),
    };
    (0..n).map(|_| coin(rng)).collect()
}

pub(super) fn recipient(rng: &mut Rng, known: &Known) -> String {
    match rng.below(10) {
        0 => Address::of_module("fee_collector").to_string(),
        1 => Address::of_module("distribution").to_string(),
        2 => String::from("secret1garbage"),
        3 => Address::from_bytes(&[rng.below(20) as u8; 20])
            .map(|a| a.to_string())
            .unwrap_or_default(),
        4 => Address::from_bytes(&[rng.below(5) as u8; 32])
            .map(|a| a.to_string())
            .unwrap_or_default(),
        5 | 6 => known.callee(rng).address.to_string(),
        _ => rng.pick(&known.users).to_string(),
    }
}

/// One message of `from`; its place among the messages of all says which nonce it is sealed with.
pub(super) fn message(rng: &mut Rng, known: &Known, from: &Address, bank_only: bool) -> Any {
    let mut any = match rng.below(if bank_only { 5 } else { 32 }) {
        0..=3 => pack(&MsgSend {
            from_address: from.to_string(),
            to_address: recipient(rng, known),
            amount: coins(rng),
        }),
        4 => multi_send(rng, known, from),
        5 => pack(&MsgStoreCode {
            sender: from.as_bytes().to_vec(),
            wasm_byte_code: code(rng),
            ..MsgStoreCode::default()
        }),
        6 | 7 => {
            // Codes by number, and a callee that has it; the fifth is nobody's.
            let code_id = rng.below(8);
            let like = [0, 0, 3, 4, 5, 0, 6, 7].map(|n| &known.callees[n])[code_id];
            let plain = match like.language {
                Language::Token => {
                    b"{\"name\":\"Another\",\"symbol\":\"FUZZ\",\"decimals\":6,\"prng_seed\":\"\"}"
                        .to_vec()
                }
                Language::V010 => b"{\"log\":[],\"messages\":[]}".to_vec(),
                Language::Stock => b"{}".to_vec(),
                language => plain(rng, known, language, 0),
            };
            let label = format!("label {}", rng.below(1_000_000));
            let code_id = code_id as u64;
            let target = Target::Instantiate {
                code_id,
                label: &label,
            };
            let plain = bound(rng, known, from, target, plain);
            pack(&MsgInstantiateContract {
                sender: from.as_bytes().to_vec(),
                code_id,
                init_msg: known.seal(rng, &like.code_hash, &plain),
                label,
                init_funds: if rng.once_in(4) {
                    coins(rng)
                } else {
                    Vec::new()
                },
                admin: if rng.once_in(3) {
                    recipient(rng, known)
                } else {
                    String::new()
                },
                ..MsgInstantiateContract::default()
            })
        }
        8 => Any {
            type_url: rng
                .pick(&[
                    "/cosmos.staking.v1beta1.MsgDelegate",
                    "/secret.compute.v1beta1.MsgMigrateContract",
                    "/cosmos.bank.v1beta1.MsgBurn",
                    "/cosmos.base.v1beta1.Coin",
                    "",
                ])
                .to_owned(),
            value: rng.bytes(40),
        },
        9..=13 => known.nodes.message(rng, from),
        14..=16 => admin::message(rng, known, from),
        _ => {
            let callee = known.callee(rng);
            let plain = plain(rng, known, callee.language, 0);
            let target = Target::Execute(callee.address.as_bytes());
            let plain = bound(rng, known, from, target, plain);
            pack(&MsgExecuteContract {
                sender: from.as_bytes().to_vec(),
                contract: callee.address.as_bytes().to_vec(),
                msg: known.seal(rng, &callee.code_hash, &plain),
                sent_funds: if rng.once_in(4) {
                    coins(rng)
                } else {
                    Vec::new()
                },
                ..MsgExecuteContract::default()
            })
        }
    };
    if rng.once_in(30) {
        rng.mutate(&mut any.value);
    }
    any
}

/// Now and then bound to its sender, mostly to the right one.
pub(super) fn bound(
    rng: &mut Rng,
    known: &Known,
    from: &Address,
    target: Target<'_>,
    plain: Vec<u8>,
) -> Vec<u8> {
    if !rng.once_in(6) {
        return plain;
    }
    let other = rng.pick(&known.users);
    let binding = Binding {
        chain_id: if rng.once_in(10) { "" } else { &known.chain_id },
        sender: if rng.once_in(6) { &other } else { from }.as_bytes(),
        target,
    };
    binding.bind(&plain)
}

pub(super) fn multi_send(rng: &mut Rng, known: &Known, from: &Address) -> Any {
    let outputs: Vec<Output> = (0..rng.below(4))
        .map(|_| Output {
            address: recipient(rng, known),
            coins: coins(rng),
        })
        .collect();
    let sum: u128 = outputs
        .iter()
        .flat_map(|o| &o.coins)
        .fold(0, |sum, c| sum.wrapping_add(c.amount.parse().unwrap_or(0)));
    let total = Coin {
        denom: String::from("uscrt"),
        amount: sum.to_string(),
    };
    let inputs = vec![Input {
        address: from.to_string(),
        coins: if rng.once_in(4) {
            coins(rng)
        } else {
            vec![total]
        },
    }];
    pack(&MsgMultiSend { inputs, outputs })
}

/// Code: the puppet, changed, zipped, or a small module of random arithmetic with stores at hostile offsets.
fn code(rng: &mut Rng) -> Vec<u8> {
    let mut wasm = match rng.below(4) {
        0 => rng.bytes(60),
        1 => {
            let offset = rng.pick(&[0_u32, 8, 65_535, 65_536, 70_000, u32::MAX]);
            let op = rng.pick(&["i32.store", "i32.store8", "i32.store16"]);
            let store = format!("({op} offset={offset} (local.get $env) (local.get $env))");
            puppet(&format!(
                "(func (export \"more\") (param $env i32) {store} {store})"
            ))
        }
        _ => puppet(&format!(
            "(data (i32.const 0x600000) \"{:016x}\")",
            rng.next()
        )),
    };
    if rng.once_in(3) {
        rng.mutate(&mut wasm);
    }
    if rng.once_in(2) {
        wasm = zip(&wasm);
        if rng.once_in(6) {
            rng.mutate(&mut wasm);
        }
    }
    wasm
}

/// Gzip.
pub(super) fn zip(content: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in content {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(miniz_oxide::deflate::compress_to_vec(content, 1));
    out.extend((!crc).to_le_bytes());
    out.extend((content.len() as u32).to_le_bytes());
    out
}

/// What a contract is told, in plain.
pub(super) fn plain(rng: &mut Rng, known: &Known, language: Language, depth: usize) -> Vec<u8> {
    let mut plain = match language {
        Language::Puppet => to_puppet(rng, known, depth),
        Language::Probe | Language::Token => {
            let inner = inner(rng, known, Language::Puppet, depth);
            let said = match language {
                Language::Token => to_token(rng, known, &inner),
                _ => to_probe(rng, known, &inner),
            };
            said.to_string().into_bytes()
        }
        Language::Stock => others::to_stock(rng, known).to_string().into_bytes(),
        Language::Everything => {
            let inner = inner(rng, known, Language::Puppet, depth);
            let said = others::to_everything(rng, known, &inner);
            said.to_string().into_bytes()
        }
        Language::V010 => {
            let messages: Vec<Value> = (0..rng.below(3))
                .map(|_| {
                    let to = known.callee(rng);
                    let inner = inner(rng, known, to.language, depth);
                    v010::message(rng, known, &to, &inner)
                })
                .collect();
            v010::told(rng, known, &messages).to_string().into_bytes()
        }
    };
    if rng.once_in(20) {
        rng.mutate(&mut plain);
    }
    plain
}

/// What a contract makes of a message says to another.
fn inner(rng: &mut Rng, known: &Known, language: Language, depth: usize) -> Vec<u8> {
    match language {
        _ if depth < 5 => plain(rng, known, language, depth + 1),
        Language::Puppet => b"n".to_vec(),
        Language::Probe | Language::Token | Language::V010 => b"{\"nothing\":{}}".to_vec(),
        Language::Stock => b"{\"walk\":{\"count\":3}}".to_vec(),
        Language::Everything => b"{}".to_vec(),
    }
}

fn to_puppet(rng: &mut Rng, known: &Known, depth: usize) -> Vec<u8> {
    match rng.below(15) {
        0 if rng.once_in(6) => b"g".to_vec(),
        1 => b"p".to_vec(),
        2 => b"n".to_vec(),
        3 => vec![b'#', rng.below(12) as u8],
        4 => [b"+".as_slice(), response(rng, known, depth).as_bytes()].concat(),
        5 => [b"s".as_slice(), request(rng, known).as_bytes()].concat(),
        13 => [b"s".as_slice(), others::request(rng, known).as_bytes()].concat(),
        6 => {
            let mut msg = vec![rng.pick(b"WRD")];
            for _ in 0..2 {
                let length = rng.pick(&[0_u32, 1, 64, 256, 257, 4_096, 70_000, 200_000, u32::MAX]);
                msg.extend(length.to_le_bytes());
            }
            msg
        }
        7 => b"r".to_vec(),
        8 => request(rng, known).into_bytes(),
        // What it does when it is told of a message.
        9 => {
            let told = [b'=', b'0' + rng.below(3) as u8];
            let inner = inner(rng, known, Language::Puppet, depth);
            [told.as_slice(), inner.as_slice()].concat()
        }
        // A failure after a write, or success.
        10 => [b"f".as_slice(), response(rng, known, depth).as_bytes()].concat(),
        11 => br#"f{"Err":"no"}"#.to_vec(),
        _ => response(rng, known, depth).into_bytes(),
    }
}

fn request(rng: &mut Rng, known: &Known) -> String {
    let callee = known.callee(rng);
    let (contract, hash) = (&callee.address, hex::encode(callee.code_hash));
    match rng.below(3) {
        0 => format!(
            r#"{{"bank":{{"balance":{{"address":"{contract}","denom":"{}"}}}}}}"#,
            denom(rng).escape_default()
        ),
        1 => {
            let inner = format!(r#"{{"bank":{{"all_balances":{{"address":"{contract}"}}}}}}"#);
            let msg = STANDARD.encode(match callee.language {
                Language::Puppet if rng.once_in(2) => inner,
                Language::Puppet => String::from("gpw"),
                Language::Probe | Language::Token => question(rng, known),
                Language::V010 => v010::asked(rng, known),
                Language::Stock => others::ask_stock(rng, known).to_string(),
                Language::Everything => others::ask_everything(rng, known).to_string(),
            });
            format!(
                r#"{{"wasm":{{"smart":{{"contract_addr":"{contract}","code_hash":"{hash}","msg":"{msg}"}}}}}}"#
            )
        }
        _ => format!(r#"{{"wasm":{{"contract_info":{{"contract_addr":"{contract}"}}}}}}"#),
    }
}

/// A response with messages, attributes and events.
fn response(rng: &mut Rng, known: &Known, depth: usize) -> String {
    let messages: Vec<String> = (0..rng.pick(&[0, 0, 1, 1, 2, 3]))
        .map(|_| sub_message(rng, known, depth))
        .collect();
    let attributes: Vec<String> = (0..rng.pick(&[0, 1, 2, 40]))
        .map(|_| {
            let length = rng.pick(&[0, 1, 10, 100, 3_000]);
            format!(
                r#"{{"key":"k{}","value":"{}","encrypted":{}}}"#,
                rng.below(9),
                "v".repeat(length),
                rng.once_in(2)
            )
        })
        .collect();
    let attributes = attributes.join(",");
    let events = match rng.below(4) {
        0 => format!(r#"{{"type":"kind","attributes":[{attributes}]}}"#),
        _ => String::new(),
    };
    let data = rng.pick(&["null", "\"\"", "\"c2Vlbg==\"", "\"!\""]);
    format!(
        r#"{{"Ok":{{"messages":[{}],"attributes":[{attributes}],"events":[{events}],"data":{data}}}}}"#,
        messages.join(",")
    )
}

fn sub_message(rng: &mut Rng, known: &Known, depth: usize) -> String {
    let callee = known.callee(rng);
    let (contract, hash) = (&callee.address, hex::encode(callee.code_hash));
    let coin = format!(
        r#"{{"denom":"{}","amount":"{}"}}"#,
        denom(rng).escape_default(),
        amount(rng)
    );
    let funds = if rng.once_in(4) { coin.as_str() } else { "" };
    let msg = STANDARD.encode(inner(rng, known, callee.language, depth));
    let msg = match rng.below(8) {
        4 if rng.once_in(8) => String::from(r#"{"finalize_tx":{}}"#),
        2 | 3 => admin::sub_message(rng, known, depth),
        7 => others::any_message(rng, known),
        0 => format!(
            r#"{{"bank":{{"send":{{"to_address":"{}","amount":[{coin}]}}}}}}"#,
            recipient(rng, known)
        ),
        1 => format!(
            r#"{{"wasm":{{"instantiate":{{"code_id":1,"code_hash":"{hash}","msg":"{msg}","send":[{funds}],"label":"{}"}}}}}}"#,
            sha256(&rng.next().to_be_bytes())
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        ),
        // A few salts, so that some of them are taken.
        5 => format!(
            r#"{{"wasm":{{"instantiate2":{{"code_id":1,"msg":"{msg}","funds":[{funds}],"label":"{}","salt":"{}"}}}}}}"#,
            rng.next(),
            rng.pick(&["", "YQ==", "Yg==", "Yw=="])
        ),
        _ => format!(
            r#"{{"wasm":{{"execute":{{"contract_addr":"{contract}","code_hash":"{hash}","msg":"{msg}","send":[{funds}]}}}}}}"#
        ),
    };
    let gas = rng.pick(&["null", "null", "0", "1000", "60000", "18446744073709551615"]);
    let reply = rng.pick(&["never", "never", "always", "error", "success"]);
    format!(
        r#"{{"id":{},"msg":{msg},"gas_limit":{gas},"reply_on":"{reply}"}}"#,
        rng.below(3)
    )
}
