//! What a node of the recorded chain says to a client over REST, in the order in which the client asks.

use super::recorded::{self, proto};
use crate::client::{self, Node, ask, ready};
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage};
use std::cell::RefCell;
use strongroom_node::rest::json::Printer;
use strongroom_proof::comet::ValidatorSet;
use strongroom_proof::light::skipping::Terms;
use strongroom_proof::merkle;
use strongroom_sdk::client::{Client, Request, Response};
use strongroom_types::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountInfoResponse};
use strongroom_types::proto::cosmos::base::abci::v1beta1::TxResponse;
use strongroom_types::proto::cosmos::base::node::v1beta1::StatusResponse;
use strongroom_types::proto::cosmos::base::tendermint::v1beta1 as comet;
use strongroom_types::proto::cosmos::crypto::ed25519::PubKey;
use strongroom_types::proto::cosmos::tx::v1beta1 as tx;
use strongroom_types::proto::secret::registration::v1beta1::Key;
use strongroom_types::proto::strongroom::light::v1 as ours;
use strongroom_types::proto::tendermint::types;
use strongroom_types::proto::{FILE_DESCRIPTOR_SET, pack};
use strongroom_types::{Address, Hash, RawTx};

const CHAIN: &str = "single";
/// The newest block that it tells.
const NEWEST: u64 = 7;
/// A block with two transactions.
const HEIGHT: u64 = 5;

/// Questions, each with all that is answered to it: with routes of ours and without, to who believes it and to who does not.
pub(super) fn transcripts() -> Vec<Vec<u8>> {
    let hash = hex::encode_upper(txs()[1].hash());
    let mut all = Vec::new();
    for words in [
        "height".to_owned(),
        "height_in".to_owned(),
        format!("tx {hash}"),
        format!("wait {hash}"),
        "send tx".to_owned(),
        format!("position {}", address()),
        format!("settled {}", address()),
        "key".to_owned(),
        format!("results {HEIGHT}"),
        format!("search tx.height={HEIGHT}"),
        format!("validators {HEIGHT}"),
    ] {
        for has_ours in [true, false] {
            all.push(transcript(&words, has_ours, |client| client));
            all.push(transcript(&words, has_ours, |client| {
                client.trusting(client::trusted(), Terms::WITHOUT_CLOCK)
            }));
        }
    }
    all
}

type Answers<'a> = Box<dyn FnMut(&Request) -> Option<Response> + 'a>;
type Recorded<'a> = Client<Node<Answers<'a>>>;

fn transcript(
    words: &str,
    has_ours: bool,
    as_who: impl for<'a> FnOnce(Recorded<'a>) -> Recorded<'a>,
) -> Vec<u8> {
    let lines = RefCell::new(words.as_bytes().to_vec());
    let mut busy = true;
    let node: Answers<'_> = Box::new(|request| {
        let mut response = answer(request, has_ours);
        if request.body.is_some() && std::mem::take(&mut busy) {
            response = done(&tx::BroadcastTxResponse {
                tx_response: Some(TxResponse {
                    code: 20,
                    codespace: "sdk".to_owned(),
                    ..TxResponse::default()
                }),
            });
            response.retry_after_ms = Some("145".to_owned());
        }
        let mut lines = lines.borrow_mut();
        lines.push(b'\n');
        let wait = response.retry_after_ms.as_deref().unwrap_or_default();
        lines.extend(format!("{} {wait} ", response.status).bytes());
        lines.extend(&response.body);
        Some(response)
    });
    // What some of them come to is an error: a chain of CometBFT's own application has no state of ours.
    let _ = ready(ask(&mut as_who(Client::new(Node::new(node))), words));
    lines.into_inner()
}

fn txs() -> Vec<RawTx> {
    let block: types::Block = proto(CHAIN, HEIGHT, "block");
    RawTx::list(block.data.unwrap_or_default().txs)
}

fn done<M: Message + Name>(message: &M) -> Response {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("our descriptors");
    let descriptor = pool.get_message_by_name(&M::full_name());
    let descriptor = descriptor.expect("a message of ours");
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice());
    let text = Printer::new(pool).print(&message.expect("the same message"));
    client::said(200, text.as_bytes())
}

fn refused(status: u16, code: u32, text: &str) -> Response {
    let body = serde_json::json!({ "code": code, "message": text, "details": [] });
    client::said(status, body.to_string().as_bytes())
}

fn answer(request: &Request, has_ours: bool) -> Response {
    let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
    match parts.as_slice() {
        ["strongroom", ..] if !has_ours => refused(501, 12, "Not Implemented"),
        ["strongroom", "light", "v1", "commits", height] => done(&ours::CommitResponse {
            signed_header: Some(proto(CHAIN, number(height), "signed_header")),
        }),
        ["strongroom", "light", "v1", "results", height] => done(&ours::ResultsResponse {
            height: i64::try_from(number(height)).unwrap_or_default(),
            txs_results: committed(number(height)),
        }),
        ["strongroom", "light", "v1", "txs", _] => done(&proven_tx()),
        ["cosmos", "base", "node", "v1beta1", "status"] => done(&StatusResponse {
            earliest_store_height: 1,
            height: NEWEST,
            ..StatusResponse::default()
        }),
        ["cosmos", "base", "tendermint", "v1beta1", "blocks", height]
            if number(height) <= NEWEST =>
        {
            done(&comet::GetBlockByHeightResponse {
                block: Some(proto(CHAIN, number(height), "block")),
                ..comet::GetBlockByHeightResponse::default()
            })
        }
        [
            "cosmos",
            "base",
            "tendermint",
            "v1beta1",
            "validatorsets",
            height,
        ] => done(&validators(number(height))),
        ["cosmos", "base", "tendermint", "v1beta1", "abci_query"] if has_ours => {
            done(&comet::AbciQueryResponse {
                value: account().encode_to_vec(),
                height: i64::try_from(NEWEST).unwrap_or_default(),
                ..comet::AbciQueryResponse::default()
            })
        }
        ["cosmos", "base", "tendermint", "v1beta1", "abci_query"] => {
            refused(400, 3, "unsupported ABCI query path")
        }
        ["cosmos", "auth", "v1beta1", "account_info", _] => done(&account()),
        ["registration", "v1beta1", "tx-key"] => done(&Key { key: vec![9; 32] }),
        ["cosmos", "tx", "v1beta1", "txs"] if request.body.is_some() => {
            done(&tx::BroadcastTxResponse {
                tx_response: Some(TxResponse::default()),
            })
        }
        ["cosmos", "tx", "v1beta1", "txs"] => done(&tx::GetTxsEventResponse {
            tx_responses: responses(),
            total: 2,
            ..tx::GetTxsEventResponse::default()
        }),
        ["cosmos", "tx", "v1beta1", "txs", _] => done(&tx::GetTxResponse {
            tx: None,
            tx_response: responses().pop(),
        }),
        _ => refused(404, 5, "not found"),
    }
}

fn committed(height: u64) -> Vec<ours::CommittedResult> {
    let results = recorded::results(CHAIN, height).into_iter();
    let committed = results.map(|result| ours::CommittedResult {
        code: result.code,
        data: result.data,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
    });
    committed.collect()
}

fn responses() -> Vec<TxResponse> {
    let results = committed(HEIGHT).into_iter().zip(txs());
    let responses = results.map(|(result, tx)| TxResponse {
        height: i64::try_from(HEIGHT).unwrap_or_default(),
        txhash: tx.hash_hex(),
        code: result.code,
        data: hex::encode_upper(result.data),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        ..TxResponse::default()
    });
    responses.collect()
}

fn proven_tx() -> ours::TxResponse {
    let txs = txs();
    let hashes: Vec<&Hash> = txs.iter().map(RawTx::hash).collect();
    let (_, proof) = merkle::prove(&hashes, 1).expect("a proof");
    let result = committed(HEIGHT).remove(1);
    ours::TxResponse {
        hash: txs[1].hash_hex(),
        height: i64::try_from(HEIGHT).unwrap_or_default(),
        index: 1,
        tx_result: Some(ours::TxResult {
            code: result.code,
            data: result.data,
            gas_wanted: result.gas_wanted,
            gas_used: result.gas_used,
            ..ours::TxResult::default()
        }),
        tx: txs[1].to_vec(),
        proof: Some(ours::TxProof {
            proof: Some(ours::Proof {
                total: 2,
                index: 1,
                leaf_hash: merkle::leaf_hash(txs[1].hash()).to_vec(),
                aunts: proof.aunts.iter().map(|aunt| aunt.to_vec()).collect(),
            }),
        }),
    }
}

fn validators(height: u64) -> comet::GetValidatorSetByHeightResponse {
    let set = ValidatorSet::from_raw(&proto(CHAIN, height, "validator_set"));
    let set = set.expect("a recorded set");
    let validators = set.validators().iter().map(|validator| comet::Validator {
        pub_key: Some(pack(&PubKey {
            key: validator.pubkey.to_vec(),
        })),
        voting_power: i64::try_from(validator.power).unwrap_or_default(),
        ..comet::Validator::default()
    });
    comet::GetValidatorSetByHeightResponse {
        validators: validators.collect(),
        ..comet::GetValidatorSetByHeightResponse::default()
    }
}

fn address() -> String {
    let address = Address::from_bytes(&[1; 20]).expect("an address");
    address.to_string()
}

fn account() -> QueryAccountInfoResponse {
    QueryAccountInfoResponse {
        info: Some(BaseAccount {
            address: address(),
            account_number: 7,
            sequence: 3,
            ..BaseAccount::default()
        }),
    }
}
