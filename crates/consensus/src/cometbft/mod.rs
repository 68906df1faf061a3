//! CometBFT v0.38, unmodified, as a supervised child process: the engine of networks.
//!
//! Circle: host. CometBFT decides; what it decided is believed by nobody: this engine checks each block before it hands it on, and
//! the enclave checks it again.
//!
//! Map: [`binary`] which `cometbft` is run · `home` its files and settings · `engine` the supervisor · `child` its processes ·
//! `server` the ABCI 2.0 server, in `frames` · `chain` what it does with blocks · [`rpc`] and `json` the private RPC that
//! tells headers and commits · `words` our values in protobuf · `resubmit` what had no room in a block.
//!
//! Promises: a block is kept whole before it is executed; a killed CometBFT, node or machine is continued by the next start
//! without repair; CometBFT is never waited for without a limit. On this engine port 26657 is CometBFT's own, and its mempool is
//! the mempool.
//! Refuses: other versions, homes without room for the names of sockets, state sync.
//! Recipe and what was measured: ADR 16.

pub mod binary;
mod chain;
mod child;
mod engine;
mod error;
mod frames;
mod home;
mod json;
mod resubmit;
pub mod rpc;
mod server;
mod words;

pub use engine::{CometBft, Config};
pub use error::CometError;
pub use home::{HOME_BYTES_MAX, Settings};
pub use rpc::Rpc;

use strongroom_proof::comet::raw::abci as pb;
use strongroom_types::ExecTxResult;

/// What CometBFT asks a node beside blocks: at any time, on threads of its own.
pub trait Queries: Send + Sync {
    /// Name and versions of the application; the position is filled in by the engine.
    fn info(&self) -> pb::ResponseInfo;

    /// CheckTx: against the newest committed state and what was accepted since. `again` after a block, for what still
    /// waits.
    fn check_tx(&self, tx: &[u8], again: bool) -> ExecTxResult;

    /// Query.
    fn query(&self, request: pb::RequestQuery) -> pb::ResponseQuery;
}
