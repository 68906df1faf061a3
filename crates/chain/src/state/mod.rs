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
    pub(crate) code_cache: BlockCodeCache<'a>,
    /// Where a transaction runs beside others.
    beside: Option<Below<'a>>,
}

/// What [`State::shared`] gives.
pub(crate) type Shared<'a> = (Box<dyn StateRead + Sync + 'a>, &'a (dyn Secrets + Sync));

/// What was written in a strand: values with the place of the transaction that wrote them.
pub(crate) type StrandWrites = BTreeMap<Slot, (Option<Bytes>, usize)>;

/// What a transaction sees below itself that runs beside others of its block: the block as it stood before all of them, and what
/// those did that come before it in its own strand.
pub(crate) struct Below<'a> {
    pub(crate) block: &'a Overlay,
    pub(crate) strand: StrandWrites,
    /// What was read of the strand, and whose it was.
    pub(crate) of_strand: BTreeMap<Slot, usize>,
    /// What was read below the block.
    pub(crate) fetched: Vec<(Slot, Option<Bytes>)>,
}

impl<'a> Below<'a> {
    /// Nothing ran in this strand yet.
    pub(crate) const fn new(block: &'a Overlay) -> Self {
        Self {
            block,
            strand: BTreeMap::new(),
            of_strand: BTreeMap::new(),
            fetched: Vec::new(),
        }
    }

    fn find(&mut self, slot: &Slot) -> Option<Option<Bytes>> {
        if let Some((value, writer)) = self.strand.get(slot) {
            self.of_strand.insert(slot.clone(), *writer);
            return Some(value.clone());
        }
        self.block.peek(slot)
    }
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
            beside: None,
        }
    }

    /// A state for one transaction that runs beside others.
    pub(crate) fn beside(
        base: &'a dyn StateRead,
        secrets: &'a dyn Secrets,
        below: Below<'a>,
        code_cache: BlockCodeCache<'a>,
    ) -> Self {
        Self {
            beside: Some(below),
            code_cache,
            ..Self::new(base, secrets, Overlay::default())
        }
    }

    /// State and secrets for other threads.
    pub(crate) fn shared(&self) -> Option<Shared<'a>> {
        Some((self.base.shared()?, self.secrets.shared()?))
    }

    /// What it ran on.
    pub(crate) fn take_below(&mut self) -> Option<Below<'a>> {
        self.beside.take()
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
        let found = self.beside.as_mut().and_then(|below| below.find(slot));
        let value = match found {
            Some(value) => value,
            None => self.fetch(slot)?,
        };
        self.overlay.remember(slot.clone(), value.clone());
        Ok(value)
    }

    fn fetch(&mut self, slot: &Slot) -> Result<Option<Bytes>, Fault> {
        let value = match slot {
            Slot::Native(key) => self.base.get(Tree::Native, key)?,
            Slot::Contract(contract, key) => self.get_sealed(contract, key)?,
        };
        if let Some(below) = &mut self.beside {
            below.fetched.push((slot.clone(), value.clone()));
        }
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
                    out.0
                        .insert((Tree::Native, key.to_vec()), value.map(|v| v.to_vec()));
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
