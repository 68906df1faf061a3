//! What an engine knows of the chain between two blocks, chained as CometBFT does: results, app hash, parameters and
//! app version of block H stand in header H + 1, validator updates of H hold from H + 2.

use crate::{FinalizeBlock, GenesisFile, InitChain};
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_proof::Verified;
use strongroom_proof::comet::validators::ValidatorSetError;
use strongroom_proof::comet::{self, ValidatorSet};
use strongroom_proof::light::{Block, Expected, Genesis, LightError, LightState};
use strongroom_types::consensus::{ConsensusParams, ParamOutOfRange};
use strongroom_types::{DecidedBlock, Hash, Height, Untrusted};

/// Why a state cannot be made or moved on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The first or the next validators are no set.
    #[error("validators: {0}")]
    Validators(#[from] ValidatorSetError),
    /// The parameters are out of range.
    #[error("parameters: {0}")]
    Params(#[from] ParamOutOfRange),
    /// The block does not continue the chain.
    #[error("block: {0}")]
    Light(#[from] LightError),
    /// An app hash longer than 32 bytes, or an empty one after a block.
    #[error("the application gave an app hash of {0} bytes")]
    AppHash(usize),
    /// Not one result for each transaction.
    #[error("the application gave {results} results for {txs} transactions")]
    Results {
        /// Results.
        results: usize,
        /// Transactions.
        txs: usize,
    },
    /// Stored bytes are no state of a version that we know.
    #[error("stored engine state: {0}")]
    Stored(String),
}

impl StateError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Validators(_) => "state.validators",
            Self::Params(_) => "state.params",
            Self::Light(e) => e.code(),
            Self::AppHash(_) => "state.app_hash",
            Self::Results { .. } => "state.results",
            Self::Stored(_) => "state.stored",
        }
    }
}

/// The chain after a committed block (or after genesis): everything the next header needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainState(V1);

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct V1 {
    genesis_hash: Hash,
    light: LightState,
    params: ConsensusParams,
    version_app: u64,
    app_hash: Vec<u8>,
    last_results_hash: Hash,
}

#[derive(BorshSerialize, BorshDeserialize)]
enum Stored {
    V1(V1),
}

impl ChainState {
    /// The state before the first block.
    ///
    /// # Errors
    /// [`StateError`] for validators, parameters or an app hash that no chain can have.
    pub fn genesis(
        file: &GenesisFile,
        init: &InitChain,
        app_version: u64,
    ) -> Result<Self, StateError> {
        let doc = &file.doc;
        let validators = if init.validators.is_empty() {
            doc.validator_updates()
        } else {
            init.validators.clone()
        };
        let validators = ValidatorSet::from_updates(&validators)?;
        let (params, version_app) = match &init.consensus_params {
            Some(update) => {
                let params = doc.consensus_params.updated(update);
                let version = params.version.app;
                (params, version)
            }
            None => (doc.consensus_params.clone(), app_version),
        };
        params.check()?;
        if init.app_hash.len() > 32 {
            return Err(StateError::AppHash(init.app_hash.len()));
        }
        // As CometBFT: the application's hash, or else the document's.
        let app_hash = match init.app_hash.as_slice() {
            [] => doc.app_hash.clone(),
            hash => hash.to_vec(),
        };
        let genesis = Genesis::new(doc, validators);
        Ok(Self(V1 {
            genesis_hash: file.hash(),
            light: LightState::genesis(&genesis)?,
            params,
            version_app,
            app_hash,
            last_results_hash: comet::results_hash(&[]),
        }))
    }

    /// Checks a decided block as the enclave will.
    ///
    /// # Errors
    /// [`StateError::Light`] names the check.
    pub fn verify(
        &self,
        block: &DecidedBlock,
    ) -> Result<(Verified<Block>, LightState), StateError> {
        Ok(self
            .0
            .light
            .verify(Untrusted::new(block.clone()), &self.expected())?)
    }

    /// The state after a block that was verified (`after` comes from [`Self::verify`]) and executed.
    ///
    /// # Errors
    /// [`StateError`] for an outcome that no chain can have; the application broke the contract.
    pub fn executed(
        &self,
        block: &Block,
        after: &LightState,
        outcome: &FinalizeBlock,
    ) -> Result<Self, StateError> {
        if outcome.tx_results.len() != block.txs.len() {
            return Err(StateError::Results {
                results: outcome.tx_results.len(),
                txs: block.txs.len(),
            });
        }
        if outcome.app_hash.is_empty() || outcome.app_hash.len() > 32 {
            return Err(StateError::AppHash(outcome.app_hash.len()));
        }
        let (params, version_app) = match &outcome.consensus_param_updates {
            // CometBFT takes the version from the parameters whenever any of them change.
            Some(update) => {
                let params = self.0.params.updated(update);
                let version = params.version.app;
                (params, version)
            }
            None => (self.0.params.clone(), self.0.version_app),
        };
        params.check()?;
        Ok(Self(V1 {
            genesis_hash: self.0.genesis_hash,
            light: after.executed(&outcome.validator_updates)?,
            params,
            version_app,
            app_hash: outcome.app_hash.clone(),
            last_results_hash: comet::results_hash(&outcome.tx_results),
        }))
    }

    /// Expected content of the next header.
    #[must_use]
    pub fn expected(&self) -> Expected {
        Expected {
            app_hash: self.0.app_hash.clone(),
            last_results_hash: self.0.last_results_hash,
            consensus_hash: comet::params::hash(&self.0.params),
            version_app: self.0.version_app,
        }
    }

    /// SHA-256 of the genesis document.
    #[must_use]
    pub const fn genesis_hash(&self) -> Hash {
        self.0.genesis_hash
    }

    /// Chain, height, last block, and the three validator sets: last, of the next height, of the height after it.
    #[must_use]
    pub const fn light(&self) -> &LightState {
        &self.0.light
    }

    /// Height of the last block; initial height - 1 before the first.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.0.light.height()
    }

    /// Parameters of the next height.
    #[must_use]
    pub const fn params(&self) -> &ConsensusParams {
        &self.0.params
    }

    /// App version of the next header.
    #[must_use]
    pub const fn version_app(&self) -> u64 {
        self.0.version_app
    }

    /// App hash after the last block.
    #[must_use]
    pub fn app_hash(&self) -> &[u8] {
        &self.0.app_hash
    }

    /// Borsh bytes behind a version: for [`crate::Application::commit`] to keep.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to memory cannot fail.
        borsh::to_vec(&Stored::V1(self.0.clone())).unwrap_or_default()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`StateError::Stored`] for other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let Stored::V1(state) =
            borsh::from_slice(bytes).map_err(|e| StateError::Stored(e.to_string()))?;
        Ok(Self(state))
    }
}
