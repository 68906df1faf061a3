//! Balances, supply, switches and metadata of the first block.

use super::keeper::credit;
use super::state::{
    DENOMS, METADATA, METADATA_INDEX, PARAMS, Params, SEND_ENABLED, SEND_ENABLED_INDEX, SUPPLY,
    SUPPLY_DENOMS, balance, denom_of, supply,
};
pub use super::state::{DenomUnit, Metadata};
use crate::Ctx;
use crate::error::{Stop, broken};
pub use crate::genesis::GenesisCoin;
use crate::genesis::localnet::{DENOM, GENESIS_BALANCE, LOCAL_ACCOUNTS, SELF_BOND, VALIDATOR};
use crate::genesis::{GenesisError, LocalnetParams};
use crate::module::GenesisState;
use crate::modules::accounts::BONDED_POOL;
use crate::modules::auth;
use crate::types::address::AddressError;
use crate::types::coin::denom_is_valid;
use crate::types::{Address, Coin, Coins};
use serde::{Deserialize, Serialize};

/// `app_state.bank`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Parameters.
    pub params: GenesisParams,
    /// Balances; every holder needs an account.
    pub balances: Vec<Balance>,
    /// The supply; must be the sum of the balances.
    pub supply: Vec<GenesisCoin>,
    /// Metadata of denominations.
    #[serde(default)]
    pub denom_metadata: Vec<Metadata>,
    /// Denominations switched on or off by themselves.
    #[serde(default)]
    pub send_enabled: Vec<SendEnabled>,
}

/// Parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisParams {
    /// Not used any more; must be empty, as in the protocol.
    #[serde(default)]
    pub send_enabled: Vec<SendEnabled>,
    /// Whether a denomination without an entry of its own may be sent.
    pub default_send_enabled: bool,
}

/// A switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendEnabled {
    /// Denomination.
    pub denom: String,
    /// Whether it may be sent.
    pub enabled: bool,
}

/// Balance of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Bech32.
    pub address: String,
    /// Coins, sorted.
    pub coins: Vec<GenesisCoin>,
}

fn field(what: &str, why: impl Into<String>) -> GenesisError {
    GenesisError::field(&format!("bank.{what}"), why)
}

fn coins(raw: &[GenesisCoin], what: &str) -> Result<Coins, GenesisError> {
    GenesisCoin::read(raw).map_err(|e: String| field(what, e))
}

fn denom(text: &str, what: &str) -> Result<(), GenesisError> {
    if denom_is_valid(text) {
        Ok(())
    } else {
        Err(field(what, format!("'{text}' is no denomination")))
    }
}

impl GenesisState for Genesis {
    /// Each account has its coins; the validator's are bonded in part.
    fn localnet(_: &LocalnetParams) -> Self {
        let coin = |amount: u128| {
            vec![GenesisCoin::from(&Coin {
                denom: DENOM.into(),
                amount,
            })]
        };
        let mut balances = Vec::new();
        let mut supply: u128 = 0;
        for account in &LOCAL_ACCOUNTS {
            let bonded = if account.name == VALIDATOR {
                SELF_BOND
            } else {
                0
            };
            balances.push(Balance {
                address: account.address.into(),
                coins: coin(GENESIS_BALANCE.saturating_sub(bonded)),
            });
            supply = supply.saturating_add(GENESIS_BALANCE);
        }
        let pool = Address::of_module(BONDED_POOL).to_string();
        balances.push(Balance {
            address: pool,
            coins: coin(SELF_BOND),
        });
        let unit = |denom: &str, exponent| DenomUnit {
            denom: denom.into(),
            exponent,
            aliases: Vec::new(),
        };
        let metadata = Metadata {
            description: "The native token of the network".into(),
            denom_units: vec![unit(DENOM, 0), unit("scrt", 6)],
            base: DENOM.into(),
            display: "scrt".into(),
            name: "Secret".into(),
            symbol: "SCRT".into(),
            uri: String::new(),
            uri_hash: String::new(),
        };
        Self {
            params: GenesisParams {
                send_enabled: Vec::new(),
                default_send_enabled: true,
            },
            balances,
            supply: coin(supply),
            denom_metadata: vec![metadata],
            send_enabled: Vec::new(),
        }
    }

    /// The accounts must be there already.
    fn init(&self, ctx: &mut Ctx) -> Result<(), GenesisError> {
        if !self.params.send_enabled.is_empty() {
            return Err(field(
                "params.send_enabled",
                "belongs into bank.send_enabled",
            ));
        }
        PARAMS.set(
            ctx,
            &Params {
                default_send_enabled: self.params.default_send_enabled,
            },
        )?;
        let mut sum = Coins::default();
        for balance in &self.balances {
            let holder: Address = balance.address.parse().map_err(|e: AddressError| {
                field("balances.address", format!("{}: {e}", balance.address))
            })?;
            if !auth::keeper::has_account(ctx, &holder)? {
                return Err(field(
                    "balances.address",
                    format!("{holder} has no account"),
                ));
            }
            let amount = coins(&balance.coins, "balances.coins")?;
            sum = sum
                .checked_add(&amount)
                .ok_or_else(|| field("balances.coins", "the sum overflows"))?;
            credit(ctx, &holder, &amount)?;
        }
        if coins(&self.supply, "supply")? != sum {
            return Err(field("supply", format!("the balances sum up to {sum}")));
        }
        for coin in sum.iter() {
            // The largest amount stands for what nobody can have (`types::coin`).
            if coin.amount == u128::MAX {
                return Err(field("supply", format!("{coin} is too much")));
            }
            SUPPLY.set(ctx, &coin.denom.as_str(), &coin.amount)?;
            SUPPLY_DENOMS.at(&()).insert(ctx, coin.denom.as_bytes())?;
        }
        for entry in &self.send_enabled {
            denom(&entry.denom, "send_enabled.denom")?;
            SEND_ENABLED.set(ctx, &entry.denom.as_str(), &entry.enabled)?;
            SEND_ENABLED_INDEX
                .at(&())
                .insert(ctx, entry.denom.as_bytes())?;
        }
        for entry in &self.denom_metadata {
            denom(&entry.base, "denom_metadata.base")?;
            METADATA.set(ctx, &entry.base.as_str(), entry)?;
            METADATA_INDEX.at(&()).insert(ctx, entry.base.as_bytes())?;
        }
        Ok(())
    }

    fn export(ctx: &mut Ctx) -> Result<Self, Stop> {
        let mut balances = Vec::new();
        for number in 0..auth::keeper::accounts_len(ctx)? {
            let holder = auth::keeper::address_of(ctx, number)?;
            let mut coins = Vec::new();
            for denom in DENOMS.at(&&holder).all(ctx)? {
                let denom = denom_of(denom)?;
                let amount = balance(ctx, &holder, &denom)?;
                coins.push(GenesisCoin::from(&Coin { denom, amount }));
            }
            if !coins.is_empty() {
                balances.push(Balance {
                    address: holder.to_string(),
                    coins,
                });
            }
        }
        let mut supplied = Vec::new();
        for denom in SUPPLY_DENOMS.at(&()).all(ctx)? {
            let denom = denom_of(denom)?;
            let amount = supply(ctx, &denom)?;
            supplied.push(GenesisCoin::from(&Coin { denom, amount }));
        }
        let mut denom_metadata = Vec::new();
        for denom in METADATA_INDEX.at(&()).all(ctx)? {
            let metadata = METADATA.get(ctx, &denom_of(denom)?.as_str())?;
            denom_metadata.push(metadata.ok_or_else(|| broken("metadata is missing"))?);
        }
        let mut send_enabled = Vec::new();
        for denom in SEND_ENABLED_INDEX.at(&()).all(ctx)? {
            let denom = denom_of(denom)?;
            let enabled = SEND_ENABLED.get(ctx, &denom.as_str())?;
            let enabled = enabled.ok_or_else(|| broken("a switch is missing"))?;
            send_enabled.push(SendEnabled { denom, enabled });
        }
        let default_send_enabled = PARAMS.get(ctx)?.is_none_or(|p| p.default_send_enabled);
        Ok(Self {
            params: GenesisParams {
                send_enabled: Vec::new(),
                default_send_enabled,
            },
            balances,
            supply: supplied,
            denom_metadata,
            send_enabled,
        })
    }
}
