//! Royalties: which part of a price goes to whom, when a token is sold. The contract only says it; who sells pays it.

use cosmwasm_std::{Addr, Api, StdError, StdResult};
use serde::{Deserialize, Serialize};

/// Most who share in a price.
const ROYALTIES_MAX: usize = 16;
/// Most digits of rates after the point; a rate has 16 bits.
const DECIMALS_MAX: u8 = 4;

/// Who has which part of a price.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RoyaltyInfo {
    /// Rates are in units of 10 to the minus this: 25 with 2 decimals is 25 %.
    pub decimal_places_in_rates: u8,
    /// The parts.
    pub royalties: Vec<Royalty>,
}

/// One part of a price.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Royalty {
    /// Who has it.
    pub recipient: Addr,
    /// How large it is.
    pub rate: u16,
}

/// As queries tell it: who has the parts only those are told who may see it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct DisplayRoyaltyInfo {
    /// Rates are in units of 10 to the minus this.
    pub decimal_places_in_rates: u8,
    /// The parts.
    pub royalties: Vec<DisplayRoyalty>,
}

/// One part of a price, as queries tell it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct DisplayRoyalty {
    /// Who has it, if who asks may see it.
    pub recipient: Option<Addr>,
    /// How large it is.
    pub rate: u16,
}

impl RoyaltyInfo {
    /// Refuses what is more than the price, and addresses that are none.
    pub fn check(&self, api: &dyn Api) -> StdResult<()> {
        let decimals = self.decimal_places_in_rates;
        if decimals > DECIMALS_MAX || self.royalties.len() > ROYALTIES_MAX {
            return Err(StdError::generic_err(format!(
                "Royalties have {DECIMALS_MAX} decimals and {ROYALTIES_MAX} recipients at most"
            )));
        }
        let sum: u32 = self.royalties.iter().map(|part| u32::from(part.rate)).sum();
        if sum > 10_u32.pow(decimals.into()) {
            return Err(StdError::generic_err(
                "The sum of royalty rates must not exceed 100%",
            ));
        }
        for part in &self.royalties {
            api.addr_validate(part.recipient.as_str())?;
        }
        Ok(())
    }

    /// As queries tell it.
    #[must_use]
    pub fn display(self, with_recipients: bool) -> DisplayRoyaltyInfo {
        let part = |royalty: Royalty| DisplayRoyalty {
            recipient: Some(royalty.recipient).filter(|_| with_recipients),
            rate: royalty.rate,
        };
        DisplayRoyaltyInfo {
            decimal_places_in_rates: self.decimal_places_in_rates,
            royalties: self.royalties.into_iter().map(part).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::MockApi;

    use super::*;

    #[test]
    fn parts_are_no_more_than_the_price() {
        let ok = |decimals: u8, rates: &[u16]| {
            let part = |rate: &u16| Royalty {
                recipient: Addr::unchecked("artist"),
                rate: *rate,
            };
            let info = RoyaltyInfo {
                decimal_places_in_rates: decimals,
                royalties: rates.iter().map(part).collect(),
            };
            info.check(&MockApi::default()).is_ok()
        };
        assert!(ok(2, &[60, 40]) && ok(4, &[10_000]) && ok(0, &[]));
        assert!(!ok(2, &[60, 41]) && !ok(5, &[1]) && !ok(3, &[1; 17]));
    }
}
