//! The questions of a client, which are calls of CometBFT's RPC, asked over REST (wire.md 3; docs/spec/state.md 6.1).
//!
//! Promises: an answer has the members of the RPC's as far as the client reads them, so whoever reads and checks it does not know over which of the
//! two it came. Refuses: to check anything, and calls that no client of ours makes.
//!
//! Routes of ours ([`OURS`]) are asked first where they cost less than those of the Cosmos SDK; of a node that does not have them everything comes from the
//! latter, but for the commit of its newest block: its height is then told one lower.

mod json;
mod results;
mod standard;
mod told;

use super::room::NO_ROOM;
use super::{Error, Request, Response, Transport};
use crate::types::{Hash, Height, Timestamp, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use core::time::Duration;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use results::{PAGE, search};
use serde_json::{Value, json};
use strongroom_proof::merkle;
use told::{Told, ask};

/// The routes that the nodes of this project have beside those of the Cosmos SDK.
const OURS: &str = "/strongroom/light/v1";
const COMET: &str = "/cosmos/base/tendermint/v1beta1";
const TXS: &str = "/cosmos/tx/v1beta1/txs";
/// A newest block older than this may be that of a node that is catching up.
const HEADER_AGE_MAX: Duration = Duration::from_secs(30);
/// Of gRPC: a route, or a method, that is not there.
const UNIMPLEMENTED: u64 = 12;
/// Of gRPC: what was asked for is not there.
pub(super) const NOT_FOUND: u64 = 5;
/// How a node of the Cosmos SDK begins to refuse a gRPC method over `abci_query`.
const UNSUPPORTED: &str = "unsupported ABCI query path";
/// Methods whose questions are transactions.
const CARRY_TXS: [&str; 5] = [
    "/cosmos.tx.v1beta1.Service/Simulate",
    "/cosmos.tx.v1beta1.Service/TxDecode",
    "/cosmos.tx.v1beta1.Service/TxEncode",
    "/cosmos.tx.v1beta1.Service/TxDecodeAmino",
    "/cosmos.tx.v1beta1.Service/TxEncodeAmino",
];
/// The family of codes that are gRPC's: a route has refused, not the chain behind it.
pub(super) const GRPC: &str = "grpc";

/// A node whose REST is asked, and what is known of it.
pub(super) struct Rest {
    /// `default_node_info`.
    info: Value,
    /// Whether it has the routes of ours; `None`: they were not asked for yet.
    has_ours: Option<bool>,
    /// Height of an early block that was asked for, and its time if that was told; `None`: not asked for yet.
    early: Option<(Height, Option<String>)>,
}

impl Rest {
    /// The REST of the node behind `transport`, if that is what is there.
    ///
    /// # Errors
    /// [`Error::Busy`] and what the transport says: nobody knows then what is there.
    pub(super) async fn find(transport: &mut impl Transport) -> Result<Option<Self>, Error> {
        let told = match ask(transport, get(format!("{COMET}/node_info"))).await {
            Err(Error::TooLong) => return Ok(None),
            told => told?,
        };
        let Told::Done { mut answer, .. } = told else {
            return Ok(None);
        };
        let info = answer["default_node_info"].take();
        Ok(info.is_object().then_some(Self {
            info,
            has_ours: None,
            early: None,
        }))
    }

    /// As [`super::rpc::call`].
    pub(super) async fn call(
        &mut self,
        transport: &mut impl Transport,
        method: &str,
        params: &Value,
    ) -> Result<Value, Error> {
        match method {
            "status" => self.status(transport).await,
            "commit" => self.commit(transport, height_in("commit", params)?).await,
            "validators" => validators(transport, params).await,
            "abci_query" => abci_query(transport, params).await,
            "broadcast_tx_sync" => broadcast(transport, params).await,
            "tx" => self.tx(transport, params).await,
            "block_results" => {
                self.results(transport, height_in("block_results", params)?)
                    .await
            }
            "tx_search" => found(transport, params).await,
            other => Err(Error::NoRoute(other.to_owned())),
        }
    }

    /// Asks what this client needs itself by a route of its own: where a node does not take it as a query of CometBFT's, or where it is too long.
    pub(super) async fn standard(
        transport: &mut impl Transport,
        path: &str,
        data: &[u8],
    ) -> Option<Result<Value, Error>> {
        let (request, name, read) = standard::route(path, data)?;
        Some(match ask(transport, request).await {
            Err(error) => Err(error),
            Ok(told) if told.is_no_route() => Err(Error::NoRoute(path.to_owned())),
            Ok(Told::Other { quoted, .. }) => Err(Error::NotRest(quoted)),
            Ok(Told::Refused { code, text }) => Ok(refused(code, &text)),
            Ok(Told::Done { answer, response }) => match read(&answer) {
                Some(value) => Ok(json!({ "response": {
                    "code": 0, "value": STANDARD.encode(value), "height": response.height,
                } })),
                None => Err(Error::Form {
                    method: name,
                    field: "value",
                }),
            },
        })
    }

    /// Asks a route of ours; `None` if the node has none.
    async fn ours(
        &mut self,
        transport: &mut impl Transport,
        route: &str,
    ) -> Result<Option<Told>, Error> {
        if self.has_ours == Some(false) {
            return Ok(None);
        }
        let told = ask(transport, get(format!("{OURS}/{route}"))).await?;
        let is_none = told.is_no_route() || (self.has_ours.is_none() && told.is_stopped());
        if is_none || told.is_of_route() {
            self.has_ours = Some(!is_none);
        }
        // What may be over soon is not remembered; the other routes may answer until then.
        let is_passing = self.has_ours.is_none() && matches!(told, Told::Other { .. });
        Ok(Some(told).filter(|_| !is_none && !is_passing))
    }

    async fn status(&mut self, transport: &mut impl Transport) -> Result<Value, Error> {
        let told = ask(
            transport,
            get("/cosmos/base/node/v1beta1/status".to_owned()),
        )
        .await?;
        let told = told.answer("status")?;
        let number = |name: &str| told[name].as_str().and_then(|n| n.parse::<Height>().ok());
        let earliest = number("earliest_store_height").unwrap_or(1).max(1);
        let is_known = match &self.early {
            Some((height, time)) => time.is_some() || *height == earliest,
            None => false,
        };
        if !is_known || self.has_ours.is_none() {
            // It says also whether the node has routes of ours.
            self.early = self.time_of(transport, earliest).await?;
        }
        // The commit of the newest is with routes of ours only.
        let newest = number("height").map(|height| match self.has_ours {
            Some(true) => height,
            _ => height.saturating_sub(1),
        });
        let (earliest, time) = self.early.clone().unwrap_or((earliest, None));
        let catching_up = is_catching_up(transport, &told["timestamp"]).await;
        let info = &self.info;
        Ok(json!({
            "node_info": {
                "id": info["default_node_id"], "moniker": info["moniker"], "network": info["network"],
                "protocol_version": info["protocol_version"], "version": info["version"],
            },
            "sync_info": {
                "latest_block_height": newest.map(|height| height.to_string()),
                "latest_block_time": told["timestamp"],
                "earliest_block_height": earliest.to_string(),
                "earliest_block_time": time,
                "catching_up": catching_up,
            },
        }))
    }

    /// Height of a block, and its time if the node has it; `None` if that is not told.
    async fn time_of(
        &mut self,
        transport: &mut impl Transport,
        height: Height,
    ) -> Result<Option<(Height, Option<String>)>, Error> {
        let told = match self.ours(transport, &format!("commits/{height}")).await? {
            Some(told) => told,
            None => ask(transport, get(format!("{COMET}/blocks/{height}"))).await?,
        };
        let answer = match told {
            Told::Done { answer, .. } => answer,
            Told::Refused { .. } => return Ok(Some((height, None))),
            Told::Other { .. } => return Ok(None),
        };
        let headers = [
            &answer["signed_header"]["header"],
            &answer["block"]["header"],
        ];
        let time = headers.into_iter().find_map(|h| h["time"].as_str());
        Ok(Some((height, time.map(str::to_owned))))
    }

    async fn commit(
        &mut self,
        transport: &mut impl Transport,
        height: Height,
    ) -> Result<Value, Error> {
        if let Some(told) = self.ours(transport, &format!("commits/{height}")).await? {
            let signed = &told.answer("commit")?["signed_header"];
            return Ok(json::signed_header(&signed["header"], &signed["commit"]));
        }
        let block = block(transport, height).await?;
        // The next block has the commit.
        let next = self::block(transport, height.saturating_add(1)).await?;
        Ok(json::signed_header(&block["header"], &next["last_commit"]))
    }

    async fn tx(&mut self, transport: &mut impl Transport, params: &Value) -> Result<Value, Error> {
        let hash = STANDARD.decode(params["hash"].as_str().unwrap_or_default());
        let hash = hash.ok().and_then(|hash| Hash::try_from(hash).ok());
        let bad = |field| Error::Form {
            method: "tx",
            field,
        };
        let hash = hash.ok_or(bad("hash"))?;
        let text = hex::encode_upper(hash);
        if let Some(told) = self.ours(transport, &format!("txs/{text}")).await? {
            return included(told, text);
        }
        let told = ask(transport, get(format!("{TXS}/{text}"))).await?;
        let answer = included(told, text.clone())?;
        let result = &answer["tx_response"];
        let height = result["height"].as_str().and_then(|h| h.parse().ok());
        // It comes decoded: as it was signed it stands in its block.
        let block = block(transport, height.ok_or(bad("height"))?).await?;
        let txs = block["data"]["txs"].as_array().map(Vec::as_slice);
        let raw = txs.unwrap_or_default().iter();
        let raw = raw.map(|tx| STANDARD.decode(tx.as_str()?).ok());
        let raw = raw.collect::<Option<Vec<_>>>().ok_or(bad("tx"))?;
        let hashes: Vec<Hash> = raw.iter().map(|tx| sha256(tx)).collect();
        let mut places = (0..hashes.len()).filter(|place| hashes.get(*place) == Some(&hash));
        let mut index = places.next().ok_or(bad("tx"))?;
        let second = places.next();
        if second.is_some() {
            // The same bytes twice, of a proposer that is none of ours: what an index names is the one that has this result.
            let committed = results::committed(result).ok_or(bad("result"))?;
            let height = height.unwrap_or_default();
            let all = results::results(transport, height).await?;
            let is_it = |place: &usize| all["txs_results"][*place] == committed;
            let places = [Some(index), second].into_iter().flatten().chain(places);
            index = places.into_iter().find(is_it).ok_or(bad("result"))?;
        }
        let (_, proof) = merkle::prove(&hashes, index).ok_or(bad("tx"))?;
        let aunts = proof.aunts.iter().map(|aunt| STANDARD.encode(aunt));
        let data = hex::decode(result["data"].as_str().unwrap_or_default());
        Ok(json!({
            "hash": text,
            "height": result["height"],
            "tx": raw.get(index).map(|tx| STANDARD.encode(tx)),
            "tx_result": {
                "code": result["code"],
                "data": STANDARD.encode(data.map_err(|_| bad("data"))?),
                "log": result["raw_log"],
                "gas_wanted": result["gas_wanted"],
                "gas_used": result["gas_used"],
                "events": result["events"],
                "codespace": result["codespace"],
            },
            "proof": { "proof": {
                "total": proof.total.to_string(),
                "index": proof.index.to_string(),
                "aunts": aunts.collect::<Vec<_>>(),
            } },
        }))
    }

    /// What a header commits to of the results of a block.
    async fn results(
        &mut self,
        transport: &mut impl Transport,
        height: Height,
    ) -> Result<Value, Error> {
        if let Some(told) = self.ours(transport, &format!("results/{height}")).await? {
            return told.answer("block_results");
        }
        results::results(transport, height).await
    }
}

/// The answer of a transaction's own route. Only that says that no block has it: an error with the same words may be of anything.
fn included(told: Told, hash: String) -> Result<Value, Error> {
    match told {
        Told::Refused { code, .. } if code == NOT_FOUND && !told.is_no_route() => {
            Err(Error::NotIncluded { hash })
        }
        told => told.answer("tx"),
    }
}

/// Whether the node catches up, as it says; asked only where its newest block is old, and null where it is not told.
async fn is_catching_up(transport: &mut impl Transport, newest: &Value) -> Value {
    let newest = newest.as_str().and_then(|time| time.parse().ok());
    let newest = newest.as_ref().and_then(Timestamp::nanos_total);
    let age = transport.now().nanos_total().zip(newest);
    let age = age.map_or(0, |(now, newest)| now.saturating_sub(newest));
    if Duration::from_nanos(age) <= HEADER_AGE_MAX {
        return Value::Null;
    }
    match ask(transport, get(format!("{COMET}/syncing"))).await {
        Ok(Told::Done { mut answer, .. }) => answer["syncing"].take(),
        _ => Value::Null,
    }
}

/// Whether it is REST that has refused this query, not the chain: a route of its own may take it.
pub(super) const fn is_refused_by_route(error: &Error) -> bool {
    matches!(error, Error::NoRoute(_) | Error::TooLong)
}

/// An answer to `abci_query` of what was refused.
fn refused(code: u64, text: &str) -> Value {
    json!({ "response": { "code": code, "codespace": GRPC, "log": text } })
}

const fn get(path: String) -> Request {
    Request { path, body: None }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn height_in(method: &'static str, params: &Value) -> Result<Height, Error> {
    let height = params["height"].as_str().and_then(|h| h.parse().ok());
    height.ok_or(Error::Form {
        method,
        field: "height",
    })
}

/// Header, transactions and last commit of a block.
async fn block(transport: &mut impl Transport, height: Height) -> Result<Value, Error> {
    let told = ask(transport, get(format!("{COMET}/blocks/{height}"))).await?;
    Ok(told.answer("block")?["block"].take())
}

async fn validators(transport: &mut impl Transport, params: &Value) -> Result<Value, Error> {
    let number = |name: &str| params[name].as_str().and_then(|n| n.parse::<usize>().ok());
    let height = match &params["height"] {
        Value::Null => "latest".to_owned(),
        _ => height_in("validators", params)?.to_string(),
    };
    let limit = number("per_page").unwrap_or(100);
    let before = number("page").unwrap_or(1).saturating_sub(1);
    let before = before.saturating_mul(limit);
    let path = format!(
        "{COMET}/validatorsets/{height}?pagination.offset={before}&pagination.limit={limit}&pagination.count_total=true"
    );
    let answer = ask(transport, get(path)).await?.answer("validators")?;
    Ok(json::validators(&answer, before, limit))
}

async fn abci_query(transport: &mut impl Transport, params: &Value) -> Result<Value, Error> {
    let text = |name: &str| params[name].as_str().unwrap_or_default();
    let bad = |field| Error::Form {
        method: "abci_query",
        field,
    };
    let data = hex::decode(text("data")).map_err(|_| bad("data (of the question)"))?;
    // An address is written down by whoever passes it on, and a transaction may not be sent after all.
    if CARRY_TXS.contains(&text("path")) {
        return Err(Error::NoRoute(text("path").to_owned()));
    }
    let mut path = format!(
        "{COMET}/abci_query?path={}&data={}",
        escaped(text("path")),
        escaped(&URL_SAFE.encode(data))
    );
    if !params["height"].is_null() {
        let height = height_in("abci_query", params)?;
        path = format!("{path}&height={height}");
    }
    if params["prove"] == true {
        path.push_str("&prove=true");
    }
    let told = ask(transport, get(path)).await?;
    let is_refused_as_such = told.is_no_route();
    match told {
        Told::Refused { text: why, .. } if is_refused_as_such || why.starts_with(UNSUPPORTED) => {
            Err(Error::NoRoute(text("path").to_owned()))
        }
        Told::Refused { code, text } => Ok(refused(code, &text)),
        Told::Other { quoted, .. } => Err(Error::NotRest(quoted)),
        Told::Done {
            answer: mut response,
            ..
        } => {
            let ops = response["proof_ops"].take();
            response["proofOps"] = ops;
            Ok(json!({ "response": response }))
        }
    }
}

async fn broadcast(transport: &mut impl Transport, params: &Value) -> Result<Value, Error> {
    let body = json!({ "tx_bytes": params["tx"], "mode": "BROADCAST_MODE_SYNC" });
    let request = Request {
        path: TXS.to_owned(),
        body: Some(body.to_string()),
    };
    let (answer, response) = match ask(transport, request).await? {
        Told::Done { answer, response } => (answer, response),
        refused => (refused.answer("broadcast_tx_sync")?, Response::default()),
    };
    let checked = &answer["tx_response"];
    // What the mempool refuses, which the RPC gives no result for.
    match checked["code"].as_u64() {
        _ if checked["codespace"] != "sdk" => {}
        Some(19) => return Err(Error::Rpc("tx already exists in cache".to_owned())),
        Some(20) => return Err(response.busy(NO_ROOM)),
        Some(21) => return Err(Error::Rpc("the transaction is too large".to_owned())),
        _ => {}
    }
    Ok(json!({
        "code": checked["code"], "codespace": checked["codespace"],
        "log": checked["raw_log"], "hash": checked["txhash"],
    }))
}

/// Hash and height of each transaction, and nothing else of it.
async fn found(transport: &mut impl Transport, params: &Value) -> Result<Value, Error> {
    let text = |name: &str| params[name].as_str().unwrap_or_default();
    let number = |name, usual| text(name).parse::<u64>().unwrap_or(usual);
    let order = match text("order_by") {
        "desc" => "DESC",
        _ => "ASC",
    };
    let (page, limit) = (number("page", 1), number("per_page", PAGE));
    let request = search(text("query"), page, limit, order);
    let found = ask(transport, request).await?.answer("tx_search")?;
    let txs = found["tx_responses"].as_array().map(Vec::as_slice);
    let txs = txs.unwrap_or_default().iter();
    let txs = txs.map(|tx| json!({ "hash": tx["txhash"], "height": tx["height"] }));
    Ok(json!({ "txs": txs.collect::<Vec<_>>(), "total_count": found["total"] }))
}
