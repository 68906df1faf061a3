//! Keys and encodings of the rows that the state store writes (docs/spec/state.md 4). No key is spelled elsewhere.

use super::top::Leaf;
use crate::error::{Error, Result};
use crate::kv::Table;
use borsh::{BorshDeserialize, BorshSerialize};
use strongroom_types::{Hash, Height, Tree};

/// tree ‖ key hash → [`Head`]: what the trees are made of, and no more. Overwritten with each change.
pub(super) const HEADS: Table = Table("heads");
/// tree ‖ key hash ‖ height → [`Value`] that the block at that height wrote; empty where it removed it (with history alone). Never overwritten.
pub(super) const VERSIONS: Table = Table("versions");
/// height ‖ part (4) → some of the keys that the block at that height changed, and which version each had before.
pub(super) const UNDO: Table = Table("undo");
/// Everything there is one of, and the roots of each height.
pub(super) const META: Table = Table("meta");

/// All tables of the state store, for opening a database.
pub const TABLES: &[Table] = &[HEADS, VERSIONS, UNDO, META];

/// Tables of the state whose files are worth compressing: the rows of one key, one beside the other, have its raw key in common.
pub(super) const COMPRESSED: &[Table] = &[VERSIONS];
/// They are read one by one: with 16 KiB a read takes five times as long as without compression, with these as long.
pub(super) const PART_BYTES: u32 = 4 << 10;
/// A merge gives nothing back of rows that stay.
pub(super) const KEPT: &[Table] = &[VERSIONS];
/// What the trees are made of is read when the store is opened, all of it.
pub(super) const SCANNED: &[Table] = &[HEADS];

/// Keys in one row of UNDO: few, so that they stand near to what changed, which lets a batch be compressed. Fewer in tests, so that blocks there
/// have several rows.
pub(super) const UNDO_KEYS: usize = if cfg!(test) { 3 } else { 16 };

/// The row of META that names the newest version.
pub(super) const NEWEST: &[u8] = b"m";

/// Format of everything in this file.
pub(super) const FORMAT: u32 = 6;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) tree: Tree,
    pub(super) key_hash: Hash,
    /// The height that wrote what was there before; `None` if nothing was.
    pub(super) since: Option<Height>,
}

/// The bit beside the tree in a row of UNDO that says that something was there before.
const REPLACED: u8 = 0x80;

pub(super) fn encode_changed(changed: &[Changed]) -> Vec<u8> {
    let mut out = Vec::with_capacity(changed.len() * 38);
    for key in changed {
        let replaced = if key.since.is_some() { REPLACED } else { 0 };
        out.push(key.tree as u8 | replaced);
        out.extend_from_slice(&key.key_hash);
        if let Some(since) = key.since {
            push_varint(&mut out, since);
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
    let ([tree, key_hash @ ..], behind) = rest.split_first_chunk::<33>()?;
    let (since, behind) = match tree & REPLACED {
        0 => (None, behind),
        _ => take_varint(behind).map(|(since, behind)| (Some(since), behind))?,
    };
    let tree = tree & !REPLACED;
    *rest = behind;
    Some(Changed {
        tree: Tree::ALL.into_iter().find(|known| *known as u8 == tree)?,
        key_hash: *key_hash,
        since,
    })
}

pub(super) fn head_key(tree: Tree, key_hash: &Hash) -> Vec<u8> {
    [&[tree as u8], key_hash.as_slice()].concat()
}

pub(super) fn version_key(tree: Tree, key_hash: &Hash, height: Height) -> Vec<u8> {
    [&[tree as u8], key_hash.as_slice(), &height.to_be_bytes()].concat()
}

pub(super) fn decode_version_key(key: &[u8]) -> Option<(Tree, Hash, Height)> {
    let (tree, rest) = key.split_first()?;
    let (key_hash, height) = rest.split_first_chunk()?;
    let tree = Tree::ALL.into_iter().find(|known| *known as u8 == *tree)?;
    Some((
        tree,
        *key_hash,
        Height::from_be_bytes(height.try_into().ok()?),
    ))
}

/// A row of HEADS: since (varint) ‖ hash of the value (32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The height under which VERSIONS has the value.
    pub(super) since: Height,
    pub(super) value_hash: Hash,
}

impl Head {
    pub(super) const fn of(leaf: &Leaf) -> Self {
        Self {
            since: leaf.since,
            value_hash: leaf.entry.value_hash,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(self.value_hash.len() + VARINT_BYTES_MAX);
        push_varint(&mut row, self.since);
        row.extend_from_slice(&self.value_hash);
        row
    }

    pub(super) fn decode(row: &[u8]) -> Result<Self> {
        let parse = || {
            let (since, rest) = take_varint(row)?;
            Some(Self {
                since,
                value_hash: rest.try_into().ok()?,
            })
        };
        parse().ok_or_else(|| Error::damaged("a row of what stands at a key"))
    }
}

/// A row of VERSIONS that is not empty: length of the raw key (varint) ‖ raw key ‖ value. A proof of absence needs the raw key of whoever stands
/// beside a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) raw_key: &'a [u8],
    pub(super) value: &'a [u8],
}

impl<'a> Value<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let bytes = self.raw_key.len() + self.value.len() + VARINT_BYTES_MAX;
        let mut row = Vec::with_capacity(bytes);
        push_varint(&mut row, self.raw_key.len() as u64);
        row.extend_from_slice(self.raw_key);
        row.extend_from_slice(self.value);
        row
    }

    pub(super) fn decode(row: &'a [u8]) -> Result<Self> {
        let parse = || {
            let (length, rest) = take_varint(row)?;
            let (raw_key, value) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some(Self { raw_key, value })
        };
        parse().ok_or_else(|| Error::damaged("a value without its key"))
    }
}

/// Varints are little endian, seven bits a byte.
const VARINT_BYTES_MAX: usize = 10;

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
        let key = |tree, since| Changed {
            tree,
            key_hash: [7; 32],
            since,
        };
        let changed = [
            key(Tree::Contract, Some(u64::MAX)),
            key(Tree::Ibc, Some(0)),
            key(Tree::Native, None),
            key(Tree::Native, Some(300)),
        ];
        let row = encode_changed(&changed);
        assert_eq!(decode_changed(&row).unwrap(), changed);
        let ends: Vec<usize> = (0..=4)
            .map(|n| encode_changed(&changed[..n]).len())
            .collect();
        for cut in 0..row.len() {
            assert_eq!(decode_changed(&row[..cut]).is_ok(), ends.contains(&cut));
        }
        for bad in [3, REPLACED | 3, 0x40, 0x20] {
            let mut bent = row.clone();
            bent[0] = bad;
            assert!(decode_changed(&bent).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written_and_refused_if_it_is_shorter_or_longer() {
        for since in [0, 127, 128, u64::MAX] {
            let head = Head {
                since,
                value_hash: [5; 32],
            };
            let mut row = head.encode();
            assert_eq!(Head::decode(&row).unwrap(), head);
            for cut in 0..row.len() {
                assert!(Head::decode(&row[..cut]).is_err(), "{since} {cut}");
            }
            row.push(5);
            assert!(Head::decode(&row).is_err(), "{since}");
        }
    }
}
