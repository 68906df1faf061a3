//! Who moved what, when: every event is stored once, and listed for each account that took part.

use cosmwasm_std::{Addr, Coin, Env, StdError, StdResult, Storage};
use storage::{Item, List, Map};

use crate::msg::{Action, Record, TransferRecord};

/// Most entries that one page may have.
pub const PAGE_SIZE_MAX: u32 = 100;

/// Number of the newest event; numbers begin with 1.
static NEWEST: Item<u64> = Item::new("newest_record");
/// Number → event.
static RECORDS: Map<Record> = Map::new("records");
/// Per account: numbers of all its events.
static ALL: List<u64> = List::new("count_of_all", "all");
/// Per account: numbers of its transfers.
static TRANSFERS: List<u64> = List::new("count_of_transfers", "transfers");

/// Writes an event into the history of everybody who took part.
pub fn append(
    storage: &mut dyn Storage,
    env: &Env,
    participants: &[&Addr],
    action: Action,
    coins: Coin,
    memo: Option<String>,
) -> StdResult<()> {
    let id = NEWEST.may_load(storage)?.unwrap_or_default() + 1;
    let is_transfer = matches!(action, Action::Transfer { .. });
    let record = Record {
        id,
        action,
        coins,
        memo,
        block_time: env.block.time.seconds(),
        block_height: env.block.height,
    };
    NEWEST.save(storage, &id)?;
    RECORDS.set(storage, &[&id.to_be_bytes()], &record)?;

    for (position, account) in participants.iter().enumerate() {
        if participants[..position].contains(account) {
            continue;
        }
        ALL.push(storage, account.as_bytes(), &id)?;
        if is_transfer {
            TRANSFERS.push(storage, account.as_bytes(), &id)?;
        }
    }
    Ok(())
}

/// One page of everything that happened to an account, newest first, and how much there is.
pub fn all(
    storage: &dyn Storage,
    account: &Addr,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<Record>, u64)> {
    let (ids, total) = page_of(&ALL, storage, account, page, page_size)?;
    let records = ids.into_iter().map(|id| record(storage, id));
    Ok((records.collect::<StdResult<_>>()?, total.into()))
}

/// One page of an account's transfers, newest first, and how many there are.
pub fn transfers(
    storage: &dyn Storage,
    account: &Addr,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<TransferRecord>, u64)> {
    let (ids, total) = page_of(&TRANSFERS, storage, account, page, page_size)?;
    let records = ids.into_iter().map(|id| transfer(record(storage, id)?));
    Ok((records.collect::<StdResult<_>>()?, total.into()))
}

/// One page of an account's list, newest first, and the list's length.
pub fn page_of<T: serde::Serialize + serde::de::DeserializeOwned>(
    list: &List<T>,
    storage: &dyn Storage,
    account: &Addr,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<T>, u32)> {
    let owner = account.as_bytes();
    let entries = list.newest(storage, owner, page, page_size.min(PAGE_SIZE_MAX))?;
    Ok((entries, list.len(storage, owner)?))
}

fn record(storage: &dyn Storage, id: u64) -> StdResult<Record> {
    let found = RECORDS.get(storage, &[&id.to_be_bytes()])?;
    found.ok_or_else(|| StdError::not_found(format!("record {id}")))
}

fn transfer(record: Record) -> StdResult<TransferRecord> {
    let Action::Transfer {
        from,
        sender,
        recipient,
    } = record.action
    else {
        return Err(StdError::generic_err(
            "the list of transfers holds another record",
        ));
    };
    Ok(TransferRecord {
        id: record.id,
        from,
        sender,
        receiver: recipient,
        coins: record.coins,
        memo: record.memo,
        block_time: record.block_time,
        block_height: record.block_height,
    })
}
