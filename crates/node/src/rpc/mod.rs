//! The RPC of CometBFT v0.38 on port 26657: JSON-RPC, URI calls, websocket (wire.md 4.3;
//! testdata/cometbft-v0.38/README.md, "HTTP and JSON-RPC facts" and "JSON facts").
//!
//! Promises: status, content type, CORS and caching headers, and bodies as the recorded engine gives them, for the
//! methods of `methods::METHODS`; a request never reads above the published height; everything is bounded by
//! [`config::Config`]. Differs on purpose: errors carry no caching header; texts in `data` do not quote Go.
//! Refuses: the unsafe methods; evidence, with the reason.

pub mod backend;
pub mod config;
mod cors;
pub mod encode;
pub mod envelope;
mod http;
pub mod json;
mod list;
mod methods;
pub mod params;
mod server;

pub use backend::RpcBackend;
pub use config::Config;
pub use server::RpcServer;
pub(crate) use {http::call_json, server::Server};
