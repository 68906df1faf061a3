//! A node: wiring of stores, enclave, engine and servers, and REST.
//!
//! Circle: host. It sees ciphertext and public state, never a key or a plaintext of a contract.
//!
//! Map: [`node`] starts and stops everything · [`app`] the node as its engine sees it · [`enclave`] its side of the door ·
//! [`host`] the chain without secrets · [`services`] every gRPC method, behind [`rest`] and the RPC's `abci_query` ·
//! `stores` raw entries with proofs · [`pool`] where transactions wait, and `shares` whose they are where that is not ours · [`exceptions`] and [`replay`] for operators.
//!
//! Promises: publishes a height only after it is committed everywhere; bounds every request, queue and search.
//! Refuses: to decide or to execute anything itself.

mod abci;
pub mod app;
pub mod enclave;
pub mod exceptions;
pub mod host;
mod listen;
pub mod node;
pub mod pool;
pub mod replay;
pub mod rest;
pub mod services;
mod shares;
mod store_records;
mod stores;

pub(crate) use strongroom_chain as chain;
