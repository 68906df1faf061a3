//! The first state of a chain: CometBFT's genesis document, whose `app_state` has a part for each module, and the document that
//! gives a state again ([`export()`]).
//!
//! Promises: [`init_chain`] is a function of the document's bytes alone (no seed, no clock); a field that is missing,
//! unknown or refused is an error that names it, and nothing is written. The hash of a genesis is SHA-256 of the bytes.
//! Refuses: a first height other than 1, an app hash before the first state, parameters of blocks that could be decided and
//! never executed. What holds for every document of CometBFT is in [`crate::types::genesis`].
//! Spec: docs/spec/chain.md, section 4.

mod app_state;
mod coin;
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

use crate::ctx::{BlockInfo, ExecutionEnv};
use crate::error::{Fault, Stop};
use crate::module;
use crate::modules::INIT_GENESIS;
use crate::overlay::Overlay;
use crate::ports::{NoSecrets, StateRead};
use crate::state::State;
use crate::types::block::{self, EVIDENCE_BYTES_MAX};
use crate::types::consensus::ConsensusParams;
use crate::types::genesis::GenesisMember;
use crate::types::{GenesisDoc, Hash, Tree, WriteSet, sha256};
use crate::{Bytes, Ctx, params};
use std::collections::BTreeMap;

/// The genesis document of this chain.
pub type Document = GenesisDoc<AppState>;

/// Why a genesis is refused. Its text begins with its code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// The document is refused.
    #[error(transparent)]
    Document(#[from] crate::types::GenesisError),
    /// An invariant of ours broke on the way.
    #[error("genesis.fault: {0}")]
    Fault(Fault),
}

impl GenesisError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Document(e) => e.code(),
            Self::Fault(_) => "genesis.fault",
        }
    }

    /// A value of `app_state` that is refused.
    pub(crate) fn field(what: &str, why: impl Into<String>) -> Self {
        crate::types::GenesisError::field(GenesisMember::AppState, what, why).into()
    }

    /// A part of `app_state` that is not JSON of its form.
    pub(crate) fn json(part: &str, error: &serde_json::Error) -> Self {
        crate::types::GenesisError::json(&format!("app_state.{part}"), error).into()
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

/// Reads a document and holds it to the rules of this chain; the modules check their parts in [`init_chain`].
///
/// # Errors
/// [`GenesisError::Document`].
pub fn parse(bytes: &[u8]) -> Result<Document, GenesisError> {
    use GenesisMember as M;
    let refused = |member, field: &str, why: &str| {
        Err(crate::types::GenesisError::field(member, field, why).into())
    };
    let document = GenesisDoc::parse(bytes)?.try_map(AppState::of)?;
    if document.initial_height != 1 {
        return refused(M::InitialHeight, "initial_height", "a chain begins at 1");
    }
    if !document.app_hash.is_empty() {
        let why = "there is no state before the first";
        return refused(M::AppHash, "app_hash", why);
    }
    // Contracts see it as unsigned nanoseconds since 1970.
    if document.genesis_time.nanos_total().is_none() {
        let why = "not within the years 1970 to 2554";
        return refused(M::GenesisTime, "genesis_time", why);
    }
    if document.validators.is_empty() {
        return refused(M::Validators, "validators", "there is none");
    }
    check_params(&document.consensus_params)?;
    Ok(document)
}

/// Each within what the light client and the door take: a block above it could be decided, and never executed.
fn check_params(params: &ConsensusParams) -> Result<(), GenesisError> {
    let most = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    let (block, evidence) = (&params.block, &params.evidence);
    let (block_bytes, evidence_bytes) = (most(block::BLOCK_BYTES_MAX), most(EVIDENCE_BYTES_MAX));
    for (name, value, from, to) in [
        ("block.max_bytes", block.max_bytes, 1, block_bytes),
        ("block.max_gas", block.max_gas, 1, params::BLOCK_GAS_MAX),
        ("evidence.max_bytes", evidence.max_bytes, 0, evidence_bytes),
    ] {
        if !(from..=to).contains(&value) {
            let field = format!("consensus_params.{name}");
            let why = format!("{value} is not within {from} to {to}");
            let member = GenesisMember::ConsensusParams;
            return Err(crate::types::GenesisError::field(member, &field, why).into());
        }
    }
    Ok(())
}

/// Result of [`init_chain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitOutcome {
    /// The state before the first block.
    pub writes: WriteSet,
    /// The document, for chain id, time, validators and parameters.
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
    let document = parse(bytes)?;
    let block = BlockInfo {
        chain_id: document.chain_id.clone(),
        genesis_hash: sha256(bytes),
        height: 0,
        time: document.genesis_time,
        header_hash: [0; 32],
        version_app: 0,
        misbehavior: Vec::new(),
    };
    let mut state = State::new(&Nothing, &NoSecrets, Overlay::default());
    let mut ctx = Ctx::of_block(&mut state, &block, env);
    params::PARAMS.set(&mut ctx, &document.consensus_params)?;
    params::VALIDATORS.set(&mut ctx, &document.validator_updates())?;
    for module in INIT_GENESIS.iter().filter_map(|name| module::by_name(name)) {
        for part in module.genesis {
            (part.init)(&mut ctx, part.key, &document.app_state)?;
        }
    }
    let new_code = core::mem::take(&mut ctx.new_code);
    let mut writes = state.into_write_set(0).map_err(GenesisError::Fault)?;
    for entry in document.app_state.contract_state()? {
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
        document,
        new_code,
    })
}
