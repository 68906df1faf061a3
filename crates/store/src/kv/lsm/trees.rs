//! The trees: how they are opened, and what is looked at before.

use super::disk::Disk;
use super::lists::{Watch, Watches};
use super::{TABLES, Table};
use crate::error::{Error, Result};
use crate::files;
use crate::kv::KvLimits;
use lsm_tree::config::{
    BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry,
};
use lsm_tree::{
    AbstractTree as _, AnyTree, Cache, CompressionType, Config, DescriptorTable,
    SequenceNumberCounter,
};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use xxhash_rust::xxh3::xxh3_128;

/// Bytes of a part of a file that is read as a whole, where nothing is compressed.
const BLOCK_BYTES: u32 = 4 << 10;

/// Each merge writes again what it meets, so that fewer and larger ones write less; what is read looks into more files, which their filters answer.
const MERGED_AT_ONCE: u8 = 16;
const KEPT_MERGED_AT_ONCE: u8 = 32;
/// Where no row is read alone, files cost their room until rows that were replaced go.
const SCANNED_MERGED_AT_ONCE: u8 = 64;

/// Names the newest list of a tree's files: its number (8) ‖ its XXH3-128 (16) ‖ 0; little endian.
const CURRENT: &str = "current";
const CURRENT_BYTES: usize = 25;

/// A table.
pub(super) struct Tree {
    pub(super) name: Table,
    pub(super) tree: AnyTree,
    pub(super) watch: Arc<Watch>,
    /// Files that wait until they are merged together.
    pub(super) merged_at_once: u8,
}

/// What a database has open beside files of its tables that are read or merged: of a flush and of a merge the files that are written and read
/// next, the lists of files and their directories; two journals, the lock.
const BESIDE: usize = 16;

impl Tree {
    /// From so many unmerged files on, writers wait.
    pub(super) const fn unmerged_max(&self) -> usize {
        unmerged_max(self.merged_at_once)
    }
}

const fn unmerged_max(merged_at_once: u8) -> usize {
    merged_at_once as usize * 2
}

fn merged_at_once(table: &Table, limits: &KvLimits) -> u8 {
    match table {
        _ if limits.scanned.contains(table) => SCANNED_MERGED_AT_ONCE,
        _ if limits.kept.contains(table) => KEPT_MERGED_AT_ONCE,
        _ => MERGED_AT_ONCE,
    }
}

/// The most descriptors that a database takes: a merge opens all unmerged files of its table, beside those that are kept open.
pub(super) fn descriptors_max(tables: &[Table], limits: &KvLimits) -> usize {
    let merged = tables.iter().map(|table| merged_at_once(table, limits));
    limits.open_files + unmerged_max(merged.max().unwrap_or_default()) + BESIDE
}

pub(super) fn error(error: lsm_tree::Error) -> Error {
    match error {
        lsm_tree::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Error::damaged(format!("a file of the database: {error}"))
        }
        lsm_tree::Error::Io(error) => Error::engine(error),
        other => Error::damaged(format!("a file of the database: {other:?}")),
    }
}

/// Holds the list of each tree's files against its checksum and changes nothing: a tree without its list would open empty and remove its files,
/// and one with a bad list shows other rows. Gives the number of each list, which counts its changes; `None` without a list.
pub(super) fn check(path: &Path, tables: &[Table]) -> Result<Vec<Option<u64>>> {
    let check = |table: &Table| check_list(&path.join(TABLES).join(table.0));
    tables.iter().map(check).collect()
}

fn check_list(tree: &Path) -> Result<Option<u64>> {
    let damaged = |what: &str| Err(Error::damaged(format!("{} {what}", tree.display())));
    let Some(current) = read(&tree.join(CURRENT))? else {
        return match has_files(&tree.join(TABLES))? {
            true => damaged("has files, and no list of them"),
            false => Ok(None),
        };
    };
    let Ok(current) = <[u8; CURRENT_BYTES]>::try_from(current) else {
        return damaged("does not name the list of its files");
    };
    let (number, sum) = (current[..8].try_into(), current[8..24].try_into());
    let (Ok(number), Ok(sum)) = (number.map(u64::from_le_bytes), sum.map(u128::from_le_bytes))
    else {
        return damaged("does not name the list of its files");
    };
    match read(&tree.join(format!("v{number}")))? {
        None => damaged("has lost the list of its files"),
        Some(list) if current[24] != 0 || xxh3_128(&list) != sum => {
            damaged("has a list of its files that is not what was written")
        }
        Some(_) => Ok(Some(number)),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::engine(error)),
    }
}

pub(super) fn has_files(directory: &Path) -> Result<bool> {
    match fs::read_dir(directory) {
        Ok(mut files) => Ok(files.next().is_some()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::engine(error)),
    }
}

/// Opens the trees, which [`check`] has looked at.
pub(super) fn open(
    path: &Path,
    tables: &[Table],
    limits: KvLimits,
    numbers: &SequenceNumberCounter,
    lists: &[Option<u64>],
    (disk, stop): (&Arc<dyn Disk>, &Arc<AtomicBool>),
) -> Result<Vec<Tree>> {
    let cache = Arc::new(Cache::with_capacity_bytes(limits.cache_bytes));
    let files = Arc::new(DescriptorTable::new(limits.open_files));
    // Trees raise this when their files change, also in the middle of a batch: what readers see is told by `Snapshots` alone.
    let seen = SequenceNumberCounter::default();
    let open = |(table, list): (&Table, &Option<u64>)| {
        let (compression, block_bytes) = match limits.compressed.contains(table) {
            true => (CompressionType::Lz4, limits.part_bytes),
            false => (CompressionType::None, BLOCK_BYTES),
        };
        let filters = match limits.scanned.contains(table) {
            true => FilterPolicy::disabled(),
            false => filters(),
        };
        let directory = path.join(TABLES).join(table.0);
        files::make_directory(&directory)
            .and_then(|()| settle(&directory, *list))
            .map_err(Error::engine)?;
        let watch = Watch::new(Arc::clone(disk), directory.clone(), Arc::clone(stop));
        let tree = Config::new(directory, numbers.clone(), seen.clone())
            .use_cache(Arc::clone(&cache))
            .use_descriptor_table(Some(Arc::clone(&files)))
            .data_block_size_policy(BlockSizePolicy::all(block_bytes))
            .data_block_compression_policy(CompressionPolicy::all(compression))
            .filter_policy(filters)
            .with_compaction_filter_factory(Some(Arc::new(Watches(Arc::clone(&watch)))))
            .open()
            .map_err(error)?;
        Ok(Tree {
            name: *table,
            tree,
            watch,
            merged_at_once: merged_at_once(table, &limits),
        })
    };
    tables.iter().zip(lists).map(open).collect()
}

fn filters() -> FilterPolicy {
    FilterPolicy::new([
        FilterPolicyEntry::Bloom(BloomConstructionPolicy::FalsePositiveRate(0.0001)),
        FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0)),
    ])
}

/// Removes what a kill has left of a `current` that was never put in place. If there are older lists, which the tree removes, the name of the
/// newest becomes durable first: its sync may be what failed before.
fn settle(tree: &Path, list: Option<u64>) -> io::Result<()> {
    let mut has_older = false;
    let list = list.map(|number| format!("v{number}"));
    for entry in fs::read_dir(tree)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(".tmp") {
            fs::remove_file(entry.path())?;
        }
        has_older |= name.starts_with('v') && list.as_ref().is_some_and(|list| *list != name);
    }
    match has_older {
        true => files::sync_directory(tree),
        false => Ok(()),
    }
}

/// At most so many bytes are read by the next merge, and written: the new files and the level that they go to.
pub(super) fn merged_bytes(tree: &AnyTree) -> u64 {
    let version = tree.current_version();
    let bytes = |level: usize| version.level(level).map_or(0, |level| level.size());
    let next = (1..version.level_count()).map(bytes);
    bytes(0).saturating_add(next.into_iter().find(|bytes| *bytes > 0).unwrap_or(0))
}
