//! The first state of a chain: CometBFT's genesis document, whose `app_state` has a part for each module, and the document that
//! gives a state again ([`export()`]).
//!
//! Promises: [`init_chain`] is a function of the document's bytes alone (no seed, no clock); a field that is missing,
//! unknown or refused is an error that names it, and nothing is written. The hash of a genesis is SHA-256 of the bytes.
//! Refuses: a first height other than 1, an app hash before the first state.

mod app_state;
mod coin;
pub mod consensus;
mod export;
pub mod localnet;
#[cfg(test)]
mod tests;

pub use app_state::AppState;
pub use coin::GenesisCoin;
pub use export::{SealedEntry, export};
pub use localnet::{
    BLOCK_BYTES_MAX, BLOCK_GAS_MAX, DENOM, LOCAL_ACCOUNTS, LocalAccount, LocalnetParams,
    NetworkKeys, VERSION_APP, localnet_genesis,
};

use crate::ctx::{BlockInfo, ExecutionEnv, Mode, TxInfo};
use crate::error::{Fault, Stop};
use crate::module;
use crate::modules::INIT_GENESIS;
use crate::overlay::Overlay;
use crate::ports::{NoSecrets, StateRead};
use crate::state::State;
use crate::types::consensus::ConsensusParams;
use crate::types::{Hash, Timestamp, Tree, ValidatorUpdate, WriteSet};
use crate::{Bytes, Ctx};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest genesis document in bytes.
pub const GENESIS_BYTES_MAX: usize = 64 << 20;
/// Longest chain id in bytes (CometBFT's bound).
pub const CHAIN_ID_BYTES_MAX: usize = 50;

/// Why a genesis is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// The bytes are not the JSON document that we read.
    #[error("genesis does not parse: {0}")]
    Json(String),
    /// A field has a value that is refused.
    #[error("genesis: {what}: {why}")]
    Field {
        /// Which field, as a path.
        what: String,
        /// Why.
        why: String,
    },
    /// An invariant of ours broke on the way.
    #[error("genesis: {0}")]
    Fault(Fault),
}

impl GenesisError {
    /// A stable number.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Json(_) => 1,
            Self::Field { .. } => 2,
            Self::Fault(_) => 3,
        }
    }

    pub(crate) fn field(what: &str, why: impl Into<String>) -> Self {
        Self::Field {
            what: what.to_owned(),
            why: why.into(),
        }
    }
}

impl From<Stop> for GenesisError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fault(fault) => Self::Fault(fault),
            Stop::Err(e) => Self::Fault(Fault::Broken(e.text)),
            Stop::OutOfGas(location) => Self::Fault(Fault::Broken(format!(
                "genesis ran out of gas in {location}"
            ))),
        }
    }
}

/// The genesis document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// RFC 3339, UTC: the time of the first block.
    pub genesis_time: String,
    /// Chain id.
    pub chain_id: String,
    /// `1`.
    pub initial_height: String,
    /// Consensus parameters.
    pub consensus_params: consensus::GenesisParams,
    /// The first validators.
    pub validators: Vec<consensus::GenesisValidator>,
    /// Empty.
    pub app_hash: String,
    /// The state of the modules.
    pub app_state: AppState,
    /// The entries of contracts, as they stand sealed in the tree: nothing on a chain that begins without contracts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contract_state: Vec<SealedEntry>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// [`GenesisError::Json`] or [`GenesisError::Field`].
    pub fn parse(bytes: &[u8]) -> Result<Self, GenesisError> {
        if bytes.len() > GENESIS_BYTES_MAX {
            return Err(GenesisError::Json(format!(
                "longer than {GENESIS_BYTES_MAX} bytes"
            )));
        }
        let document: Self =
            serde_json::from_slice(bytes).map_err(|e| GenesisError::Json(e.to_string()))?;
        if document.chain_id.is_empty() || document.chain_id.len() > CHAIN_ID_BYTES_MAX {
            let why = format!("not 1 to {CHAIN_ID_BYTES_MAX} bytes");
            return Err(GenesisError::field("chain_id", why));
        }
        if document.initial_height != "1" {
            return Err(GenesisError::field("initial_height", "a chain begins at 1"));
        }
        if !document.app_hash.is_empty() {
            return Err(GenesisError::field(
                "app_hash",
                "there is no state before the first",
            ));
        }
        document.app_state.check_keys()?;
        document.time()?;
        Ok(document)
    }

    /// The bytes of the document: indented, members of objects in order of name.
    ///
    /// # Errors
    /// [`GenesisError::Json`] if there are none.
    pub fn to_bytes(&self) -> Result<Vec<u8>, GenesisError> {
        let json = |e: serde_json::Error| GenesisError::Json(e.to_string());
        let value = serde_json::to_value(self).map_err(json)?;
        let mut bytes = serde_json::to_vec_pretty(&value).map_err(json)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The time of the first block.
    ///
    /// # Errors
    /// [`GenesisError::Field`] if it is no RFC 3339 time in UTC within the years 1970 to 2554.
    pub fn time(&self) -> Result<Timestamp, GenesisError> {
        let refused = |why: String| GenesisError::field("genesis_time", why);
        let time: Timestamp = self
            .genesis_time
            .parse()
            .map_err(|e| refused(format!("{e}")))?;
        // Contracts see it as unsigned nanoseconds since 1970.
        match time.nanos_total() {
            Some(_) => Ok(time),
            None => Err(refused("not within the years 1970 to 2554".into())),
        }
    }
}

/// Result of [`init_chain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitOutcome {
    /// The state before the first block.
    pub writes: WriteSet,
    /// The first validator set.
    pub validators: Vec<ValidatorUpdate>,
    /// The consensus parameters.
    pub consensus_params: ConsensusParams,
    /// The document, for chain id, time and keys.
    pub document: Document,
    /// Code of contracts in the document, by hash.
    pub new_code: BTreeMap<Hash, Bytes>,
}

/// Nothing is there before the first state.
struct Nothing;

impl StateRead for Nothing {
    fn get(&self, _: Tree, _: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(None)
    }
}

/// Makes the first state from the bytes of a genesis document.
///
/// # Errors
/// [`GenesisError`]; nothing is kept then.
pub fn init_chain(bytes: &[u8], env: ExecutionEnv<'_>) -> Result<InitOutcome, GenesisError> {
    let document = Document::parse(bytes)?;
    let block = BlockInfo {
        chain_id: document.chain_id.clone(),
        height: 0,
        time: document.time()?,
        header_hash: [0; 32],
        version_app: 0,
    };
    let mut state = State::new(&Nothing, &NoSecrets, Overlay::default());
    let mut ctx = Ctx::new(
        &mut state,
        &block,
        TxInfo::default(),
        Mode::Deliver,
        env,
        u64::MAX,
    );
    let (consensus_params, validators) =
        consensus::init(&mut ctx, &document.consensus_params, &document.validators)?;
    for module in INIT_GENESIS.iter().filter_map(|name| module::by_name(name)) {
        for part in module.genesis {
            (part.init)(&mut ctx, document.app_state.raw(part.key)?)?;
        }
    }
    let new_code = core::mem::take(&mut ctx.new_code);
    let mut writes = state.into_write_set(0).map_err(GenesisError::Fault)?;
    for entry in &document.contract_state {
        let (key, record) = entry.checked()?;
        if writes
            .0
            .insert((Tree::Contract, key), Some(record))
            .is_some()
        {
            return Err(GenesisError::field(
                "contract_state",
                "an entry is there twice",
            ));
        }
    }
    Ok(InitOutcome {
        writes,
        validators,
        consensus_params,
        document,
        new_code,
    })
}
