//! Evidence in, claims and verdict out.
//!
//! Circles: trusted, client (and the host through them). Pure: time and policy are arguments.
//!
//! Promises: [`judge`] says what evidence proves and whether a policy takes it; evidence of a simulated platform is
//! never taken by a network that asks for attested machines.
//! Refuses: bytes that are not exactly one known evidence.
//!
//! Only the simulated platform is known today; each kind of hardware becomes a variant of [`Evidence`].

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

mod claims;
mod collateral;
mod evidence;
mod hex;
mod policy;
mod reason;
pub mod simulated;
mod statement;

pub use claims::{Claims, Generation, Kind, Measurement, SnpTcb, Tcb, TcbStatus};
pub use collateral::{COLLATERAL_BYTES_MAX, Collateral, Item, Key, PckCa, Signed, admit};
pub use evidence::{EVIDENCE_BYTES_MAX, Evidence};
pub use hex::Hex;
pub use policy::{
    Code, DcapTerms, POLICY_ENTRIES_MAX, Policy, SnpProduct, SnpTerms, TdAttributes, Verdict, judge,
};
pub use reason::{Reason, Refusal};
pub use statement::{Purpose, Registration, ReportData, Statement};
pub use strongroom_crypto::Security;
