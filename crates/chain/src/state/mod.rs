//! The state as a transaction sees it: the overlay of this block over the proven state before it. Unmetered; handlers
//! go through [`crate::Ctx`], which charges gas.

use crate::Bytes;
use crate::engine::BlockCodeCache;
use crate::error::{Fault, broken};
use crate::overlay::{Overlay, Slot};
use crate::ports::{Secrets, SecretsError, StateRead};
use crate::types::{Address, Hash, Height, Tree, WriteSet};
use std::collections::BTreeMap;

/// Overlay over base. Borrowed for the length of a block, a check or a query.
pub struct State<'a> {
    base: &'a dyn StateRead,
    secrets: &'a dyn Secrets,
    /// Pending writes.
    pub overlay: Overlay,
    /// Content first seen in this block, by hash: the host keeps it from block end on.
    pub content: BTreeMap<Hash, Bytes>,
    /// Codes that ran since this state was made.
    pub(crate) code_cache: BlockCodeCache,
}

impl<'a> State<'a> {
    /// A state with the writes of `overlay` over `base`.
    pub fn new(base: &'a dyn StateRead, secrets: &'a dyn Secrets, overlay: Overlay) -> Self {
        Self {
            base,
            secrets,
            overlay,
            content: BTreeMap::new(),
            code_cache: BlockCodeCache::default(),
        }
    }

    /// The secrets that this side of the door has.
    #[must_use]
    pub fn secrets(&self) -> &'a dyn Secrets {
        self.secrets
    }

    /// Reads a slot: own writes, then what this block read before, then the base (verified and opened once).
    ///
    /// # Errors
    /// A [`Fault`] from below.
    pub fn get(&mut self, slot: &Slot) -> Result<Option<Bytes>, Fault> {
        if let Some(pending) = self.overlay.get(slot) {
            return Ok(pending);
        }
        if let Some(known) = self.overlay.cached(slot) {
            return Ok(known);
        }
        let value = match slot {
            Slot::Native(key) => self.base.get(Tree::Native, key)?,
            Slot::Contract(contract, key) => self.get_sealed(contract, key)?,
        };
        self.overlay.remember(slot.clone(), value.clone());
        Ok(value)
    }

    /// Live epochs newest first: a value stays where it was written until it is written again.
    fn get_sealed(&self, contract: &Address, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        for raw in self
            .secrets
            .storage_keys(contract, key)
            .map_err(secret_fault)?
        {
            if let Some(record) = self.base.get(Tree::Contract, &raw)? {
                return self
                    .secrets
                    .open_value(contract, key, &record)
                    .map(Some)
                    .map_err(secret_fault);
            }
        }
        Ok(None)
    }

    /// Writes (`Some`) or removes (`None`).
    pub fn put(&mut self, slot: Slot, value: Option<Bytes>) {
        self.overlay.put(slot, value);
    }

    /// Ends the block: seals every changed contract value once, in key order, and gives the write set.
    ///
    /// A value written under an older epoch moves: its old record is removed.
    ///
    /// # Errors
    /// [`Fault::Broken`] if contract data was written where there are no secrets.
    pub fn into_write_set(self, height: Height) -> Result<WriteSet, Fault> {
        let mut out = WriteSet::default();
        for (slot, value) in self.overlay.into_writes() {
            match slot {
                Slot::Native(key) => {
                    out.0.insert((Tree::Native, key), value.map(|v| v.to_vec()));
                }
                Slot::Contract(contract, key) => {
                    let mut keys = self
                        .secrets
                        .storage_keys(&contract, &key)
                        .map_err(secret_fault)?
                        .into_iter();
                    let newest = keys.next().ok_or_else(|| broken("no live epoch"))?;
                    let record = match value {
                        Some(v) => Some(
                            self.secrets
                                .seal_value(&contract, &key, height, &v)
                                .map_err(secret_fault)?,
                        ),
                        None => None,
                    };
                    out.0.insert((Tree::Contract, newest), record);
                    for older in keys {
                        if self.base.get(Tree::Contract, &older)?.is_some() {
                            out.0.insert((Tree::Contract, older), None);
                        }
                    }
                }
            }
        }
        Ok(out)
    }
}

fn secret_fault(e: SecretsError) -> Fault {
    match e {
        SecretsError::Corrupt => Fault::State("a proven contract value does not open".into()),
        other => broken(other),
    }
}

#[cfg(test)]
mod tests;
