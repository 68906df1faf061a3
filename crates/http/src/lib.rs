//! HTTP servers that no peer can exhaust, and what their handlers share: threads, the gate before heavy work, CORS.
//!
//! Circle: host. It knows nothing of chains.
//!
//! Map: [`server`] starts, listens and stops, as its [`settings`] say, within the pools of [`budget`] · [`shares`] of the
//! servers of one process · [`body`] reads requests · [`cors`] who may call from a browser · [`workers`] threads that may
//! block · [`gate`] before heavy work · [`retry`] when to come again · [`go`] how clients write
//! numbers and bytes.
//!
//! Promises: connections, deadlines, memory and threads are bounded (docs/spec/serving.md); there is one way to start a
//! server and one to stop it.
//! Refuses: TLS, which an operator's proxy does, and HTTP/2.

pub mod body;
pub mod budget;
mod connection;
pub mod cors;
pub mod gate;
pub mod go;
pub mod retry;
pub mod server;
pub mod settings;
pub mod shares;
mod unread;
pub mod workers;

pub use server::{Peer, Server};
pub use settings::Settings;
pub use shares::Shares;
