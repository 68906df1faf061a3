//! A connection to CometBFT's RPC port, as narrow as the bench needs it.

use super::until;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;
use strongroom_types::proto::Message;
use strongroom_types::{Hash, sha256};

/// The longest answer: a block with its transactions.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
const ANSWER_WAITS: Duration = Duration::from_secs(30);

/// A port; a connection is made when one is needed.
pub(crate) struct Rpc {
    port: u16,
    connection: Option<BufReader<TcpStream>>,
    /// Why the last call has no result, if the node said so.
    refusal: Option<String>,
}

impl Rpc {
    pub(crate) const fn new(port: u16) -> Self {
        Self {
            port,
            connection: None,
            refusal: None,
        }
    }

    /// Why the last call has no result, if the node said so.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// A result, or `None` where nobody answers or the answer is an error.
    pub(crate) fn try_call(&mut self, method: &str, params: &Value) -> Option<Value> {
        self.refusal = None;
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = body.to_string();
        // A connection that was left alone for long was closed at the other end: one that is new was not.
        let known = self.connection.is_some();
        let answer = self.exchange(&body).or_else(|error| {
            self.connection = None;
            match known {
                true => self.exchange(&body),
                false => Err(error),
            }
        });
        let Ok(answer) = answer else {
            self.connection = None;
            return None;
        };
        let mut answer: Value = serde_json::from_slice(&answer).ok()?;
        self.refusal = answer["error"]["data"].as_str().map(str::to_owned);
        let result = answer["result"].take();
        (!result.is_null()).then_some(result)
    }

    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.try_call(method, params)
            .unwrap_or_else(|| panic!("{method} has no answer at port {}", self.port))
    }

    fn exchange(&mut self, body: &str) -> std::io::Result<Vec<u8>> {
        if self.connection.is_none() {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let stream = TcpStream::connect_timeout(&address, ANSWER_WAITS)?;
            stream.set_read_timeout(Some(ANSWER_WAITS))?;
            stream.set_nodelay(true)?;
            self.connection = Some(BufReader::new(stream));
        }
        let nobody = || std::io::Error::from(std::io::ErrorKind::NotConnected);
        let connection = self.connection.as_mut().ok_or_else(nobody)?;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection
            .get_mut()
            .write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let (mut length, mut line) = (None, String::new());
        loop {
            line.clear();
            if connection.read_line(&mut line)? == 0 {
                return Err(nobody());
            }
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse::<u64>().ok();
            }
        }
        let mut answer = Vec::new();
        match length {
            Some(length) => connection
                .take(length.min(ANSWER_BYTES_MAX))
                .read_to_end(&mut answer)?,
            None => chunks(connection, &mut answer)?,
        };
        Ok(answer)
    }

    /// Broadcasts a transaction, which must be taken; gives its hash.
    pub(crate) fn broadcast(&mut self, tx: &[u8]) -> String {
        let answer = self.call("broadcast_tx_sync", &json!({ "tx": STANDARD.encode(tx) }));
        assert_eq!(answer["code"], 0, "{answer}");
        answer["hash"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether a block with this transaction is known.
    pub(crate) fn has_tx(&mut self, hash: &str) -> bool {
        let bytes = hex::decode(hash).unwrap_or_default();
        self.try_call("tx", &json!({ "hash": STANDARD.encode(bytes) }))
            .is_some()
    }

    /// The newest height, if the node answers.
    pub(crate) fn height(&mut self) -> Option<u64> {
        let status = self.try_call("status", &json!({}))?;
        let height = &status["sync_info"]["latest_block_height"];
        height.as_str()?.parse().ok()
    }

    /// Validators and their powers at the newest height.
    pub(crate) fn validators(&mut self) -> usize {
        let answer = self.try_call("validators", &json!({}));
        answer
            .and_then(|a| a["validators"].as_array().map(Vec::len))
            .unwrap_or_default()
    }

    /// Number of transactions in a block.
    pub(crate) fn txs(&mut self, height: u64) -> usize {
        let block = self.call("block", &json!({ "height": height.to_string() }));
        let txs = block["block"]["data"]["txs"].as_array();
        txs.map_or(0, Vec::len)
    }

    /// Hashes of the transactions of a block.
    pub(crate) fn hashes(&mut self, height: u64) -> Vec<Hash> {
        let block = self.call("block", &json!({ "height": height.to_string() }));
        let txs = block["block"]["data"]["txs"].as_array().cloned();
        let txs = txs.unwrap_or_default().into_iter();
        txs.filter_map(|tx| Some(sha256(&STANDARD.decode(tx.as_str()?).ok()?)))
            .collect()
    }

    /// Number of transactions that wait for a block.
    pub(crate) fn waiting(&mut self) -> Option<u64> {
        let answer = self.try_call("num_unconfirmed_txs", &json!({}))?;
        answer["n_txs"].as_str()?.parse().ok()
    }

    /// Logs of the transactions of a block whose code is not 0. Waits for the results: a block can be read before it was executed.
    pub(crate) fn failures(&mut self, height: u64) -> Vec<String> {
        let params = json!({ "height": height.to_string() });
        let results = until("the results of a block", || {
            self.try_call("block_results", &params)
        });
        let results = results["txs_results"].as_array().cloned();
        let failed = results.unwrap_or_default().into_iter();
        failed
            .filter(|r| r["code"] != 0)
            .map(|r| r["log"].to_string())
            .collect()
    }

    /// A gRPC query over `abci_query`, which may be refused.
    pub(crate) fn try_query<A: Message + Default>(
        &mut self,
        path: &str,
        request: &impl Message,
    ) -> Option<A> {
        let params = json!({ "path": path, "data": hex::encode(request.encode_to_vec()) });
        let answer = self.try_call("abci_query", &params)?;
        if answer["response"]["code"] != 0 {
            return None;
        }
        let value = STANDARD
            .decode(answer["response"]["value"].as_str()?)
            .ok()?;
        A::decode(value.as_slice()).ok()
    }

    /// A gRPC query over `abci_query`.
    pub(crate) fn query<A: Message + Default>(&mut self, path: &str, request: &impl Message) -> A {
        let params = json!({ "path": path, "data": hex::encode(request.encode_to_vec()) });
        let answer = self.call("abci_query", &params);
        let value = answer["response"]["value"].as_str().unwrap_or_default();
        let value = STANDARD.decode(value).expect("base64");
        A::decode(value.as_slice()).unwrap_or_else(|_| panic!("{path}: {answer}"))
    }
}

/// A body in chunks: CometBFT's long answers.
fn chunks(connection: &mut BufReader<TcpStream>, out: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut line = String::new();
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
        let mut chunk = Vec::new();
        // The line end after the chunk belongs to it.
        connection
            .take(length.min(ANSWER_BYTES_MAX) + 2)
            .read_to_end(&mut chunk)?;
        if length == 0 {
            return Ok(out.len());
        }
        chunk.truncate(chunk.len().saturating_sub(2));
        out.append(&mut chunk);
    }
}
