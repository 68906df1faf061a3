//! A client of a node's RPC: queries, broadcasts, and transactions that are waited for.

use crate::rpc::{Rpc, text};
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::{Duration, Instant};
use strongroom_sdk::keys::Account;
use strongroom_sdk::tx::TxBuilder;
use strongroom_types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use strongroom_types::proto::{Message, Name};

/// The longest answer: that of a transaction with its events.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// How long a transaction may take to be in a block.
const BLOCK_WAITS: Duration = Duration::from_secs(60);
const BLOCK_POLL: Duration = Duration::from_millis(100);

/// A connection to an RPC.
pub(crate) struct Client(Rpc);

/// Result of CheckTx.
pub(crate) struct Checked {
    /// 0: the transaction waits for a block.
    pub(crate) code: u64,
    /// Why it does not.
    pub(crate) log: String,
    /// Hash of the transaction, upper-case hex.
    pub(crate) hash: String,
}

impl Client {
    /// Connects to the RPC at `address`.
    pub(crate) async fn connect(host: impl ToString) -> anyhow::Result<Self> {
        Ok(Self(
            Rpc::connect(host.to_string(), ANSWER_BYTES_MAX).await?,
        ))
    }

    /// Calls the gRPC method `path` at the newest height.
    pub(crate) async fn query<Q: Message, A: Message + Default>(
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
    pub(crate) async fn broadcast(&mut self, tx: &[u8]) -> anyhow::Result<Checked> {
        let params = json!({ "tx": STANDARD.encode(tx) });
        let answer = self.0.call("broadcast_tx_sync", &params).await?;
        Ok(Checked {
            code: answer["code"].as_u64().context("no code")?,
            log: text(&answer["log"]),
            hash: text(&answer["hash"]),
        })
    }

    /// Number and committed sequence of an account.
    pub(crate) async fn position(&mut self, account: &Account) -> anyhow::Result<(u64, u64)> {
        let address = account.address().to_string();
        let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
        let request = QueryAccountInfoRequest {
            address: address.clone(),
        };
        let answer: QueryAccountInfoResponse = self.query(path, &request).await?;
        let missing = || format!("{address} has no account: it needs coins first");
        let info = answer.info.with_context(missing)?;
        Ok((info.account_number, info.sequence))
    }

    /// Sends one message and waits until it is in a block; gives the height.
    pub(crate) async fn send<M: Message + Name>(
        &mut self,
        account: &Account,
        chain_id: &str,
        message: &M,
        gas: u64,
    ) -> anyhow::Result<u64> {
        let (number, sequence) = self.position(account).await?;
        let builder = TxBuilder::new(chain_id).message(message).gas(gas);
        let tx = builder.sign(account, number, sequence)?;
        let checked = self.broadcast(&tx).await?;
        if checked.code != 0 {
            bail!("{} is refused: {}", M::full_name(), checked.log);
        }
        self.included(&checked.hash, &M::full_name()).await
    }

    /// Waits for a transaction; one that failed is an error.
    async fn included(&mut self, hash: &str, what: &str) -> anyhow::Result<u64> {
        let hash = STANDARD.encode(hex::decode(hash)?);
        let until = Instant::now() + BLOCK_WAITS;
        loop {
            tokio::time::sleep(BLOCK_POLL).await;
            match self.0.call("tx", &json!({ "hash": hash })).await {
                Ok(found) => {
                    let result = &found["tx_result"];
                    if result["code"] != 0 {
                        bail!("{what} failed: {}", text(&result["log"]));
                    }
                    return Ok(text(&found["height"]).parse()?);
                }
                Err(error) if Instant::now() > until => {
                    return Err(error.context(format!("{what} is in no block yet")));
                }
                Err(_) => {}
            }
        }
    }

    /// The newest height.
    pub(crate) async fn height(&mut self) -> anyhow::Result<u64> {
        let status = self.0.call("status", &json!({})).await?;
        Ok(text(&status["sync_info"]["latest_block_height"]).parse()?)
    }

    /// The chain of the node.
    pub(crate) async fn chain_id(&mut self) -> anyhow::Result<String> {
        let status = self.0.call("status", &json!({})).await?;
        Ok(text(&status["node_info"]["network"]))
    }

    /// Calls a method of the RPC.
    pub(crate) async fn call(
        &mut self,
        method: &str,
        params: &serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        self.0.call(method, params).await
    }
}
