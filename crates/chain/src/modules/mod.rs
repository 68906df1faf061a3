//! The modules of the chain. This file is all that a new one touches outside of its folder and its protos: its line in
//! [`MODULES`], its place in the orders, and a hook of the ante chain if it is the one that answers it.
//!
//! A module's files: `mod.rs` (its [`Module`] and what it promises), `error`, `msg`, `query`, `state`, `genesis`, `event`, and `keeper`
//! for what other modules may call. A file that would be empty is not there. One module reaches another through its `keeper` only.

pub mod accounts;
pub mod auth;
pub mod bank;
pub mod compute;
pub mod consensus;
pub mod feegrant;
pub mod poa;
pub mod registration;

use crate::Ctx;
use crate::error::Stop;
use crate::module::Module;
use crate::types::Address;

/// The table.
pub const MODULES: &[&Module] = &[
    &auth::MODULE,
    &bank::MODULE,
    &compute::MODULE,
    &consensus::MODULE,
    &feegrant::MODULE,
    &poa::MODULE,
    &registration::MODULE,
];

/// In which order the first state is written: accounts before those who hold something.
pub const INIT_GENESIS: &[&str] = &[
    "consensus",
    "auth",
    "bank",
    "registration",
    "poa",
    "compute",
    "feegrant",
];

/// In which order modules begin a block.
pub const BEGIN_BLOCK: &[&str] = &[
    "consensus",
    "auth",
    "bank",
    "registration",
    "poa",
    "compute",
    "feegrant",
];

/// In which order modules end a block: who loses the registration loses the power, the fees are counted last.
pub const END_BLOCK: &[&str] = &[
    "consensus",
    "auth",
    "registration",
    "poa",
    "compute",
    "feegrant",
    "bank",
];

/// The ante chain.
pub(crate) use auth::ante::run as ante;

/// The account of a signer, whose number is signed.
pub(crate) use auth::keeper::account as signer;

/// Whether genesis lets messages to contracts be simulated, and the policy that says so.
pub use compute::keeper::simulates_contracts;
pub use compute::state::SimulationPolicy;

/// Takes a fee out of what another than its payer allows.
pub(crate) use feegrant::keeper::use_fee_grant;

/// Spendable part of a balance: all of it, as long as nothing vests.
///
/// # Errors
/// None yet.
#[allow(clippy::unnecessary_wraps)]
pub(crate) const fn spendable(
    _: &mut Ctx,
    _: &Address,
    _: &str,
    balance: u128,
) -> Result<u128, Stop> {
    Ok(balance)
}
