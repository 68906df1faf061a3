//! Client library: keys, sealed contract messages, transactions, proven values.
//!
//! Circle: client. Promises: what the widely used clients send, byte for byte (wire.md section 1), and nothing secret in
//! any `Debug`. Refuses: to move bytes; the caller gives a [`client::Transport`]: that of the feature `net` (HTTP, with TLS), or its own.
//!
//! [`client`] has the whole way of a call and of a query. What it is made of stands alone, too: [`keys::Account`] signs,
//! [`message::Sealer`] seals a contract message for a network key and opens what comes back, [`tx::TxBuilder`] puts messages into a signed
//! transaction. [`light`] asks for state, and believes only what is proven; [`adr36`] signs and checks
//! statements beside transactions.

pub mod adr36;
pub mod client;
pub mod keys;
pub mod light;
pub mod local;
pub mod message;
#[cfg(all(feature = "net", not(target_arch = "wasm32")))]
pub mod net;
#[cfg(test)]
mod testing;
pub mod tx;

pub(crate) use strongroom_crypto as crypto;
pub(crate) use strongroom_types as types;
