//! Who moved what, when: every event is stored once, and listed for each account that took part.

use cosmwasm_std::{Addr, Coin, Env, StdError, StdResult, Storage};
use secret_toolkit::serialization::Bincode2;
use secret_toolkit::storage::{AppendStore, Item, Keymap, KeymapBuilder, WithoutIter};

use crate::msg::{Action, Record, TransferRecord};

/// Most entries that one page may have.
pub const PAGE_SIZE_MAX: u32 = 100;

/// Number of the newest event; numbers begin with 1.
static NEWEST: Item<u64> = Item::new(b"newest_record");
/// Number → event.
static RECORDS: Keymap<u64, Record, Bincode2, WithoutIter> =
    KeymapBuilder::new(b"records").without_iter().build();
/// Per account: numbers of all its events.
static ALL: AppendStore<u64> = AppendStore::new(b"all_records");
/// Per account: numbers of its transfers.
static TRANSFERS: AppendStore<u64> = AppendStore::new(b"transfer_records");

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
    RECORDS.insert(storage, &id, &record)?;

    for (position, account) in participants.iter().enumerate() {
        if participants[..position].contains(account) {
            continue;
        }
        list(&ALL, account).push(storage, &id)?;
        if is_transfer {
            list(&TRANSFERS, account).push(storage, &id)?;
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
    let (ids, total) = page_of(&list(&ALL, account), storage, page, page_size)?;
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
    let (ids, total) = page_of(&list(&TRANSFERS, account), storage, page, page_size)?;
    let records = ids.into_iter().map(|id| transfer(record(storage, id)?));
    Ok((records.collect::<StdResult<_>>()?, total.into()))
}

/// One page of a list, newest first, and the list's length.
pub fn page_of<T: serde::Serialize + serde::de::DeserializeOwned>(
    list: &AppendStore<T>,
    storage: &dyn Storage,
    page: u32,
    page_size: u32,
) -> StdResult<(Vec<T>, u32)> {
    let page_size = page_size.min(PAGE_SIZE_MAX);
    let total = list.get_len(storage)?;
    let newest = total.saturating_sub(page.saturating_mul(page_size));
    let oldest = newest.saturating_sub(page_size);
    let entries = (oldest..newest).rev().map(|at| list.get_at(storage, at));
    Ok((entries.collect::<StdResult<_>>()?, total))
}

fn list<T: serde::Serialize + serde::de::DeserializeOwned>(
    lists: &AppendStore<'static, T>,
    account: &Addr,
) -> AppendStore<'static, T> {
    lists.add_suffix(account.as_bytes())
}

fn record(storage: &dyn Storage, id: u64) -> StdResult<Record> {
    let found = RECORDS.get(storage, &id);
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
