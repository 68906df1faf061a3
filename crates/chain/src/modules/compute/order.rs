//! The keys of a contract that iterates, in order of their bytes, and the iterators of a call over them.
//!
//! The tree hashes its keys, so order is kept beside it: an ordered set ([`crate::collections::Index`]) whose pages are sealed
//! records of the contract like its values. So a page is proven like every read, its place is a hash under the contract's
//! secret, and a host sees of it what it sees of any record: its size class, and when it is read and written
//! (docs/security.md).
//!
//! An iterator is the range that it has not walked yet. What a contract writes and removes meanwhile it sees, where it has
//! not come to yet; at the end of its range it stays.

use super::gas;
use super::limits::{
    ITERATORS_AHEAD_MAX, ITERATORS_MAX, ORDERED_KEY_BYTES_MAX, ORDERED_PAGE_BYTES_MAX,
    ORDERED_PAGE_KEYS_MAX,
};
use crate::Bytes;
use crate::collections::{Entries, Index, Shape};
use crate::error::{Fault, Stop};
use crate::gas::{GasMeter, READ_FLAT};
use crate::overlay::Slot;
use crate::state::State;
use crate::types::{Address, Gas};
use core::ops::Bound;
use std::collections::VecDeque;
use strongroom_vm::Range;

// A contract's own keys and the pages of the list have names that never meet: they begin with different bytes.
const OWN: u8 = 0;
const LIST: u8 = 1;

/// The price of opening an iterator beside the bytes of its bounds, in SDK gas: what it holds until the call ends.
const SCAN: Gas = READ_FLAT;

const UNKNOWN: &str = "there is no iterator of this number";
const TOO_MANY: &str = "a call has at most 4096 iterators";
const TOO_LONG: &str = "a key of a contract that iterates has at most 4096 bytes";

/// Why the order does not do what a contract asked.
pub(super) enum Refusal {
    /// The contract's fault.
    Contract(&'static str),
    /// Out of gas or a fault.
    Stop(Stop),
}

impl<T: Into<Stop>> From<T> for Refusal {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}

/// The name under which a contract that iterates keeps its own key.
pub(super) fn own_key(key: &[u8]) -> Vec<u8> {
    [&[OWN], key].concat()
}

/// Refuses a key that is too long for a page.
pub(super) fn check_key(key: &[u8]) -> Result<(), Refusal> {
    if key.len() > ORDERED_KEY_BYTES_MAX {
        return Err(Refusal::Contract(TOO_LONG));
    }
    Ok(())
}

/// The pages of a contract's list, each access paid for as the same access to a value is.
pub(super) struct Pages<'p, 's> {
    pub(super) state: &'p mut State<'s>,
    pub(super) contract: &'p Address,
    pub(super) meter: &'p mut GasMeter,
}

impl Pages<'_, '_> {
    fn slot(&self, key: &[u8]) -> Slot {
        Slot::Contract(self.contract.clone(), key.into())
    }
}

impl Entries for Pages<'_, '_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Stop> {
        self.meter.consume(gas::read(None), PRICE)?;
        let page = self.state.get(&self.slot(key))?;
        let class = page.as_ref().map_or(0, |page| gas::class(page));
        self.meter.consume(
            gas::read(Some(class)).saturating_sub(gas::read(None)),
            PRICE,
        )?;
        Ok(page)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stop> {
        self.meter.consume(gas::write(gas::class(value)), PRICE)?;
        self.state.put(self.slot(key), Some(Bytes::from(value)));
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), Stop> {
        self.meter.consume(gas::remove(), PRICE)?;
        self.state.put(self.slot(key), None);
        Ok(())
    }
}

/// Location of the gas; it does not leave the call's own meter.
const PRICE: &str = "contract list";

/// The list. Its root lies under one byte, its pages under that byte and their numbers.
fn list() -> Index {
    let shape = Shape {
        keys: ORDERED_PAGE_KEYS_MAX,
        bytes: ORDERED_PAGE_BYTES_MAX,
        counted: false,
    };
    Index::new(vec![LIST], shape)
}

/// The part of a range that an iterator has not walked yet.
struct Cursor {
    /// The first key that may come.
    start: Vec<u8>,
    /// The first key that comes no more.
    end: Option<Vec<u8>>,
    descending: bool,
}

impl Cursor {
    fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    fn holds(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_ref().is_none_or(|end| key < end.as_slice())
    }

    /// Where the walk goes on.
    fn from(&self) -> Bound<&[u8]> {
        match &self.end {
            Some(end) if self.descending => Bound::Excluded(end),
            None if self.descending => Bound::Unbounded,
            _ => Bound::Included(&self.start),
        }
    }

    /// Leaves `key` behind.
    fn pass(&mut self, key: &[u8]) {
        if self.descending {
            self.end = Some(key.to_vec());
        } else {
            // The next key in the order of bytes.
            self.start = [key, &[0]].concat();
        }
    }

    fn finish(&mut self) {
        self.start = Vec::new();
        self.end = Some(Vec::new());
    }
}

/// Keys that an iterator will give next, from one page.
struct Ahead {
    iterator: u32,
    keys: VecDeque<Vec<u8>>,
    /// Whether there are no more behind them.
    last: bool,
}

/// The iterators of one call.
#[derive(Default)]
pub(super) struct Iterators {
    cursors: Vec<Cursor>,
    /// Of those used last, the one used last at the back. Part of the price: what stands here is not read again.
    ahead: VecDeque<Ahead>,
}

impl Iterators {
    /// Opens an iterator.
    pub(super) fn open(&mut self, range: Range, meter: &mut GasMeter) -> Result<u32, Refusal> {
        let bounds = [range.start.as_deref(), range.end.as_deref()];
        let mut price = SCAN;
        for bound in bounds.into_iter().flatten() {
            check_key(bound)?;
            price = price.saturating_add(u64::try_from(bound.len()).unwrap_or(u64::MAX));
        }
        meter.consume(price, PRICE)?;
        if self.cursors.len() >= ITERATORS_MAX {
            return Err(Refusal::Contract(TOO_MANY));
        }
        let number = u32::try_from(self.cursors.len()).unwrap_or(u32::MAX);
        self.cursors.push(Cursor {
            start: range.start.unwrap_or_default(),
            end: range.end,
            descending: range.descending,
        });
        Ok(number)
    }

    /// The next key of an iterator.
    pub(super) fn next(
        &mut self,
        iterator: u32,
        pages: &mut Pages<'_, '_>,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let at = usize::try_from(iterator).unwrap_or(usize::MAX);
        let cursor = self.cursors.get_mut(at).ok_or(Refusal::Contract(UNKNOWN))?;
        let known = self.ahead.iter().position(|a| a.iterator == iterator);
        let mut ahead = match known.and_then(|at| self.ahead.remove(at)) {
            Some(ahead) => ahead,
            None => look_ahead(iterator, cursor, pages)?,
        };
        let Some(key) = ahead.keys.pop_front() else {
            cursor.finish();
            return Ok(None);
        };
        cursor.pass(&key);
        // That there are no more is known as well, as long as nothing changes.
        if !ahead.keys.is_empty() || ahead.last {
            if self.ahead.len() >= ITERATORS_AHEAD_MAX {
                self.ahead.pop_front();
            }
            self.ahead.push_back(ahead);
        }
        Ok(Some(key))
    }

    /// A key has come or gone: what iterators know of the keys ahead is no longer true.
    fn changed(&mut self) {
        self.ahead.clear();
    }

    /// Lists a key that had no value before.
    pub(super) fn insert(&mut self, key: &[u8], pages: &mut Pages<'_, '_>) -> Result<(), Stop> {
        self.changed();
        if list().insert(pages, key)? {
            return Ok(());
        }
        Err(Fault::Broken("a key without a value was listed".into()).into())
    }

    /// Takes a key out that had a value.
    pub(super) fn remove(&mut self, key: &[u8], pages: &mut Pages<'_, '_>) -> Result<(), Stop> {
        self.changed();
        if list().remove(pages, key)? {
            return Ok(());
        }
        Err(Fault::Broken("a key with a value was not listed".into()).into())
    }
}

/// Reads the page where an iterator stands.
fn look_ahead(iterator: u32, cursor: &Cursor, pages: &mut Pages<'_, '_>) -> Result<Ahead, Stop> {
    let mut ahead = Ahead {
        iterator,
        keys: VecDeque::new(),
        last: true,
    };
    if !cursor.is_empty() {
        let found = list().page_from(pages, cursor.from(), cursor.descending)?;
        let all = found.len();
        ahead
            .keys
            .extend(found.into_iter().take_while(|key| cursor.holds(key)));
        ahead.last = ahead.keys.len() < all;
    }
    Ok(ahead)
}
