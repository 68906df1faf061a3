//! An ordered set of byte strings as a paged tree of ordinary proven entries.
//!
//! The root page lies with the length in one entry, so that a small set costs one entry; other pages have numbers that
//! are never used twice. A page holds at most [`PAGE_KEYS_MAX`] keys; a page that falls below a quarter of that joins a
//! neighbour if both fit into three quarters, so that no sequence of insertions and removals leaves a trail of
//! near-empty pages.

#[cfg(test)]
mod tests;

use super::{Key, decode, encode};
use crate::Ctx;
use crate::error::{Fault, Stop, broken};
use borsh::{BorshDeserialize, BorshSerialize};

/// The most keys on a page: bounds what one insertion rewrites.
pub const PAGE_KEYS_MAX: usize = 64;
/// A page with fewer keys looks for a neighbour to join.
const PAGE_KEYS_FEW: usize = PAGE_KEYS_MAX / 4;
/// Two pages join if they hold at most this many keys together.
const PAGE_KEYS_JOINED: usize = PAGE_KEYS_MAX / 4 * 3;
/// More levels than 2^64 keys could need.
const LEVELS_MAX: usize = 32;

/// A family of ordered sets, one per instance key (`()` for a single one).
pub struct OrderedIndex<K> {
    name: &'static str,
    instance: core::marker::PhantomData<fn() -> K>,
}

impl<K: Key> OrderedIndex<K> {
    /// A family of ordered sets with this name, which ends in `/`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            instance: core::marker::PhantomData,
        }
    }

    /// The name, with which every raw key begins.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The set of one instance.
    #[must_use]
    pub fn at(&self, instance: &K) -> Index {
        let mut base = self.name.as_bytes().to_vec();
        instance.write(&mut base);
        Index { base }
    }
}

/// One ordered set. Keys are compared as bytes.
pub struct Index {
    base: Vec<u8>,
}

#[derive(BorshSerialize, BorshDeserialize)]
enum Page {
    Leaf(Vec<Vec<u8>>),
    /// (lower bound, page number): a child holds the keys from its bound up to the next child's. The first bound is
    /// empty.
    Inner(Vec<(Vec<u8>, u64)>),
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Root {
    len: u64,
    next_page: u64,
    page: Page,
}

impl Page {
    fn count(&self) -> usize {
        match self {
            Self::Leaf(keys) => keys.len(),
            Self::Inner(children) => children.len(),
        }
    }

    /// Moves the upper half out; tells its lower bound.
    fn split(&mut self) -> (Vec<u8>, Self) {
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
    fn join(&mut self, bound: Vec<u8>, next: Self) -> Result<(), Fault> {
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
fn child_of(children: &[(Vec<u8>, u64)], key: &[u8]) -> usize {
    children
        .partition_point(|(bound, _)| bound.as_slice() <= key)
        .saturating_sub(1)
}

/// One step of a descent: an inner page, its number (`None` for the root) and the child taken.
struct Step {
    number: Option<u64>,
    children: Vec<(Vec<u8>, u64)>,
    taken: usize,
}

impl Index {
    /// Number of keys in the set.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn len(&self, ctx: &mut Ctx) -> Result<u64, Stop> {
        Ok(self.root(ctx)?.len)
    }

    /// Whether the set holds nothing.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn is_empty(&self, ctx: &mut Ctx) -> Result<bool, Stop> {
        Ok(self.len(ctx)? == 0)
    }

    /// Whether the set holds `key`.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn contains(&self, ctx: &mut Ctx, key: &[u8]) -> Result<bool, Stop> {
        let root = self.root(ctx)?;
        let (_, _, keys) = self.descend(ctx, root.page, key)?;
        Ok(keys.binary_search_by(|k| k.as_slice().cmp(key)).is_ok())
    }

    /// Adds `key`; tells whether it was new.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn insert(&self, ctx: &mut Ctx, key: &[u8]) -> Result<bool, Stop> {
        let Root {
            len,
            mut next_page,
            page,
        } = self.root(ctx)?;
        let (mut steps, mut number, mut keys) = self.descend(ctx, page, key)?;
        let Err(place) = keys.binary_search_by(|k| k.as_slice().cmp(key)) else {
            return Ok(false);
        };
        keys.insert(place, key.to_vec());
        let mut page = Page::Leaf(keys);
        let len = len.saturating_add(1);
        loop {
            let upper = (page.count() > PAGE_KEYS_MAX).then(|| page.split());
            match (number, upper) {
                (Some(number), None) => {
                    self.set_page(ctx, number, &page)?;
                    self.set_root(ctx, &reassemble(steps, len, next_page)?)?;
                    return Ok(true);
                }
                (None, None) => {
                    self.set_root(
                        ctx,
                        &Root {
                            len,
                            next_page,
                            page,
                        },
                    )?;
                    return Ok(true);
                }
                (Some(lower), Some((bound, upper))) => {
                    self.set_page(ctx, lower, &page)?;
                    let fresh = take_number(&mut next_page)?;
                    self.set_page(ctx, fresh, &upper)?;
                    let mut parent = steps
                        .pop()
                        .ok_or_else(|| broken("index: a page without a parent"))?;
                    parent
                        .children
                        .insert(parent.taken.saturating_add(1), (bound, fresh));
                    number = parent.number;
                    page = Page::Inner(parent.children);
                }
                (None, Some((bound, upper))) => {
                    let lower = take_number(&mut next_page)?;
                    let fresh = take_number(&mut next_page)?;
                    self.set_page(ctx, lower, &page)?;
                    self.set_page(ctx, fresh, &upper)?;
                    let page = Page::Inner(vec![(Vec::new(), lower), (bound, fresh)]);
                    self.set_root(
                        ctx,
                        &Root {
                            len,
                            next_page,
                            page,
                        },
                    )?;
                    return Ok(true);
                }
            }
        }
    }

    /// Takes `key` out; tells whether it was there.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn remove(&self, ctx: &mut Ctx, key: &[u8]) -> Result<bool, Stop> {
        let Root {
            len,
            next_page,
            page,
        } = self.root(ctx)?;
        let (mut steps, mut number, mut keys) = self.descend(ctx, page, key)?;
        let Ok(place) = keys.binary_search_by(|k| k.as_slice().cmp(key)) else {
            return Ok(false);
        };
        keys.remove(place);
        let len = len.saturating_sub(1);
        let mut page = Page::Leaf(keys);
        while let Some(own) = number {
            if page.count() >= PAGE_KEYS_FEW {
                self.set_page(ctx, own, &page)?;
                self.set_root(ctx, &reassemble(steps, len, next_page)?)?;
                return Ok(true);
            }
            let mut parent = steps
                .pop()
                .ok_or_else(|| broken("index: a page without a parent"))?;
            self.shrink(ctx, &mut parent, own, page)?;
            number = parent.number;
            page = Page::Inner(parent.children);
        }
        // A root with one child takes its place; a root without any is an empty set.
        let page = match page {
            Page::Inner(children) if children.is_empty() => Page::Leaf(Vec::new()),
            Page::Inner(mut children) if children.len() == 1 => match children.pop() {
                Some((_, only)) => {
                    let page = self.page(ctx, only)?;
                    self.remove_page(ctx, only)?;
                    page
                }
                None => Page::Leaf(Vec::new()),
            },
            other => other,
        };
        if len == 0 && page.count() == 0 && next_page == 0 {
            ctx.remove(&self.base)?;
        } else {
            self.set_root(
                ctx,
                &Root {
                    len,
                    next_page,
                    page,
                },
            )?;
        }
        Ok(true)
    }

    /// All keys in order.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn all(&self, ctx: &mut Ctx) -> Result<Vec<Vec<u8>>, Stop> {
        self.range(ctx, None, usize::MAX, false)
    }

    /// Up to `limit` keys in order. Forward: from the first key ≥ `from`; reverse: from the last key ≤ `from`, downwards.
    /// Without `from`: from the end where the walk begins.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn range(
        &self,
        ctx: &mut Ctx,
        from: Option<&[u8]>,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, Stop> {
        let mut out = Vec::new();
        let mut next = Some(self.root(ctx)?.page);
        let mut waiting: Vec<u64> = Vec::new();
        while let Some(page) = next {
            match page {
                Page::Leaf(mut keys) => {
                    if reverse {
                        keys.reverse();
                    }
                    let inside = keys.into_iter().filter(|key| match from {
                        None => true,
                        Some(from) if reverse => key.as_slice() <= from,
                        Some(from) => key.as_slice() >= from,
                    });
                    out.extend(inside.take(limit.saturating_sub(out.len())));
                }
                Page::Inner(children) => {
                    let at = from.map(|from| child_of(&children, from));
                    let numbers = children.into_iter().map(|(_, number)| number);
                    // The child to visit first goes on top, so the order of pushing is the reverse of the walk.
                    if reverse {
                        waiting
                            .extend(numbers.take(at.map_or(usize::MAX, |at| at.saturating_add(1))));
                    } else {
                        let wanted: Vec<u64> = numbers.skip(at.unwrap_or(0)).collect();
                        waiting.extend(wanted.into_iter().rev());
                    }
                }
            }
            next = if out.len() >= limit {
                None
            } else {
                waiting
                    .pop()
                    .map(|number| self.page(ctx, number))
                    .transpose()?
            };
        }
        Ok(out)
    }

    /// A page that fell below a quarter: gone if empty, joined with a neighbour if both fit, else kept as it is.
    fn shrink(&self, ctx: &mut Ctx, parent: &mut Step, own: u64, page: Page) -> Result<(), Stop> {
        let gone = || broken("index: a child that its parent does not know");
        if page.count() == 0 {
            parent.children.remove(parent.taken);
            if let Some((bound, _)) = parent.children.first_mut().filter(|_| parent.taken == 0) {
                bound.clear();
            }
            return self.remove_page(ctx, own);
        }
        // The lower of the two pages takes over the upper one.
        let (lower, upper) = match parent.taken.checked_sub(1) {
            Some(before) => (before, parent.taken),
            None => (0, 1),
        };
        let Some((bound, upper_number)) = parent.children.get(upper).cloned() else {
            return self.set_page(ctx, own, &page);
        };
        let lower_number = parent.children.get(lower).ok_or_else(gone)?.1;
        let neighbour = self.page(
            ctx,
            if own == lower_number {
                upper_number
            } else {
                lower_number
            },
        )?;
        if page.count().saturating_add(neighbour.count()) > PAGE_KEYS_JOINED {
            return self.set_page(ctx, own, &page);
        }
        let (mut first, second) = if own == lower_number {
            (page, neighbour)
        } else {
            (neighbour, page)
        };
        first.join(bound, second)?;
        self.set_page(ctx, lower_number, &first)?;
        self.remove_page(ctx, upper_number)?;
        parent.children.remove(upper);
        Ok(())
    }

    /// Walks down to the leaf that holds or would hold `key`: the inner pages passed, the leaf's number, its keys.
    #[allow(clippy::type_complexity)]
    fn descend(
        &self,
        ctx: &mut Ctx,
        root: Page,
        key: &[u8],
    ) -> Result<(Vec<Step>, Option<u64>, Vec<Vec<u8>>), Stop> {
        let (mut steps, mut number, mut page) = (Vec::new(), None, root);
        loop {
            match page {
                Page::Leaf(keys) => return Ok((steps, number, keys)),
                Page::Inner(children) => {
                    let taken = child_of(&children, key);
                    let child = children
                        .get(taken)
                        .ok_or_else(|| broken("index: an empty page"))?
                        .1;
                    steps.push(Step {
                        number,
                        children,
                        taken,
                    });
                    if steps.len() > LEVELS_MAX {
                        return Err(broken("index: too many levels").into());
                    }
                    number = Some(child);
                    page = self.page(ctx, child)?;
                }
            }
        }
    }

    fn page_key(&self, number: u64) -> Vec<u8> {
        let mut key = self.base.clone();
        number.write(&mut key);
        key
    }

    fn page(&self, ctx: &mut Ctx, number: u64) -> Result<Page, Stop> {
        let page = decode(ctx.get(&self.page_key(number))?)?;
        page.ok_or_else(|| broken("index: a page is missing").into())
    }

    fn set_page(&self, ctx: &mut Ctx, number: u64, page: &Page) -> Result<(), Stop> {
        ctx.set(&self.page_key(number), &encode(page)?)
    }

    fn remove_page(&self, ctx: &mut Ctx, number: u64) -> Result<(), Stop> {
        ctx.remove(&self.page_key(number))
    }

    fn root(&self, ctx: &mut Ctx) -> Result<Root, Stop> {
        let root = decode(ctx.get(&self.base)?)?;
        Ok(root.unwrap_or(Root {
            len: 0,
            next_page: 0,
            page: Page::Leaf(Vec::new()),
        }))
    }

    fn set_root(&self, ctx: &mut Ctx, root: &Root) -> Result<(), Stop> {
        ctx.set(&self.base, &encode(root)?)
    }
}

fn take_number(next: &mut u64) -> Result<u64, Stop> {
    let number = *next;
    *next = number
        .checked_add(1)
        .ok_or_else(|| broken("index: out of page numbers"))?;
    Ok(number)
}

/// The root above an unchanged rest of the path.
fn reassemble(steps: Vec<Step>, len: u64, next_page: u64) -> Result<Root, Stop> {
    let first = steps
        .into_iter()
        .next()
        .ok_or_else(|| broken("index: a page without a root"))?;
    Ok(Root {
        len,
        next_page,
        page: Page::Inner(first.children),
    })
}
