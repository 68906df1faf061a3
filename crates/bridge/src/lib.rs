//! The one door between host and enclave: messages, framing, limits, stream ids, transports.
//!
//! Circles: trusted and host; both ends use the same code. Carries bytes: what a proof, a seal or a query means is
//! known by the ends only.
//!
//! Promises: every message has a byte limit that holds before the message is complete; a hostile peer gets an error,
//! never a panic, and cannot make this end hold more for it than one unfinished message for each lane; a query never
//! waits for a block, and a block never for queries ([`stream`]).
//! Refuses: messages of another build, frames above 64 KiB, answers that nobody asked for.
//!
//! Order of reading: [`message`] (what is said), [`frame`] (how it is cut), [`link`] (what carries it), [`stream`] (who
//! may hold what), [`transport`]
//! (the host's end), [`lane`] (the enclave's end), [`child`] (the enclave as a child process). Specification:
//! docs/spec/door.md.

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

#[cfg(unix)]
pub mod child;
pub mod error;
mod failure;
pub mod frame;
pub mod lane;
pub mod link;
pub mod message;
pub mod spec;
pub mod stream;
pub mod transport;

pub use error::DoorError;
pub use message::{
    EnclaveRequest, Failure, FailureCode, FromEnclave, FromHost, HostResponse, Proven, Reply,
    Request,
};
pub use stream::Lane;
pub use transport::{Host, Transport};

pub(crate) use strongroom_types as types;
