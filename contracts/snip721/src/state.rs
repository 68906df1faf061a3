//! What the contract remembers.

use cosmwasm_std::{Addr, StdError, StdResult, Storage};
use serde::{Deserialize, Serialize};
use snip::history::History;
use storage::{Item, List, Map};

use crate::answer::Action;
use crate::approval::{Approvals, Denied, Right};
use crate::mint_run::Minted;
use crate::msg::ContractStatus;
use crate::royalty::RoyaltyInfo;
use snip::metadata::Metadata;

/// Name and switches; fixed at the start.
pub static CONTRACT: Item<Contract> = Item::new("contract");
/// Who administrates.
pub static ADMIN: Item<Addr> = Item::new("admin");
/// What may be used.
pub static STATUS: Item<ContractStatus> = Item::new("status");
/// Who may mint.
pub static MINTERS: Item<Vec<Addr>> = Item::new("minters");
/// Contract → how to tell it of tokens.
pub static RECEIVERS: Map<Receiver> = Map::new("receivers");
/// Parts of prices, for tokens that say nothing of it.
pub static ROYALTIES: Item<Option<RoyaltyInfo>> = Item::new("royalties");
/// Token id → token.
static TOKENS: Map<Token> = Map::new("tokens");
/// Owner → token ids.
pub static OWNED: List<String> = List::new("count_of_owned", "owned");
/// Under [`EVERYONE`]: all token ids.
pub static ALL: List<String> = List::new("count_of_all", "all");
/// The owner of the one list of [`ALL`].
pub const EVERYONE: &[u8] = b"";
/// Owner → what was said of all tokens.
static INVENTORIES: Map<Inventory> = Map::new("inventories");
/// (owner, account) → what the account was denied of all tokens.
static DENIED: Map<Denied> = Map::new("denied");
/// Tokens made so far: names for those that were given none.
static MINTED: Item<u64> = Item::new("minted");
/// The least number that may still be a name.
static NEXT: Item<u64> = Item::new("next");
/// Token id → whether a token of this name was destroyed.
static BURNED: Map<bool> = Map::new("burned");
/// Number of the last word about approvals.
static WORDS: Item<u64> = Item::new("words");
/// What happened.
pub static HISTORY: History<Action> = History::new();

/// Name and switches.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Name.
    pub name: String,
    /// Symbol.
    pub symbol: String,
    /// Who made the contract.
    pub creator: Addr,
    /// Mixed into created viewing keys.
    pub entropy: String,
    /// Whether everybody may list the tokens.
    pub public_token_supply: bool,
    /// Whether owners are public, unless they say otherwise.
    pub public_owner: bool,
    /// Whether private metadata is sealed until the owner reveals it, for the owner too.
    pub sealed_metadata: bool,
    /// Whether it is private still once it is revealed.
    pub unwrapped_is_private: bool,
    /// Whether minters may change metadata.
    pub minter_may_update_metadata: bool,
    /// Whether owners may change metadata.
    pub owner_may_update_metadata: bool,
    /// Whether tokens can be destroyed.
    pub enable_burn: bool,
}

/// A contract that is told of tokens.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Hash of its code.
    pub code_hash: String,
    /// Whether it takes several tokens in one message.
    pub also_implements_batch_receive_nft: bool,
}

/// A token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub owner: Addr,
    /// Where it stands in the owner's list.
    pub position: u32,
    /// Where it stands in the list of all.
    pub place: u32,
    /// Whether it can be moved.
    pub transferable: bool,
    /// What everybody sees.
    pub public_metadata: Option<Metadata>,
    /// Whether what the owner sees is sealed no more.
    pub unwrapped: bool,
    /// What the owner sees.
    pub private_metadata: Option<Metadata>,
    /// Parts of its price.
    pub royalty_info: Option<RoyaltyInfo>,
    /// How it was made.
    pub minted: Minted,
    /// What its owner said of it.
    pub approvals: Approvals,
}

/// What an owner said of all tokens.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Whether it was made private that they are the owner's.
    pub is_private: bool,
    /// What was said of accounts.
    pub approvals: Approvals,
}

/// The token with this id, if there is one, with what its owner says of it now.
pub fn token(storage: &dyn Storage, id: &str) -> StdResult<Option<Token>> {
    let Some(mut token) = TOKENS.get(storage, &[id.as_bytes()])? else {
        return Ok(None);
    };
    let owner = token.owner.as_bytes();
    let denied = |account: &Addr| {
        let denied = DENIED.get(storage, &[owner, account.as_bytes()])?;
        Ok(denied.unwrap_or_default())
    };
    token.approvals.forget_what_was_denied(denied)?;
    if token.approvals.has_lent() {
        let all = inventory(storage, &token.owner)?.approvals;
        token.approvals.forget_what_is_lent_no_more(&all);
    }
    Ok(Some(token))
}

/// Voids what an owner said of an account and single tokens before the word of this number.
pub fn deny(
    storage: &mut dyn Storage,
    owner: &Addr,
    account: &Addr,
    right: Right,
    number: u64,
) -> StdResult<()> {
    let place = [owner.as_bytes(), account.as_bytes()];
    let mut denied = DENIED.get(storage, &place)?.unwrap_or_default();
    denied.set(right, number);
    DENIED.set(storage, &place, &denied)
}

/// Keeps a changed token.
pub fn save_token(storage: &mut dyn Storage, id: &str, token: &Token) -> StdResult<()> {
    TOKENS.set(storage, &[id.as_bytes()], token)
}

/// What an owner said of all tokens.
pub fn inventory(storage: &dyn Storage, owner: &Addr) -> StdResult<Inventory> {
    let inventory = INVENTORIES.get(storage, &[owner.as_bytes()])?;
    Ok(inventory.unwrap_or_default())
}

/// Keeps what an owner says of all tokens.
pub fn save_inventory(
    storage: &mut dyn Storage,
    owner: &Addr,
    inventory: &Inventory,
) -> StdResult<()> {
    INVENTORIES.set(storage, &[owner.as_bytes()], inventory)
}

/// A number that was not used for a word before.
pub fn next_word(storage: &mut dyn Storage) -> StdResult<u64> {
    let number = WORDS.may_load(storage)?.unwrap_or_default() + 1;
    WORDS.save(storage, &number)?;
    Ok(number)
}

/// An id for a token that was given none: how many were made before, or a larger number. None is given twice, nor that of a token that was
/// destroyed. Where minters chose numbers themselves the steps double, so a long row of those is soon behind.
pub fn free_id(storage: &mut dyn Storage) -> StdResult<String> {
    let minted = MINTED.may_load(storage)?.unwrap_or_default();
    let mut number = NEXT.may_load(storage)?.unwrap_or_default().max(minted);
    let mut step = 1u64;
    let past = |number: u64, step| {
        let next = number.checked_add(step);
        next.ok_or_else(|| StdError::generic_err("No number is left for an id"))
    };
    while is_known(storage, &number.to_string())? {
        number = past(number, step)?;
        step = step.saturating_mul(2);
    }
    NEXT.save(storage, &past(number, 1)?)?;
    Ok(number.to_string())
}

/// Whether a token has or had this id.
fn is_known(storage: &dyn Storage, id: &str) -> StdResult<bool> {
    let was = || BURNED.get(storage, &[id.as_bytes()]);
    Ok(TOKENS.get(storage, &[id.as_bytes()])?.is_some() || was()?.is_some())
}

/// Makes a token. The id must be free.
pub fn add_token(
    storage: &mut dyn Storage,
    id: &str,
    owner: Addr,
    new: impl FnOnce(Addr) -> Token,
) -> StdResult<()> {
    if token(storage, id)?.is_some() {
        let why = format!("Token ID {id} is already in use");
        return Err(StdError::generic_err(why));
    }
    let mut token = new(owner);
    token.position = push(storage, &OWNED, token.owner.as_bytes(), id)?;
    token.place = push(storage, &ALL, EVERYONE, id)?;
    let minted = MINTED.may_load(storage)?.unwrap_or_default() + 1;
    MINTED.save(storage, &minted)?;
    save_token(storage, id, &token)
}

/// Gives a token to another owner. What the old one said of it is forgotten.
pub fn give_token(
    storage: &mut dyn Storage,
    id: &str,
    mut token: Token,
    owner: Addr,
) -> StdResult<()> {
    take(
        storage,
        &OWNED,
        token.owner.as_bytes(),
        token.position,
        |t| &mut t.position,
    )?;
    token.position = push(storage, &OWNED, owner.as_bytes(), id)?;
    token.owner = owner;
    token.approvals = Approvals::default();
    save_token(storage, id, &token)
}

/// Destroys a token.
pub fn remove_token(storage: &mut dyn Storage, id: &str, token: &Token) -> StdResult<()> {
    take(
        storage,
        &OWNED,
        token.owner.as_bytes(),
        token.position,
        |t| &mut t.position,
    )?;
    take(storage, &ALL, EVERYONE, token.place, |t| &mut t.place)?;
    TOKENS.remove(storage, &[id.as_bytes()]);
    BURNED.set(storage, &[id.as_bytes()], &true)
}

fn push(storage: &mut dyn Storage, list: &List<String>, owner: &[u8], id: &str) -> StdResult<u32> {
    let position = list.len(storage, owner)?;
    list.push(storage, owner, &id.to_string())?;
    Ok(position)
}

/// Takes an id out of a list; the token that takes its place is told.
fn take(
    storage: &mut dyn Storage,
    list: &List<String>,
    owner: &[u8],
    position: u32,
    place: impl FnOnce(&mut Token) -> &mut u32,
) -> StdResult<()> {
    let Some(moved) = list.swap_remove(storage, owner, position)? else {
        return Ok(());
    };
    let other = token(storage, &moved)?;
    let mut other = other.ok_or_else(|| StdError::not_found("a token of a list"))?;
    *place(&mut other) = position;
    save_token(storage, &moved, &other)
}
