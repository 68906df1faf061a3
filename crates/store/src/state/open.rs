//! Opening: what the heads say must be exactly what the roots say. Values are held against them when they are read.

use super::rows::{self, Head, Newest};
use super::top::{Leaf, Top};
use super::{History, prepare};
use crate::error::{Error, Result};
use crate::kv::Snapshot;
use std::ops::{Bound, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use strongroom_proof::tree::Entry;
use strongroom_types::{Hash, Height, Tree};

/// A tree is built in parts: of the keys whose hashes begin with the same byte.
const PART_BITS: usize = 8;
const PARTS: usize = 1 << PART_BITS;
/// Threads that read, if there are cores for them.
const READERS_MAX: usize = 8;

/// The newest version and its trees; `None` for an empty database. `tell` hears, from any thread, how many entries were read so far.
pub(super) fn read(
    snapshot: &Arc<dyn Snapshot>,
    history: History,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<Option<(Newest, [Top; 3])>> {
    let Some(row) = snapshot.get(rows::META, rows::NEWEST)? else {
        let all = (Bound::Unbounded, Bound::Unbounded);
        for table in [rows::HEADS, rows::VERSIONS] {
            if let Some(_row) = snapshot.rows(table, all)?.next().transpose()? {
                return Err(Error::damaged("there are values and no version"));
            }
        }
        return Ok(None);
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
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let readers = cores.min(READERS_MAX);
    let tops = read_trees(&**snapshot, newest.height, readers, tell)?;
    for (found, wanted) in prepare::roots_of(&tops).iter().zip(&newest.roots) {
        if found != wanted {
            return Err(Error::damaged(format!(
                "tree {} does not give the root of height {}",
                found.0.name(),
                newest.height
            )));
        }
    }
    Ok(Some((newest, tops)))
}

/// Reads what stands at all keys, in so many threads or as many of them as can be had.
pub(super) fn read_trees(
    snapshot: &dyn Snapshot,
    newest: Height,
    readers: usize,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<[Top; 3]> {
    let reading = Reading {
        snapshot,
        newest,
        is_over: AtomicBool::new(false),
        tell,
        entries: AtomicU64::new(0),
    };
    reading.all(readers)
}

/// What all readers have in common.
struct Reading<'a> {
    snapshot: &'a dyn Snapshot,
    newest: Height,
    /// One failed: the others need not go on.
    is_over: AtomicBool,
    tell: &'a (dyn Fn(u64) + Sync),
    entries: AtomicU64,
}

type Parts = Vec<(u8, Top)>;

impl Reading<'_> {
    fn all(&self, readers: usize) -> Result<[Top; 3]> {
        let share = |reader: usize| reader * PARTS / readers..(reader + 1) * PARTS / readers;
        let found: Vec<Result<[Parts; 3]>> = std::thread::scope(|scope| {
            let start = |reader: usize| {
                let thread = std::thread::Builder::new().name("open-state".to_owned());
                let started = thread.spawn_scoped(scope, move || self.trees(&share(reader)));
                started.map_err(|_refused| reader)
            };
            // All of them, before any is waited for; what got no thread is read by this one.
            let started: Vec<_> = (1..readers).map(start).collect();
            let mut found = vec![self.trees(&share(0))];
            for reader in started {
                found.push(match reader {
                    Ok(thread) => thread.join().unwrap_or_else(|panic| {
                        self.is_over.store(true, Ordering::Relaxed);
                        std::panic::resume_unwind(panic)
                    }),
                    Err(reader) => self.trees(&share(reader)),
                });
            }
            found
        });
        let mut parts = [(); 3].map(|()| vec![Top::Empty; PARTS]);
        // Whoever was stopped has no error of its own: the first that there is says what failed.
        for found in found {
            for (parts, found) in parts.iter_mut().zip(found?) {
                for (byte, top) in found {
                    parts[usize::from(byte)] = top;
                }
            }
        }
        Ok(parts.map(join_all))
    }

    /// The parts of all trees whose hashes begin with one of `bytes`; not all of them if another reader failed.
    fn trees(&self, bytes: &Range<usize>) -> Result<[Parts; 3]> {
        let [contract, ibc, native] = Tree::ALL.map(|tree| {
            let found = self.parts(tree, bytes);
            self.is_over.fetch_or(found.is_err(), Ordering::Relaxed);
            found
        });
        Ok([contract?, ibc?, native?])
    }

    /// Those of one tree.
    fn parts(&self, tree: Tree, bytes: &Range<usize>) -> Result<Parts> {
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
        let (mut parts, mut entries) = (Parts::new(), Vec::<Leaf>::new());
        let mut end = |entries: &mut Vec<Leaf>| {
            if let Some(first) = entries.first() {
                parts.push((first.entry.key_hash[0], Top::of(entries, PART_BITS)));
                let (read, more) = (entries.len() as u64, Ordering::Relaxed);
                (self.tell)(self.entries.fetch_add(read, more).saturating_add(read));
                entries.clear();
            }
        };
        for row in self.snapshot.rows(rows::HEADS, range)? {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let (key, row) = row?;
            let leaf = self.leaf(tree, &key, &row)?;
            let byte = leaf.entry.key_hash[0];
            if entries
                .first()
                .is_some_and(|first| first.entry.key_hash[0] != byte)
            {
                end(&mut entries);
            }
            entries.push(leaf);
        }
        end(&mut entries);
        Ok(parts)
    }

    /// What a row of HEADS puts into its tree.
    fn leaf(&self, tree: Tree, key: &[u8], row: &[u8]) -> Result<Leaf> {
        let place = key.strip_prefix(&[tree as u8]);
        let place = place.and_then(|place| Hash::try_from(place).ok());
        let key_hash = place.ok_or_else(|| Error::damaged("the place of a key"))?;
        let Head { since, value_hash } = Head::decode(row)?;
        if since > self.newest {
            return Err(Error::damaged("a value is of a later block"));
        }
        Ok(Leaf {
            entry: Entry {
                key_hash,
                value_hash,
            },
            since,
        })
    }
}

/// The tree of its parts, in order.
pub(super) fn join_all(mut parts: Vec<Top>) -> Top {
    for depth in (0..PART_BITS).rev() {
        let mut halves = parts.into_iter();
        parts = std::iter::from_fn(|| Some((halves.next()?, halves.next()?)))
            .map(|(left, right)| Top::join(left, right, depth))
            .collect();
    }
    parts.pop().unwrap_or(Top::Empty)
}
