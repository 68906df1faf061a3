//! The pages of an ordered set: what they hold, when they are split and joined.

use crate::error::{Fault, broken};
use borsh::{BorshDeserialize, BorshSerialize};
use core::ops::Bound;

/// The most keys on a page of a module's list: bounds what one insertion rewrites.
pub const PAGE_KEYS_MAX: usize = 64;
/// The fewest keys of a page that is split because of its bytes: each half keeps two, so that a tree has levels.
const PAGE_KEYS_SPLIT: usize = 4;
/// What the pages of a set are like. Part of the format: it never changes for a set that exists.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The most keys on a page.
    pub keys: usize,
    /// A page whose keys have more bytes than this is split too, if it has four keys or more.
    pub bytes: usize,
    /// Whether the root keeps the number of keys, and so is rewritten by every change.
    pub counted: bool,
}

impl Shape {
    /// Lists of the modules, whose keys are short.
    pub const NATIVE: Self = Self {
        keys: PAGE_KEYS_MAX,
        bytes: usize::MAX,
        counted: true,
    };

    /// A page with fewer keys looks for a neighbour to join.
    pub(super) const fn few(&self) -> usize {
        self.keys.div_euclid(4)
    }

    /// Whether two pages can be one.
    pub(super) fn joined(&self, a: &Page, b: &Page) -> bool {
        let three_quarters = |most: usize| most.div_euclid(4).saturating_mul(3);
        a.count().saturating_add(b.count()) <= three_quarters(self.keys)
            && a.bytes().saturating_add(b.bytes()) <= three_quarters(self.bytes)
    }

    /// Whether a page must be split.
    pub(super) fn overfull(&self, page: &Page) -> bool {
        let count = page.count();
        count > self.keys || (count >= PAGE_KEYS_SPLIT && page.bytes() > self.bytes)
    }
}

/// A page of the tree.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) enum Page {
    /// Keys in order.
    Leaf(Vec<Vec<u8>>),
    /// (lower bound, page number): a child holds the keys from its bound up to the next child's. The first bound is
    /// empty.
    Inner(Vec<(Vec<u8>, u64)>),
}

/// The root page, and what the set knows of itself.
#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Root {
    /// Number of keys, if the set counts them.
    pub(super) len: u64,
    /// The next number for a page.
    pub(super) next_page: u64,
    /// The root page.
    pub(super) page: Page,
}

impl Page {
    /// Number of keys, or of children.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Leaf(keys) => keys.len(),
            Self::Inner(children) => children.len(),
        }
    }

    /// Bytes of the keys.
    fn bytes(&self) -> usize {
        let lengths = |sum: usize, key: &Vec<u8>| sum.saturating_add(key.len());
        match self {
            Self::Leaf(keys) => keys.iter().fold(0, lengths),
            Self::Inner(children) => children.iter().map(|(bound, _)| bound).fold(0, lengths),
        }
    }

    /// Moves the upper half out; tells its lower bound.
    pub(super) fn split(&mut self) -> (Vec<u8>, Self) {
        let middle = self.count() / 2;
        match self {
            Self::Leaf(keys) => {
                let upper = keys.split_off(middle);
                (
                    upper.first().cloned().unwrap_or_default(),
                    Self::Leaf(upper),
                )
            }
            Self::Inner(children) => {
                let mut upper = children.split_off(middle);
                let bound = upper
                    .first_mut()
                    .map(|(bound, _)| core::mem::take(bound))
                    .unwrap_or_default();
                (bound, Self::Inner(upper))
            }
        }
    }

    /// Takes over the keys of the next page, whose lower bound is `bound`.
    pub(super) fn join(&mut self, bound: Vec<u8>, next: Self) -> Result<(), Fault> {
        match (self, next) {
            (Self::Leaf(keys), Self::Leaf(more)) => keys.extend(more),
            (Self::Inner(children), Self::Inner(mut more)) => {
                if let Some((first, _)) = more.first_mut() {
                    *first = bound;
                }
                children.extend(more);
            }
            _ => return Err(broken("index: neighbours of different levels")),
        }
        Ok(())
    }
}

/// The child that holds `key`.
pub(super) fn child_of(children: &[(Vec<u8>, u64)], key: &[u8]) -> usize {
    children
        .partition_point(|(bound, _)| bound.as_slice() <= key)
        .saturating_sub(1)
}

/// Whether a walk that starts at `from` comes to `key`.
pub(super) fn is_behind(key: &[u8], from: Bound<&[u8]>, reverse: bool) -> bool {
    match from {
        Bound::Unbounded => true,
        Bound::Included(from) if reverse => key <= from,
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) if reverse => key < from,
        Bound::Excluded(from) => key > from,
    }
}
