//! The module's part of the genesis document.

use super::state::{PARAMS, Params};
use crate::ctx::Ctx;
use crate::genesis::GenesisError;
use serde::{Deserialize, Serialize};

/// Decimal places of a `LegacyDec`.
const DECIMALS: usize = 18;

/// `app_state.compute`. Codes and contracts come with transactions: a chain begins without any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Parameters.
    pub params: GenesisParams,
}

/// Parameters as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisParams {
    /// Gas per byte of uploaded code, a decimal with at most 18 places.
    pub compile_cost: String,
    /// Largest unzipped code in bytes.
    pub max_contract_size: String,
}

impl Default for Genesis {
    fn default() -> Self {
        let params = Params::default();
        let max_contract_size = params.max_contract_size.to_string();
        Self {
            params: GenesisParams {
                compile_cost: dec(params.compile_cost_e18),
                max_contract_size,
            },
        }
    }
}

/// Writes the module's first state.
///
/// # Errors
/// [`GenesisError`] for a parameter that is refused.
pub fn init(ctx: &mut Ctx<'_, '_>, genesis: &Genesis) -> Result<(), GenesisError> {
    let refuse = |what: &str| GenesisError::field(what, "not a number in range");
    let compile_cost_e18 = parse_dec(&genesis.params.compile_cost)
        .ok_or_else(|| refuse("compute.params.compile_cost"))?;
    let max_contract_size = genesis
        .params
        .max_contract_size
        .parse()
        .ok()
        .filter(|n| (1..=2_097_152).contains(n))
        .ok_or_else(|| refuse("compute.params.max_contract_size"))?;
    PARAMS.set(
        ctx,
        &Params {
            compile_cost_e18,
            max_contract_size,
        },
    )?;
    Ok(())
}

/// A number of 10^-18 as decimal text with 18 places.
#[must_use]
pub fn dec(e18: u128) -> String {
    let digits = format!("{e18:0>width$}", width = DECIMALS.saturating_add(1));
    let (whole, places) = digits.split_at(digits.len().saturating_sub(DECIMALS));
    format!("{whole}.{places}")
}

/// Reads decimal text with at most 18 places.
#[must_use]
pub fn parse_dec(text: &str) -> Option<u128> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || places.len() > DECIMALS || (text.contains('.') && !digits(places)) {
        return None;
    }
    format!("{whole}{places:0<DECIMALS$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_read_and_print_with_eighteen_places() {
        assert_eq!(parse_dec("0.8"), Some(800_000_000_000_000_000));
        assert_eq!(dec(800_000_000_000_000_000), "0.800000000000000000");
        assert_eq!(dec(0), "0.000000000000000000");
        assert_eq!(parse_dec("12"), Some(12_000_000_000_000_000_000));
        for bad in ["", ".", "1.", ".5", "-1", "1e3", "0.0000000000000000001"] {
            assert_eq!(parse_dec(bad), None, "{bad}");
        }
    }
}
