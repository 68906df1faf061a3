//! Authenticated versioned state on an embedded database; blocks and results (host).
//!
//! Circles: host. What lies here may be seen and kept back by whoever runs the machine; the enclave believes none of it
//! without a proof. Spec: docs/spec/state.md.
//!
//! Promises: one durable batch per block; whoever opens the store after a crash finds the last committed version, whole.
//! Refuses: to know what keys and values mean.

pub mod blocks;
pub mod content;
pub mod error;
pub mod files;
pub mod kv;
pub mod state;

pub use content::ContentStore;
pub use error::{Error, Result, is_transient};
pub use kv::{Kv, KvLimits, LsmKv, RedbKv};
pub use state::{ExtraKey, History, Limits, Prepared, StateStore, Version, View};

// The oracle of the tree code: one for both crates.
#[cfg(test)]
#[path = "../../proof/src/oracle.rs"]
mod oracle;
