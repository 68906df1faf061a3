//! Validator sets in CometBFT's order, and how updates change them.

use super::{DecodeError, ValidatorAddress, raw};
use crate::merkle;
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_zebra::{Signature, VerificationKey};
use prost::Message;
use std::collections::BTreeMap;
use strongroom_types::{Hash, ValidatorUpdate};

pub use strongroom_types::consensus::{VALIDATORS_MAX, validator_address as address};

/// Most voting power in a set.
pub const TOTAL_POWER_MAX: u64 = strongroom_types::consensus::TOTAL_POWER_MAX.unsigned_abs();

/// A validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// Ed25519 public key.
    pub pubkey: [u8; 32],
    /// Voting power, at least 1.
    pub power: u64,
}

impl Validator {
    /// The address of the key.
    #[must_use]
    pub fn address(&self) -> ValidatorAddress {
        address(&self.pubkey)
    }

    /// Whether this validator signed `message`: Ed25519 by the rules of ZIP-215, the ones that CometBFT validates by.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerificationKey::try_from(self.pubkey)
            .is_ok_and(|key| key.verify(&Signature::from(*signature), message).is_ok())
    }

    fn leaf(&self) -> Vec<u8> {
        raw::types::SimpleValidator {
            pub_key: Some(raw_key(&self.pubkey)),
            voting_power: i64::try_from(self.power).unwrap_or(i64::MAX),
        }
        .encode_to_vec()
    }
}

/// The protobuf of an Ed25519 key.
#[must_use]
pub fn raw_key(pubkey: &[u8; 32]) -> raw::crypto::PublicKey {
    raw::crypto::PublicKey {
        sum: Some(raw::crypto::public_key::Sum::Ed25519(pubkey.to_vec())),
    }
}

/// Why a list is no validator set, or an update no update of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidatorSetError {
    /// Nobody (left) in the set.
    #[error("the validator set is empty")]
    Empty,
    /// More than [`VALIDATORS_MAX`].
    #[error("more than {VALIDATORS_MAX} validators")]
    TooMany,
    /// The same key, or a key with the same address, twice.
    #[error("a validator is there twice")]
    Duplicate,
    /// A power of zero in a set, or a negative one in an update.
    #[error("a validator's power is out of range")]
    Power,
    /// More power than [`TOTAL_POWER_MAX`] together.
    #[error("the total voting power is too large")]
    TotalPower,
    /// An update removes somebody who is not there.
    #[error("a removed validator is not in the set")]
    NotThere,
}

/// A valid validator set: not empty, no duplicates, sorted by power descending, then address ascending.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct ValidatorSet(Vec<Validator>);

impl BorshDeserialize for ValidatorSet {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let bad = |e: &str| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, e);
        let given = Vec::<Validator>::deserialize_reader(reader)?;
        let set = Self::new(given.clone()).map_err(|e| bad(&e.to_string()))?;
        if set.0 == given {
            Ok(set)
        } else {
            Err(bad("the validator set is not sorted"))
        }
    }
}

impl ValidatorSet {
    /// Sorts and checks a set.
    ///
    /// # Errors
    /// [`ValidatorSetError`] says which rule it breaks.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if validators.is_empty() {
            return Err(ValidatorSetError::Empty);
        }
        if validators.len() > VALIDATORS_MAX {
            return Err(ValidatorSetError::TooMany);
        }
        let mut total: u64 = 0;
        let mut seen = std::collections::BTreeSet::new();
        for validator in &validators {
            if validator.power == 0 {
                return Err(ValidatorSetError::Power);
            }
            if !seen.insert(validator.address()) {
                return Err(ValidatorSetError::Duplicate);
            }
            total = total
                .checked_add(validator.power)
                .filter(|t| *t <= TOTAL_POWER_MAX)
                .ok_or(ValidatorSetError::TotalPower)?;
        }
        validators.sort_by_cached_key(|v| (std::cmp::Reverse(v.power), v.address()));
        Ok(Self(validators))
    }

    /// The set of the first validators.
    ///
    /// # Errors
    /// As [`ValidatorSet::new`].
    pub fn from_updates(updates: &[ValidatorUpdate]) -> Result<Self, ValidatorSetError> {
        let validators = updates.iter().map(|update| {
            let power = u64::try_from(update.power).map_err(|_| ValidatorSetError::Power)?;
            Ok(Validator {
                pubkey: update.pubkey,
                power,
            })
        });
        Self::new(validators.collect::<Result<_, _>>()?)
    }

    /// Reads a raw set; what it says of the proposer and of priorities is ignored, its order is not trusted.
    ///
    /// # Errors
    /// [`DecodeError::Field`] for keys that are not Ed25519, addresses that are not the key's, or no valid set.
    pub fn from_raw(set: &raw::types::ValidatorSet) -> Result<Self, DecodeError> {
        let what = "validator set";
        let mut validators = Vec::with_capacity(set.validators.len());
        for validator in &set.validators {
            let Some(raw::crypto::public_key::Sum::Ed25519(key)) =
                validator.pub_key.as_ref().and_then(|k| k.sum.as_ref())
            else {
                return Err(DecodeError::Field {
                    what,
                    field: "pub_key",
                });
            };
            let pubkey = super::wire::array(what, "pub_key", key)?;
            let power = super::wire::fit(what, "voting_power", validator.voting_power)?;
            if validator.address != address(&pubkey) {
                return Err(DecodeError::Field {
                    what,
                    field: "address",
                });
            }
            validators.push(Validator { pubkey, power });
        }
        Self::new(validators).map_err(|_| DecodeError::Field {
            what,
            field: "validators",
        })
    }

    /// The protobuf message: keys, addresses and powers; no proposer, no priorities.
    #[must_use]
    pub fn to_raw(&self) -> raw::types::ValidatorSet {
        let validators = self.0.iter().map(|validator| raw::types::Validator {
            address: validator.address().to_vec(),
            pub_key: Some(raw_key(&validator.pubkey)),
            voting_power: i64::try_from(validator.power).unwrap_or(i64::MAX),
            proposer_priority: 0,
        });
        raw::types::ValidatorSet {
            validators: validators.collect(),
            proposer: None,
            total_voting_power: 0,
        }
    }

    /// The validators in order: entry *i* of a commit is about validator *i*.
    #[must_use]
    pub fn validators(&self) -> &[Validator] {
        &self.0
    }

    /// Whether somebody with this address is in the set.
    #[must_use]
    pub fn contains(&self, address: &ValidatorAddress) -> bool {
        self.0.iter().any(|v| v.address() == *address)
    }

    /// The whole voting power.
    #[must_use]
    pub fn total_power(&self) -> u64 {
        self.0.iter().fold(0, |sum, v| sum.saturating_add(v.power))
    }

    /// The leaves under the set's hash.
    #[must_use]
    pub fn leaves(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(Validator::leaf).collect()
    }

    /// The `validators_hash` of a header.
    #[must_use]
    pub fn hash(&self) -> Hash {
        merkle::root(&self.leaves())
    }

    /// The set after updates, all or nothing: power 0 removes, another one adds or changes.
    ///
    /// # Errors
    /// [`ValidatorSetError`] says which rule the updates break; the set is unchanged.
    pub fn updated(&self, updates: &[ValidatorUpdate]) -> Result<Self, ValidatorSetError> {
        let mut by_key: BTreeMap<[u8; 32], u64> =
            self.0.iter().map(|v| (v.pubkey, v.power)).collect();
        let mut seen = std::collections::BTreeSet::new();
        for update in updates {
            if !seen.insert(update.pubkey) {
                return Err(ValidatorSetError::Duplicate);
            }
            match u64::try_from(update.power).map_err(|_| ValidatorSetError::Power)? {
                0 => {
                    by_key
                        .remove(&update.pubkey)
                        .ok_or(ValidatorSetError::NotThere)?;
                }
                power => {
                    by_key.insert(update.pubkey, power);
                }
            }
        }
        Self::new(
            by_key
                .into_iter()
                .map(|(pubkey, power)| Validator { pubkey, power })
                .collect(),
        )
    }
}
