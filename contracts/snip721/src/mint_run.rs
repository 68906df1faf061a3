//! Runs of clones: tokens that are the same but for their number, made at once or in several goes.

use cosmwasm_std::{Addr, StdError, StdResult, Storage};
use serde::{Deserialize, Serialize};
use storage::Map;

/// (minter, id of the run) → runs so far. Minters do not count for each other: what one names "gold" is not another's second run of it.
static RUNS: Map<u32> = Map::new("mint_runs");

/// Longest id of a run, in bytes: it is a key of the state.
const ID_BYTES_MAX: usize = 128;

/// Which of several a token is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialNumber {
    /// In which run it was made.
    pub mint_run: Option<u32>,
    /// Its number in that run.
    pub serial_number: u32,
    /// How many the run has.
    pub quantity_minted_this_run: Option<u32>,
}

/// How a token was made.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Minted {
    /// By whom.
    pub by: Addr,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Which of several it is.
    pub serial: Option<SerialNumber>,
}

/// The same, as queries tell it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MintRunInfo {
    /// Who made the contract.
    pub collection_creator: Option<Addr>,
    /// Who made the token.
    pub token_creator: Option<Addr>,
    /// When, in seconds since 1970.
    pub time_of_minting: Option<u64>,
    /// In which run.
    pub mint_run: Option<u32>,
    /// Its number in that run.
    pub serial_number: Option<u32>,
    /// How many the run has.
    pub quantity_minted_this_run: Option<u32>,
}

impl Minted {
    /// As queries tell it, of a contract that this account made.
    #[must_use]
    pub fn info(&self, collection_creator: &Addr) -> MintRunInfo {
        MintRunInfo {
            collection_creator: Some(collection_creator.clone()),
            token_creator: Some(self.by.clone()),
            time_of_minting: Some(self.at),
            mint_run: self.serial.and_then(|serial| serial.mint_run),
            serial_number: self.serial.map(|serial| serial.serial_number),
            quantity_minted_this_run: self
                .serial
                .and_then(|serial| serial.quantity_minted_this_run),
        }
    }
}

/// The number of a minter's next run with this id, from 1 on.
pub fn next(storage: &mut dyn Storage, minter: &Addr, id: &str) -> StdResult<u32> {
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        let why = format!("The id of a mint run has 1 to {ID_BYTES_MAX} bytes");
        return Err(StdError::generic_err(why));
    }
    let place = [minter.as_bytes(), id.as_bytes()];
    let runs = RUNS.get(storage, &place)?.unwrap_or_default();
    let next = runs
        .checked_add(1)
        .ok_or_else(|| StdError::generic_err("This mint run has no number left"))?;
    RUNS.set(storage, &place, &next)?;
    Ok(next)
}
