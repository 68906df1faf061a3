//! The network's keys and the mode of security in the first block.

use super::state::{NETWORK_KEYS, NetworkKeys, SECURITY};
use crate::Ctx;
use crate::crypto::context::Security;
use crate::error::{Stop, broken};
use crate::genesis::{Document, GenesisError, LocalnetParams};
use crate::module::GenesisState;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// `app_state.registration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Security that the chain requires of its machines.
    pub security: String,
}

impl Genesis {
    fn new(security: Security) -> Self {
        Self {
            security: security.as_str().to_owned(),
        }
    }

    fn checked(&self) -> Result<Security, GenesisError> {
        Security::parse(&self.security).ok_or_else(|| {
            let why = "not `insecure` or `attested`";
            GenesisError::field("registration.security", why)
        })
    }
}

/// Security requirement and network keys of the document.
///
/// # Errors
/// [`GenesisError`] if it does not say it.
pub fn read(document: &Document) -> Result<(Security, NetworkKeys), GenesisError> {
    let keys: Keys = document.app_state.part("register")?;
    let genesis: Genesis = document.app_state.part("registration")?;
    Ok((genesis.checked()?, keys.checked()?))
}

/// `app_state.register`: the shape that clients know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Nodes registered from the start; none can be yet.
    pub reg_info: Vec<String>,
    /// With which nodes exchange the seed.
    pub node_exch_key: Key,
    /// To which clients seal their messages.
    pub io_exch_key: Key,
}

/// A public key, base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// 32 bytes in base64.
    pub bytes: String,
}

impl Keys {
    /// The genesis form of two keys.
    #[must_use]
    pub fn new(keys: &NetworkKeys) -> Self {
        let key = |bytes: &[u8; 32]| Key {
            bytes: STANDARD.encode(bytes),
        };
        Self {
            reg_info: Vec::new(),
            node_exch_key: key(&keys.node_exchange),
            io_exch_key: key(&keys.io),
        }
    }

    /// The keys themselves.
    ///
    /// # Errors
    /// [`GenesisError::Document`] for a key that is not 32 bytes in base64.
    pub fn checked(&self) -> Result<NetworkKeys, GenesisError> {
        let key = |key: &Key, what: &str| -> Result<[u8; 32], GenesisError> {
            let bytes = STANDARD
                .decode(&key.bytes)
                .ok()
                .and_then(|b| b.try_into().ok());
            bytes.ok_or_else(|| {
                GenesisError::field(&format!("register.{what}"), "not 32 bytes in base64")
            })
        };
        Ok(NetworkKeys {
            io: key(&self.io_exch_key, "io_exch_key")?,
            node_exchange: key(&self.node_exch_key, "node_exch_key")?,
        })
    }
}

impl GenesisState for Keys {
    fn localnet(params: &LocalnetParams) -> Self {
        Self::new(&params.keys)
    }

    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        if !self.reg_info.is_empty() {
            let why = "nodes register with a transaction";
            return Err(GenesisError::field("register.reg_info", why));
        }
        Ok(NETWORK_KEYS.set(ctx, &self.checked()?)?)
    }

    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let keys = NETWORK_KEYS.get(ctx)?;
        Ok(Self::new(&keys.ok_or_else(|| broken("no network keys"))?))
    }
}

impl GenesisState for Genesis {
    fn localnet(_: &LocalnetParams) -> Self {
        Self::new(Security::Insecure)
    }

    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        Ok(SECURITY.set(ctx, &self.checked()?)?)
    }

    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let security = SECURITY.get(ctx)?;
        let security = security.ok_or_else(|| broken("no mode of security"))?;
        Ok(Self::new(security))
    }
}
