//! The faucet as a client of a node's RPC: queries and broadcasts.

use crate::rpc::{Rpc, text};
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::net::SocketAddr;
use strongroom_types::proto::Message;

/// The longest answer: those asked for here have some hundred bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A connection to an RPC.
pub(super) struct Client(Rpc);

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
        Ok(Self(
            Rpc::connect(address.to_string(), ANSWER_BYTES_MAX).await?,
        ))
    }

    /// Calls the gRPC method `path` at the newest height.
    pub(super) async fn query<Q: Message, A: Message + Default>(
        &mut self,
        path: &str,
        request: &Q,
    ) -> anyhow::Result<A> {
        let params = json!({ "path": path, "data": hex::encode(request.encode_to_vec()) });
        let answer = self.0.call("abci_query", &params).await?;
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
        let answer = self.0.call("broadcast_tx_sync", &params).await?;
        Ok(Checked {
            code: answer["code"].as_u64().context("no code")?,
            log: text(&answer["log"]),
            hash: text(&answer["hash"]),
        })
    }
}
