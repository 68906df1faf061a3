//! Keys and encodings of the rows that the state store writes (docs/spec/state.md 4). No key is spelled elsewhere.

use crate::error::{Error, Result};
use crate::kv::Table;
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_proof::tree::Entry;
use strongroom_types::{Hash, Height, Tree};

/// tree ‖ key hash → [`ValueRow`]. By hash, since proofs of absence need the raw key of whoever stands beside a hash.
pub(super) const VALUES: Table = Table("values");
/// tree ‖ bits of the prefix (2) ‖ prefix → entries of the bucket.
pub(super) const BUCKETS: Table = Table("buckets");
/// height ‖ part (4) → some of the keys that the block at that height changed.
pub(super) const UNDO: Table = Table("undo");
/// tree ‖ key hash ‖ height → the row of VALUES that the block at that height replaced or removed; no row where there was none.
pub(super) const HISTORY: Table = Table("history");
/// Everything there is one of, and the roots of each height.
pub(super) const META: Table = Table("meta");

/// All tables of the state store, for opening a database.
pub const TABLES: &[Table] = &[VALUES, BUCKETS, UNDO, HISTORY, META];

/// Tables of the state whose files are worth compressing: the rows of one key, one beside the other, have its raw key in common.
pub const COMPRESSED: &[Table] = &[HISTORY];

/// Tables of the state whose rows replace each other: each change of a tree writes a bucket that is there.
pub const REWRITTEN: &[Table] = &[BUCKETS];

/// Entries of one bucket. More are split by the next bit, so that nobody can grow a row by aiming at its prefix.
/// A change writes its row whole, and an entry of the trees in memory is as large as one of its rows.
pub const BUCKET_ENTRIES_MAX: usize = 4;

/// Keys in one row of UNDO: few, so that they stand near to what changed, which lets a batch be compressed. Fewer in tests, so that blocks there
/// have several rows.
pub(super) const UNDO_KEYS: usize = if cfg!(test) { 3 } else { 64 };

/// The row of META that names the newest version.
pub(super) const NEWEST: &[u8] = b"m";

/// Format of everything in this file.
pub(super) const FORMAT: u32 = 4;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Changed {
    pub(super) tree: Tree,
    pub(super) key_hash: Hash,
    /// Whether it had a value before: then HISTORY has it.
    pub(super) was: bool,
}

/// The bit beside the tree in a row of UNDO that says [`Changed::was`].
const WAS: u8 = 0x80;

pub(super) fn encode_changed(changed: &[Changed]) -> Vec<u8> {
    let mut row = Vec::with_capacity(changed.len() * 33);
    for key in changed {
        row.push(key.tree as u8 | if key.was { WAS } else { 0 });
        row.extend_from_slice(&key.key_hash);
    }
    row
}

pub(super) fn decode_changed(row: &[u8]) -> Result<Vec<Changed>> {
    let damaged = || Error::damaged("an undo row");
    let (keys, rest) = row.as_chunks::<33>();
    if !rest.is_empty() {
        return Err(damaged());
    }
    let key = |[tree, key_hash @ ..]: &[u8; 33]| {
        let found = Tree::ALL.into_iter().find(|t| *t as u8 == tree & !WAS);
        Ok(Changed {
            tree: found.ok_or_else(damaged)?,
            key_hash: *key_hash,
            was: tree & WAS != 0,
        })
    };
    keys.iter().map(key).collect()
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

fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * at as u32)?;
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

/// Key of the bucket whose prefix is the first `bits` bits of `path`.
pub(super) fn bucket_key(tree: Tree, bits: usize, path: &Hash) -> Vec<u8> {
    let whole = bits / 8;
    let mut key = Vec::with_capacity(3 + bits.div_ceil(8));
    key.push(tree as u8);
    key.extend_from_slice(&u16::try_from(bits).unwrap_or(u16::MAX).to_be_bytes());
    key.extend_from_slice(&path[..whole.min(32)]);
    if !bits.is_multiple_of(8) {
        key.push(path[whole] & (0xff_u8 << (8 - bits % 8)));
    }
    key
}

/// The tree, bits and prefix (padded with zeros) of a bucket's key.
pub(super) fn parse_bucket_key(key: &[u8]) -> Option<(Tree, usize, Hash)> {
    let (head, prefix) = key.split_first_chunk::<3>()?;
    let tree = Tree::ALL.into_iter().find(|tree| *tree as u8 == head[0])?;
    let bits = usize::from(u16::from_be_bytes([head[1], head[2]]));
    let mut path = [0; 32];
    path.get_mut(..prefix.len())?.copy_from_slice(prefix);
    (bits <= 256 && bucket_key(tree, bits, &path) == key).then_some((tree, bits, path))
}

pub(super) fn encode_entries(entries: &[Entry]) -> Vec<u8> {
    let mut row = Vec::with_capacity(entries.len() * 64);
    for entry in entries {
        row.extend_from_slice(&entry.key_hash);
        row.extend_from_slice(&entry.value_hash);
    }
    row
}

pub(super) fn decode_entries(row: &[u8]) -> Result<Vec<Entry>> {
    let (chunks, rest) = row.as_chunks::<64>();
    if !rest.is_empty() || chunks.is_empty() || chunks.len() > BUCKET_ENTRIES_MAX {
        return Err(Error::damaged("length of a bucket"));
    }
    let mut entries = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let (key_hash, value_hash) = chunk.split_at(32);
        let mut entry = Entry {
            key_hash: [0; 32],
            value_hash: [0; 32],
        };
        entry.key_hash.copy_from_slice(key_hash);
        entry.value_hash.copy_from_slice(value_hash);
        entries.push(entry);
    }
    Ok(entries)
}

pub(super) fn undo_key(height: Height, part: u32) -> Vec<u8> {
    [&height.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

/// The last place of a tree that is under the first `bits` bits of `path`.
pub(super) fn last_under(bits: usize, path: &Hash) -> Hash {
    let mut last = [0xff; 32];
    for (at, byte) in path.iter().enumerate().take(bits.div_ceil(8)) {
        let below = bits.saturating_sub(at * 8).min(8);
        let mask = 0xff_u8.checked_shr(below as u32).unwrap_or(0);
        last[at] = byte | mask;
    }
    last
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
    fn the_last_place_under_a_prefix_is_under_it_and_the_next_one_is_not() {
        let path = [0xa5; 32];
        assert_eq!(last_under(0, &path), [0xff; 32]);
        assert_eq!(last_under(256, &path), path);
        for bits in 1..256 {
            let last = last_under(bits, &path);
            assert!(strongroom_proof::tree::common_depth(&last, &path) >= bits);
            assert!((bits..256).all(|bit| strongroom_proof::tree::bit(&last, bit)));
        }
    }
}
