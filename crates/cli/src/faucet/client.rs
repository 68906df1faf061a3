//! A client of a node's RPC: one connection, one call after the other.
//!
//! Promises: no answer is waited for longer than [`ANSWER_WAITS`], none above [`ANSWER_BYTES_MAX`] is read.

use anyhow::{Context as _, anyhow, bail};
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use strongroom_types::proto::Message;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a node may take to answer: it makes its own clients wait no longer for a thread.
const ANSWER_WAITS: Duration = Duration::from_secs(10);
/// The longest answer: those asked for here have some hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A connection to an RPC.
pub(super) struct Client {
    connection: SendRequest<Body>,
    host: String,
}

/// Result of CheckTx.
pub(super) struct Checked {
    /// 0: the transaction waits for a block.
    pub(super) code: u64,
    /// Why it does not.
    pub(super) log: String,
    /// Hash of the transaction, upper-case hex.
    pub(super) hash: String,
}

impl Client {
    /// Connects to the RPC at `address`.
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            anyhow::Ok(handshake(TokioIo::new(stream)).await?)
        };
        let (connection, io) = in_time(connecting).await?;
        // Ends with the connection; whoever waits for an answer hears of it.
        tokio::spawn(io);
        Ok(Self {
            connection,
            host: address.to_string(),
        })
    }

    /// Calls the gRPC method `path` at the newest height.
    pub(super) async fn query<Q: Message, A: Message + Default>(
        &mut self,
        path: &str,
        request: &Q,
    ) -> anyhow::Result<A> {
        let params = json!({ "path": path, "data": hex::encode(request.encode_to_vec()) });
        let answer = self.call("abci_query", params).await?;
        let response = &answer["response"];
        if response["code"] != 0 {
            bail!("{}", text(&response["log"]));
        }
        let value = STANDARD.decode(text(&response["value"]))?;
        Ok(A::decode(value.as_slice())?)
    }

    /// Broadcasts a transaction and waits for CheckTx.
    pub(super) async fn broadcast(&mut self, tx: &[u8]) -> anyhow::Result<Checked> {
        let params = json!({ "tx": STANDARD.encode(tx) });
        let answer = self.call("broadcast_tx_sync", params).await?;
        Ok(Checked {
            code: answer["code"].as_u64().context("no code")?,
            log: text(&answer["log"]),
            hash: text(&answer["hash"]),
        })
    }

    async fn call(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post("/")
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(call.to_string()))?;
        let body = in_time(async {
            let answer = self.connection.send_request(request).await?;
            Ok(to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await?)
        })
        .await?;
        let mut answer: Value = serde_json::from_slice(&body)
            .map_err(|_| anyhow!("the node says {}", String::from_utf8_lossy(&body)))?;
        let error = &answer["error"];
        if !error.is_null() {
            // The detail is what went wrong; the message is the same for all of a code.
            let detail = [&error["data"], &error["message"]].map(text);
            bail!(
                "{}",
                detail
                    .into_iter()
                    .find(|t| !t.is_empty())
                    .unwrap_or_default()
            );
        }
        Ok(answer["result"].take())
    }
}

async fn in_time<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match timeout(ANSWER_WAITS, work).await {
        Ok(done) => done.context("the node does not answer"),
        Err(_) => bail!("the node does not answer, try again"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
