//! Registration of nodes: the network's public keys and the mode of security (wire.md 2.5).
//!
//! What stands is what the first block fixes; the way of a node from pending over registered to revoked comes later.

pub mod genesis;
pub mod query;
pub mod state;
