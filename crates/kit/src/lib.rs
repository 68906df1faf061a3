//! Test kit for authors of contracts: the real wasm on the real state machine, in process, without sockets, stores or waiting.
//!
//! Circles: tests, and the command line (`strongroom contract check`). What runs is what runs in the enclave: transactions are signed,
//! messages sealed, modules prepared and metered, values sealed under their keys. What is left out is what moves and proves bytes: the
//! door, the tree, consensus. So what a contract may not do on a network it may not do here, and it pays the same gas.
//!
//! ```no_run
//! use serde_json::{Value, json};
//! use strongroom_kit::{Network, wasm};
//!
//! let mut net = Network::new();
//! let (alice, bob) = (net.user("alice"), net.user("bob"));
//! let code = net.store(&alice, wasm!()).unwrap();
//! let counter = net.instantiate(&alice, &code, "counter", &json!({"count": 5})).unwrap();
//!
//! let before = net.clone(); // A snapshot costs nothing.
//! let done = net.execute(&bob, &counter, &json!({"increment": {}})).unwrap();
//! assert!(done.seen_by(&bob).attribute("count") == Some("6") && done.seen_by(&alice).attribute("count").is_none());
//! net = before; // And back.
//! let answer: Value = net.query(&counter, &json!({"get_count": {}})).unwrap();
//! assert_eq!(answer["count"], 5);
//! ```
//!
//! Map: [`Network`] the chain · [`User`] who signs · [`Call`] a call in the making · [`Executed`] and [`Refused`] its outcome ·
//! [`GasReport`] what calls cost, against a kept file · [`leaks`] what a call tells those who may not know · [`wasm!`] the contract of the
//! package whose tests run · [`check()`] what the chain says of a wasm file.
//!
//! Promises: the same calls give the same bytes, gas and random every time; a network is cheap to clone, and clones do not know of each
//! other. Refuses: to go on when the house itself is broken; it panics and says so.

mod call;
pub mod check;
mod gas;
mod genesis;
pub mod leaks;
mod network;
mod outcome;
mod panic;
mod source;
mod user;
pub mod wasm;
mod world;

pub use call::{Call, Code, Contract};
pub use check::check;
pub use gas::{GasReport, Tolerance};
pub use genesis::{Setup, USER_COINS, USERS};
pub use network::{BLOCK_SECONDS, Network};
pub use outcome::{Executed, Refused, View};
pub use panic::Panic;
pub use user::User;

pub use strongroom_types::{Address, Attribute, Coin, Event, Gas, Height, proto};
