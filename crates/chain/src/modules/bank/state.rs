//! Keys and stored records of the bank, and the arithmetic on them.
//!
//! Every holder of a balance has an account (whoever credits makes one), so "who holds this denomination" is answered by
//! walking the accounts, and no index is written for it.

use crate::Ctx;
use crate::collections::{Item, Map, OrderedIndex};
use crate::error::{Stop, broken};
use crate::types::{Address, Coin, Coins};
use borsh::{BorshDeserialize, BorshSerialize};

/// The most denominations that [`balances`] lists for a contract.
pub const BALANCES_MAX: usize = 1_000;

/// Parameters of the module.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// Whether a denomination without an entry of its own may be sent.
    pub default_send_enabled: bool,
}

/// A unit of a denomination.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct DenomUnit {
    /// Name of the unit.
    pub denom: String,
    /// Power of ten of the base unit.
    pub exponent: u32,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// Names of a denomination for people.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Units, the base unit first.
    pub denom_units: Vec<DenomUnit>,
    /// The denomination.
    pub base: String,
    /// The unit to show.
    #[serde(default)]
    pub display: String,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Symbol.
    #[serde(default)]
    pub symbol: String,
    /// Document.
    #[serde(default)]
    pub uri: String,
    /// Hash of the document.
    #[serde(default)]
    pub uri_hash: String,
}

/// Parameters.
pub const PARAMS: Item<Params> = Item::new("bank/params");
/// Amounts by holder and denomination; no entry is 0.
pub const BALANCES: Map<(&Address, &str), u128> = Map::new("bank/balance/");
/// The denominations that an account holds.
pub const DENOMS: OrderedIndex<&Address> = OrderedIndex::new("bank/denoms/");
/// Supply by denomination.
pub const SUPPLY: Map<&str, u128> = Map::new("bank/supply/");
/// The denominations that have a supply.
pub const SUPPLY_DENOMS: OrderedIndex<()> = OrderedIndex::new("bank/supplied/");
/// Denominations switched on or off by themselves.
pub const SEND_ENABLED: Map<&str, bool> = Map::new("bank/enabled/");
/// The denominations with an entry in [`SEND_ENABLED`].
pub const SEND_ENABLED_INDEX: OrderedIndex<()> = OrderedIndex::new("bank/enabled_set/");
/// Metadata by denomination.
pub const METADATA: Map<&str, Metadata> = Map::new("bank/metadata/");
/// The denominations with metadata.
pub const METADATA_INDEX: OrderedIndex<()> = OrderedIndex::new("bank/metadata_set/");

/// The names of all collections.
pub const NAMES: &[&str] = &[
    PARAMS.name(),
    BALANCES.name(),
    DENOMS.name(),
    SUPPLY.name(),
    SUPPLY_DENOMS.name(),
    SEND_ENABLED.name(),
    SEND_ENABLED_INDEX.name(),
    METADATA.name(),
    METADATA_INDEX.name(),
];

/// What `holder` has of `denom`.
///
/// # Errors
/// Out of gas or a fault.
pub fn balance(ctx: &mut Ctx, holder: &Address, denom: &str) -> Result<u128, Stop> {
    Ok(BALANCES.get(ctx, &(holder, denom))?.unwrap_or(0))
}

/// All that `holder` has, up to [`BALANCES_MAX`] denominations in order.
///
/// # Errors
/// Out of gas or a fault.
pub fn balances(ctx: &mut Ctx, holder: &Address) -> Result<Coins, Stop> {
    let denoms = DENOMS.at(&holder).range(ctx, None, BALANCES_MAX, false)?;
    let mut coins = Vec::new();
    for denom in denoms {
        let denom = denom_of(denom)?;
        let amount = balance(ctx, holder, &denom)?;
        coins.push(Coin { denom, amount });
    }
    Coins::new(coins).map_err(|e| broken(e).into())
}

/// Sets what `holder` has of `denom`; the set of denominations follows.
///
/// # Errors
/// Out of gas or a fault.
pub(super) fn set_balance(
    ctx: &mut Ctx,
    holder: &Address,
    denom: &str,
    before: u128,
    after: u128,
) -> Result<(), Stop> {
    let key = (holder, denom);
    if after == 0 {
        BALANCES.remove(ctx, &key)?;
    } else {
        BALANCES.set(ctx, &key, &after)?;
    }
    if before == 0 && after != 0 {
        DENOMS.at(&holder).insert(ctx, denom.as_bytes())?;
    }
    if before != 0 && after == 0 {
        DENOMS.at(&holder).remove(ctx, denom.as_bytes())?;
    }
    Ok(())
}

/// The supply of `denom`.
///
/// # Errors
/// Out of gas or a fault.
pub fn supply(ctx: &mut Ctx, denom: &str) -> Result<u128, Stop> {
    Ok(SUPPLY.get(ctx, &denom)?.unwrap_or(0))
}

/// A denomination as an index holds it.
pub(super) fn denom_of(bytes: Vec<u8>) -> Result<String, Stop> {
    String::from_utf8(bytes).map_err(|_| broken("a denomination that is no text").into())
}
