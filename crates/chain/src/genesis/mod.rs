//! The first state of a chain: CometBFT's genesis document with a typed `app_state`.
//!
//! Promises: [`init_chain`] is a function of the document's bytes alone (no seed, no clock); a field that is missing,
//! unknown or refused is an error that names it, and nothing is written. The hash of a genesis is SHA-256 of the bytes.
//! Refuses: a first height other than 1, an app hash before the first state.

pub mod localnet;
#[cfg(test)]
mod tests;

pub use localnet::{
    BLOCK_BYTES_MAX, BLOCK_GAS_MAX, DENOM, LOCAL_ACCOUNTS, LocalAccount, LocalnetParams,
    VERSION_APP, localnet_genesis,
};

use crate::ctx::{BlockInfo, Mode, Services, TxInfo};
use crate::error::{Fault, Stop};
use crate::modules::{auth, bank, compute, consensus, registration};
use crate::overlay::Overlay;
use crate::ports::{NoSecrets, StateRead};
use crate::state::State;
use crate::types::{Timestamp, Tree, ValidatorUpdate, WriteSet};
use crate::{Bytes, Ctx};
use consensus::state::ConsensusParams;
use serde::{Deserialize, Serialize};

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
    pub consensus_params: consensus::genesis::GenesisParams,
    /// The first validators.
    pub validators: Vec<consensus::genesis::GenesisValidator>,
    /// Empty.
    pub app_hash: String,
    /// The state of the modules.
    pub app_state: AppState,
}

/// The state of the modules. A module that this version does not know is refused: its state would be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppState {
    /// Accounts.
    pub auth: auth::genesis::Genesis,
    /// Coins.
    pub bank: bank::genesis::Genesis,
    /// Contracts.
    pub compute: compute::genesis::Genesis,
    /// The network's keys.
    pub register: registration::genesis::Keys,
    /// What the chain asks of its machines.
    pub registration: registration::genesis::Genesis,
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
        document.time()?;
        Ok(document)
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

    /// The network's public keys.
    ///
    /// # Errors
    /// [`GenesisError::Field`] if they are malformed.
    pub fn network_keys(&self) -> Result<registration::state::NetworkKeys, GenesisError> {
        self.app_state.register.checked()
    }
}

/// What [`init_chain`] gives.
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
pub fn init_chain(bytes: &[u8], services: Services<'_>) -> Result<InitOutcome, GenesisError> {
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
        services,
        u64::MAX,
    );
    let app = &document.app_state;
    let (consensus_params, set) =
        consensus::genesis::init(&mut ctx, &document.consensus_params, &document.validators)?;
    auth::genesis::init(&mut ctx, &app.auth)?;
    bank::genesis::init(&mut ctx, &app.bank)?;
    registration::genesis::init(&mut ctx, &app.registration, &app.register)?;
    compute::genesis::init(&mut ctx, &app.compute)?;
    let validators = set
        .iter()
        .map(|v| ValidatorUpdate {
            pubkey: v.pubkey,
            power: v.power,
        })
        .collect();
    let writes = state.into_write_set(0).map_err(GenesisError::Fault)?;
    Ok(InitOutcome {
        writes,
        validators,
        consensus_params,
        document,
    })
}
