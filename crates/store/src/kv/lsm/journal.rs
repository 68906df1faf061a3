//! The journal: what was written since the tables last went to files, a record for each batch.
//!
//! A record is: length before compression (4) ‖ length (4) ‖ checksum (8) ‖ content; little endian. The checksum is XXH3 of the content, seeded
//! with the two lengths. It is compressed (LZ4) if the lengths differ. Content: number of the batch (8), then for each change the place of its
//! table (1; with 0x80 for a removal) ‖ length of the key (varint) ‖ key, and unless it is a removal length of the value (varint) ‖ value.
//!
//! Promises: what [`Journal::append`] acknowledged is read again, whole and in order; a record that the end of a process or of
//! power tore is cut off, and only at the end of the newest journal may one be torn.
//! A fault of the disk inside the newest journal cannot be told from that: so the state store checks its roots at open.

use crate::error::{Error, Result};
use crate::files;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const HEAD_BYTES: usize = 16;
const REMOVAL: u8 = 0x80;
/// Places of tables that a record can name.
pub(super) const TABLES_MAX: usize = 0x80;
const SUFFIX: &str = ".journal";

/// The journal that is written.
pub(super) struct Journal {
    file: File,
    /// Bytes of whole records.
    length: u64,
    /// Higher than that of every journal before it.
    pub(super) number: u64,
    compress: bool,
    /// What was written may or may not be on disk: nothing may follow it.
    is_broken: bool,
}

/// A change as it is read again.
pub(super) struct Read<'a> {
    pub(super) batch: u64,
    pub(super) table: usize,
    pub(super) key: &'a [u8],
    pub(super) value: Option<&'a [u8]>,
}

/// The content of a record.
pub(super) struct Record(Vec<u8>);

impl Record {
    pub(super) fn new(batch: u64) -> Self {
        Self(batch.to_le_bytes().to_vec())
    }

    pub(super) fn push(&mut self, table: usize, key: &[u8], value: Option<&[u8]>) {
        let removal = if value.is_none() { REMOVAL } else { 0 };
        self.0.push(table as u8 | removal);
        for bytes in [Some(key), value].into_iter().flatten() {
            push_varint(&mut self.0, bytes.len());
            self.0.extend_from_slice(bytes);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}{SUFFIX}"))
}

/// The numbers of the journals in `directory`, ascending.
fn numbers(directory: &Path) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Journal {
    /// Reads all journals in `directory` to `read`, oldest first, cuts off what is torn, and goes on in the newest.
    pub(super) fn recover(
        directory: &Path,
        compress: bool,
        read: &mut dyn FnMut(Read<'_>) -> Result<()>,
    ) -> Result<Self> {
        let numbers = numbers(directory).map_err(Error::engine)?;
        let Some(newest) = numbers.last() else {
            return Self::create(directory, 0, compress);
        };
        let mut length = 0;
        for number in &numbers {
            let bytes = fs::read(path(directory, *number)).map_err(Error::engine)?;
            length = read_all(&bytes, read)?;
            if length != bytes.len() && number != newest {
                return Err(Error::damaged("a journal with another after it is torn"));
            }
        }
        let file = File::options()
            .append(true)
            .open(path(directory, *newest))
            .and_then(|file| {
                file.set_len(length as u64)?;
                file.sync_all()?;
                Ok(file)
            });
        Ok(Self {
            file: file.map_err(Error::engine)?,
            length: length as u64,
            number: *newest,
            compress,
            is_broken: false,
        })
    }

    /// A new journal, empty and durable.
    pub(super) fn create(directory: &Path, number: u64, compress: bool) -> Result<Self> {
        let file = File::options()
            .append(true)
            .create_new(true)
            .open(path(directory, number))
            .and_then(|file| {
                file.sync_all()?;
                files::sync_directory(directory)?;
                Ok(file)
            });
        Ok(Self {
            file: file.map_err(Error::engine)?,
            length: 0,
            number,
            compress,
            is_broken: false,
        })
    }

    /// Writes a record and returns when it is on disk. After an error none of it will be read again; if that is not sure, nothing can be
    /// written any more.
    pub(super) fn append(&mut self, record: &Record) -> Result<()> {
        if self.is_broken {
            return Err(Error::engine(
                "an earlier write failed half way: open the database again",
            ));
        }
        let bytes = seal(&record.0, self.compress)?;
        if let Err(error) = self.file.write_all(&bytes) {
            // The next record must not stand behind half of this one.
            self.is_broken = self.file.set_len(self.length).is_err();
            return Err(Error::engine(error));
        }
        if let Err(error) = self.file.sync_data() {
            self.is_broken = true;
            return Err(Error::engine(error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Removes the journals before `number`.
    pub(super) fn remove_before(directory: &Path, number: u64) -> Result<()> {
        for old in numbers(directory).map_err(Error::engine)? {
            if old < number {
                fs::remove_file(path(directory, old)).map_err(Error::engine)?;
            }
        }
        Ok(())
    }
}

fn seal(content: &[u8], compress: bool) -> Result<Vec<u8>> {
    let too_long = |_| Error::engine("a batch of more than 4 GiB");
    let before = u32::try_from(content.len()).map_err(too_long)?;
    let shorter = if compress {
        let compressed = lz4_flex::compress(content);
        Some(compressed).filter(|compressed| compressed.len() < content.len())
    } else {
        None
    };
    let content = shorter.as_deref().unwrap_or(content);
    let length = u32::try_from(content.len()).map_err(too_long)?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + content.len());
    bytes.extend_from_slice(&before.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&checksum(before, length, content).to_le_bytes());
    bytes.extend_from_slice(content);
    Ok(bytes)
}

fn checksum(before: u32, length: u32, content: &[u8]) -> u64 {
    xxh3_64_with_seed(content, u64::from(before) << 32 | u64::from(length))
}

/// Reads whole records; answers where the last one ends.
fn read_all(bytes: &[u8], read: &mut dyn FnMut(Read<'_>) -> Result<()>) -> Result<usize> {
    let mut rest = bytes;
    while let Some((content, behind)) = open(rest) {
        let damaged = || Error::damaged("a record of the journal");
        let content = content?;
        read_record(&content, read).unwrap_or_else(|| Err(damaged()))?;
        rest = behind;
    }
    Ok(bytes.len() - rest.len())
}

/// The content of the next record, and what is behind it; `None` if there is none, or it is torn.
#[expect(
    clippy::type_complexity,
    reason = "what is whole may still not be what was written"
)]
fn open(bytes: &[u8]) -> Option<(Result<std::borrow::Cow<'_, [u8]>>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (before, length) = (number(0), number(4));
    let (content, behind) = rest.split_at_checked(length as usize)?;
    let is_whole = checksum(before, length, content).to_le_bytes() == head[8..];
    if !is_whole || length == 0 {
        return None;
    }
    let content = if before == length {
        Ok(content.into())
    } else {
        lz4_flex::decompress(content, before as usize)
            .map(Into::into)
            .map_err(Error::engine)
    };
    Some((content, behind))
}

fn read_record(content: &[u8], read: &mut dyn FnMut(Read<'_>) -> Result<()>) -> Option<Result<()>> {
    let (batch, mut rest) = content.split_first_chunk()?;
    let batch = u64::from_le_bytes(*batch);
    while let Some((table, behind)) = rest.split_first() {
        rest = behind;
        let key = take(&mut rest)?;
        let value = match table & REMOVAL {
            0 => Some(take(&mut rest)?),
            _ => None,
        };
        let change = Read {
            batch,
            table: usize::from(table & !REMOVAL),
            key,
            value,
        };
        if let Err(error) = read(change) {
            return Some(Err(error));
        }
    }
    Some(Ok(()))
}

fn push_varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Bytes behind their length.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (taken, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            *rest = behind;
            return Some(taken);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = (u64, usize, Vec<u8>, Option<Vec<u8>>);

    fn recover(directory: &Path, compress: bool) -> Result<(Journal, Vec<Change>)> {
        let mut found = Vec::new();
        let journal = Journal::recover(directory, compress, &mut |read| {
            let value = read.value.map(<[u8]>::to_vec);
            found.push((read.batch, read.table, read.key.to_vec(), value));
            Ok(())
        })?;
        Ok((journal, found))
    }

    fn record(batch: u64) -> (Record, Vec<Change>) {
        let mut record = Record::new(batch);
        let changes = vec![
            (batch, 0, vec![7; 20], Some(vec![batch as u8; 40])),
            (batch, 3, b"gone".to_vec(), None),
            (batch, 127, Vec::new(), Some(vec![9])),
        ];
        for (_, table, key, value) in &changes {
            record.push(*table, key, value.as_deref());
        }
        (record, changes)
    }

    #[test]
    fn whatever_was_torn_off_the_end_only_whole_records_are_read_and_what_follows_is_kept() {
        for compress in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let (mut journal, nothing) = recover(home.path(), compress).unwrap();
            assert!(nothing.is_empty());
            let (mut expected, mut ends) = (Vec::new(), vec![0]);
            for batch in 0..3 {
                let (record, changes) = record(batch);
                journal.append(&record).unwrap();
                expected.push(changes);
                ends.push(journal.length as usize);
            }
            drop(journal);
            let file = path(home.path(), 0);
            let whole = fs::read(&file).unwrap();
            assert_eq!(whole.len(), ends[3]);
            for cut in (0..=whole.len()).step_by(3).chain(ends.clone()) {
                // Torn, or written as zeros, or as something else.
                for tail in [&[][..], &[0; 40], &[0xff; 40]] {
                    fs::write(&file, [&whole[..cut], tail].concat()).unwrap();
                    let (mut journal, found) = recover(home.path(), compress).unwrap();
                    let records = ends.iter().filter(|end| **end <= cut).count() - 1;
                    assert_eq!(found, expected[..records].concat(), "{cut}");
                    let (record, changes) = record(9);
                    journal.append(&record).unwrap();
                    drop(journal);
                    let (_, found) = recover(home.path(), !compress).unwrap();
                    assert_eq!(found, [expected[..records].concat(), changes].concat());
                }
            }
        }
    }

    #[test]
    fn a_bit_that_turned_ends_what_is_read_and_an_older_journal_that_is_torn_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let (mut journal, _) = recover(home.path(), false).unwrap();
        let (first, _) = record(1);
        journal.append(&first).unwrap();
        drop(journal);
        let file = path(home.path(), 0);
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            fs::write(&file, &bent).unwrap();
            assert!(recover(home.path(), false).unwrap().1.is_empty(), "{at}");
        }
        fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        Journal::create(home.path(), 1, false).unwrap();
        let refused = recover(home.path(), false).err().unwrap();
        assert_eq!(refused.code(), "store.damaged");
        fs::write(&file, &whole).unwrap();
        let (journal, found) = recover(home.path(), false).unwrap();
        assert_eq!((journal.number, found.len()), (1, 3));
        Journal::remove_before(home.path(), 1).unwrap();
        assert_eq!(numbers(home.path()).unwrap(), [1]);
    }
}
