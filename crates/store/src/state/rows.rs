//! Keys and encodings of the rows that the state store writes (docs/spec/state.md 4). No key is spelled elsewhere.

use crate::error::{Error, Result};
use crate::kv::Table;
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::{Hash, Height, Tree};

/// tree ‖ key hash → [`ValueRow`]. By hash, since proofs of absence need the raw key of whoever stands beside a hash.
pub(super) const VALUES: Table = Table("values");
/// height ‖ part (4) → some of the keys that the block at that height changed; without history also what it replaced.
pub(super) const UNDO: Table = Table("undo");
/// tree ‖ key hash ‖ height → the row of VALUES that the block at that height replaced or removed; no row where there was none, and none without history.
pub(super) const HISTORY: Table = Table("history");
/// Everything there is one of, and the roots of each height.
pub(super) const META: Table = Table("meta");

/// All tables of the state store, for opening a database.
pub const TABLES: &[Table] = &[VALUES, UNDO, HISTORY, META];

/// Tables of the state whose files are worth compressing: the rows of one key, one beside the other, have its raw key in common.
pub(super) const COMPRESSED: &[Table] = &[HISTORY];

/// Keys in one row of UNDO: few, so that they stand near to what changed, which lets a batch be compressed. Fewer in tests, so that blocks there
/// have several rows.
pub(super) const UNDO_KEYS: usize = if cfg!(test) { 3 } else { 16 };

/// The row of META that names the newest version.
pub(super) const NEWEST: &[u8] = b"m";

/// Format of everything in this file.
pub(super) const FORMAT: u32 = 5;

/// Content of NEWEST.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Newest {
    pub(super) format: u32,
    pub(super) height: Height,
    pub(super) roots: Roots,
    pub(super) history: bool,
    /// First height of which values can be had (with history), or the height of the first commit.
    pub(super) first: Height,
}

/// Roots in order of tree.
pub(super) type Roots = [(Tree, Hash); 3];

/// A key that a block changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) tree: Tree,
    pub(super) key_hash: Hash,
    pub(super) before: Before,
}

/// What was at a key before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// A row of VALUES, which lies in HISTORY.
    InHistory,
    /// A row of VALUES, which goes with the row of UNDO.
    Row(Vec<u8>),
}

/// The bits beside the tree in a row of UNDO that say [`Before`].
const IN_HISTORY: u8 = 0x80;
const ROW: u8 = 0x40;

pub(super) fn encode_changed(changed: &[Changed]) -> Vec<u8> {
    let mut out = Vec::new();
    for key in changed {
        let before = match key.before {
            Before::Nothing => 0,
            Before::InHistory => IN_HISTORY,
            Before::Row(_) => ROW,
        };
        out.push(key.tree as u8 | before);
        out.extend_from_slice(&key.key_hash);
        if let Before::Row(row) = &key.before {
            push_varint(&mut out, row.len() as u64);
            out.extend_from_slice(row);
        }
    }
    out
}

pub(super) fn decode_changed(mut rest: &[u8]) -> Result<Vec<Changed>> {
    let mut changed = Vec::new();
    while !rest.is_empty() {
        let key = take_changed(&mut rest);
        changed.push(key.ok_or_else(|| Error::damaged("an undo row"))?);
    }
    Ok(changed)
}

fn take_changed(rest: &mut &[u8]) -> Option<Changed> {
    let ([tree, key_hash @ ..], mut behind) = rest.split_first_chunk::<33>()?;
    let before = match tree & (IN_HISTORY | ROW) {
        0 => Before::Nothing,
        IN_HISTORY => Before::InHistory,
        ROW => {
            let (length, row) = take_varint(behind)?;
            let (row, after) = row.split_at_checked(usize::try_from(length).ok()?)?;
            behind = after;
            Before::Row(row.to_vec())
        }
        _ => return None,
    };
    let tree = tree & !(IN_HISTORY | ROW);
    *rest = behind;
    Some(Changed {
        tree: Tree::ALL.into_iter().find(|known| *known as u8 == tree)?,
        key_hash: *key_hash,
        before,
    })
}

pub(super) fn value_key(tree: Tree, key_hash: &Hash) -> Vec<u8> {
    [&[tree as u8], key_hash.as_slice()].concat()
}

/// A row of VALUES: since (varint) ‖ length of the raw key (varint) ‖ raw key ‖ value. Varints are little endian, seven bits a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ValueRow<'a> {
    /// The block that wrote it. What is older needs no row of HISTORY to be told from what was not there.
    pub(super) since: Height,
    pub(super) raw_key: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> ValueRow<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(self.raw_key.len() + self.value.len() + 8);
        push_varint(&mut row, self.since);
        push_varint(&mut row, self.raw_key.len() as u64);
        row.extend_from_slice(self.raw_key);
        row.extend_from_slice(self.value);
        row
    }

    pub(super) fn decode(row: &'a [u8]) -> Result<Self> {
        let parse = || {
            let (since, rest) = take_varint(row)?;
            let (length, rest) = take_varint(rest)?;
            let (raw_key, value) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some(Self {
                since,
                raw_key,
                value,
            })
        };
        parse().ok_or_else(|| Error::damaged("a value without its key"))
    }
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A number has one encoding: neither more bytes than it needs nor more bits than it has.
fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        if at > 0 && *byte == 0 || at == 9 && *byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

pub(super) fn undo_key(height: Height, part: u32) -> Vec<u8> {
    [&height.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

pub(super) fn roots_key(height: Height) -> Vec<u8> {
    [b"r".as_slice(), &height.to_be_bytes()].concat()
}

pub(super) fn extra_key(name: &str) -> Vec<u8> {
    [b"x", name.as_bytes()].concat()
}

pub(super) fn history_key(tree: Tree, key_hash: &Hash, height: Height) -> Vec<u8> {
    [&[tree as u8], key_hash.as_slice(), &height.to_be_bytes()].concat()
}

/// A borsh encoding; writing to memory does not fail.
pub(super) fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory does not fail")
}

pub(super) fn decode<T: BorshDeserialize>(bytes: &[u8], what: &str) -> Result<T> {
    borsh::from_slice(bytes).map_err(|error| Error::damaged(format!("{what}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_encoding() {
        for number in [0, 1, 127, 128, 300, 1 << 62, u64::MAX] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            assert_eq!(take_varint(&bytes), Some((number, &[][..])));
            *bytes.last_mut().unwrap() |= 0x80;
            bytes.push(0);
            assert_eq!(take_varint(&bytes), None, "{number}");
        }
        let bits_above = [&[0xff; 9][..], &[3]].concat();
        assert_eq!(take_varint(&bits_above), None);
    }

    #[test]
    fn a_row_of_undo_is_read_as_it_was_written_and_refused_if_anything_is_missing() {
        let key = |tree, before| Changed {
            tree,
            key_hash: [7; 32],
            before,
        };
        let changed = [
            key(Tree::Contract, Before::Row(vec![9; 300])),
            key(Tree::Ibc, Before::InHistory),
            key(Tree::Native, Before::Nothing),
            key(Tree::Native, Before::Row(Vec::new())),
        ];
        let row = encode_changed(&changed);
        assert_eq!(decode_changed(&row).unwrap(), changed);
        let ends: Vec<usize> = (0..=4)
            .map(|n| encode_changed(&changed[..n]).len())
            .collect();
        for cut in 0..row.len() {
            assert_eq!(decode_changed(&row[..cut]).is_ok(), ends.contains(&cut));
        }
        for bad in [3, IN_HISTORY | ROW, 0x20] {
            let mut bent = row.clone();
            bent[0] = bad;
            assert!(decode_changed(&bent).is_err(), "{bad}");
        }
    }
}
