//! The event index: which rows a block leaves.
//!
//! A row is `I`, subject, key, value, height, position, all in its key. Text is escaped so that order and boundaries
//! hold: 0x00 becomes 0x00 0xFF, the end is 0x00 0x01. Only attributes with `index: true` get rows.

use super::keys;
use super::records::BlockResults;
use super::rows::Batch;
use super::search::{Position, Subject};
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

/// `prefix` and a position.
pub(super) fn with_position(mut prefix: Vec<u8>, position: Position) -> Vec<u8> {
    prefix.extend_from_slice(&position.height.to_be_bytes());
    prefix.extend_from_slice(&position.index.to_be_bytes());
    prefix
}

/// Value and position of a row, given what follows its key prefix. `None` if it is no such row.
pub(super) fn parse_tail(tail: &[u8]) -> Option<(String, Position)> {
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
    Some((String::from_utf8(value).ok()?, parse_position(&rest)?))
}

/// The position in the last 12 bytes.
pub(super) fn parse_position(bytes: &[u8]) -> Option<Position> {
    let (height, index) = bytes.split_at_checked(8)?;
    Some(Position {
        height: u64::from_be_bytes(height.try_into().ok()?),
        index: u32::from_be_bytes(index.try_into().ok()?),
    })
}

fn event_rows(subject: Subject, events: &[Event], position: Position, batch: &mut Batch) {
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
            batch.put(with_position(prefix, position), Vec::new());
        }
    }
}

/// All index rows of a block.
pub(super) fn rows(height: Height, txs: usize, results: &BlockResults, batch: &mut Batch) {
    for position in 0..txs {
        let position = Position {
            height,
            index: u32::try_from(position).unwrap_or(u32::MAX),
        };
        let prefix = value_prefix(Subject::Tx, TX_HEIGHT, "");
        batch.put(with_position(prefix, position), Vec::new());
    }
    for (position, result) in results.tx_results.iter().enumerate() {
        let position = Position {
            height,
            index: u32::try_from(position).unwrap_or(u32::MAX),
        };
        event_rows(Subject::Tx, &result.events, position, batch);
    }
    event_rows(
        Subject::Block,
        &results.events,
        Position { height, index: 0 },
        batch,
    );
}
