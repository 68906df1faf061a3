//! Typed places in a contract's storage: one value ([`Item`]), values by key ([`Map`]), values in order ([`List`]).
//!
//! Each place has a name, which must differ from the names of the contract's other places. Values are stored as JSON.
//! The chain encrypts keys and values; a contract sees them plain.
//!
//! Promises: places with different names never share a key, whatever keys callers choose.

use std::marker::PhantomData;

use cosmwasm_std::{from_slice, to_vec, StdError, StdResult, Storage};
use serde::de::DeserializeOwned;
use serde::Serialize;

/// Parts of a key, each with its length before it, so that no two lists of parts give the same key.
fn key(parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts {
        key.extend((part.len() as u32).to_be_bytes());
        key.extend(*part);
    }
    key
}

fn read<T: DeserializeOwned>(storage: &dyn Storage, key: &[u8]) -> StdResult<Option<T>> {
    storage.get(key).map(|value| from_slice(&value)).transpose()
}

/// One value.
pub struct Item<T> {
    name: &'static str,
    content: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Item<T> {
    /// The place with this name.
    pub const fn new(name: &'static str) -> Self {
        Item {
            name,
            content: PhantomData,
        }
    }

    /// The value, which must be there.
    pub fn load(&self, storage: &dyn Storage) -> StdResult<T> {
        let value = self.may_load(storage)?;
        value.ok_or_else(|| StdError::not_found(self.name))
    }

    /// The value, if it is there.
    pub fn may_load(&self, storage: &dyn Storage) -> StdResult<Option<T>> {
        read(storage, &key(&[self.name.as_bytes()]))
    }

    /// Stores a value in place of the present one.
    pub fn save(&self, storage: &mut dyn Storage, value: &T) -> StdResult<()> {
        storage.set(&key(&[self.name.as_bytes()]), &to_vec(value)?);
        Ok(())
    }
}

/// Values by key. A key has one or more parts.
pub struct Map<T> {
    name: &'static str,
    content: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Map<T> {
    /// The place with this name.
    pub const fn new(name: &'static str) -> Self {
        Map {
            name,
            content: PhantomData,
        }
    }

    /// The value under a key, if there is one.
    pub fn get(&self, storage: &dyn Storage, parts: &[&[u8]]) -> StdResult<Option<T>> {
        read(storage, &self.key(parts))
    }

    /// Stores a value under a key, in place of the present one.
    pub fn set(&self, storage: &mut dyn Storage, parts: &[&[u8]], value: &T) -> StdResult<()> {
        storage.set(&self.key(parts), &to_vec(value)?);
        Ok(())
    }

    /// Removes the value under a key, if there is one.
    pub fn remove(&self, storage: &mut dyn Storage, parts: &[&[u8]]) {
        storage.remove(&self.key(parts));
    }

    fn key(&self, parts: &[&[u8]]) -> Vec<u8> {
        [key(&[self.name.as_bytes()]), key(parts)].concat()
    }
}

/// Values in the order in which they came; one list for each owner.
pub struct List<T> {
    lengths: Map<u32>,
    entries: Map<T>,
}

impl<T: Serialize + DeserializeOwned> List<T> {
    /// The lists with these two names: of the lengths, and of the entries.
    pub const fn new(lengths: &'static str, entries: &'static str) -> Self {
        List {
            lengths: Map::new(lengths),
            entries: Map::new(entries),
        }
    }

    /// How many values an owner's list has.
    pub fn len(&self, storage: &dyn Storage, owner: &[u8]) -> StdResult<u32> {
        Ok(self.lengths.get(storage, &[owner])?.unwrap_or_default())
    }

    /// Adds a value at the end of an owner's list.
    pub fn push(&self, storage: &mut dyn Storage, owner: &[u8], value: &T) -> StdResult<()> {
        let length = self.len(storage, owner)?;
        let longer = length.checked_add(1);
        let longer = longer.ok_or_else(|| StdError::generic_err("a list is full"))?;
        self.entries
            .set(storage, &[owner, &length.to_be_bytes()], value)?;
        self.lengths.set(storage, &[owner], &longer)
    }

    /// The value at a position of an owner's list, from 0, oldest first; it must be there.
    pub fn at(&self, storage: &dyn Storage, owner: &[u8], position: u32) -> StdResult<T> {
        let value = self
            .entries
            .get(storage, &[owner, &position.to_be_bytes()])?;
        value.ok_or_else(|| StdError::not_found("an entry of a list"))
    }

    /// Removes the value at a position, and puts the last one in its place, which is returned; nothing, if the last one was removed.
    pub fn swap_remove(
        &self,
        storage: &mut dyn Storage,
        owner: &[u8],
        position: u32,
    ) -> StdResult<Option<T>> {
        let length = self.len(storage, owner)?;
        let last = length.checked_sub(1).filter(|last| position <= *last);
        let last = last.ok_or_else(|| StdError::not_found("an entry of a list"))?;
        let moved = self.at(storage, owner, last)?;
        self.entries.remove(storage, &[owner, &last.to_be_bytes()]);
        self.lengths.set(storage, &[owner], &last)?;
        if position == last {
            return Ok(None);
        }
        self.entries
            .set(storage, &[owner, &position.to_be_bytes()], &moved)?;
        Ok(Some(moved))
    }

    /// One page of an owner's list, newest first. Pages are counted from 0.
    pub fn newest(
        &self,
        storage: &dyn Storage,
        owner: &[u8],
        page: u32,
        page_size: u32,
    ) -> StdResult<Vec<T>> {
        let length = self.len(storage, owner)?;
        let end = length.saturating_sub(page.saturating_mul(page_size));
        let start = end.saturating_sub(page_size);
        (start..end)
            .rev()
            .map(|position| self.at(storage, owner, position))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::MockStorage;

    use super::*;

    #[test]
    fn an_item_is_there_after_it_was_saved() {
        static NUMBER: Item<u64> = Item::new("number");
        let mut storage = MockStorage::new();
        assert_eq!(NUMBER.may_load(&storage).unwrap(), None);
        assert_eq!(
            NUMBER.load(&storage).unwrap_err().to_string(),
            "number not found"
        );
        NUMBER.save(&mut storage, &7).unwrap();
        NUMBER.save(&mut storage, &8).unwrap();
        assert_eq!(NUMBER.load(&storage).unwrap(), 8);
    }

    #[test]
    fn keys_of_several_parts_do_not_run_together() {
        static MAP: Map<u64> = Map::new("map");
        let mut storage = MockStorage::new();
        MAP.set(&mut storage, &[b"ab", b"c"], &1).unwrap();
        MAP.set(&mut storage, &[b"a", b"bc"], &2).unwrap();
        assert_eq!(MAP.get(&storage, &[b"ab", b"c"]).unwrap(), Some(1));
        assert_eq!(MAP.get(&storage, &[b"a", b"bc"]).unwrap(), Some(2));
        assert_eq!(MAP.get(&storage, &[b"abc"]).unwrap(), None);
    }

    #[test]
    fn pages_of_a_list_begin_with_the_newest() {
        static LIST: List<u64> = List::new("lengths", "entries");
        let mut storage = MockStorage::new();
        for value in 1..=5 {
            LIST.push(&mut storage, b"alice", &value).unwrap();
        }
        LIST.push(&mut storage, b"bob", &9).unwrap();
        let page = |page, size| LIST.newest(&storage, b"alice", page, size).unwrap();
        assert_eq!(page(0, 2), [5, 4]);
        assert_eq!(page(2, 2), [1]);
        assert!(page(3, 2).is_empty());
        assert!(page(0, 0).is_empty());
        assert!(page(u32::MAX, u32::MAX).is_empty());
        assert_eq!(LIST.len(&storage, b"alice").unwrap(), 5);
        assert!(LIST.newest(&storage, b"carol", 0, 9).unwrap().is_empty());
    }

    #[test]
    fn the_last_value_takes_the_place_of_a_removed_one() {
        static LIST: List<u64> = List::new("lengths", "entries");
        let mut storage = MockStorage::new();
        for value in 1..=3 {
            LIST.push(&mut storage, b"alice", &value).unwrap();
        }
        let mut remove = |position| LIST.swap_remove(&mut storage, b"alice", position);
        assert_eq!(remove(0).unwrap(), Some(3));
        assert_eq!(remove(1).unwrap(), None, "the last one");
        assert!(remove(1).is_err());
        assert_eq!(remove(0).unwrap(), None);
        assert!(remove(0).is_err());
        assert_eq!(LIST.len(&storage, b"alice").unwrap(), 0);
    }
}
