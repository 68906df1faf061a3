//! What a node shows of a marked transaction, and what follows from it.
//!
//! Promises: that a node shows nothing closes no mark; only a proof does, or the word of a node that is believed.

use super::Mark;
use super::history;
use crate::rpc::Client;
use crate::tx::send;
use serde_json::json;
use strongroom_sdk::client::{Error, Included, Proven};
use strongroom_types::Address;

/// Transactions of one sequence that are looked at; a chain has one that counts.
const FOUND_MAX: usize = 8;
/// Code of a transaction whose sequence is not the account's.
pub(super) const WRONG_SEQUENCE: u32 = 32;

/// A node, and whether its word counts.
pub(in crate::tx) struct View<'c> {
    pub(in crate::tx) client: &'c mut Client,
    pub(in crate::tx) is_believed: bool,
}

/// What is known of a marked transaction.
pub(super) enum Fate {
    Included(Box<Included>),
    /// Another transaction of its sequence is in a block.
    Other(Box<Included>),
    /// No block may hold it any more.
    Never,
    /// The chain is not the one that it was signed on, for all that it has its name.
    Elsewhere,
    Open,
}

impl Mark {
    /// How it ended, or may still end.
    pub(super) async fn fate(&self, view: &mut View<'_>, address: &Address) -> Result<Fate, Error> {
        let client = &mut *view.client;
        match client.transaction(&self.txhash).await {
            Ok(included) => return Ok(Fate::Included(Box::new(included))),
            Err(Error::NotIncluded { .. }) => {}
            // Whatever cannot be proven is as open as before.
            Err(Error::Light(_)) => return Ok(Fate::Open),
            Err(error) => return Err(error),
        }
        if view.is_believed && history::is_another(client, &self.history).await? {
            return Ok(Fate::Elsewhere);
        }
        let (height, sequence) = match client.settled(address).await {
            Ok(settled) => settled,
            // An account that never was has signed nothing that a block holds.
            Err(Error::Light(_) | Error::NoAccount(_)) => return Ok(Fate::Open),
            Err(error) => return Err(error),
        };
        if sequence > self.sequence {
            // That a node shows no block with this one says nothing: it may hide it. One with another of the sequence does.
            let other = self.other(client, address).await?;
            return Ok(other.map_or(Fate::Open, |other| Fate::Other(Box::new(other))));
        }
        let is_over = self.timeout_height != 0 && height >= self.timeout_height;
        Ok(if is_over { Fate::Never } else { Fate::Open })
    }

    /// Another transaction of the account with this sequence, in a block; as far as the node shows one.
    async fn other(
        &self,
        client: &mut Client,
        address: &Address,
    ) -> Result<Option<Included>, Error> {
        let query = format!("tx.acc_seq='{address}/{}'", self.sequence);
        let params = json!({ "query": query, "prove": false, "page": "1", "per_page": "100", "order_by": "asc" });
        let answer = match client.call("tx_search", &params).await {
            // Not every node has an index.
            Err(Error::Rpc(_)) => return Ok(None),
            answer => answer?,
        };
        let txs = answer["txs"].as_array().map(Vec::as_slice);
        for tx in txs.unwrap_or_default().iter().take(FOUND_MAX) {
            let Some(hash) = tx["hash"].as_str() else {
                continue;
            };
            let included = match client.transaction(hash).await {
                Ok(included) => included,
                Err(Error::NotIncluded { .. } | Error::Light(_)) => continue,
                Err(error) => return Err(error),
            };
            let same = send::signed_by(&included.tx).as_ref() == Some(address)
                && send::sequence(&included.tx) == Some(self.sequence);
            let is_other = !included.hash.eq_ignore_ascii_case(&self.txhash);
            if same && is_other && has_used_sequence(&included) {
                return Ok(Some(included));
            }
        }
        Ok(None)
    }
}

/// Whether no other transaction of its sequence can be in a block: one that failed because its sequence was another's says nothing of that other.
pub(super) fn has_used_sequence(included: &Included) -> bool {
    included.proven != Proven::Block && included.result.code != WRONG_SEQUENCE
}
