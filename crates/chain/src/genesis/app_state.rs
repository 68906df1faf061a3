//! `app_state`: the parts of the modules, each as its module reads it.

use super::{GenesisError, SealedEntry};
use crate::error::broken;
use crate::module::genesis_parts;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// The part for the entries of contracts, as they stand sealed in the tree. It is missing where there are none.
const CONTRACT_STATE: &str = "contract_state";

/// The members of `app_state` as they stand there.
#[derive(Default)]
pub(super) struct Members(Vec<(String, Box<RawValue>)>);

/// The parts by key. What a module reads in its own, its `genesis.rs` says.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct AppState(BTreeMap<String, Box<RawValue>>);

impl PartialEq for AppState {
    fn eq(&self, other: &Self) -> bool {
        let texts = |state: &Self| -> Vec<(String, String)> {
            let parts = state.0.iter();
            parts
                .map(|(k, v)| (k.clone(), v.get().to_owned()))
                .collect()
        };
        texts(self) == texts(other)
    }
}

impl Eq for AppState {}

impl AppState {
    /// The parts of exactly the modules of this version: of another one the state would be lost.
    ///
    /// # Errors
    /// [`GenesisError::Document`] for a part that is unknown, missing or there twice.
    pub(super) fn of(members: Members) -> Result<Self, GenesisError> {
        let mut parts = BTreeMap::new();
        let refused = |key: &str, why| GenesisError::field(&format!("app_state.{key}"), why);
        for (key, part) in members.0 {
            if key != CONTRACT_STATE && !genesis_parts().any(|part| part.key == key) {
                return Err(refused(&key, "no module of this chain reads it"));
            }
            if parts.contains_key(&key) {
                return Err(refused(&key, "is there twice"));
            }
            parts.insert(key, part);
        }
        let state = Self(parts);
        for part in genesis_parts() {
            state.raw(part.key)?;
        }
        Ok(state)
    }

    /// The entries of contracts.
    ///
    /// # Errors
    /// [`GenesisError::Document`] if they are not of their form.
    pub fn contract_state(&self) -> Result<Vec<SealedEntry>, GenesisError> {
        if self.0.contains_key(CONTRACT_STATE) {
            self.part(CONTRACT_STATE)
        } else {
            Ok(Vec::new())
        }
    }

    /// Sets the entries of contracts.
    ///
    /// # Errors
    /// As [`AppState::set`].
    pub fn set_contract_state(&mut self, entries: &[SealedEntry]) -> Result<(), GenesisError> {
        if entries.is_empty() {
            self.0.remove(CONTRACT_STATE);
            Ok(())
        } else {
            self.set(CONTRACT_STATE, &entries)
        }
    }

    /// A part as it stands there.
    ///
    /// # Errors
    /// [`GenesisError::Document`] if it is missing.
    pub fn raw(&self, key: &str) -> Result<&RawValue, GenesisError> {
        let part = self.0.get(key).map(AsRef::as_ref);
        part.ok_or_else(|| GenesisError::field(&format!("app_state.{key}"), "is missing"))
    }

    /// A part, read.
    ///
    /// # Errors
    /// [`GenesisError`] if it is missing or not of this form.
    pub fn part<T: DeserializeOwned>(&self, key: &str) -> Result<T, GenesisError> {
        serde_json::from_str(self.raw(key)?.get()).map_err(|e| GenesisError::json(key, &e))
    }

    /// Sets a part.
    ///
    /// # Errors
    /// [`GenesisError::Fault`] if it has no JSON form.
    pub fn set<T: Serialize>(&mut self, key: &str, part: &T) -> Result<(), GenesisError> {
        let part = to_raw_value(part).map_err(|e| GenesisError::Fault(broken(e)))?;
        self.set_raw(key, part);
        Ok(())
    }

    pub(super) fn set_raw(&mut self, key: &str, part: Box<RawValue>) {
        self.0.insert(key.to_owned(), part);
    }

    /// Changes a part.
    ///
    /// # Errors
    /// As [`AppState::part`] and [`AppState::set`].
    pub fn edit<T: DeserializeOwned + Serialize>(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut T),
    ) -> Result<(), GenesisError> {
        let mut part = self.part(key)?;
        change(&mut part);
        self.set(key, &part)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("the parts of the modules")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(Object)
    }
}
