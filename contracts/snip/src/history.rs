//! What happened to tokens (SNIP-721, SNIP-1155): every event is stored once, and listed for each account that took part.

use cosmwasm_std::{Addr, Env, StdError, StdResult, Storage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{Item, List, Map};

/// Most entries that one page may have.
pub const PAGE_SIZE_MAX: u32 = 100;

/// One event, as clients see it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Record<A> {
    /// Number of the event in this contract, from 1.
    pub tx_id: u64,
    /// In which block.
    pub block_height: u64,
    /// When, in seconds since 1970.
    pub block_time: u64,
    /// Which token.
    pub token_id: String,
    /// What happened.
    pub action: A,
    /// The memo, if there was one.
    pub memo: Option<String>,
}

/// The events of a contract; `A` is what can happen. There is one in a contract.
pub struct History<A> {
    newest: Item<u64>,
    records: Map<Record<A>>,
    lists: List<u64>,
}

impl<A: Serialize + DeserializeOwned> History<A> {
    /// The place.
    #[allow(clippy::new_without_default)] // A constant function, for statics.
    pub const fn new() -> Self {
        History {
            newest: Item::new("newest_record"),
            records: Map::new("records"),
            lists: List::new("count_of_records", "lists_of_records"),
        }
    }

    /// Writes an event into the history of everybody who took part.
    pub fn append(
        &self,
        storage: &mut dyn Storage,
        env: &Env,
        participants: &[&Addr],
        token_id: &str,
        action: A,
        memo: Option<String>,
    ) -> StdResult<()> {
        let tx_id = self.newest.may_load(storage)?.unwrap_or_default() + 1;
        let record = Record {
            tx_id,
            block_height: env.block.height,
            block_time: env.block.time.seconds(),
            token_id: token_id.to_string(),
            action,
            memo,
        };
        self.newest.save(storage, &tx_id)?;
        self.records
            .set(storage, &[&tx_id.to_be_bytes()], &record)?;
        for (position, account) in participants.iter().enumerate() {
            if !participants[..position].contains(account) {
                self.lists.push(storage, account.as_bytes(), &tx_id)?;
            }
        }
        Ok(())
    }

    /// One page of an account's events, newest first, and how many there are. Pages are counted from 0.
    pub fn page(
        &self,
        storage: &dyn Storage,
        account: &Addr,
        page: u32,
        page_size: u32,
    ) -> StdResult<(Vec<Record<A>>, u64)> {
        let owner = account.as_bytes();
        let size = page_size.min(PAGE_SIZE_MAX);
        let ids = self.lists.newest(storage, owner, page, size)?;
        let record = |id: u64| {
            let found = self.records.get(storage, &[&id.to_be_bytes()])?;
            found.ok_or_else(|| StdError::not_found(format!("record {id}")))
        };
        let records = ids.into_iter().map(record).collect::<StdResult<_>>()?;
        Ok((records, self.lists.len(storage, owner)?.into()))
    }
}

/// Somebody else than the owner.
pub fn other_than(owner: &Addr, sender: &Addr) -> Option<Addr> {
    Some(sender.clone()).filter(|sender| sender != owner)
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::{mock_env, MockStorage};

    use super::*;

    static HISTORY: History<u8> = History::new();

    #[test]
    fn an_event_is_listed_once_for_each_who_took_part() {
        let mut storage = MockStorage::new();
        let (alice, bob) = (Addr::unchecked("alice"), Addr::unchecked("bob"));
        for action in 1..=3 {
            let participants = [&alice, &alice, &bob];
            let took_part = &participants[..usize::from(action)];
            HISTORY
                .append(&mut storage, &mock_env(), took_part, "t", action, None)
                .unwrap();
        }
        let page = |who, page, size| HISTORY.page(&storage, who, page, size).unwrap();
        let (records, total) = page(&alice, 0, 2);
        let actions: Vec<u8> = records.iter().map(|record| record.action).collect();
        assert_eq!((actions, total), (vec![3, 2], 3));
        let (records, total) = page(&bob, 0, u32::MAX);
        assert_eq!((records.len(), records[0].tx_id, total), (1, 3, 1));
    }
}
