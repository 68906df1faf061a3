//! What the contract remembers.

use cosmwasm_std::{Addr, StdError, StdResult, Storage, Uint128};
use serde::{Deserialize, Serialize};
use snip::history::History;
use storage::{Item, List, Map};

use crate::msg::{Action, Permission, TokenInfo};

/// Who administrates; nobody, if there is to be none.
pub static ADMIN: Item<Option<Addr>> = Item::new("admin");
/// Who may make token ids.
pub static CURATORS: Item<Vec<Addr>> = Item::new("curators");
/// Mixed into created viewing keys.
pub static ENTROPY: Item<String> = Item::new("entropy");
/// Contract → hash of its code, for contracts that asked to be told of tokens.
pub static RECEIVERS: Map<String> = Map::new("receivers");
/// Token id → token.
static TOKENS: Map<Token> = Map::new("tokens");
/// Under [`EVERYONE`]: all token ids.
pub static IDS: List<String> = List::new("count_of_ids", "ids");
/// The owner of the one list of [`IDS`].
pub const EVERYONE: &[u8] = b"";
/// (token id, account) → balance.
static BALANCES: Map<Uint128> = Map::new("balances");
/// Account → ids of the tokens that it had ever.
pub static HELD: List<String> = List::new("count_of_held", "held");
/// (token id, how often it had changed hands, owner, account) → what the owner lets the account.
static PERMISSIONS: Map<Permission> = Map::new("permissions");
/// What happened.
pub static HISTORY: History<Action> = History::new();

/// A token id.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Name, switches, metadata.
    pub info: TokenInfo,
    /// Who made the id.
    pub curator: Addr,
    /// All tokens there are.
    pub supply: Uint128,
    /// Whose it is, if it is one of a kind.
    pub owner: Option<Addr>,
    /// How often it changed hands, if it is one of a kind: what an owner lets others ends with that, and does not come back with the token.
    pub moves: u64,
}

/// What an owner lets an account, if there is such a token.
pub fn permission(
    storage: &dyn Storage,
    id: &str,
    owner: &Addr,
    account: &Addr,
) -> StdResult<Option<Permission>> {
    let Some(token) = find(storage, id)? else {
        return Ok(None);
    };
    let moves = token.moves.to_be_bytes();
    PERMISSIONS.get(
        storage,
        &[id.as_bytes(), &moves, owner.as_bytes(), account.as_bytes()],
    )
}

/// Keeps what an owner lets an account; nothing, if it is absent.
pub fn save_permission(
    storage: &mut dyn Storage,
    id: &str,
    owner: &Addr,
    account: &Addr,
    permission: Option<&Permission>,
) -> StdResult<()> {
    let Some(token) = find(storage, id)? else {
        return Ok(());
    };
    let moves = token.moves.to_be_bytes();
    let place = [id.as_bytes(), &moves, owner.as_bytes(), account.as_bytes()];
    match permission {
        Some(permission) => PERMISSIONS.set(storage, &place, permission)?,
        None => PERMISSIONS.remove(storage, &place),
    }
    Ok(())
}

/// The token with this id, if there is one.
pub fn find(storage: &dyn Storage, id: &str) -> StdResult<Option<Token>> {
    TOKENS.get(storage, &[id.as_bytes()])
}

/// The token with this id; ids are public.
pub fn token(storage: &dyn Storage, id: &str) -> StdResult<Token> {
    let token = find(storage, id)?;
    token.ok_or_else(|| StdError::generic_err(format!("token_id {id} does not exist")))
}

/// Keeps a changed token.
pub fn save(storage: &mut dyn Storage, token: &Token) -> StdResult<()> {
    TOKENS.set(storage, &[token.info.token_id.as_bytes()], token)
}

/// An account's balance of a token; 0 for an account never seen.
pub fn balance(storage: &dyn Storage, id: &str, account: &Addr) -> StdResult<u128> {
    let balance = BALANCES.get(storage, &[id.as_bytes(), account.as_bytes()])?;
    Ok(balance.unwrap_or_default().u128())
}

/// Makes tokens for an account. The token is to be saved.
pub fn create(
    storage: &mut dyn Storage,
    token: &mut Token,
    account: &Addr,
    amount: Uint128,
) -> StdResult<()> {
    let supply = token.supply.u128().checked_add(amount.u128());
    let supply = supply
        .ok_or_else(|| StdError::generic_err("this would make more tokens than can be counted"))?;
    token.supply = supply.into();
    credit(storage, &token.info.token_id, account, amount.u128())
}

/// Destroys tokens of an account. The token is to be saved.
pub fn destroy(
    storage: &mut dyn Storage,
    token: &mut Token,
    account: &Addr,
    amount: Uint128,
) -> StdResult<()> {
    debit(storage, &token.info.token_id, account, amount.u128())?;
    token.supply = token.supply.checked_sub(amount)?;
    Ok(())
}

/// Moves tokens. An account may send to itself. Where nothing moves nothing is written: who has a record of a balance has it listed.
pub fn move_tokens(
    storage: &mut dyn Storage,
    id: &str,
    from: &Addr,
    to: &Addr,
    amount: u128,
) -> StdResult<()> {
    if amount == 0 {
        return Ok(());
    }
    debit(storage, id, from, amount)?;
    credit(storage, id, to, amount)
}

fn debit(storage: &mut dyn Storage, id: &str, account: &Addr, amount: u128) -> StdResult<()> {
    let held = balance(storage, id, account)?;
    // Not what there is: who may move tokens is told of this too, and whoever calls a contract that has some.
    let Some(left) = held.checked_sub(amount) else {
        let why = format!("insufficient funds: required={amount}");
        return Err(StdError::generic_err(why));
    };
    BALANCES.set(storage, &[id.as_bytes(), account.as_bytes()], &left.into())
}

fn credit(storage: &mut dyn Storage, id: &str, account: &Addr, amount: u128) -> StdResult<()> {
    let place = [id.as_bytes(), account.as_bytes()];
    let held = BALANCES.get(storage, &place)?;
    if held.is_none() {
        HELD.push(storage, account.as_bytes(), &id.to_string())?;
    }
    let sum = held.unwrap_or_default().u128().checked_add(amount);
    let sum = sum.ok_or_else(|| StdError::generic_err("more tokens than the supply"))?;
    BALANCES.set(storage, &place, &sum.into())
}
