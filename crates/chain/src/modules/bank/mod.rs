//! Coins: balances, supply, sending (wire.md 1.12.3, 1.13).

pub mod event;
pub mod genesis;
pub mod handler;
pub mod msg;
pub mod query;
pub mod state;
