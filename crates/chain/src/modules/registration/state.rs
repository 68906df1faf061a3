//! Keys and stored records of the registration module.

use crate::collections::Item;
use crate::crypto::context::Security;
pub use crate::genesis::NetworkKeys;

/// Security that the chain requires of its machines.
pub const SECURITY: Item<Security> = Item::new("registration/security");
/// The network's public keys.
pub const NETWORK_KEYS: Item<NetworkKeys> = Item::new("registration/keys");

/// The names of all collections.
pub const NAMES: &[&str] = &[SECURITY.name(), NETWORK_KEYS.name()];
