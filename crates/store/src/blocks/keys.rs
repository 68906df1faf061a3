//! The keys of the block database; no key is spelled twice. One byte names the family, heights are big-endian, so that
//! the order of keys is the order of heights.

use strongroom_types::{Hash, Height};

/// Format of all rows ([`super::FORMAT`]).
pub(super) const STORE_FORMAT: &[u8] = b"M/format";
/// Lowest stored height.
pub(super) const BASE: &[u8] = b"M/base";
/// Newest decided height.
pub(super) const DECIDED: &[u8] = b"M/decided";
/// Newest executed height.
pub(super) const EXECUTED: &[u8] = b"M/executed";
/// Number of the newest file of long rows that a row names.
pub(super) const LARGE: &[u8] = b"M/large";
/// Family: validators from a height on.
pub(super) const VALIDATORS: u8 = b'V';
/// Family: consensus parameters from a height on.
pub(super) const PARAMS: u8 = b'P';
/// Family: index rows.
pub(super) const INDEX: u8 = b'I';

/// Family: whole blocks.
pub(super) const BLOCK: u8 = b'B';
/// Family: results.
pub(super) const RESULTS: u8 = b'R';
/// Family: heights by block hash.
pub(super) const BLOCK_HASH: u8 = b'h';
/// Family: places by transaction hash.
pub(super) const TX: u8 = b'T';
/// Family: places where a transaction failed, by its hash.
pub(super) const TX_FAILED: u8 = b'F';

/// A key of `family` at `height`.
pub(super) fn from_height(family: u8, height: Height) -> Vec<u8> {
    let mut key = vec![family];
    key.extend_from_slice(&height.to_be_bytes());
    key
}

/// Block without its content.
pub(super) fn meta(height: Height) -> Vec<u8> {
    from_height(b'H', height)
}

/// Whole block.
pub(super) fn block(height: Height) -> Vec<u8> {
    from_height(BLOCK, height)
}

/// Results.
pub(super) fn results(height: Height) -> Vec<u8> {
    from_height(RESULTS, height)
}

fn by_hash(family: u8, hash: &Hash) -> Vec<u8> {
    let mut key = vec![family];
    key.extend_from_slice(hash);
    key
}

/// Block hash → height.
pub(super) fn block_hash(hash: &Hash) -> Vec<u8> {
    by_hash(BLOCK_HASH, hash)
}

/// Transaction hash → place.
pub(super) fn tx(hash: &Hash) -> Vec<u8> {
    by_hash(TX, hash)
}

/// Transaction hash → the first place where it failed.
pub(super) fn tx_failed(hash: &Hash) -> Vec<u8> {
    by_hash(TX_FAILED, hash)
}
