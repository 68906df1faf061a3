//! Long rows beside the database: files to which whole blocks and their results are appended.
//!
//! A database writes what it is given at least twice, to its journal and to the files of its tables. A long row is written here, once, and the
//! database has its place. A record is the row, compressed (LZ4); lengths and checksum are in the place.
//!
//! Promises: a place that was given is on disk, whole. What no place names (after a crash, or where the database refused what came with it) is never
//! read, and takes its room for good; the database has room for the places before anything is written. A row that the same process tries again soon is
//! not written again.
//! Refuses: to write to a file of an earlier process, or behind a sync that failed: each gets a new file. Files are numbered without gaps and none that
//! has a row is removed, so one that is gone is told when the store is opened.

use crate::error::{Error, Result};
use crate::files;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use strongroom_types::{Hash, sha256};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// After so many bytes a new file begins.
const FILE_BYTES: u64 = 64 << 20;
/// Rows that are remembered for whoever tries again: those of the blocks that are under way.
const REMEMBERED: usize = 4;
const SUFFIX: &str = ".rows";

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Place {
    file: u64,
    offset: u64,
    /// Bytes in the file.
    length: u32,
    /// Bytes of the row.
    before: u32,
    /// XXH3 of the bytes in the file, seeded with both lengths.
    checksum: u64,
}

/// See the module.
pub(super) struct Large {
    directory: PathBuf,
    writer: Mutex<Writer>,
}

struct Writer {
    /// Number of the next file.
    next: u64,
    open: Option<Open>,
    /// SHA-256 of rows that were written last (strangers choose what is in them), and their places.
    last: VecDeque<(Hash, Place)>,
}

struct Open {
    file: File,
    number: u64,
    length: u64,
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(file_name(number))
}

fn file_name(number: u64) -> String {
    format!("{number:020}{SUFFIX}")
}

/// Asks whether there is room for so many bytes.
type CheckRoom<'a> = dyn Fn(u64) -> Result<()> + 'a;

impl Large {
    /// The files in `directory`, which is made with the first of them. Places name files up to the number `named`, if that is known.
    ///
    /// # Errors
    /// [`Error::Damaged`] if one of them is gone.
    pub(super) fn open(directory: PathBuf, named: Option<u64>) -> Result<Self> {
        let numbers = numbers(&directory).map_err(Error::engine)?;
        let expected = (0..).zip(&numbers).find(|(wanted, found)| wanted != *found);
        let next = numbers.len() as u64;
        let missing = expected.map(|(wanted, _)| wanted);
        let missing = missing.or((named >= Some(next)).then_some(next));
        if let Some(number) = missing {
            return Err(is_missing(&path(&directory, number)));
        }
        Ok(Self {
            writer: Mutex::new(Writer {
                next,
                open: None,
                last: VecDeque::new(),
            }),
            directory,
        })
    }

    /// Writes a row, if there is room, and returns its place when it is on disk.
    pub(super) fn append(&self, row: &[u8], check_room: &CheckRoom<'_>) -> Result<Place> {
        let too_long = |_| Error::engine("a row of more than 4 GiB");
        let before = u32::try_from(row.len()).map_err(too_long)?;
        let sum = sha256(row);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, place)) = writer.last.iter().find(|(known, _)| *known == sum) {
            return Ok(*place);
        }
        let bytes = lz4_flex::compress(row);
        let length = u32::try_from(bytes.len()).map_err(too_long)?;
        check_room(length.into())?;
        let (file, offset) = writer.write(&self.directory, &bytes)?;
        let place = Place {
            file,
            offset,
            length,
            before,
            checksum: checksum(before, length, &bytes),
        };
        writer.last.push_back((sum, place));
        if writer.last.len() > REMEMBERED {
            writer.last.pop_front();
        }
        Ok(place)
    }

    /// The row at a place.
    pub(super) fn get(&self, place: &Place) -> Result<Vec<u8>> {
        let path = path(&self.directory, place.file);
        let damaged = || {
            let at = format!("{}, from byte {} on", path.display(), place.offset);
            Error::damaged(format!("{at}, is not what was written"))
        };
        let mut file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => is_missing(&path),
            _ => Error::engine(error),
        })?;
        let end = place.offset.checked_add(place.length.into());
        let length = file.metadata().map_err(Error::engine)?.len();
        if end.is_none_or(|end| end > length) {
            return Err(damaged());
        }
        let mut bytes = vec![0; place.length as usize];
        file.seek(SeekFrom::Start(place.offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(Error::engine)?;
        if checksum(place.before, place.length, &bytes) != place.checksum {
            return Err(damaged());
        }
        lz4_flex::decompress(&bytes, place.before as usize).map_err(|_| damaged())
    }
}

impl Place {
    /// Number of the file.
    pub(super) const fn file(&self) -> u64 {
        self.file
    }
}

impl Writer {
    /// Where the bytes are, which are on disk then.
    fn write(&mut self, directory: &Path, bytes: &[u8]) -> Result<(u64, u64)> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(directory)?,
        };
        if let Err(error) = open.file.write_all(bytes) {
            // What is there of it takes room that may be what is missing. Nothing of it was to be on disk, so the file is as good as before.
            match open.file.set_len(open.length) {
                Ok(()) if open.length > 0 => self.open = Some(open),
                _ => self.give_up(directory, &open),
            }
            return Err(Error::engine(error));
        }
        if let Err(error) = open.file.sync_data() {
            self.give_up(directory, &open);
            return Err(Error::engine(error));
        }
        let place = (open.number, open.length);
        open.length += bytes.len() as u64;
        self.open = (open.length < FILE_BYTES).then_some(open);
        Ok(place)
    }

    /// A file that nothing is written to any more: what it has of rows stays. Without any it goes, or each try on a disk without room would leave one.
    fn give_up(&mut self, directory: &Path, open: &Open) {
        if open.length > 0 {
            let _ = open.file.set_len(open.length);
        } else if fs::remove_file(path(directory, open.number)).is_ok() {
            self.next = open.number;
        }
    }

    fn begin(&mut self, directory: &Path) -> Result<Open> {
        files::make_directory(directory).map_err(Error::engine)?;
        let number = self.next;
        let file = File::options()
            .append(true)
            .create_new(true)
            .open(path(directory, number))
            .map_err(Error::engine)?;
        self.next += 1;
        let open = Open {
            file,
            number,
            length: 0,
        };
        // Also what is above it: whoever made the directory may not have come so far.
        let above = directory.parent().unwrap_or(directory);
        let synced = files::sync_directory(directory).and_then(|()| files::sync_directory(above));
        if let Err(error) = synced {
            self.give_up(directory, &open);
            return Err(Error::engine(error));
        }
        Ok(open)
    }
}

/// The numbers of the files that are there, in order.
fn numbers(directory: &Path) -> std::io::Result<Vec<u64>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        let number = number.and_then(|number| number.parse::<u64>().ok());
        // A copy that somebody made by hand is none of ours: `1.rows`, say.
        numbers.extend(number.filter(|number| *file_name(*number) == *name));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn is_missing(path: &Path) -> Error {
    Error::damaged(format!("{} is missing", path.display()))
}

fn checksum(before: u32, length: u32, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, u64::from(before) << 32 | u64::from(length))
}

#[cfg(test)]
mod tests;
