//! `app_state.poa`: the authority, and what people call the validators. Their keys and power stand in the document's own list.

use super::keeper;
use super::state::{
    AUTHORITY, BANNED, CHANGED, EXPIRY_WINDOW, KEYS, VALIDATORS, Validator, Window,
};
use crate::Ctx;
use crate::error::{Stop, broken};
use crate::genesis::localnet::MONIKER;
use crate::genesis::{GenesisError, LocalnetParams};
use crate::module::GenesisState;
use crate::modules::registration;
use crate::params;
use crate::types::Address;
use crate::types::address::AddressError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `app_state.poa`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Who decides on validators and policy.
    pub authority: String,
    /// Names of validators by consensus key (base64), as far as they have one.
    #[serde(default)]
    pub monikers: BTreeMap<String, String>,
    /// Addresses (20 bytes, hex) of consensus keys that may never vote again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub banned: Vec<String>,
    /// What expiry has taken lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_window: Option<GenesisWindow>,
}

/// See [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GenesisWindow {
    pub from: u64,
    pub total: u64,
    pub lost: u64,
    #[serde(default)]
    pub before: u64,
}

fn refused(what: &str, why: impl core::fmt::Display) -> GenesisError {
    GenesisError::field(&format!("poa.{what}"), why.to_string())
}

impl GenesisState for Genesis {
    fn localnet(params: &LocalnetParams) -> Self {
        let moniker = (STANDARD.encode(params.validator), MONIKER.to_owned());
        Self {
            authority: params.authority.to_string(),
            monikers: BTreeMap::from([moniker]),
            banned: Vec::new(),
            expiry_window: None,
        }
    }

    /// Every validator of the document must be a registered node.
    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        let authority = self.authority.parse();
        let authority: Address = authority.map_err(|e: AddressError| refused("authority", e))?;
        AUTHORITY.set(ctx, &authority)?;
        if let Some(GenesisWindow {
            from,
            total,
            lost,
            before,
        }) = self.expiry_window
        {
            let window = Window {
                from,
                total,
                lost,
                before,
            };
            EXPIRY_WINDOW.set(ctx, &window)?;
        }
        for address in &self.banned {
            let mut bytes = [0; 20];
            let text = "not 20 bytes in hex";
            hex::decode_to_slice(address, &mut bytes).map_err(|_| refused("banned", text))?;
            BANNED.at(&()).insert(ctx, &bytes)?;
        }
        let mut monikers = self.monikers.clone();
        let long = |moniker: &&String| moniker.len() > keeper::MONIKER_BYTES_MAX;
        if let Some(moniker) = monikers.values().find(long) {
            let most = keeper::MONIKER_BYTES_MAX;
            let why = format!("'{moniker}' has more than {most} bytes");
            return Err(refused("monikers", why));
        }
        for validator in params::VALIDATORS.get(ctx)?.unwrap_or_default() {
            let key = STANDARD.encode(validator.pubkey);
            let id = registration::keeper::node_of_key(ctx, &validator.pubkey)?;
            let id = id.ok_or_else(|| refused("validators", format!("{key} has no node")))?;
            if registration::keeper::registered_key(ctx, &id)?.is_none() {
                return Err(refused("validators", format!("{key} is not registered")));
            }
            let given = Validator {
                node_id: id,
                power: u64::try_from(validator.power).unwrap_or(0),
                moniker: monikers.remove(&key).unwrap_or_default(),
            };
            keeper::put(ctx, &validator.pubkey, &given).map_err(|stop| match stop {
                Stop::Err(e) => refused("validators", e),
                other => other.into(),
            })?;
            CHANGED.at(&()).remove(ctx, &validator.pubkey)?;
        }
        match monikers.into_keys().next() {
            Some(key) => Err(refused("monikers", format!("{key} is no validator"))),
            None => Ok(()),
        }
    }

    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let mut monikers = BTreeMap::new();
        for key in KEYS.at(&()).all(ctx)? {
            let key: [u8; 32] = key
                .try_into()
                .map_err(|_| broken("a key of other length"))?;
            let validator = VALIDATORS.get(ctx, &&key)?;
            let validator = validator.ok_or_else(|| broken("a listed validator is missing"))?;
            if !validator.moniker.is_empty() {
                monikers.insert(STANDARD.encode(key), validator.moniker);
            }
        }
        let window = EXPIRY_WINDOW.get(ctx)?;
        let banned = BANNED.at(&()).all(ctx)?;
        Ok(Self {
            banned: banned.iter().map(hex::encode).collect(),
            authority: keeper::authority(ctx)?.to_string(),
            monikers,
            expiry_window: window.map(|w| GenesisWindow {
                from: w.from,
                total: w.total,
                lost: w.lost,
                before: w.before,
            }),
        })
    }
}
