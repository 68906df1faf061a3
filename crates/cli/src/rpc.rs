//! A connection to a node's RPC: one call after the other.
//!
//! Promises: no answer is waited for longer than [`ANSWER_WAITS`], none above the limit of the connection is read.

use anyhow::{Context as _, anyhow, bail};
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a node may take to answer: it makes its own clients wait no longer for a thread.
const ANSWER_WAITS: Duration = Duration::from_secs(10);

/// A connection to an RPC.
pub(crate) struct Rpc {
    connection: SendRequest<Body>,
    host: String,
    answer_bytes_max: usize,
}

impl Rpc {
    /// Connects to the RPC at `host`, a name or an address with a port.
    pub(crate) async fn connect(host: String, answer_bytes_max: usize) -> anyhow::Result<Self> {
        Ok(Self {
            connection: connection(&host).await?,
            host,
            answer_bytes_max,
        })
    }

    /// Calls a method; gives its `result`.
    pub(crate) async fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post("/")
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(call.to_string()))?;
        // CometBFT closes connections that are idle, and some that it has answered an error on.
        if self.connection.ready().await.is_err() {
            self.connection = connection(&self.host).await?;
        }
        let body = in_time(async {
            let answer = self.connection.send_request(request).await?;
            Ok(to_bytes(Body::new(answer.into_body()), self.answer_bytes_max).await?)
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

async fn connection(host: &str) -> anyhow::Result<SendRequest<Body>> {
    let connecting = async {
        let stream = TcpStream::connect(host).await?;
        anyhow::Ok(handshake(TokioIo::new(stream)).await?)
    };
    let (connection, io) = in_time(connecting).await?;
    // Ends with the connection; whoever waits for an answer hears of it.
    tokio::spawn(io);
    Ok(connection)
}

async fn in_time<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match timeout(ANSWER_WAITS, work).await {
        Ok(done) => done.context("the node does not answer"),
        Err(_) => bail!("the node does not answer, try again"),
    }
}

/// A text in an answer; nothing if it is none.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
