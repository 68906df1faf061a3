//! What CometBFT does for its clients, for an engine that does not: mempool, RPC, websocket and event search as
//! CometBFT v0.38 has them (wire.md 4.3; testdata/cometbft-v0.38/README.md, "HTTP and JSON-RPC facts" and
//! "JSON facts").
//!
//! Circle: host. Solo needs it; an engine that serves port 26657 itself is run without it.
//!
//! Map: [`server`] starts it · [`backend`] what it asks of the node behind it · [`http`] and [`ws`] the two ways to call
//! the methods of [`methods`], whose words are [`envelope`], [`params`], [`json`] and [`encode`] · [`mempool`] behind
//! [`check_queue`] · [`events`] of a block on the [`event_bus`] · [`query_lang`] and [`indexer`] for searches.
//!
//! Promises: status, content type, CORS and caching headers, and bodies as the recorded engine gives them, for the
//! methods of `methods::METHODS`; a request never reads above the published height; everything is bounded by
//! [`config::Config`]. Differs on purpose: errors carry no caching header; texts in `data` do not quote Go.
//! Refuses: the unsafe methods; evidence, with the reason; to know what transactions mean.

pub mod backend;
pub mod check_queue;
pub mod config;
pub mod encode;
pub mod envelope;
pub mod event_bus;
pub mod events;
mod http;
pub mod indexer;
pub mod json;
mod list;
pub mod mempool;
mod methods;
pub mod params;
pub mod query_lang;
mod server;
mod ws;

pub use backend::{Application, Backend};
pub use config::Config;
pub use server::serve;
