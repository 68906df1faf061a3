//! The genesis document in CometBFT's shape: one type and one parser for the state machine, the engines and the light client.
//!
//! Promises: what was read keeps the rules of consensus (CometBFT v0.38); what a document leaves out has CometBFT's default;
//! every refusal has a stable code and names the member. The state of the application is a type of the reader's choice.
//! Refuses: members that are unknown or there twice (CometBFT ignores them: what they say would be lost), keys that are not
//! Ed25519, addresses that are not the key's, times that are not UTC.

mod error;
mod json;
#[cfg(test)]
mod tests;

pub use error::{GenesisError, GenesisMember, JsonFault};

use crate::consensus::{
    CHAIN_ID_BYTES_MAX, ConsensusParams, ParamOutOfRange, TOTAL_POWER_MAX, VALIDATORS_MAX,
    validator_address,
};
use crate::{Height, Timestamp, ValidatorUpdate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most bytes of a genesis document: a whole exported state may be in it.
pub const GENESIS_BYTES_MAX: usize = 64 << 20;
/// Most bytes of an app hash: none that we know is longer.
const APP_HASH_BYTES_MAX: usize = 32;

/// A genesis document; `S` is the type of `app_state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisDoc<S> {
    /// Time of the first block.
    pub genesis_time: Timestamp,
    /// Chain id, 1 to [`CHAIN_ID_BYTES_MAX`] bytes.
    pub chain_id: String,
    /// Height of the first block, at least 1.
    pub initial_height: Height,
    /// Parameters of the first block.
    pub consensus_params: ConsensusParams,
    /// The first validators. None: the application names them in `init_chain`.
    pub validators: Vec<GenesisValidator>,
    /// App hash before the first block, unless the application gives one in `init_chain`.
    pub app_hash: Vec<u8>,
    /// The application's part.
    pub app_state: S,
}

/// A validator of genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisValidator {
    /// Ed25519 public key.
    pub pubkey: [u8; 32],
    /// Voting power, at least 1.
    pub power: i64,
    /// Moniker.
    pub name: String,
}

impl GenesisValidator {
    /// A validator with its moniker.
    #[must_use]
    pub fn new(validator: &ValidatorUpdate, name: &str) -> Self {
        Self {
            pubkey: validator.pubkey,
            power: validator.power,
            name: name.to_owned(),
        }
    }

    /// Key and power.
    #[must_use]
    pub const fn update(&self) -> ValidatorUpdate {
        ValidatorUpdate {
            pubkey: self.pubkey,
            power: self.power,
        }
    }
}

impl<'de, S: Deserialize<'de> + Default> GenesisDoc<S> {
    /// Reads a document. One without `app_state` has the default of `S`.
    ///
    /// # Errors
    /// [`GenesisError`] says what is wrong.
    pub fn parse(bytes: &'de [u8]) -> Result<Self, GenesisError> {
        if bytes.len() > GENESIS_BYTES_MAX {
            return Err(GenesisError::TooLarge(bytes.len()));
        }
        let document: json::Document<S> =
            serde_json::from_slice(bytes).map_err(|e| GenesisError::json("", &e))?;
        let document = document.checked()?;
        document.check()?;
        Ok(document)
    }
}

impl<S: Serialize> GenesisDoc<S> {
    /// The bytes of the document: indented, members of objects in order of name.
    ///
    /// # Errors
    /// [`GenesisError::Json`] if `app_state` has no JSON form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, GenesisError> {
        let refused = |e| GenesisError::json("", &e);
        let value = serde_json::to_value(json::Document::of(self)).map_err(refused)?;
        let mut bytes = serde_json::to_vec_pretty(&value).map_err(refused)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl<S> GenesisDoc<S> {
    /// The same document with its `app_state` read further.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn try_map<T, E>(self, read: impl FnOnce(S) -> Result<T, E>) -> Result<GenesisDoc<T>, E> {
        Ok(GenesisDoc {
            app_state: read(self.app_state)?,
            genesis_time: self.genesis_time,
            chain_id: self.chain_id,
            initial_height: self.initial_height,
            consensus_params: self.consensus_params,
            validators: self.validators,
            app_hash: self.app_hash,
        })
    }

    /// Key and power of each validator.
    #[must_use]
    pub fn validator_updates(&self) -> Vec<ValidatorUpdate> {
        self.validators
            .iter()
            .map(GenesisValidator::update)
            .collect()
    }

    /// The rules that go beyond the form of each member.
    fn check(&self) -> Result<(), GenesisError> {
        use GenesisMember as M;
        if self.chain_id.is_empty() || self.chain_id.len() > CHAIN_ID_BYTES_MAX {
            let why = format!("not 1 to {CHAIN_ID_BYTES_MAX} bytes");
            return Err(GenesisError::field(M::ChainId, "chain_id", why));
        }
        if self.app_hash.len() > APP_HASH_BYTES_MAX {
            let why = format!("more than {APP_HASH_BYTES_MAX} bytes");
            return Err(GenesisError::field(M::AppHash, "app_hash", why));
        }
        self.consensus_params
            .check()
            .map_err(|bad: ParamOutOfRange| {
                let name = format!("consensus_params.{}", bad.0);
                GenesisError::field(M::ConsensusParams, &name, "out of range")
            })?;
        self.check_validators()
    }

    fn check_validators(&self) -> Result<(), GenesisError> {
        let refused = |field: &str, why: String| {
            Err(GenesisError::field(GenesisMember::Validators, field, why))
        };
        if self.validators.len() > VALIDATORS_MAX {
            return refused("validators", format!("more than {VALIDATORS_MAX}"));
        }
        let (mut seen, mut total) = (BTreeSet::new(), 0_i64);
        for validator in &self.validators {
            if validator.power < 1 {
                return refused("validators.power", "not above 0".into());
            }
            if !seen.insert(validator.pubkey) {
                return refused("validators.pub_key", "a key is there twice".into());
            }
            total = total.saturating_add(validator.power);
        }
        if total > TOTAL_POWER_MAX {
            return refused(
                "validators.power",
                format!("the sum is above {TOTAL_POWER_MAX}"),
            );
        }
        Ok(())
    }
}

/// The address of a validator as CometBFT writes it: upper-case hex.
fn address_text(pubkey: &[u8; 32]) -> String {
    hex::encode_upper(validator_address(pubkey))
}
