//! The questions of a client, which are calls of CometBFT's RPC, asked over REST (wire.md 3; docs/spec/state.md 6.1).
//!
//! Promises: an answer has the members of the RPC's as far as the client reads them, so whoever reads and checks it does not know over which of the
//! two it came. Refuses: to check anything, and calls that no client of ours makes.
//!
//! Routes of ours ([`OURS`]) are asked first where they cost less than those of the Cosmos SDK; of a node that does not have them everything comes from the
//! latter, but for the commit of its newest block: its height is then told one lower.

mod json;
mod standard;

use super::room::NO_ROOM;
use super::{Error, Request, Response, Transport};
use crate::types::{Hash, Height, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use strongroom_proof::merkle;

/// The routes that the nodes of this project have beside those of the Cosmos SDK.
const OURS: &str = "/strongroom/light/v1";
const COMET: &str = "/cosmos/base/tendermint/v1beta1";
const TXS: &str = "/cosmos/tx/v1beta1/txs";
/// The longest question in an address, in bytes: a node reads twice as much before a body.
const TARGET_BYTES_MAX: usize = 128 << 10;
/// Transactions of a page of a search; the most that the Cosmos SDK gives.
const PAGE: u64 = 100;
/// The most pages of the results of one block, and the most bytes of data in them: as much as an answer of the RPC may have.
const PAGES_MAX: u64 = 200;
const RESULTS_BYTES_MAX: usize = 16 << 20;
/// Of gRPC: a route, or a method, that is not there.
const UNIMPLEMENTED: u64 = 12;
/// Of gRPC: what was asked for is not there.
const NOT_FOUND: u64 = 5;
/// How a node of the Cosmos SDK begins to refuse a gRPC method over `abci_query`.
const UNSUPPORTED: &str = "unsupported ABCI query path";
/// The family of codes that are gRPC's: a route has refused, not the chain behind it.
const GRPC: &str = "grpc";

/// A node whose REST is asked, and what is known of it.
pub(super) struct Rest {
    /// `default_node_info`.
    info: Value,
    /// Whether it has the routes of ours; `None`: they were not asked for yet.
    has_ours: Option<bool>,
    /// Height and time of an early block; `None`: not asked for yet, or not told.
    early: Option<(Height, String)>,
}

/// An answer with what came beside it, or what a gateway of gRPC refuses with.
enum Told {
    Done(Value, Response),
    Refused { code: u64, text: String },
}

impl Told {
    /// Whether there is no such route: gateways have two ways to say it.
    fn is_no_route(&self) -> bool {
        match self {
            Self::Done(..) => false,
            Self::Refused { code, text } => {
                *code == UNIMPLEMENTED || (*code == NOT_FOUND && text == "Not Found")
            }
        }
    }

    /// The answer to a call.
    fn answer(self, method: &str) -> Result<Value, Error> {
        match self {
            Self::Done(answer, _) => Ok(answer),
            Self::Refused { .. } if self.is_no_route() => Err(Error::NoRoute(method.to_owned())),
            Self::Refused { text, .. } => Err(Error::Rpc(text)),
        }
    }
}

impl Rest {
    /// The REST of the node behind `transport`, if that is what is there.
    pub(super) async fn find(transport: &mut impl Transport) -> Option<Self> {
        let told = ask(transport, get(format!("{COMET}/node_info"))).await;
        let Ok(Told::Done(mut answer, _)) = told else {
            return None;
        };
        let info = answer["default_node_info"].take();
        info.is_object().then_some(Self {
            info,
            has_ours: None,
            early: None,
        })
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
            "tx_search" => search(transport, params).await,
            other => Err(Error::NoRoute(other.to_owned())),
        }
    }

    /// Asks what this client needs itself by a route of its own: where a node does not take it as a query of CometBFT's, or where it is too long.
    pub(super) async fn standard(
        transport: &mut impl Transport,
        path: &str,
        data: &[u8],
    ) -> Option<Result<Value, Error>> {
        let (request, read) = standard::route(path, data)?;
        Some(match ask(transport, request).await {
            Err(error) => Err(error),
            Ok(Told::Refused { code, text }) => Ok(refused(code, &text)),
            Ok(Told::Done(answer, response)) => match read(&answer) {
                Some(value) => Ok(json!({ "response": {
                    "code": 0, "value": STANDARD.encode(value), "height": response.height,
                } })),
                None => Err(Error::Form {
                    method: "abci_query",
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
        let told = match ask(transport, get(format!("{OURS}/{route}"))).await {
            // A server before the node may pass nothing on but what it knows.
            Err(Error::NotRest(_)) if self.has_ours.is_none() => None,
            told => Some(told?).filter(|told| !told.is_no_route()),
        };
        self.has_ours = Some(told.is_some());
        Ok(told)
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
        if self.early.is_none() {
            // It says also whether the node has routes of ours.
            self.early = self.time_of(transport, earliest).await?;
        }
        let newest = number("height").map(|height| match self.has_ours {
            Some(false) => height.saturating_sub(1),
            _ => height,
        });
        let (earliest, time) = match &self.early {
            Some((height, time)) => (*height, json!(time)),
            None => (earliest, Value::Null),
        };
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
            },
        }))
    }

    /// The time of a block, if the node has it.
    async fn time_of(
        &mut self,
        transport: &mut impl Transport,
        height: Height,
    ) -> Result<Option<(Height, String)>, Error> {
        let told = match self.ours(transport, &format!("commits/{height}")).await? {
            Some(told) => told,
            None => ask(transport, get(format!("{COMET}/blocks/{height}"))).await?,
        };
        let Told::Done(answer, _) = told else {
            return Ok(None);
        };
        let headers = [
            &answer["signed_header"]["header"],
            &answer["block"]["header"],
        ];
        let time = headers.into_iter().find_map(|h| h["time"].as_str());
        Ok(time.map(|time| (height, time.to_owned())))
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
            return told.answer("tx");
        }
        let told = ask(transport, get(format!("{TXS}/{text}"))).await?;
        let answer = told.answer("tx")?;
        let result = &answer["tx_response"];
        let height = result["height"].as_str().and_then(|h| h.parse().ok());
        // It comes decoded: as it was signed it stands in its block.
        let block = block(transport, height.ok_or(bad("height"))?).await?;
        let txs = block["data"]["txs"].as_array().map(Vec::as_slice);
        let raw = txs.unwrap_or_default().iter();
        let raw = raw.map(|tx| STANDARD.decode(tx.as_str()?).ok());
        let raw = raw.collect::<Option<Vec<_>>>().ok_or(bad("tx"))?;
        let hashes: Vec<Hash> = raw.iter().map(|tx| sha256(tx)).collect();
        let index = hashes.iter().position(|of| *of == hash).ok_or(bad("tx"))?;
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
        let (mut results, mut bytes) = (Vec::new(), 0_usize);
        for page in 1..=PAGES_MAX {
            let found = found(transport, &format!("tx.height={height}"), page, PAGE, "ASC").await?;
            let responses = found["tx_responses"].as_array().map(Vec::as_slice);
            let responses = responses.unwrap_or_default();
            for result in responses {
                let data = hex::decode(result["data"].as_str().unwrap_or_default()).ok();
                bytes = bytes.saturating_add(data.as_ref().map_or(0, Vec::len));
                results.push(json!({
                    "code": result["code"],
                    "data": data.map(|data| STANDARD.encode(data)),
                    "gas_wanted": result["gas_wanted"],
                    "gas_used": result["gas_used"],
                }));
            }
            if bytes > RESULTS_BYTES_MAX {
                return Err(Error::Form {
                    method: "block_results",
                    field: "data: it is more than a block can have",
                });
            }
            // Whoever gives another number than was asked for has no more.
            if u64::try_from(responses.len()) != Ok(PAGE) {
                break;
            }
        }
        Ok(json!({ "txs_results": results }))
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

async fn ask(transport: &mut impl Transport, request: Request) -> Result<Told, Error> {
    if request.path.len() > TARGET_BYTES_MAX {
        return Err(Error::TooLong);
    }
    told(transport.exchange(request).await?)
}

fn told(response: Response) -> Result<Told, Error> {
    let json = response.json().filter(Value::is_object);
    let text = json.as_ref().and_then(|json| json["message"].as_str());
    let text = text.map(str::to_owned);
    match (response.status, json) {
        (503, _) => Err(response.busy(&text.unwrap_or_default())),
        (200..=299, Some(answer)) => Ok(Told::Done(answer, response)),
        (414 | 431, _) => Err(Error::TooLong),
        (status, Some(json)) => match (text, json["code"].as_u64()) {
            (Some(text), Some(code)) if status >= 400 => Ok(Told::Refused { code, text }),
            _ => Err(Error::NotRest(response.quoted())),
        },
        (429, None) => Err(response.busy("")),
        _ => Err(Error::NotRest(response.quoted())),
    }
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
    let data = hex::decode(text("data")).unwrap_or_default();
    let mut path = format!(
        "{COMET}/abci_query?path={}&data={}",
        escaped(text("path")),
        escaped(&URL_SAFE.encode(data))
    );
    if params["height"].is_string() {
        path = format!("{path}&height={}", escaped(text("height")));
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
        Told::Done(mut response, _) => {
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
        Told::Done(answer, response) => (answer, response),
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

/// A page of what a search finds.
async fn found(
    transport: &mut impl Transport,
    query: &str,
    page: u64,
    limit: u64,
    order: &str,
) -> Result<Value, Error> {
    let path = format!(
        "{TXS}?query={}&page={page}&limit={limit}&order_by=ORDER_BY_{order}",
        escaped(query)
    );
    ask(transport, get(path)).await?.answer("tx_search")
}

/// Hash and height of each transaction, and nothing else of it.
async fn search(transport: &mut impl Transport, params: &Value) -> Result<Value, Error> {
    let text = |name: &str| params[name].as_str().unwrap_or_default();
    let number = |name, usual| text(name).parse::<u64>().unwrap_or(usual);
    let order = match text("order_by") {
        "desc" => "DESC",
        _ => "ASC",
    };
    let (page, limit) = (number("page", 1), number("per_page", PAGE));
    let found = found(transport, text("query"), page, limit, order).await?;
    let txs = found["tx_responses"].as_array().map(Vec::as_slice);
    let txs = txs.unwrap_or_default().iter();
    let txs = txs.map(|tx| json!({ "hash": tx["txhash"], "height": tx["height"] }));
    Ok(json!({ "txs": txs.collect::<Vec<_>>(), "total_count": found["total"] }))
}
