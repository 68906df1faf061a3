//! The event index: which rows a block leaves.
//!
//! A row's key is `I`, subject, key, value, height; its value is the places in that block ([`places`](super::places)), so that a thousand transfers
//! whose module is the same have one row. Text is escaped so that order and boundaries hold: 0x00 becomes 0x00 0xFF, the end is
//! 0x00 0x01. Only attributes with `index: true` get rows.

use super::keys;
use super::places::Places;
use super::records::BlockResults;
use super::search::Subject;
use std::collections::HashMap;
use strongroom_types::{Event, Height};

/// Longer keys and values get no row: nobody searches for them, and they would bloat the index.
pub const MAX_INDEXED_BYTES: usize = 1_024;

/// The key under which every transaction has a row with an empty value, so that heights can be listed.
pub(super) const TX_HEIGHT: &str = "tx.height";

/// Keys that the node itself defines. An event that imitates one gets no row, else anyone could fake them.
const RESERVED: [&str; 3] = [TX_HEIGHT, "tx.hash", "block.height"];

fn push_text(key: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0, 1]);
}

/// The beginning of all rows of `key`.
pub(super) fn key_prefix(subject: Subject, key: &str) -> Vec<u8> {
    let mut prefix = vec![keys::INDEX, subject as u8];
    push_text(&mut prefix, key);
    prefix
}

/// The beginning of all rows of `key` with exactly `value`.
pub(super) fn value_prefix(subject: Subject, key: &str, value: &str) -> Vec<u8> {
    let mut prefix = key_prefix(subject, key);
    push_text(&mut prefix, value);
    prefix
}

/// `prefix` and a height.
pub(super) fn with_height(mut prefix: Vec<u8>, height: Height) -> Vec<u8> {
    prefix.extend_from_slice(&height.to_be_bytes());
    prefix
}

/// Value and height of a row, given what follows its key prefix. `None` if it is no such row.
pub(super) fn parse_tail(tail: &[u8]) -> Option<(String, Height)> {
    let mut value = Vec::new();
    let mut bytes = tail.iter().copied();
    loop {
        match bytes.next()? {
            0 => match bytes.next()? {
                1 => break,
                _ => value.push(0),
            },
            byte => value.push(byte),
        }
    }
    let rest: Vec<u8> = bytes.collect();
    Some((String::from_utf8(value).ok()?, parse_height(&rest)?))
}

/// The height that is the end of a key.
pub(super) fn parse_height(bytes: &[u8]) -> Option<Height> {
    Some(Height::from_be_bytes(bytes.try_into().ok()?))
}

/// Beginnings of rows, and the places behind them.
type Found = HashMap<Vec<u8>, Places>;

fn collect(subject: Subject, events: &[Event], place: u32, found: &mut Found) {
    for event in events {
        for attribute in event
            .attributes
            .iter()
            .filter(|a| a.index && !a.key.is_empty())
        {
            let key = format!("{}.{}", event.kind, attribute.key);
            let long = key.len() > MAX_INDEXED_BYTES || attribute.value.len() > MAX_INDEXED_BYTES;
            if event.kind.is_empty() || long || RESERVED.contains(&key.as_str()) {
                continue;
            }
            let prefix = value_prefix(subject, &key, &attribute.value);
            found.entry(prefix).or_default().push(place);
        }
    }
}

/// All index rows of a block, in order: what begins alike stands together, in memory and in a journal that compresses.
pub(super) fn rows(
    height: Height,
    txs: usize,
    results: &BlockResults,
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + use<> {
    let mut found = Found::new();
    if txs > 0 {
        let all = Places::all(u32::try_from(txs).unwrap_or(u32::MAX));
        found.insert(value_prefix(Subject::Tx, TX_HEIGHT, ""), all);
    }
    for (place, result) in results.tx_results.iter().enumerate() {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        collect(Subject::Tx, &result.events, place, &mut found);
    }
    collect(Subject::Block, &results.events, 0, &mut found);
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let found = found.into_iter();
    found.map(move |(prefix, places)| (with_height(prefix, height), places.encode()))
}
