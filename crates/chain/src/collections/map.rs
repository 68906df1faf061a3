//! Values by key, without order and without listing.

use super::{Key, decode, encode};
use crate::Bytes;
use crate::Ctx;
use crate::error::{Fault, Stop, broken};
use borsh::{BorshDeserialize, BorshSerialize};
use core::marker::PhantomData;

/// Values by key. `K` may hold references: a constant `Map<&'static Address, T>` takes keys of any lifetime.
pub struct Map<K, T> {
    name: &'static str,
    entry: PhantomData<fn() -> (K, T)>,
}

impl<K: Key, T: BorshSerialize + BorshDeserialize> Map<K, T> {
    /// A map with this name, which ends in `/`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            entry: PhantomData,
        }
    }

    /// The name, with which every raw key begins.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The raw key of an entry.
    #[must_use]
    pub fn raw_key(&self, key: &K) -> Vec<u8> {
        let mut raw = super::begin_key(self.name);
        key.write(&mut raw);
        raw
    }

    /// The value in what the state has under a raw key: for those who stand outside of a block.
    ///
    /// # Errors
    /// A fault for bytes that are no value.
    pub fn value(&self, bytes: &[u8]) -> Result<T, Fault> {
        decode(Some(Bytes::from(bytes)))?.ok_or_else(|| broken("no value"))
    }

    /// The value under `key`, if any.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn get(&self, ctx: &mut Ctx, key: &K) -> Result<Option<T>, Stop> {
        Ok(decode(ctx.get(&self.raw_key(key))?)?)
    }

    /// Whether there is a value under `key`.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn has(&self, ctx: &mut Ctx, key: &K) -> Result<bool, Stop> {
        ctx.has(&self.raw_key(key))
    }

    /// Sets the value under `key`.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn set(&self, ctx: &mut Ctx, key: &K, value: &T) -> Result<(), Stop> {
        ctx.set(&self.raw_key(key), &encode(value)?)
    }

    /// Removes the value under `key`; removing what is absent is no error.
    ///
    /// # Errors
    /// Out of gas.
    pub fn remove(&self, ctx: &mut Ctx, key: &K) -> Result<(), Stop> {
        ctx.remove(&self.raw_key(key))
    }
}
