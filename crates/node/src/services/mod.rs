//! Everything that answers by gRPC method name: the chain's queries, and the services that the node itself offers.
//! REST and `abci_query` are two faces of this one table.

mod blocks;
mod light;
mod node;
mod txs;

pub use txs::Broadcast;

use crate::chain::query::{GrpcCode, Page, QueryError, QueryStop};
use crate::host::{HostChain, LIGHT};
use crate::pool::Pool;
use prost::Message;
use std::sync::Arc;
use strongroom_comet_rpc::backend::NodeInfo;
use strongroom_http::workers::{Progress, Work};
use strongroom_store::blocks::BlockStore;
use strongroom_types::Height;
use strongroom_types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};

/// Broadcasting, which waits for its turn: [`Services::broadcast`].
pub const BROADCAST_TX: &str = "/cosmos.tx.v1beta1.Service/BroadcastTx";

const TXS: &str = "cosmos.tx.v1beta1.Service";
const BLOCKS: &str = "cosmos.base.tendermint.v1beta1.Service";

/// The gRPC services of a node.
#[derive(Clone)]
pub struct Services {
    /// Public queries, contract queries, estimates.
    pub chain: Arc<HostChain>,
    /// Blocks, results, index.
    pub blocks: Arc<BlockStore>,
    /// Where transactions wait.
    pub pool: Pool,
    /// Identity of this node.
    pub info: Arc<NodeInfo>,
}

/// An answer: the height that was read, and the encoded response.
pub type Answer = Result<(Height, Vec<u8>), QueryError>;

impl Services {
    /// Class of a method: how much it asks of the machine. Long is what passes the gate, and what the enclave runs (of a simulation
    /// its first part).
    #[must_use]
    pub fn work(path: &str) -> Work {
        match path.strip_prefix('/').and_then(|p| p.split_once('/')) {
            Some((TXS, method)) => match method {
                "Simulate" | "GetTxsEvent" => Work::Long,
                "GetTx" | "GetBlockWithTxs" => Work::WholeBlock,
                _ => Work::Light,
            },
            Some((BLOCKS, method)) => match method {
                "ABCIQuery" => Work::Long,
                "GetBlockByHeight" | "GetLatestBlock" => Work::WholeBlock,
                _ => Work::Light,
            },
            Some(("strongroom.light.v1.Service", _)) => Work::WholeBlock,
            Some(("cosmos.base.node.v1beta1.Service", _)) | None => Work::Light,
            Some(_) if LIGHT.contains(&path) => Work::Light,
            Some(_) => Work::Long,
        }
    }

    /// Calls the full gRPC method `path` (`/package.Service/Method`) at `height` (0: the newest). A failure is a [`QueryError`] with its faces for REST
    /// and for `abci_query`.
    pub fn call(&self, path: &str, request: &[u8], height: Height) -> Progress<Answer> {
        Progress::of(self.begin(path, request, height))
    }

    fn begin(
        &self,
        path: &str,
        request: &[u8],
        height: Height,
    ) -> Result<Progress<Answer>, QueryError> {
        let (service, method) = path
            .strip_prefix('/')
            .and_then(|p| p.split_once('/'))
            .unwrap_or_default();
        // Blocks and transactions have no state of their own at a height, but a height that is not there is refused.
        self.chain.block_at(height)?;
        match (service, method) {
            (TXS, "Simulate") => return Ok(self.simulate(decode(request)?)),
            (BLOCKS, "ABCIQuery") => return Ok(self.abci_query(&decode(request)?)),
            _ => {}
        }
        let answer = match service {
            TXS => self.txs(method, request),
            BLOCKS => self.blocks(method, request),
            "cosmos.base.node.v1beta1.Service" => self.node(method),
            "strongroom.light.v1.Service" => self.light(method, request),
            _ => self.chain.query(path, request, height),
        };
        Ok(Progress::Done(answer))
    }

    pub(crate) fn newest(&self) -> Height {
        self.chain.head().height
    }

    fn answer(&self, response: &impl Message) -> Answer {
        Ok((self.newest(), response.encode_to_vec()))
    }
}

/// Decodes a request.
fn decode<M: Message + Default>(request: &[u8]) -> Result<M, QueryError> {
    M::decode(request)
        .map_err(|e| status(GrpcCode::InvalidArgument, format!("malformed request: {e}")))
}

/// The places of a page in a list of `len` entries.
fn places(
    request: Option<PageRequest>,
    len: usize,
) -> Result<(Vec<usize>, PageResponse), QueryError> {
    let places = Page::new(request).and_then(|page| page.places(len));
    places.map_err(|stop| match stop {
        QueryStop::Error(e) => e,
        QueryStop::Fault(fault) => internal(fault),
    })
}

fn status(code: GrpcCode, text: impl Into<String>) -> QueryError {
    QueryError::Status {
        code,
        text: text.into(),
    }
}

fn internal(e: impl core::fmt::Display) -> QueryError {
    status(GrpcCode::Internal, e.to_string())
}
