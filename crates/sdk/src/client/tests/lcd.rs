//! REST in front of a node that answers in the words of the RPC: what the gateway of the Cosmos SDK prints of the same.

use super::*;
use percent_encoding::percent_decode_str;

pub(super) fn said(status: u16, body: &[u8]) -> Response {
    Response {
        status,
        body: body.to_vec(),
        ..Response::default()
    }
}

fn refused(status: u16, code: u64, text: &str) -> Response {
    let body = json!({ "code": code, "message": text, "details": [] });
    said(status, body.to_string().as_bytes())
}

/// The answer to a request; `has_ours`: to the routes of ours too, and to gRPC methods over `abci_query`.
pub(super) fn response(
    request: &Request,
    has_ours: bool,
    mut answer: impl FnMut(&str, &Value) -> Value,
) -> Response {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let parts: Vec<&str> = path.split('/').collect();
    let body = request.body.as_ref();
    let body: Option<Value> = body.map(|body| serde_json::from_str(body).unwrap());
    let mut ask = |method: &str, params: Value| {
        let mut said = answer(method, &params);
        match said["result"].take() {
            Value::Null => {
                let error = said["error"]["data"].as_str().unwrap_or("gone");
                Err(error.to_owned())
            }
            result => Ok(result),
        }
    };
    let told = match (parts.as_slice(), &body) {
        (["", "cosmos", "base", "tendermint", "v1beta1", "node_info"], None) => Ok(
            json!({ "default_node_info": { "network": "golden-four-1", "protocol_version": { "block": "11" } } }),
        ),
        (["", "cosmos", "base", "node", "v1beta1", "status"], None) => {
            ask("status", json!({})).map(|status| {
                let sync = &status["sync_info"];
                json!({ "height": sync["latest_block_height"], "timestamp": sync["latest_block_time"], "earliest_store_height": "1" })
            })
        }
        (["", "strongroom", ..], _) if !has_ours => return refused(501, 12, "Not Implemented"),
        (["", "strongroom", "light", "v1", "commits", height], None) => {
            let commit = ask("commit", json!({ "height": height }));
            commit.map(|commit| json!({ "signed_header": signed_header(&commit) }))
        }
        (["", "strongroom", "light", "v1", "txs", hash], None) => {
            ask("tx", json!({ "hash": base64_of(hash), "prove": true }))
        }
        (["", "strongroom", "light", "v1", "results", height], None) => {
            ask("block_results", json!({ "height": height }))
        }
        (["", "cosmos", "base", "tendermint", "v1beta1", "blocks", height], None) => {
            let newest = ask("status", json!({})).unwrap()["sync_info"]["latest_block_height"].take();
            let number = |text: &str| text.parse::<u64>().unwrap();
            if number(height) > number(newest.as_str().unwrap()) {
                return refused(400, 3, "requested block height is bigger then the chain length");
            }
            // A change of a header is made where the RPC tells one.
            let header = ask("commit", json!({ "height": height }));
            let block = ask("block", json!({ "height": height })).unwrap();
            header.map(|header| {
                let block = &block["block"];
                json!({ "block": {
                    "header": signed_header(&header)["header"],
                    "data": block["data"],
                    "last_commit": commit(&block["last_commit"]),
                } })
            })
        }
        (["", "cosmos", "base", "tendermint", "v1beta1", "validatorsets", height], None) => {
            let params = json!({ "height": height, "page": "1", "per_page": "100" });
            ask("validators", params).map(|set| validators(&set))
        }
        (["", "cosmos", "tx", "v1beta1", "txs", hash], None) => {
            let tx = ask("tx", json!({ "hash": base64_of(hash), "prove": true }));
            tx.map(|tx| {
                let mut response = tx["tx_result"].clone();
                response["raw_log"] = response["log"].take();
                response["data"] = hex_of(&tx["tx_result"]["data"]);
                response["height"] = tx["height"].clone();
                json!({ "tx_response": response })
            })
        }
        (["", "cosmos", "tx", "v1beta1", "txs"], None) => {
            let height = value_of(query, "query").unwrap();
            let height = height.strip_prefix("tx.height=").unwrap().to_owned();
            ask("block_results", json!({ "height": height })).map(|results| {
                let all = results["txs_results"].as_array().unwrap().iter();
                let all = all.map(|result| {
                    let mut response = result.clone();
                    response["data"] = hex_of(&result["data"]);
                    response
                });
                json!({ "tx_responses": all.collect::<Vec<_>>() })
            })
        }
        (["", "cosmos", "tx", "v1beta1", "txs"], Some(body)) => {
            ask("broadcast_tx_sync", json!({ "tx": body["tx_bytes"] })).map(|checked| {
                let mut response = checked.clone();
                response["raw_log"] = response["log"].take();
                json!({ "tx_response": response })
            })
        }
        (["", "cosmos", "base", "tendermint", "v1beta1", "abci_query"], None) => {
            let path = value_of(query, "path").unwrap();
            if !has_ours && !path.starts_with("/store/") {
                return refused(400, 3, &format!("unsupported ABCI query path: {path}"));
            }
            let data = base64::engine::general_purpose::URL_SAFE.decode(value_of(query, "data").unwrap());
            let params = json!({ "path": path, "data": hex::encode(data.unwrap()) });
            ask("abci_query", params).map(|answer| answer["response"].clone())
        }
        _ => return refused(501, 12, "Not Implemented"),
    };
    match told {
        Ok(answer) => said(200, answer.to_string().as_bytes()),
        Err(text) => refused(404, 5, &text),
    }
}

fn value_of(query: &str, name: &str) -> Option<String> {
    let mut members = query.split('&').filter_map(|member| member.split_once('='));
    let (_, value) = members.find(|(key, _)| *key == name)?;
    Some(
        percent_decode_str(value)
            .decode_utf8()
            .unwrap()
            .into_owned(),
    )
}

fn base64_of(hex: &str) -> String {
    STANDARD.encode(hex::decode(hex).unwrap())
}

fn hex_of(base64: &Value) -> Value {
    let bytes = STANDARD.decode(base64.as_str().unwrap_or_default());
    json!(hex::encode_upper(bytes.unwrap()))
}

/// Base64 of hex, wherever it stands.
fn encoded(value: &Value) -> Value {
    json!(base64_of(value.as_str().unwrap_or_default()))
}

fn block_id(id: &Value) -> Value {
    let parts = &id["parts"];
    json!({ "hash": encoded(&id["hash"]), "part_set_header": { "total": parts["total"], "hash": encoded(&parts["hash"]) } })
}

fn signed_header(answer: &Value) -> Value {
    let signed = &answer["signed_header"];
    let mut header = signed["header"].clone();
    for (name, value) in header.as_object_mut().unwrap() {
        if name.ends_with("_hash") || name == "proposer_address" {
            *value = encoded(value);
        }
    }
    header["last_block_id"] = block_id(&signed["header"]["last_block_id"]);
    json!({ "header": header, "commit": commit(&signed["commit"]) })
}

fn commit(commit: &Value) -> Value {
    let flags = ["UNKNOWN", "ABSENT", "COMMIT", "NIL"];
    let signatures = commit["signatures"].as_array().unwrap().iter();
    let signatures = signatures.map(|sig| {
        let flag = usize::try_from(sig["block_id_flag"].as_u64().unwrap()).unwrap();
        // A gateway prints null for bytes that are not there.
        let address = sig["validator_address"].as_str().filter(|a| !a.is_empty());
        json!({
            "block_id_flag": format!("BLOCK_ID_FLAG_{}", flags[flag]),
            "validator_address": address.map(base64_of),
            "timestamp": sig["timestamp"],
            "signature": sig["signature"],
        })
    });
    json!({
        "height": commit["height"],
        "round": commit["round"],
        "block_id": block_id(&commit["block_id"]),
        "signatures": signatures.collect::<Vec<_>>(),
    })
}

fn validators(answer: &Value) -> Value {
    let all = answer["validators"].as_array().unwrap().iter();
    let all = all.map(|v| {
        let kind = v["pub_key"]["type"].as_str().unwrap();
        let kind = kind.replace("tendermint/PubKeyEd25519", "/cosmos.crypto.ed25519.PubKey");
        json!({ "pub_key": { "@type": kind, "key": v["pub_key"]["value"] }, "voting_power": v["voting_power"] })
    });
    json!({ "validators": all.collect::<Vec<_>>(), "pagination": { "total": answer["total"] } })
}
