//! Keys and stored records of the registration module.

use crate::collections::Item;
use crate::crypto::context::Security;
use borsh::{BorshDeserialize, BorshSerialize};

/// The network's public keys, x25519, 32 bytes each.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NetworkKeys {
    /// To which clients seal their messages: `tx-key`.
    pub io: [u8; 32],
    /// With which nodes exchange the seed.
    pub node_exchange: [u8; 32],
}

/// What the chain asks of its machines.
pub const SECURITY: Item<Security> = Item::new("registration/security");
/// The network's public keys.
pub const NETWORK_KEYS: Item<NetworkKeys> = Item::new("registration/keys");

/// The names of all collections.
pub const NAMES: &[&str] = &[SECURITY.name(), NETWORK_KEYS.name()];
