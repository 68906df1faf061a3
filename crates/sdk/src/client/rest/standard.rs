//! Queries that a client makes itself, by the routes that every chain of this kind has for them: a node of the Cosmos SDK takes no gRPC method over
//! `abci_query` of REST, and a simulated upload is too long for an address.
//!
//! Of the answers what the client reads, and no more: so these routes are for its own questions only.

use super::{Request, escaped, get};
use crate::types::proto::Message;
use crate::types::proto::cosmos::auth::v1beta1 as auth;
use crate::types::proto::cosmos::base::abci::v1beta1::{GasInfo, Result as TxResult};
use crate::types::proto::cosmos::tx::v1beta1 as tx;
use crate::types::proto::secret::compute::v1beta1 as compute;
use crate::types::proto::secret::registration::v1beta1::Key;
use crate::types::proto::tendermint::abci::{Event, EventAttribute};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

/// What an answer says, encoded; `None` if it is none.
type Read = fn(&Value) -> Option<Vec<u8>>;

/// The route of a method for a request, its name, and the reader of its answer.
pub(super) fn route(path: &str, data: &[u8]) -> Option<(Request, &'static str, Read)> {
    Some(match path {
        "/cosmos.auth.v1beta1.Query/AccountInfo" => {
            let request = auth::QueryAccountInfoRequest::decode(data).ok()?;
            let address = escaped(&request.address);
            let path = format!("/cosmos/auth/v1beta1/account_info/{address}");
            (get(path), "account_info", position)
        }
        "/cosmos.tx.v1beta1.Service/Simulate" => {
            let request = tx::SimulateRequest::decode(data).ok()?;
            let body = json!({ "tx_bytes": STANDARD.encode(request.tx_bytes) });
            let request = Request {
                path: "/cosmos/tx/v1beta1/simulate".to_owned(),
                body: Some(body.to_string()),
            };
            (request, "simulate", simulated)
        }
        "/secret.registration.v1beta1.Query/TxKey" => (
            get("/registration/v1beta1/tx-key".to_owned()),
            "tx-key",
            key,
        ),
        "/secret.compute.v1beta1.Query/CodeHashByContractAddress" => {
            let request = compute::QueryByContractAddressRequest::decode(data).ok()?;
            let contract = escaped(&request.contract_address);
            let path = format!("/compute/v1beta1/code_hash/by_contract_address/{contract}");
            (get(path), "code_hash", code_hash)
        }
        "/secret.compute.v1beta1.Query/CodeHashByCodeId" => {
            let request = compute::QueryByCodeIdRequest::decode(data).ok()?;
            let code = request.code_id;
            let path = format!("/compute/v1beta1/code_hash/by_code_id/{code}");
            (get(path), "code_hash", code_hash)
        }
        "/secret.compute.v1beta1.Query/QuerySecretContract" => {
            let request = compute::QuerySecretContractRequest::decode(data).ok()?;
            let contract = escaped(&request.contract_address);
            let query = escaped(&URL_SAFE.encode(request.query));
            let path = format!("/compute/v1beta1/query/{contract}?query={query}");
            (get(path), "query", answer)
        }
        _ => return None,
    })
}

fn number(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

fn position(answer: &Value) -> Option<Vec<u8>> {
    let info = auth::BaseAccount {
        address: answer["info"]["address"].as_str()?.to_owned(),
        account_number: number(&answer["info"]["account_number"])?,
        sequence: number(&answer["info"]["sequence"])?,
        ..auth::BaseAccount::default()
    };
    let response = auth::QueryAccountInfoResponse { info: Some(info) };
    Some(response.encode_to_vec())
}

fn simulated(answer: &Value) -> Option<Vec<u8>> {
    let info = GasInfo {
        gas_wanted: number(&answer["gas_info"]["gas_wanted"])?,
        gas_used: number(&answer["gas_info"]["gas_used"])?,
    };
    let result = &answer["result"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let attribute = |value: &Value| EventAttribute {
        key: text(&value["key"]),
        value: text(&value["value"]),
        index: value["index"] == true,
    };
    let event = |value: &Value| Event {
        r#type: text(&value["type"]),
        attributes: list(&value["attributes"]).iter().map(attribute).collect(),
    };
    let response = tx::SimulateResponse {
        gas_info: Some(info),
        result: Some(TxResult {
            data: bytes(&result["data"]).unwrap_or_default(),
            events: list(&result["events"]).iter().map(event).collect(),
            ..TxResult::default()
        }),
    };
    Some(response.encode_to_vec())
}

fn key(answer: &Value) -> Option<Vec<u8>> {
    let key = bytes(&answer["key"])?;
    Some(Key { key }.encode_to_vec())
}

fn code_hash(answer: &Value) -> Option<Vec<u8>> {
    let code_hash = answer["code_hash"].as_str()?.to_owned();
    Some(compute::QueryCodeHashResponse { code_hash }.encode_to_vec())
}

fn answer(answer: &Value) -> Option<Vec<u8>> {
    let data = bytes(&answer["data"])?;
    Some(compute::QuerySecretContractResponse { data }.encode_to_vec())
}
