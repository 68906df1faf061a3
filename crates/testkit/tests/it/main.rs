//! The test chain itself: what contract authors and benches rely on. Needs the contracts: `cargo xtask contracts`.

mod ahead;
mod anybody;
mod bound;
mod chain;
mod estimates;
mod everything;
mod fuzz;
mod join;
mod mempool;
mod newest;
mod replica;
mod restart;
mod simulate;
mod stock;
mod token;
