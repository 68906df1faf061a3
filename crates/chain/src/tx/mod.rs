//! One transaction: decode, stateless checks, the ante chain, messages, result (wire.md 1.12.1).
//!
//! Promises: a transaction that fails in the ante chain changes nothing; one that fails in a message keeps its fee and
//! sequence and nothing else. Fees are deltas: the payer is debited here, the collector is credited at block end.

mod gas_price;
pub(crate) mod looked;
mod msg;
mod run;
pub(crate) mod signers;
#[cfg(test)]
mod tests;

pub use gas_price::{GasPrice, NotAGasPrice};
pub use msg::Msg;
pub(crate) use msg::no_handler;
pub use run::{DecodedTx, TxOutcome, decode, run_ante, run_messages};
pub(crate) use signers::of_tx as signers_of;

use crate::error::Stop;
use crate::types::error::sdk;
use crate::types::{Gas, TxError};

/// Settings of the ante chain that do not come from the transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnteConfig {
    /// The block's gas limit, if it has one.
    pub block_gas: Option<Gas>,
    /// The node's minimum gas price; asked in [`crate::Mode::Check`] and [`crate::Mode::Recheck`] only.
    pub min_gas_price: Option<GasPrice>,
    /// The most gas that a simulation may use, where it is less than the block's.
    pub simulated_gas: Option<Gas>,
    /// How far ahead of the state the sequences of a simulation may be, where nobody knows what waits.
    pub sequences_ahead: u64,
}

/// The error that clients see of a stop that is no fault: itself, or out of gas with its location.
///
/// # Errors
/// The fault.
pub(crate) fn visible(stop: Stop, wanted: Gas, used: Gas) -> Result<TxError, crate::Fault> {
    match stop {
        Stop::Err(e) => Ok(e),
        Stop::OutOfGas(location) => {
            let text =
                format!("out of gas in location: {location}; gasWanted: {wanted}, gasUsed: {used}");
            Ok(sdk::OUT_OF_GAS.wrap(text))
        }
        Stop::Fault(fault) => Err(fault),
    }
}
