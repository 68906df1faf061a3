//! Balances, supply, switches and metadata of the first block.

use super::handler::credit;
use super::state::{
    METADATA, METADATA_SET, Metadata, PARAMS, Params, SEND_ENABLED, SEND_ENABLED_SET, SUPPLIED,
    SUPPLY,
};
use crate::Ctx;
use crate::genesis::GenesisError;
use crate::modules::auth;
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

/// What an account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Bech32.
    pub address: String,
    /// Coins, sorted.
    pub coins: Vec<GenesisCoin>,
}

/// An amount as decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisCoin {
    /// Denomination.
    pub denom: String,
    /// Amount.
    pub amount: String,
}

impl From<&Coin> for GenesisCoin {
    fn from(coin: &Coin) -> Self {
        Self {
            denom: coin.denom.clone(),
            amount: coin.amount.to_string(),
        }
    }
}

fn field(what: &str, why: impl Into<String>) -> GenesisError {
    GenesisError::Field {
        what: format!("bank.{what}"),
        why: why.into(),
    }
}

fn coins(raw: &[GenesisCoin], what: &str) -> Result<Coins, GenesisError> {
    let parsed = raw.iter().map(|c| {
        let amount = c
            .amount
            .parse()
            .map_err(|_| field(what, format!("'{}' is no amount", c.amount)))?;
        Ok(Coin {
            denom: c.denom.clone(),
            amount,
        })
    });
    Coins::new(parsed.collect::<Result<_, GenesisError>>()?).map_err(|e| field(what, e.to_string()))
}

fn denom(text: &str, what: &str) -> Result<(), GenesisError> {
    if denom_is_valid(text) {
        Ok(())
    } else {
        Err(field(what, format!("'{text}' is no denomination")))
    }
}

/// Writes the module's first state; the accounts must be there already.
///
/// # Errors
/// [`GenesisError`] for a field that is refused.
pub fn init(ctx: &mut Ctx, genesis: &Genesis) -> Result<(), GenesisError> {
    if !genesis.params.send_enabled.is_empty() {
        return Err(field(
            "params.send_enabled",
            "belongs into bank.send_enabled",
        ));
    }
    PARAMS.set(
        ctx,
        &Params {
            default_send_enabled: genesis.params.default_send_enabled,
        },
    )?;
    let mut sum = Coins::default();
    for balance in &genesis.balances {
        let holder: Address = balance
            .address
            .parse()
            .map_err(|e| field("balances.address", format!("{}: {e}", balance.address)))?;
        if !auth::handler::has_account(ctx, &holder)? {
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
    if coins(&genesis.supply, "supply")? != sum {
        return Err(field("supply", format!("the balances sum up to {sum}")));
    }
    for coin in sum.iter() {
        // The largest amount stands for what nobody can have (`types::coin`).
        if coin.amount == u128::MAX {
            return Err(field("supply", format!("{coin} is too much")));
        }
        SUPPLY.set(ctx, &coin.denom.as_str(), &coin.amount)?;
        SUPPLIED.at(&()).insert(ctx, coin.denom.as_bytes())?;
    }
    for entry in &genesis.send_enabled {
        denom(&entry.denom, "send_enabled.denom")?;
        SEND_ENABLED.set(ctx, &entry.denom.as_str(), &entry.enabled)?;
        SEND_ENABLED_SET
            .at(&())
            .insert(ctx, entry.denom.as_bytes())?;
    }
    for entry in &genesis.denom_metadata {
        denom(&entry.base, "denom_metadata.base")?;
        METADATA.set(ctx, &entry.base.as_str(), entry)?;
        METADATA_SET.at(&()).insert(ctx, entry.base.as_bytes())?;
    }
    Ok(())
}
