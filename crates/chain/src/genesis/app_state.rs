//! `app_state`: the parts of the modules, each as its module reads it.

use super::GenesisError;
use crate::module::genesis_parts;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

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
    /// A part as it stands there.
    ///
    /// # Errors
    /// [`GenesisError::Field`] if it is missing.
    pub fn raw(&self, key: &str) -> Result<&RawValue, GenesisError> {
        let part = self.0.get(key).map(AsRef::as_ref);
        part.ok_or_else(|| GenesisError::field(&format!("app_state.{key}"), "is missing"))
    }

    /// A part, read.
    ///
    /// # Errors
    /// [`GenesisError`] if it is missing or not of this form.
    pub fn part<T: DeserializeOwned>(&self, key: &str) -> Result<T, GenesisError> {
        serde_json::from_str(self.raw(key)?.get()).map_err(|e| GenesisError::Json(e.to_string()))
    }

    /// Sets a part.
    ///
    /// # Errors
    /// [`GenesisError::Json`] if it has no JSON form.
    pub fn set<T: Serialize>(&mut self, key: &str, part: &T) -> Result<(), GenesisError> {
        let part = to_raw_value(part).map_err(|e| GenesisError::Json(e.to_string()))?;
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

    /// A part that no module of this version reads is refused: its state would be lost.
    pub(super) fn check_keys(&self) -> Result<(), GenesisError> {
        for key in self.0.keys() {
            if !genesis_parts().any(|part| part.key == key) {
                let what = format!("app_state.{key}");
                return Err(GenesisError::field(
                    &what,
                    "no module of this chain reads it",
                ));
            }
        }
        for part in genesis_parts() {
            self.raw(part.key)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for AppState {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = AppState;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("the parts of the modules")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AppState, A::Error> {
                let mut parts = BTreeMap::new();
                while let Some((key, part)) = map.next_entry::<String, Box<RawValue>>()? {
                    if parts.insert(key.clone(), part).is_some() {
                        return Err(A::Error::custom(format!("{key:?} is there twice")));
                    }
                }
                Ok(AppState(parts))
            }
        }

        from.deserialize_map(Parts)
    }
}
