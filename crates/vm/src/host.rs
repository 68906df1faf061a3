//! The port through which a running contract reaches storage. Everything else a contract imports is either answered
//! inside this crate (addresses, cryptography, gas) or suspends the call (queries, see [`crate::Step`]).

use crate::HostFault;

/// What a storage operation answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged<T> {
    /// It is done and costs `gas` **wasm gas** (1 SDK gas = 1,000), at most what was left.
    Done {
        /// The answer.
        value: T,
        /// Its price in wasm gas.
        gas: u64,
    },
    /// Its price is more than what is left: the call ends, and what it has changed goes with it.
    OutOfGas,
    /// The contract asked for what there is not: the call ends with [`crate::Trap::Storage`] and this text.
    Refused(&'static str),
}

/// An iteration over the keys of a contract, in order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first key that may come, or any.
    pub start: Option<Vec<u8>>,
    /// The first key that comes no more, or none.
    pub end: Option<Vec<u8>>,
    /// From the last key to the first.
    pub descending: bool,
}

/// Contract storage, seen from one call. The implementer sets the prices (by size class, never by cache state), must
/// not do work that `gas_left` cannot pay, and keeps the overlay that is dropped when the call fails.
///
/// Every method may fail with a [`HostFault`]: that ends the whole block, not the call.
pub trait Host {
    /// The value at `key`, `None` if there is none. `gas_left` in wasm gas.
    ///
    /// # Errors
    /// [`HostFault`] if state cannot be had or proven.
    fn read(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault>;

    /// Sets the value at `key`. Never called in query mode.
    ///
    /// # Errors
    /// [`HostFault`] if state cannot be had or proven.
    fn write(&mut self, key: &[u8], value: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault>;

    /// Removes `key`; removing what is absent is no error. Never called in query mode.
    ///
    /// # Errors
    /// [`HostFault`] if state cannot be had or proven.
    fn remove(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault>;

    /// Opens an iterator: its number within this call.
    ///
    /// # Errors
    /// [`HostFault`] if state cannot be had or proven.
    fn scan(&mut self, range: Range, gas_left: u64) -> Result<Charged<u32>, HostFault>;

    /// The next key of an iterator, `None` behind the last. A key that was found has a value until it is removed.
    ///
    /// # Errors
    /// [`HostFault`] if state cannot be had or proven.
    fn next_key(
        &mut self,
        iterator: u32,
        gas_left: u64,
    ) -> Result<Charged<Option<Vec<u8>>>, HostFault>;
}
