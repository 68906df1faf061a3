//! Prepare (validate, limit, meter) and run contract wasm; the host imports over small ports.
//!
//! Circles: trusted. Pure: no clock, no randomness, no I/O; storage and queries come through [`Host`] and [`Step`].
//!
//! Promises: every module that [`prepare()`] accepts loads on every engine, stops within its gas, its depth and its
//! memory, and gives the same result, gas and pages on each (`docs/spec/gas.md`). What a contract does wrong becomes a
//! [`Trap`], and so does what it makes the engine do wrong, panics included ([`guard`]); what goes wrong on our side becomes
//! a [`VmFault`] and is never a contract's result.
//! Refuses: to know anything of accounts, keys, encryption, JSON or prices of storage; those are the caller's.
//!
//! The way of a code: [`ModuleCache::validate_upload`], once. The way of a call: [`prepare()`] → [`ModuleCache::get_or_load`] → [`Instance::new`] → [`Instance::start`] →
//! ([`Step::Query`] → [`Instance::resume`])* → [`Step::Done`]. A call that waits for a query holds no stack of the
//! machine, so nested calls nest on the caller's own, explicit stack.
//!
//! Spec: contract-abi.md sections 1, 4, 5 and 6.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::disallowed_types,
        clippy::disallowed_methods
    )
)]

pub mod cache;
pub mod engine;
pub mod entry;
pub mod error;
pub mod gas;
pub mod guard;
pub mod host;
pub mod imports;
pub mod instance;
pub mod limits;
pub mod prepare;
mod region;

pub use cache::{ModuleCache, ModuleKey};
pub use engine::{Engine, Loaded, wasmi::WasmiEngine};
#[cfg(feature = "winch")]
pub use engine::{
    tiered::{Promotion, TieredEngine},
    winch::WinchEngine,
};
pub use entry::{Argument, Entry, EntryExport, Generation, MIGRATE_WITH_INFO};
pub use error::{EngineError, HostFault, Invalid, PrepareError, Trap, VmFault};
pub use host::{Charged, Host, Range};
pub use imports::Import;
pub use instance::{CallMode, Instance, Outcome, QueryRequest, Step};
pub use prepare::{ModuleInfo, PREP_VERSION, Prepared, prepare};
