//! Secret contracts: storing code, making contracts, calling them, asking them (contract-abi.md section 7).
//!
//! Promises: a contract sees and changes only its own data and what the chain itself proves; a message that does not
//! open, or that was meant for another code, changes nothing; whatever a contract does costs gas and ends. Its outputs
//! are sealed to the sender.
//! Refuses: plaintext messages, callback signatures, raw queries of sealed data. Replies, migration and admin are not
//! built yet: messages that ask for them are refused by name.

pub mod calls;
mod env;
mod gas;
pub mod genesis;
mod gzip;
pub mod handler;
pub mod limits;
mod machine;
pub mod msg;
pub mod output;
mod querier;
pub mod query;
mod response;
pub mod state;
mod storage;

pub use machine::Machine;
pub(crate) use machine::Running;

/// A contract's storage for tests of other rooms of this crate.
#[cfg(test)]
pub(crate) fn testing_storage<'c, 's>(
    state: &'c mut crate::State<'s>,
    contract: &'c crate::types::Address,
) -> impl strongroom_vm::Host + use<'c, 's> {
    storage::Storage::new(state, contract)
}

#[cfg(test)]
mod tests;
