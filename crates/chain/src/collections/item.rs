//! One value under one name.

use super::{decode, encode};
use crate::Ctx;
use crate::error::{Fault, Stop};
use crate::ports::StateRead;
use crate::types::Tree;
use borsh::{BorshDeserialize, BorshSerialize};
use core::marker::PhantomData;

/// One value under one name.
pub struct Item<T> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T: BorshSerialize + BorshDeserialize> Item<T> {
    /// An item with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            value: PhantomData,
        }
    }

    /// The name, which is the raw key.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The value in a committed state, without gas: for those who stand outside of a block (light client, mempool).
    ///
    /// # Errors
    /// A fault from below.
    pub fn read(&self, base: &dyn StateRead) -> Result<Option<T>, Fault> {
        decode(base.get(Tree::Native, self.name.as_bytes())?)
    }

    /// The value, if set.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn get(&self, ctx: &mut Ctx) -> Result<Option<T>, Stop> {
        Ok(decode(ctx.get(self.name.as_bytes())?)?)
    }

    /// Sets the value.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn set(&self, ctx: &mut Ctx, value: &T) -> Result<(), Stop> {
        ctx.set(self.name.as_bytes(), &encode(value)?)
    }
}
