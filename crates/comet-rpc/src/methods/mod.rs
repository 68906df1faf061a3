//! The methods: one table, one file per family.

mod abci;
mod blocks;
mod broadcast;
mod consensus;
mod evidence;
mod info;
mod search;
mod tx;
mod validators;

use super::backend::Backend;
use super::config::Config;
use super::encode::block::Undecodable;
use super::envelope::RpcError;
use super::json::to_json;
use super::params::{Kind, Param, Params};
use crate::indexer::SearchError;
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::sync::Arc;
use strongroom_http::gate::{AGAIN, Busy};
use strongroom_http::workers::{Progress, Work, WorkError};
use strongroom_store::blocks::BlockStoreError;
use strongroom_types::Height;

/// A printed result, or an error.
pub(crate) type Answer = Result<String, RpcError>;
/// An answer that is waited for without holding a thread.
pub(crate) type Later = BoxFuture<'static, Answer>;

/// Context of a method.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) backend: Arc<Backend>,
    pub(crate) config: Arc<Config>,
}

/// Which answers of a method a cache may keep for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    Never,
    /// Those that name a height.
    WithHeight,
    Always,
}

/// Kind of a method's function.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// It works and answers.
    Does(Work, fn(&Context, &Params) -> Answer),
    /// The same of [`Work::Long`], with a part that may wait for its turn.
    Begins(fn(&Context, &Params) -> Progress<Answer>),
    /// It waits for CheckTx.
    Checks(fn(Context, Params) -> Later),
    /// It may wait for a block.
    Waits(fn(Context, Params) -> Later),
    /// Over a websocket only; `ws` does it.
    WebsocketOnly,
}

/// A method.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    pub(crate) cache: Cache,
    pub(crate) call: Call,
}

impl Method {
    /// Whether it hands in something: those that only answer may be called by any verb.
    pub(crate) const fn has_effect(&self) -> bool {
        matches!(self.call, Call::Checks(_) | Call::Waits(_))
    }

    /// Whether the answer to a call with `params` may be kept.
    pub(crate) fn is_cacheable(&self, params: &Params) -> bool {
        match self.cache {
            Cache::Never => false,
            Cache::WithHeight => params.int("height").is_some(),
            Cache::Always => true,
        }
    }
}

const HEIGHT: &[Param] = &[("height", Kind::Int)];
const TX: &[Param] = &[("tx", Kind::Bytes)];
const QUERY: &[Param] = &[("query", Kind::Text)];

const fn now(
    name: &'static str,
    params: &'static [Param],
    cache: Cache,
    call: fn(&Context, &Params) -> Answer,
) -> Method {
    Method {
        name,
        params,
        cache,
        call: Call::Does(Work::Light, call),
    }
}

const fn long(
    name: &'static str,
    params: &'static [Param],
    call: fn(&Context, &Params) -> Answer,
) -> Method {
    Method {
        name,
        params,
        cache: Cache::Never,
        call: Call::Does(Work::Long, call),
    }
}

const fn whole_block(
    name: &'static str,
    params: &'static [Param],
    cache: Cache,
    call: fn(&Context, &Params) -> Answer,
) -> Method {
    Method {
        name,
        params,
        cache,
        call: Call::Does(Work::WholeBlock, call),
    }
}

const fn websocket(name: &'static str, params: &'static [Param]) -> Method {
    Method {
        name,
        params,
        cache: Cache::Never,
        call: Call::WebsocketOnly,
    }
}

/// All methods by name, in the order of the alphabet.
pub(crate) static METHODS: &[Method] = &[
    now("abci_info", &[], Cache::Always, abci::abci_info),
    Method {
        name: "abci_query",
        params: &[
            ("path", Kind::Text),
            ("data", Kind::Hex),
            ("height", Kind::Int),
            ("prove", Kind::Bool),
        ],
        cache: Cache::Never,
        call: Call::Begins(abci::abci_query),
    },
    whole_block("block", HEIGHT, Cache::WithHeight, blocks::block),
    whole_block(
        "block_by_hash",
        &[("hash", Kind::Bytes)],
        Cache::Always,
        blocks::block_by_hash,
    ),
    whole_block(
        "block_results",
        HEIGHT,
        Cache::WithHeight,
        blocks::block_results,
    ),
    long(
        "block_search",
        &[
            ("query", Kind::Text),
            ("page", Kind::Int),
            ("per_page", Kind::Int),
            ("order_by", Kind::Text),
        ],
        search::block_search,
    ),
    now(
        "blockchain",
        &[("minHeight", Kind::Int), ("maxHeight", Kind::Int)],
        Cache::Always,
        blocks::blockchain,
    ),
    now(
        "broadcast_evidence",
        &[("evidence", Kind::Json)],
        Cache::Never,
        evidence::broadcast_evidence,
    ),
    Method {
        name: "broadcast_tx_async",
        params: TX,
        cache: Cache::Never,
        call: Call::Checks(broadcast::broadcast_tx_async),
    },
    Method {
        name: "broadcast_tx_commit",
        params: TX,
        cache: Cache::Never,
        call: Call::Waits(broadcast::broadcast_tx_commit),
    },
    Method {
        name: "broadcast_tx_sync",
        params: TX,
        cache: Cache::Never,
        call: Call::Checks(broadcast::broadcast_tx_sync),
    },
    // It waits until what waits was checked again after a block.
    long("check_tx", TX, abci::check_tx),
    whole_block("commit", HEIGHT, Cache::WithHeight, blocks::commit),
    now(
        "consensus_params",
        HEIGHT,
        Cache::WithHeight,
        validators::consensus_params,
    ),
    whole_block(
        "consensus_state",
        &[],
        Cache::Never,
        consensus::consensus_state,
    ),
    whole_block(
        "dump_consensus_state",
        &[],
        Cache::Never,
        consensus::dump_consensus_state,
    ),
    now("genesis", &[], Cache::Always, info::genesis),
    now(
        "genesis_chunked",
        &[("chunk", Kind::Int)],
        Cache::Always,
        info::genesis_chunked,
    ),
    now("header", HEIGHT, Cache::WithHeight, blocks::header),
    now(
        "header_by_hash",
        &[("hash", Kind::Hex)],
        Cache::Always,
        blocks::header_by_hash,
    ),
    now("health", &[], Cache::Never, info::health),
    now("net_info", &[], Cache::Never, info::net_info),
    now(
        "num_unconfirmed_txs",
        &[],
        Cache::Never,
        broadcast::num_unconfirmed_txs,
    ),
    now("status", &[], Cache::Never, info::status),
    websocket("subscribe", QUERY),
    whole_block(
        "tx",
        &[("hash", Kind::Bytes), ("prove", Kind::Bool)],
        Cache::Always,
        tx::tx,
    ),
    long(
        "tx_search",
        &[
            ("query", Kind::Text),
            ("prove", Kind::Bool),
            ("page", Kind::Int),
            ("per_page", Kind::Int),
            ("order_by", Kind::Text),
        ],
        search::tx_search,
    ),
    whole_block(
        "unconfirmed_txs",
        &[("limit", Kind::Int)],
        Cache::Never,
        broadcast::unconfirmed_txs,
    ),
    websocket("unsubscribe", QUERY),
    websocket("unsubscribe_all", &[]),
    now(
        "validators",
        &[
            ("height", Kind::Int),
            ("page", Kind::Int),
            ("per_page", Kind::Int),
        ],
        Cache::WithHeight,
        validators::validators,
    ),
];

/// The method with this name, exactly.
pub(crate) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// Prints a result.
fn answer<T: Serialize + ?Sized>(value: &T) -> Answer {
    Ok(to_json(value))
}

impl From<BlockStoreError> for RpcError {
    fn from(error: BlockStoreError) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Undecodable> for RpcError {
    fn from(error: Undecodable) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Busy> for RpcError {
    fn from(error: Busy) -> Self {
        Self::for_now(error.to_string(), Some(AGAIN))
    }
}

impl From<WorkError> for RpcError {
    fn from(error: WorkError) -> Self {
        let again = matches!(error, WorkError::Busy).then_some(AGAIN);
        Self::for_now(error.to_string(), again)
    }
}

impl From<SearchError> for RpcError {
    fn from(error: SearchError) -> Self {
        Self::internal(error.to_string())
    }
}

/// A height that the store must have if its invariant holds: between base and the published height.
fn missing(what: &str, height: Height) -> RpcError {
    RpcError::internal(format!("{what} of height {height} is not in the store"))
}

impl Context {
    /// The height that a call means: the one it names if `latest` and the store have it, else `latest`.
    fn height(&self, named: Option<i64>, latest: Height) -> Result<Height, RpcError> {
        let Some(named) = named else {
            return Ok(latest);
        };
        let height = match u64::try_from(named) {
            Ok(height) if height > 0 => height,
            _ => {
                return Err(RpcError::internal(format!(
                    "height must be greater than 0, but got {named}"
                )));
            }
        };
        if height > latest {
            let text = format!(
                "height {height} must be less than or equal to the current blockchain height {latest}"
            );
            return Err(RpcError::internal(text));
        }
        let base = self.backend.blocks.base()?.unwrap_or(1);
        if height < base {
            let text = format!("height {height} is not available, lowest height is {base}");
            return Err(RpcError::internal(text));
        }
        Ok(height)
    }
}

/// The most bytes of blocks or transactions in the answer to a search: a page of large blocks must not fill the memory.
const SEARCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Refuses an answer with more than [`SEARCH_BYTES_MAX`].
fn within_limit(bytes: usize) -> Result<(), RpcError> {
    if bytes <= SEARCH_BYTES_MAX {
        return Ok(());
    }
    let text = format!("the page has more than {SEARCH_BYTES_MAX} bytes; ask for fewer per page");
    Err(RpcError::internal(text))
}

/// Entries of a page, if nothing is said.
const PER_PAGE: usize = 30;
/// Entries of a page, whatever is said.
const PER_PAGE_MAX: usize = 100;

/// The entries of `list` on the page that the params name.
fn page<'a, T>(list: &'a [T], params: &Params) -> Result<&'a [T], RpcError> {
    let per_page = match params.int("per_page").map(usize::try_from) {
        Some(Ok(named)) if named > 0 => named.min(PER_PAGE_MAX),
        _ => PER_PAGE,
    };
    let pages = list.len().div_ceil(per_page).max(1);
    let named = params.int("page").unwrap_or(1);
    let page = usize::try_from(named)
        .ok()
        .filter(|page| (1..=pages).contains(page));
    let Some(page) = page else {
        return Err(RpcError::internal(format!(
            "page should be within [1, {pages}] range, given {named}"
        )));
    };
    let from = (page - 1).saturating_mul(per_page).min(list.len());
    let to = from.saturating_add(per_page).min(list.len());
    Ok(list.get(from..to).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_names_are_unique() {
        assert!(METHODS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn what_prints_whole_transactions_waits_for_its_turn_and_what_may_wait_for_a_check_leaves_threads()
     {
        let work = |name| match find(name).unwrap().call {
            Call::Does(work, _) => Some(work),
            _ => None,
        };
        for name in [
            "block",
            "block_by_hash",
            "block_results",
            "tx",
            "unconfirmed_txs",
        ] {
            assert_eq!(work(name), Some(Work::WholeBlock), "{name}");
        }
        // Their pages have a limit of bytes.
        for name in ["block_search", "check_tx", "tx_search"] {
            assert_eq!(work(name), Some(Work::Long), "{name}");
        }
    }

    #[test]
    fn whoever_finds_the_node_busy_is_told_when_to_come_again() {
        assert_eq!(RpcError::from(Busy).retry_after, Some(AGAIN));
        assert_eq!(RpcError::from(WorkError::Busy).retry_after, Some(AGAIN));
        assert_eq!(RpcError::from(WorkError::Failed).retry_after, None);
    }

    #[test]
    fn a_page_over_the_limit_is_refused() {
        assert!(within_limit(SEARCH_BYTES_MAX).is_ok());
        assert_eq!(within_limit(SEARCH_BYTES_MAX + 1).unwrap_err().code, -32603);
    }

    #[test]
    fn pages_are_bounded() {
        let list: Vec<u32> = (0..250).collect();
        let at = |query: &str| {
            let pairs = crate::params::query_pairs(query);
            page(
                &list,
                &Params::from_uri(&[("page", Kind::Int), ("per_page", Kind::Int)], &pairs).unwrap(),
            )
        };
        assert_eq!(at("").unwrap().len(), PER_PAGE);
        assert_eq!(at("per_page=1000").unwrap().len(), PER_PAGE_MAX);
        assert_eq!(at("per_page=1000&page=3").unwrap(), &list[200..]);
        assert_eq!(at("per_page=-1&page=9").unwrap(), &list[240..]);
        assert_eq!(
            at("page=10").unwrap_err().data,
            "page should be within [1, 9] range, given 10"
        );
        assert!(at("page=-9223372036854775808").is_err());
    }
}
