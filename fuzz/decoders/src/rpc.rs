//! What anybody asks of CometBFT's RPC.

use strongroom_comet_rpc::envelope::{Body, Request, read_body, read_one};
use strongroom_comet_rpc::params::{Kind, Param, Params, query_pairs};
use strongroom_comet_rpc::query_lang::Query;
use strongroom_http::go;

/// A parameter of every kind.
const PARAMS: &[Param] = &[
    ("height", Kind::Int),
    ("prove", Kind::Bool),
    ("query", Kind::Text),
    ("tx", Kind::Bytes),
    ("data", Kind::Hex),
    ("evidence", Kind::Json),
];

/// A body of JSON-RPC, or the query string of a URI.
pub fn rpc(data: &[u8]) -> bool {
    if let Ok(body) = read_body(data) {
        let requests = match body {
            Body::One(request) => request.into_iter().collect(),
            Body::Batch(requests) => requests,
        };
        return requests.iter().any(|request| params(request).is_some());
    }
    let Ok(text) = core::str::from_utf8(data) else {
        return false;
    };
    let pairs = query_pairs(text);
    for (_, value) in &pairs {
        let _ = go::base64(value);
        let _ = go::base64_of_query(value);
        let _ = (go::bool(value), go::uint(value), go::int(value));
    }
    !pairs.is_empty() && Params::from_uri(PARAMS, &pairs).is_ok()
}

fn params(request: &Request) -> Option<Params> {
    Params::from_json(PARAMS, request.params.as_ref()).ok()
}

/// A frame of the websocket, with what it subscribes to.
pub fn websocket(data: &[u8]) -> bool {
    let Ok(Some(request)) = read_one(data) else {
        return false;
    };
    let params = Params::from_json(&PARAMS[2..3], request.params.as_ref());
    params.is_ok_and(|params| event_query(params.text("query").as_bytes()))
}

/// The query language of events.
pub fn event_query(data: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(data) else {
        return false;
    };
    let Ok(query) = Query::parse(text) else {
        return false;
    };
    let attributes = [
        ("tm.event", "Tx"),
        ("tx.height", "12"),
        ("transfer.amount", "100uscrt"),
        ("block.time", "2026-11-22T14:50:21Z"),
    ];
    let _ = query.matches(attributes);
    true
}
