//! Opening: what the database holds must be exactly what its roots say.

use super::History;
use super::rows::{self, Newest};
use super::top::{self, Found, Top};
use crate::error::{Error, Result};
use crate::kv::Snapshot;
use std::ops::Bound;
use std::sync::Arc;
use strongroom_proof::tree::{self, Entry};
use strongroom_types::{Hash, Tree};

/// The newest version and its trees; `None` for an empty database.
pub(super) fn read(
    snapshot: &Arc<dyn Snapshot>,
    history: History,
) -> Result<Option<(Newest, [Top; 3])>> {
    let tops = read_tops(&**snapshot)?;
    let Some(row) = snapshot.get(rows::META, rows::NEWEST)? else {
        return match tops {
            [Top::Empty, Top::Empty, Top::Empty] => Ok(None),
            _ => Err(Error::damaged("there are buckets and no version")),
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

fn read_tops(snapshot: &dyn Snapshot) -> Result<[Top; 3]> {
    let mut found: [Vec<Found>; 3] = Default::default();
    for row in snapshot.rows(rows::BUCKETS, (Bound::Unbounded, Bound::Unbounded))? {
        let (key, row) = row?;
        let (name, bits, prefix) =
            rows::parse_bucket_key(&key).ok_or_else(|| Error::damaged("key of a bucket"))?;
        let entries = rows::decode_entries(&row)?;
        check_place(&entries, bits, &prefix)?;
        let hash = tree::subtree_hash(&entries, bits);
        found[name as usize].push(Found {
            prefix,
            bits,
            hash,
            count: entries.len(),
        });
    }
    let mut tops = [Top::Empty, Top::Empty, Top::Empty];
    for name in Tree::ALL {
        let buckets = &mut found[name as usize];
        buckets.sort_unstable_by_key(|bucket| bucket.prefix);
        tops[name as usize] = top::build(buckets, 0)?;
    }
    Ok(tops)
}

/// Entries must be sorted, without doubles, and under the bucket's prefix.
fn check_place(entries: &[Entry], bits: usize, prefix: &Hash) -> Result<()> {
    let sorted = entries
        .windows(2)
        .all(|pair| pair[0].key_hash < pair[1].key_hash);
    let inside = entries
        .iter()
        .all(|entry| tree::common_depth(&entry.key_hash, prefix) >= bits);
    if sorted && inside {
        Ok(())
    } else {
        Err(Error::damaged("entries of a bucket"))
    }
}
