//! Mempool, CometBFT RPC, websocket, indexer, REST, faucet and wiring: everything that clients of a node talk to.
//!
//! Circle: host. It sees ciphertext and public state, never a key or a plaintext of a contract.
//!
//! Map: [`node`] starts and stops everything · [`app`] the node as its engine sees it · [`enclave`] its side of the door ·
//! [`host`] the chain without secrets · [`mempool`] · [`listen`] the listener of all servers, [`workers`] their threads · [`gate`] before heavy work · [`services`] every gRPC method, behind [`rest`] and the RPC's
//! `abci_query` · [`rpc`] and websocket · [`faucet`].
//!
//! Promises: answers on the RPC port what CometBFT v0.38 answers (wire.md 4.3, testdata/cometbft-v0.38/README.md); publishes a height only
//! after it is committed everywhere; bounds every request, queue and search.
//! Refuses: to decide or to execute anything itself.

mod abci;
pub mod app;
pub mod check_queue;
pub mod enclave;
pub mod event_bus;
pub mod events;
pub mod exceptions;
pub mod faucet;
pub mod gate;
mod go;
pub mod host;
pub mod indexer;
pub mod listen;
pub mod mempool;
pub mod node;
pub mod query_lang;
mod records;
pub mod replay;
pub mod rest;
pub mod rpc;
pub mod services;
pub mod workers;
mod ws;

pub(crate) use strongroom_chain as chain;
