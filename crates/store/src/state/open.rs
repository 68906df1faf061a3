//! Opening: what the database holds must be exactly what its roots say.

use super::History;
use super::rows::{self, Newest, ValueRow};
use super::top::Top;
use super::view::KeyHash;
use crate::error::{Error, Result};
use crate::kv::Snapshot;
use std::ops::{Bound, Range};
use std::sync::Arc;
use strongroom_proof::tree::Entry;
use strongroom_types::{Hash, Tree, sha256};

/// A tree is built in parts: of the keys whose hashes begin with the same byte.
const PART_BITS: usize = 8;
const PARTS: usize = 1 << PART_BITS;
/// Threads that read, if there are cores for them.
const READERS_MAX: usize = 8;

/// The newest version and its trees; `None` for an empty database.
pub(super) fn read(
    snapshot: &Arc<dyn Snapshot>,
    history: History,
    key_hash: KeyHash,
) -> Result<Option<(Newest, [Top; 3])>> {
    let Some(row) = snapshot.get(rows::META, rows::NEWEST)? else {
        let all = (Bound::Unbounded, Bound::Unbounded);
        return match snapshot.rows(rows::VALUES, all)?.next() {
            None => Ok(None),
            Some(_) => Err(Error::damaged("there are values and no version")),
        };
    };
    let format = row.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    if format != Some(rows::FORMAT) {
        return Err(Error::Format {
            what: format!("format {format:?}, this program reads {}", rows::FORMAT),
        });
    }
    let newest: Newest = rows::decode(&row, "the newest version")?;
    if newest.history != (history == History::All) {
        return Err(Error::Format {
            what: "history is a setting for the life of a store".to_owned(),
        });
    }
    let tops = read_tops(&**snapshot, key_hash)?;
    for (name, root) in newest.roots {
        if tops[name as usize].hash() != &root {
            return Err(Error::damaged(format!(
                "tree {} does not give the root of height {}",
                name.name(),
                newest.height
            )));
        }
    }
    Ok(Some((newest, tops)))
}

/// Reads and hashes all values, on all cores.
fn read_tops(snapshot: &dyn Snapshot, key_hash: KeyHash) -> Result<[Top; 3]> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let readers = cores.min(READERS_MAX);
    let mut parts = [(); 3].map(|()| vec![Top::Empty; PARTS]);
    std::thread::scope(|scope| {
        let start = |reader: usize| {
            let bytes = reader * PARTS / readers..(reader + 1) * PARTS / readers;
            let read = move || -> Result<_> {
                let read = |tree| read_parts(snapshot, key_hash, tree, &bytes);
                let [contract, ibc, native] = Tree::ALL;
                Ok([read(contract)?, read(ibc)?, read(native)?])
            };
            let thread = std::thread::Builder::new().name("open-state".to_owned());
            thread.spawn_scoped(scope, read).map_err(Error::engine)
        };
        let started: Vec<_> = (0..readers).map(start).collect();
        for reader in started {
            let found = reader?.join();
            let found = found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            for (parts, found) in parts.iter_mut().zip(found) {
                for (byte, top) in found {
                    parts[usize::from(byte)] = top;
                }
            }
        }
        Ok::<_, Error>(())
    })?;
    Ok(parts.map(join_all))
}

/// The tree of its parts, in order.
fn join_all(mut parts: Vec<Top>) -> Top {
    for depth in (0..PART_BITS).rev() {
        let mut halves = parts.into_iter();
        parts = std::iter::from_fn(|| Some((halves.next()?, halves.next()?)))
            .map(|(left, right)| Top::join(left, right, depth))
            .collect();
    }
    parts.pop().unwrap_or(Top::Empty)
}

/// The parts of a tree whose hashes begin with one of `bytes`.
fn read_parts(
    snapshot: &dyn Snapshot,
    key_hash: KeyHash,
    tree: Tree,
    bytes: &Range<usize>,
) -> Result<Vec<(u8, Top)>> {
    // No row lies between two parts: what is not where it should be is met, and refused.
    let bound = |byte: usize| match (byte, u8::try_from(byte)) {
        (0, _) if tree == Tree::Contract => vec![],
        (0, _) => vec![tree as u8],
        (_, Ok(byte)) => vec![tree as u8, byte],
        (_, Err(_)) => vec![tree as u8 + 1],
    };
    let (from, to) = (bound(bytes.start), bound(bytes.end));
    let to = match to[0] <= Tree::Native as u8 {
        true => Bound::Excluded(&to[..]),
        false => Bound::Unbounded,
    };
    let range = (Bound::Included(&from[..]), to);
    let (mut parts, mut entries) = (Vec::new(), Vec::<Entry>::new());
    let mut end = |entries: &mut Vec<Entry>| {
        if let Some(first) = entries.first() {
            parts.push((first.key_hash[0], Top::of(entries, PART_BITS)));
            entries.clear();
        }
    };
    for row in snapshot.rows(rows::VALUES, range)? {
        let (key, row) = row?;
        let entry = entry(tree, &key, &row, key_hash)?;
        if entries
            .first()
            .is_some_and(|first| first.key_hash[0] != entry.key_hash[0])
        {
            end(&mut entries);
        }
        entries.push(entry);
    }
    end(&mut entries);
    Ok(parts)
}

/// What a row of VALUES puts into its tree.
fn entry(tree: Tree, key: &[u8], row: &[u8], key_hash: KeyHash) -> Result<Entry> {
    let place = key.strip_prefix(&[tree as u8]);
    let place = place.and_then(|place| Hash::try_from(place).ok());
    let place = place.ok_or_else(|| Error::damaged("key of a value"))?;
    let row = ValueRow::decode(row)?;
    if key_hash(row.raw_key) != place {
        return Err(Error::damaged("a value lies under another key's hash"));
    }
    Ok(Entry {
        key_hash: place,
        value_hash: sha256(row.value),
    })
}
