//! Typed collections over the native tree. Keys of the tree are hashed, so **nothing range-scans**: what must be listed
//! in order has an [`OrderedIndex`], a paged tree of ordinary proven entries.
//!
//! All access goes through [`crate::Ctx`], which charges gas. Values are borsh. Every collection has a name (its key
//! prefix) that is spelled once, in its module's `state.rs`; names are text ending in `/` for [`Map`] and
//! [`OrderedIndex`] and without `/` at the end for [`Item`], and no name is the beginning of another (a test holds it).

mod index;
mod item;
mod key;
mod map;

pub use index::{Entries, Index, OrderedIndex, PAGE_KEYS_MAX, Shape};
pub use item::Item;
pub use key::Key;
pub use map::Map;

use crate::Bytes;
use crate::error::{Fault, Stop};
use borsh::{BorshDeserialize, BorshSerialize};

/// The format of every value in the native tree: its first byte. A second format gets a second number.
const FORMAT: u8 = 1;

/// Encodes a value for the state: the format byte, then borsh.
fn encode<T: BorshSerialize>(value: &T) -> Result<Vec<u8>, Stop> {
    borsh::to_vec(&(FORMAT, value))
        .map_err(|e| Fault::Broken(format!("value does not encode: {e}")).into())
}

/// Decodes a value of the state; failure is a broken invariant, since nothing but this crate writes there.
fn decode<T: BorshDeserialize>(bytes: Option<Bytes>) -> Result<Option<T>, Fault> {
    let Some(bytes) = bytes else { return Ok(None) };
    match bytes.split_first() {
        Some((&FORMAT, value)) => borsh::from_slice(value).map(Some).map_err(Fault::from),
        _ => Err(Fault::Broken("stored value of an unknown format".into())),
    }
}

/// Bytes of the longest raw keys that are made often: the name of a collection, an address, a denomination.
const USUAL_KEY_BYTES: usize = 96;

/// The beginning of a raw key: a collection's name. With room for the rest.
fn begin_key(name: &str) -> Vec<u8> {
    let mut raw = Vec::with_capacity(USUAL_KEY_BYTES);
    raw.extend_from_slice(name.as_bytes());
    raw
}
