//! Mempool, CometBFT RPC, websocket, indexer, REST, faucet and wiring: everything that clients of a node talk to.
//!
//! Circle: host. It sees ciphertext and public state, never a key or a plaintext of a contract.
//!
//! Promises: answers on the RPC port what CometBFT v0.38 answers (wire.md 4.3, golden data); publishes a height only
//! after it is committed everywhere; bounds every request, queue and search.
//! Refuses: to decide or to execute anything itself.

pub mod events;
pub mod indexer;
pub mod mempool;
pub mod query_lang;
pub mod rpc;
mod ws;
