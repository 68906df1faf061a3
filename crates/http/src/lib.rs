//! HTTP servers that no peer can exhaust, and what their handlers share: threads, the gate before heavy work, CORS.
//!
//! Circle: host. It knows nothing of chains.
//!
//! Map: [`server`] listens and converses, within the pools of [`budget`] · [`workers`] threads that may block · [`gate`]
//! before heavy work · [`cors`] who may call from a browser · [`go`] how clients write numbers and bytes.
//!
//! Promises: connections, deadlines, memory and threads are bounded (docs/spec/serving.md); there is one way to start a
//! server and one to stop it.
//! Refuses: TLS, which an operator's proxy does, and HTTP/2.

pub mod budget;
mod connection;
pub mod cors;
pub mod gate;
pub mod go;
pub mod server;
mod unread;
pub mod workers;
