//! The genesis document that gives a state again.
//!
//! The modules export what they have written, each its part. The values of contracts stand in a tree of their own, sealed
//! under keys of the network, at places that nobody can list from within; whoever holds the tree hands its entries over,
//! and they go into the document as they are: a chain with the same seeds opens them, no other does. So an export tells no
//! secret, and needs none.
//!
//! What is imported has the same root, with one exception: an ordered set that has had more than one page is laid out anew.
//! To export what was imported gives the same document, and the same root from then on.

use super::{AppState, Document, GenesisError};
use crate::ctx::{BlockInfo, Ctx, ExecutionEnv, Mode, TxInfo};
use crate::error::{Fault, broken};
use crate::module::genesis_parts;
use crate::overlay::Overlay;
use crate::params::{PARAMS, VALIDATORS};
use crate::ports::{NoSecrets, StateRead};
use crate::state::State;
use crate::types::{Gas, GenesisValidator};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// An entry of the tree of contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedEntry {
    /// Its key in the tree, base64.
    pub key: String,
    /// Its sealed record, base64.
    pub record: String,
}

impl SealedEntry {
    /// An entry as it stands in the tree.
    #[must_use]
    pub fn new(key: &[u8], record: &[u8]) -> Self {
        Self {
            key: STANDARD.encode(key),
            record: STANDARD.encode(record),
        }
    }

    pub(super) fn checked(&self) -> Result<(Vec<u8>, Vec<u8>), GenesisError> {
        let bytes = |text: &str| {
            let bytes = STANDARD.decode(text);
            bytes.map_err(|_| GenesisError::field("contract_state", "not base64"))
        };
        Ok((bytes(&self.key)?, bytes(&self.record)?))
    }
}

/// The document of the state that `block` has made, with all entries of the tree of contracts. The new chain begins at
/// height 1, and at the time of that block.
///
/// # Errors
/// A [`Fault`] if the state or a code cannot be read.
pub fn export(
    base: &dyn StateRead,
    contract_state: impl IntoIterator<Item = SealedEntry>,
    env: ExecutionEnv<'_>,
    block: &BlockInfo,
) -> Result<Document, Fault> {
    let mut state = State::new(base, &NoSecrets, Overlay::default());
    let (tx, mode) = (TxInfo::default(), Mode::Query);
    let mut ctx = Ctx::new(&mut state, block, tx, mode, env, Gas::MAX);
    let mut app_state = AppState::default();
    for part in genesis_parts() {
        let json = (part.export)(&mut ctx).map_err(crate::block::unmetered)?;
        app_state.set_raw(part.key, json);
    }
    let params = PARAMS.read(base)?;
    let params = params.ok_or_else(|| broken("no consensus parameters"))?;
    let validators = VALIDATORS.read(base)?.unwrap_or_default();
    let validators = validators.iter();
    let contract_state: Vec<_> = contract_state.into_iter().collect();
    app_state
        .set_contract_state(&contract_state)
        .map_err(broken)?;
    Ok(Document {
        genesis_time: block.time,
        chain_id: block.chain_id.clone(),
        initial_height: 1,
        consensus_params: params,
        validators: validators.map(|v| GenesisValidator::new(v, "")).collect(),
        app_hash: Vec::new(),
        app_state,
    })
}
