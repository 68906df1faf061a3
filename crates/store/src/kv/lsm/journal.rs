//! The journal: what was written since the tables last went to files, a record for each batch.
//!
//! A file is: salt (8) ‖ checksum of it (8), then records. A record is: length before compression (4) ‖ length (4) ‖ checksum of the content (8) ‖
//! checksum of these 16 bytes (4) ‖ content; little endian. Checksums are XXH3 with the salt, which nobody who writes rows knows: no value
//! looks like a record. It is compressed (LZ4) if the lengths differ. Content: number of the batch (8), then for each change the place of its
//! table (1; with 0x80 for a removal) ‖ length of the key (varint) ‖ key, and unless it is a removal length of the value (varint) ‖ value.
//!
//! Promises: what [`Journal::append`] acknowledged is read again, whole and in order. What the end of a process or of power tore is cut off: the
//! last record of the newest journal, with nothing whole behind it. Everything else that is not as it was written is told.
//! Of the last record damage cannot be told from that: so the state store checks its roots at open.

use super::disk::{Disk, Log};
use crate::error::{Error, Result};
use crate::files;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bytes before the first record.
const SALT_BYTES: usize = 16;
/// Bytes of a record before its content.
const HEAD_BYTES: usize = 20;
const REMOVAL: u8 = 0x80;
/// Places of tables that a record can name.
pub(super) const TABLES_MAX: usize = 0x80;
const SUFFIX: &str = ".journal";

/// The journal that is written.
pub(super) struct Journal {
    file: Box<dyn Log>,
    salt: u64,
    /// Bytes of the salt and of whole records.
    length: u64,
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

/// A record, with room for what stands before its content: a block's is megabytes long, and is not copied for that.
pub(super) struct Record(Vec<u8>);

impl Record {
    /// For a batch of about so many bytes.
    pub(super) fn new(batch: u64, bytes: usize) -> Self {
        let mut record = Vec::with_capacity(HEAD_BYTES + bytes);
        record.extend_from_slice(&[0; HEAD_BYTES]);
        record.extend_from_slice(&batch.to_le_bytes());
        Self(record)
    }

    pub(super) fn push(&mut self, table: usize, key: &[u8], value: Option<&[u8]>) {
        let removal = if value.is_none() { REMOVAL } else { 0 };
        self.0.push(table as u8 | removal);
        for bytes in [Some(key), value].into_iter().flatten() {
            push_varint(&mut self.0, bytes.len());
            self.0.extend_from_slice(bytes);
        }
    }

    fn content(&self) -> &[u8] {
        &self.0[HEAD_BYTES..]
    }

    /// Bytes of the content.
    pub(super) fn bytes(&self) -> u64 {
        self.content().len() as u64
    }
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}{SUFFIX}"))
}

/// The journals that are there.
pub(super) struct Journals {
    directory: PathBuf,
    /// Ascending, without a gap.
    numbers: Vec<u64>,
}

impl Journals {
    pub(super) fn find(directory: &Path) -> Result<Self> {
        let mut numbers = Vec::new();
        let entries = match fs::read_dir(directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            entries => Some(entries.map_err(Error::engine)?),
        };
        for entry in entries.into_iter().flatten() {
            let name = entry.map_err(Error::engine)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        if numbers.windows(2).any(|two| two[0] + 1 != two[1]) {
            return Err(Error::damaged("a journal between others is missing"));
        }
        Ok(Self {
            directory: directory.to_owned(),
            numbers,
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The number of the journal that comes next.
    pub(super) fn next(&self) -> u64 {
        self.numbers.last().map_or(0, |newest| newest + 1)
    }

    /// Reads all of them to `read`, oldest first, and changes nothing. Gives where the newest ends.
    pub(super) fn read(&self, read: &mut dyn FnMut(Read<'_>) -> Result<()>) -> Result<Option<End>> {
        let mut end = None;
        for number in &self.numbers {
            let path = path(&self.directory, *number);
            let bytes = fs::read(&path).map_err(Error::engine)?;
            let whole = read_all(&bytes, read)?;
            if whole != bytes.len() && Some(number) != self.numbers.last() {
                return Err(Error::damaged("a journal with another after it is torn"));
            }
            let length = whole as u64;
            end = Some(End { path, length });
        }
        Ok(end)
    }

    /// Removes the journals before `number`, one after the other: no power cut leaves a gap.
    pub(super) fn remove_before(directory: &Path, number: u64) -> Result<()> {
        for old in Self::find(directory)?.numbers {
            if old < number {
                fs::remove_file(path(directory, old))
                    .and_then(|()| files::sync_directory(directory))
                    .map_err(Error::engine)?;
            }
        }
        Ok(())
    }
}

/// Where the newest of the journals ends that were there.
pub(super) struct End {
    path: PathBuf,
    /// Bytes of whole records.
    length: u64,
}

impl End {
    /// Cuts off what is behind it, for good: also what was cut off before, in memory alone. To be done before there is a newer journal.
    pub(super) fn settle(&self) -> Result<()> {
        let file = File::options().append(true).open(&self.path);
        file.and_then(|file| {
            file.set_len(self.length)?;
            file.sync_all()
        })
        .map_err(Error::engine)
    }
}

impl Journal {
    /// A new journal, empty and durable.
    pub(super) fn create(
        disk: &dyn Disk,
        directory: &Path,
        number: u64,
        compress: bool,
    ) -> Result<Self> {
        let salt = RandomState::new().hash_one(number);
        let file = disk.create(&path(directory, number)).and_then(|mut file| {
            file.append(&salt_bytes(salt))?;
            file.sync()?;
            files::sync_directory(directory)?;
            Ok(file)
        });
        Ok(Self {
            file: file.map_err(Error::engine)?,
            salt,
            length: SALT_BYTES as u64,
            compress,
            is_broken: false,
        })
    }

    /// Writes a record and returns when it is on disk. After an error none of it will be read again; if that is not sure, nothing can be
    /// written any more.
    pub(super) fn append(&mut self, record: Record) -> Result<()> {
        if self.is_broken {
            return Err(Error::engine(
                "an earlier write failed half way: open the database again",
            ));
        }
        let bytes = seal(record, self.salt, self.compress)?;
        if let Err(error) = self.file.append(&bytes) {
            // The next record must not stand behind half of this one.
            self.is_broken = self.file.cut(self.length).is_err();
            return Err(Error::engine(error));
        }
        if let Err(error) = self.file.sync() {
            // The machine may hold in memory what it will never write: the next start is not to believe it.
            let _ = self.file.cut(self.length);
            self.is_broken = true;
            return Err(Error::engine(error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn salt_bytes(salt: u64) -> [u8; SALT_BYTES] {
    let mut bytes = [0; SALT_BYTES];
    let (salt, sum) = (salt.to_le_bytes(), xxh3_64_with_seed(b"", salt));
    bytes[..8].copy_from_slice(&salt);
    bytes[8..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn seal(mut record: Record, salt: u64, compress: bool) -> Result<Vec<u8>> {
    let too_long = |_| Error::engine("a batch of more than 4 GiB");
    let before = u32::try_from(record.content().len()).map_err(too_long)?;
    if compress {
        let shorter = lz4_flex::compress(record.content());
        if shorter.len() < record.content().len() {
            record.0.truncate(HEAD_BYTES);
            record.0.extend_from_slice(&shorter);
            record.0.shrink_to_fit();
        }
    }
    let content = record.content();
    let length = u32::try_from(content.len()).map_err(too_long)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(&before.to_le_bytes());
    head.extend_from_slice(&length.to_le_bytes());
    head.extend_from_slice(&xxh3_64_with_seed(content, salt).to_le_bytes());
    head.extend_from_slice(&head_sum(&head, salt));
    record.0[..HEAD_BYTES].copy_from_slice(&head);
    Ok(record.0)
}

fn head_sum(head: &[u8], salt: u64) -> [u8; 4] {
    (xxh3_64_with_seed(head, salt) as u32).to_le_bytes()
}

/// Reads the whole records of a journal; answers where the last one ends.
fn read_all(bytes: &[u8], read: &mut dyn FnMut(Read<'_>) -> Result<()>) -> Result<usize> {
    let salt = bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
    let Some(mut rest) = bytes.strip_prefix(&salt_bytes(salt)) else {
        // Nothing is written before the salt is on disk.
        return match bytes.len() > SALT_BYTES {
            true => Err(Error::damaged("the beginning of a journal")),
            false => Ok(0),
        };
    };
    while let Some(record) = Whole::at(rest, salt) {
        let damaged = || Error::damaged("a record of the journal");
        let content = record.content().ok_or_else(damaged)?;
        read_record(&content, read).unwrap_or_else(|| Err(damaged()))?;
        rest = record.behind;
    }
    // At most one record was not acknowledged, so nothing was ever written behind it.
    if (1..rest.len()).any(|at| Whole::at(&rest[at..], salt).is_some()) {
        return Err(Error::damaged("a record in the middle of a journal"));
    }
    Ok(bytes.len() - rest.len())
}

/// A record as it was written.
struct Whole<'a> {
    before: usize,
    sealed: &'a [u8],
    behind: &'a [u8],
}

impl<'a> Whole<'a> {
    /// The record that `bytes` begin with; `None` if it is torn, or none.
    fn at(bytes: &'a [u8], salt: u64) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let (head, sum) = head.split_at(16);
        if head_sum(head, salt) != sum {
            return None;
        }
        let number = |at: usize| head[at..].first_chunk().copied().map(u32::from_le_bytes);
        let (sealed, behind) = rest.split_at_checked(number(4)? as usize)?;
        let is_whole = xxh3_64_with_seed(sealed, salt).to_le_bytes() == head[8..];
        is_whole.then_some(Self {
            before: number(0)? as usize,
            sealed,
            behind,
        })
    }

    fn content(&self) -> Option<std::borrow::Cow<'a, [u8]>> {
        if self.before == self.sealed.len() {
            return Some(self.sealed.into());
        }
        let content = lz4_flex::decompress(self.sealed, self.before).ok()?;
        Some(content.into())
    }
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
    use super::super::disk::Machine;
    use super::*;

    type Change = (u64, usize, Vec<u8>, Option<Vec<u8>>);

    /// What is read, and the journal that comes after it.
    fn recover(directory: &Path, compress: bool) -> Result<(Journal, Vec<Change>)> {
        let mut found = Vec::new();
        let journals = Journals::find(directory)?;
        let end = journals.read(&mut |read| {
            let value = read.value.map(<[u8]>::to_vec);
            found.push((read.batch, read.table, read.key.to_vec(), value));
            Ok(())
        })?;
        end.as_ref().map_or(Ok(()), End::settle)?;
        let journal = Journal::create(&Machine, directory, journals.next(), compress)?;
        Ok((journal, found))
    }

    fn record(batch: u64) -> (Record, Vec<Change>) {
        let mut record = Record::new(batch, 0);
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

    /// Three records in the journal 0 of `home`: what they are, where the salt and each of them ends, and the file's content.
    fn three(home: &Path, compress: bool) -> (Vec<Vec<Change>>, Vec<usize>, Vec<u8>) {
        let (mut journal, nothing) = recover(home, compress).unwrap();
        assert!(nothing.is_empty());
        let (mut written, mut ends) = (Vec::new(), vec![SALT_BYTES]);
        for batch in 0..3 {
            let (record, changes) = record(batch);
            journal.append(record).unwrap();
            written.push(changes);
            ends.push(journal.length as usize);
        }
        let whole = fs::read(path(home, 0)).unwrap();
        assert_eq!(whole.len(), ends[3]);
        (written, ends, whole)
    }

    /// Leaves journal 0 alone, with this content.
    fn reset(home: &Path, content: &[u8]) {
        for entry in fs::read_dir(home).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        fs::write(path(home, 0), content).unwrap();
    }

    #[test]
    fn whatever_was_torn_off_the_end_only_whole_records_are_read_and_what_follows_is_kept() {
        for compress in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let (written, ends, whole) = three(home.path(), compress);
            for cut in (0..=whole.len()).step_by(3).chain(ends.clone()) {
                // Torn, or written as zeros, or as something else.
                for tail in [&[][..], &[0; 40], &[0xff; 40]] {
                    if cut < SALT_BYTES && cut + tail.len() > SALT_BYTES {
                        continue;
                    }
                    reset(home.path(), &[&whole[..cut], tail].concat());
                    let (mut journal, found) = recover(home.path(), compress).unwrap();
                    let records = ends[1..].iter().filter(|end| **end <= cut).count();
                    assert_eq!(found, written[..records].concat(), "{cut}");
                    let (record, changes) = record(9);
                    journal.append(record).unwrap();
                    drop(journal);
                    let (_, found) = recover(home.path(), !compress).unwrap();
                    assert_eq!(found, [written[..records].concat(), changes].concat());
                }
            }
        }
    }

    #[test]
    fn a_bit_that_turned_is_damage_unless_it_is_in_the_last_record_which_may_be_torn() {
        for compress in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let (written, ends, whole) = three(home.path(), compress);
            for bit in 0..whole.len() * 8 {
                let mut bent = whole.clone();
                bent[bit / 8] ^= 1 << (bit % 8);
                reset(home.path(), &bent);
                match recover(home.path(), compress) {
                    Ok((_, found)) => {
                        assert!(bit / 8 >= ends[2], "{bit}");
                        assert_eq!(found, written[..2].concat());
                    }
                    Err(error) => {
                        assert!(bit / 8 < ends[2], "{bit}");
                        assert_eq!(error.code(), "store.damaged");
                    }
                }
            }
        }
    }

    #[test]
    fn a_value_that_looks_like_a_record_is_none() {
        let home = tempfile::tempdir().unwrap();
        let (_, ends, whole) = three(home.path(), false);
        let other = tempfile::tempdir().unwrap();
        let (mut journal, _) = recover(other.path(), false).unwrap();
        let mut record = Record::new(1, 0);
        record.push(0, b"k", Some(&whole[ends[0]..]));
        journal.append(record).unwrap();
        drop(journal);
        let torn = fs::read(path(other.path(), 0)).unwrap();
        reset(other.path(), &torn[..torn.len() - 1]);
        assert!(recover(other.path(), false).unwrap().1.is_empty());
    }

    #[test]
    fn an_older_journal_that_is_torn_and_a_gap_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let (_, _, whole) = three(home.path(), false);
        let second = || {
            Journal::create(&Machine, home.path(), 1, false).unwrap();
        };
        reset(home.path(), &whole[..whole.len() - 1]);
        second();
        let code = || recover(home.path(), false).err().unwrap().code();
        assert_eq!(code(), "store.damaged");
        reset(home.path(), &whole);
        second();
        fs::rename(path(home.path(), 1), path(home.path(), 2)).unwrap();
        assert_eq!(code(), "store.damaged");
        reset(home.path(), &whole);
        second();
        assert_eq!(recover(home.path(), false).unwrap().1.len(), 9);
        Journals::remove_before(home.path(), 1).unwrap();
        assert_eq!(Journals::find(home.path()).unwrap().numbers, [1, 2]);
    }
}
