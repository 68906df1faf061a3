//! The trusted core: seeds and their epochs, sealing, proven state, execution of decided blocks, queries.
//!
//! Circles: trusted. The only crate that holds secrets. It meets the world through the door ([`strongroom_bridge`]) and
//! the [`Platform`] seam, and believes neither.
//!
//! Promises: nothing undecided is executed, but for estimates that are thrown away, where genesis allows them on an insecure network (`query`, ADR 27); nothing unproven is read; the root after a block is computed here; nothing of
//! a block leaves before every check has passed; after a failed check nothing leaves any more.
//! Refuses: another genesis than its own, heights out of order, answers that do not prove themselves.
//!
//! Order of reading: [`platform`], `bootstrap` (where seeds come from), `join` (how they come to a second enclave), `anchor` (where the chain stands), `proven_state` (how
//! state is read), `executor` (the stages of an enclave), `position` (blocks), `query`, [`service`] (which request goes where), [`process`] and [`sandbox`] (the
//! enclave as a process). Specification: docs/spec/door.md.

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

mod anchor;
mod bootstrap;
mod exceptions;
mod executor;
mod failure;
mod join;
pub mod panics;
pub mod platform;
mod position;
#[cfg(unix)]
pub mod process;
mod proven_state;
mod query;
#[cfg(target_os = "linux")]
pub mod sandbox;
mod secrets;
pub mod service;
mod shared;

pub use join::ENCLAVE_VERSION;
pub use platform::{MACHINE_BYTES, Platform, Simulated};
#[cfg(unix)]
pub use process::child_main;
pub use service::{QUERY_LANES, SIMULATION_LANES, serve};
pub use shared::TREE_BYTES_MAX;
