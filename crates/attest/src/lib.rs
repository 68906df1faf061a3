//! Evidence in, claims and verdict out.
//!
//! Circles: trusted, client (and the host through them). Pure: time and policy are arguments.
//!
//! Promises: [`judge`] says what evidence proves and whether a policy takes it; evidence of a simulated platform is
//! never taken by a network that asks for attested machines.
//! Refuses: bytes that are not exactly one known evidence.
//!
//! Kinds: SGX and TDX (DCAP), SEV-SNP, AWS Nitro, simulated. What vendors say about their platforms is [`Collateral`], which
//! [`admit`] lets into state; formats, rules and limits: docs/spec/attestation.md.

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
mod dcap;
mod evidence;
mod hex;
mod nitro;
#[cfg(test)]
mod page;
mod pccs;
mod policy;
mod reason;
mod roots;
pub mod simulated;
mod snp;
mod statement;
#[cfg(test)]
mod synthetic;
mod x509;

pub use claims::{Claims, Generation, Kind, Measurement, SnpTcb, Tcb, TcbStatus};
pub use collateral::{COLLATERAL_BYTES_MAX, Collateral, Item, Key, PckCa, Signed, admit};
pub use dcap::QUOTE_BYTES_MAX;
pub use evidence::{Certificate, EVIDENCE_BYTES_MAX, Evidence};
pub use hex::Hex;
pub use nitro::DOCUMENT_BYTES_MAX;
pub use pccs::{PCCS_BYTES_MAX, items_of_pccs};
pub use policy::{
    Code, DcapTerms, POLICY_ENTRIES_MAX, Policy, SnpProduct, SnpTerms, TdAttributes, Verdict, judge,
};
pub use reason::{Reason, Refusal};
pub use snp::REPORT_BYTES;
pub use statement::{Purpose, Registration, ReportData, Statement};
pub use strongroom_crypto::Security;
