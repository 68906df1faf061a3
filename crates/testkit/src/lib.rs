//! A whole network in one process, for our own tests and for benches: no sockets, no ports, no clock. Authors of contracts have `crates/kit`.
//!
//! Circle: tests. Everything that runs is the real part: the enclave behind its door, the light client, proofs, the
//! stores, the node's application; only the engine's thread and the servers are left out, and time stands where the test
//! puts it. So what passes here passes on a network, and what a contract may not do there it may not do here.
//!
//! ```
//! use serde_json::json;
//! use strongroom_testkit::{Chain, contract};
//!
//! let mut chain = Chain::new();
//! let alice = chain.user("a");
//! let code = chain.store_code(&alice, contract("counter")).unwrap();
//! let counter = chain.instantiate(&alice, &code, "my counter", &json!({"count": 5})).unwrap();
//! chain.execute(&alice, &counter, &json!({"increment": {}})).unwrap();
//! let answer: serde_json::Value = chain.query(&counter, &json!({"get_count": {}})).unwrap();
//! assert_eq!(answer["count"], 6);
//! ```
//!
//! Map: [`Chain`] the network · [`User`] who signs · [`call`] contracts and what they answer · [`genesis`] what a network
//! begins with · [`Door`] the way to the enclave, with a count of what goes through it · [`replica`] and [`watch`] the
//! enclave's work in the open, stage by stage, for benches · [`fuzz`] blocks of whatever anyone may send, also to a
//! network that others decide.
//!
//! Promises: two chains with the same options and the same transactions are the same, byte for byte; a transaction that
//! fails is an error with the contract's own text, opened as its sender would. Refuses: to go on when the house itself is
//! broken (no temporary directory, a lost enclave, roots that differ): it panics and says so.

pub mod call;
mod chain;
mod door;
pub mod fuzz;
pub mod genesis;
mod platform;
pub mod replica;
mod user;
mod wasm;
pub mod watch;

pub use call::{Code, Contract, Executed, Refused};
pub use chain::{Chain, VALIDATOR_SEED};
pub use door::{Door, Traffic, enclave_process};
pub use genesis::Options;
pub use platform::Seeded;
pub use user::User;
pub use wasm::contract;

pub use strongroom_types::{Address, DecidedBlock, ExecTxResult, Gas, Height};
