//! Long rows beside the database: files to which whole blocks and their results are appended.
//!
//! A database writes what it is given at least twice, to its journal and to the files of its tables. A long row is written here, once, and the
//! database has its place. A record is the row, compressed (LZ4); lengths and checksum are in the place.
//!
//! Promises: a place that was given is on disk, whole. What no place names (after a crash, or where the database refused what came with it) is never
//! read, and takes its room for good. A row that the same process tries again soon is not written again.
//! Refuses: to write to a file of an earlier process, or behind a write that failed: each gets a new file.

use crate::error::{Error, Result};
use crate::files;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
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
    directory.join(format!("{number:020}{SUFFIX}"))
}

impl Large {
    /// Opens or makes the directory.
    pub(super) fn open(directory: PathBuf) -> Result<Self> {
        let next = fs::create_dir_all(&directory).and_then(|()| next_number(&directory));
        Ok(Self {
            writer: Mutex::new(Writer {
                next: next.map_err(Error::engine)?,
                open: None,
                last: VecDeque::new(),
            }),
            directory,
        })
    }

    /// Writes a row and returns its place when it is on disk.
    pub(super) fn append(&self, row: &[u8]) -> Result<Place> {
        let too_long = |_| Error::engine("a row of more than 4 GiB");
        let before = u32::try_from(row.len()).map_err(too_long)?;
        let sum = sha256(row);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, place)) = writer.last.iter().find(|(known, _)| *known == sum) {
            return Ok(*place);
        }
        let bytes = lz4_flex::compress(row);
        let length = u32::try_from(bytes.len()).map_err(too_long)?;
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
        let damaged = || Error::damaged("a long row is not what was written");
        let mut file = File::open(path(&self.directory, place.file)).map_err(Error::engine)?;
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

impl Writer {
    /// Where the bytes are, which are on disk then.
    fn write(&mut self, directory: &Path, bytes: &[u8]) -> Result<(u64, u64)> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(directory)?,
        };
        let written = open.file.write_all(bytes);
        if let Err(error) = written.and_then(|()| open.file.sync_data()) {
            // What is there of it takes room that may be what is missing.
            let _ = open.file.set_len(open.length);
            return Err(Error::engine(error));
        }
        let place = (open.number, open.length);
        open.length += bytes.len() as u64;
        self.open = (open.length < FILE_BYTES).then_some(open);
        Ok(place)
    }

    fn begin(&mut self, directory: &Path) -> Result<Open> {
        let number = self.next;
        let file = File::options()
            .append(true)
            .create_new(true)
            .open(path(directory, number))
            .map_err(Error::engine)?;
        self.next += 1;
        // Also what is above it: the directory may be new.
        let above = directory.parent().unwrap_or(directory);
        files::sync_directory(directory)
            .and_then(|()| files::sync_directory(above))
            .map_err(Error::engine)?;
        Ok(Open {
            file,
            number,
            length: 0,
        })
    }
}

fn next_number(directory: &Path) -> std::io::Result<u64> {
    let mut next = 0;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        let number = number.and_then(|number| number.parse::<u64>().ok());
        next = next.max(number.map_or(0, |number| number.saturating_add(1)));
    }
    Ok(next)
}

fn checksum(before: u32, length: u32, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, u64::from(before) << 32 | u64::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u8) -> Vec<u8> {
        (0..20_000_u32)
            .flat_map(|at| [(at >> 4) as u8, n, (at * 7) as u8])
            .collect()
    }

    #[test]
    fn rows_are_read_at_their_places_also_by_the_next_process_which_has_a_file_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let open = || Large::open(home.path().join("large")).unwrap();
        let mut places = Vec::new();
        for process in 0..3 {
            let large = open();
            for n in 0..5 {
                places.push((
                    large.append(&row(process * 5 + n)).unwrap(),
                    process * 5 + n,
                ));
            }
            assert!(
                places
                    .iter()
                    .all(|(place, n)| large.get(place).unwrap() == row(*n))
            );
        }
        let files: Vec<_> = places.iter().map(|(place, _)| place.file).collect();
        assert_eq!(files, [[0; 5], [1; 5], [2; 5]].concat());
    }

    #[test]
    fn a_row_that_is_tried_again_is_not_written_again() {
        let home = tempfile::tempdir().unwrap();
        let large = Large::open(home.path().to_owned()).unwrap();
        let (block, results) = (row(1), row(2));
        let places = [
            large.append(&block).unwrap(),
            large.append(&results).unwrap(),
        ];
        for _ in 0..3 {
            assert_eq!(large.append(&block).unwrap(), places[0]);
            assert_eq!(large.append(&results).unwrap(), places[1]);
        }
        let written = fs::metadata(path(home.path(), 0)).unwrap().len();
        assert_eq!(written, u64::from(places[0].length + places[1].length));
    }

    #[test]
    fn a_write_that_failed_takes_no_room_and_nothing_is_written_behind_it() {
        let home = tempfile::tempdir().unwrap();
        let large = Large::open(home.path().to_owned()).unwrap();
        let first = large.append(&row(1)).unwrap();
        // Only readable from here on.
        let mut writer = large.writer.lock().unwrap();
        writer.open.as_mut().unwrap().file = File::open(path(home.path(), 0)).unwrap();
        drop(writer);
        large.append(&row(2)).unwrap_err();
        let second = large.append(&row(2)).unwrap();
        assert_eq!((first.file, second.file), (0, 1));
        assert_eq!(large.get(&first).unwrap(), row(1));
        assert_eq!(large.get(&second).unwrap(), row(2));
    }

    #[test]
    fn a_bit_that_turned_or_a_file_that_is_cut_or_gone_is_told() {
        let home = tempfile::tempdir().unwrap();
        let large = Large::open(home.path().to_owned()).unwrap();
        let place = large.append(&row(1)).unwrap();
        let file = path(home.path(), 0);
        let whole = fs::read(&file).unwrap();
        for at in (0..whole.len()).step_by(97) {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            fs::write(&file, &bent).unwrap();
            assert_eq!(large.get(&place).unwrap_err().code(), "store.damaged");
        }
        fs::write(&file, &whole[1..]).unwrap();
        assert_eq!(large.get(&place).unwrap_err().code(), "store.damaged");
        for bent in [
            Place {
                before: u32::MAX,
                ..place
            },
            Place {
                offset: u64::MAX,
                ..place
            },
        ] {
            assert_eq!(large.get(&bent).unwrap_err().code(), "store.damaged");
        }
        fs::remove_file(&file).unwrap();
        large.get(&place).unwrap_err();
    }
}
