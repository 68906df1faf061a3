//! Looking at every value, which no opening does: for an operator who does not trust a disk.

use super::view::{damaged_at, decode_checked};
use super::{StateStore, rows};
use crate::error::{Error, Result};
use std::ops::Bound;
use strongroom_types::{Hash, Tree};

impl StateStore {
    /// Reads all values: those that stand at the newest height must be what its trees say, those of past heights must be of their keys, and the
    /// database itself holds each part of a file that it reads against a checksum. Gives how many stand.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the place of the first that is not what it should be; if the database cannot be read.
    pub fn check_values(&self) -> Result<u64> {
        let newest = self.read().newest().cloned();
        let Some(newest) = newest else {
            return Ok(0);
        };
        let is_of = |key_hash: Hash| move |raw_key: &[u8]| (self.key_hash)(raw_key) == key_hash;
        let mut count = 0;
        for tree in Tree::ALL {
            newest.top(tree).each(&mut |leaf| {
                count += 1;
                let row = newest.checked_row(tree, is_of(leaf.entry.key_hash), leaf);
                row.map(drop)
            })?;
        }
        let all = (Bound::Unbounded, Bound::Unbounded);
        for row in newest.snapshot.rows(rows::VERSIONS, all)? {
            let (key, row) = row?;
            let place = rows::decode_version_key(&key);
            let (tree, key_hash, height) =
                place.ok_or_else(|| Error::damaged("a version without a place"))?;
            if height > newest.height {
                let what = "a value is of a later block";
                return Err(damaged_at(what, tree, &key_hash));
            }
            // Empty where a block removed it.
            if !row.is_empty() {
                decode_checked(&row, tree, &key_hash, is_of(key_hash))?;
            }
        }
        Ok(count)
    }
}
