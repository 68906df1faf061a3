//! An ordered set of byte strings as a paged tree of ordinary proven entries.
//!
//! The root page lies with the length in one entry, so that a small set costs one entry; other pages have numbers that
//! are never used twice. A page holds at most [`Shape::keys`] keys; a page that falls below a quarter of that joins a
//! neighbour if both fit into three quarters, so that no sequence of insertions and removals leaves a trail of
//! near-empty pages.
//!
//! The set does not know where its entries lie, only that each access is paid for ([`Entries`]): the lists of the modules
//! lie in the native tree, the keys of a contract that iterates lie sealed among its data.

mod page;
#[cfg(test)]
mod tests;

use super::{Key, decode, encode};
use crate::error::{Stop, broken};
use crate::{Bytes, Ctx};
use core::ops::Bound;
pub use page::{PAGE_KEYS_MAX, Shape};
use page::{Page, Root, child_of, is_behind};

/// More levels than 2^64 keys could need.
const LEVELS_MAX: usize = 32;

/// Entries by key, each access paid for: where a set keeps its pages.
pub trait Entries {
    /// The value of a key.
    ///
    /// # Errors
    /// Out of gas or a fault.
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Stop>;

    /// Sets the value of a key.
    ///
    /// # Errors
    /// Out of gas or a fault.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stop>;

    /// Removes a key.
    ///
    /// # Errors
    /// Out of gas or a fault.
    fn remove(&mut self, key: &[u8]) -> Result<(), Stop>;
}

impl Entries for Ctx<'_, '_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Stop> {
        Ctx::get(self, key)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stop> {
        Ctx::set(self, key, value)
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), Stop> {
        Ctx::remove(self, key)
    }
}

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
        Index::new(base, Shape::NATIVE)
    }
}

/// One ordered set. Keys are compared as bytes.
pub struct Index {
    base: Vec<u8>,
    shape: Shape,
}

/// One step of a descent: an inner page, its number (`None` for the root) and the child taken.
struct Step {
    number: Option<u64>,
    children: Vec<(Vec<u8>, u64)>,
    taken: usize,
}

impl Index {
    /// The set whose root lies under `base`, with pages of this shape.
    #[must_use]
    pub const fn new(base: Vec<u8>, shape: Shape) -> Self {
        Self { base, shape }
    }

    /// Number of keys in the set; 0 if it does not count them.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn len(&self, ctx: &mut impl Entries) -> Result<u64, Stop> {
        Ok(self.root(ctx)?.len)
    }

    /// Whether the set holds nothing.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn is_empty(&self, ctx: &mut impl Entries) -> Result<bool, Stop> {
        Ok(self.len(ctx)? == 0)
    }

    /// Whether the set holds `key`.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn contains(&self, ctx: &mut impl Entries, key: &[u8]) -> Result<bool, Stop> {
        let root = self.root(ctx)?;
        let (_, _, keys) = self.descend(ctx, root.page, key)?;
        Ok(keys.binary_search_by(|k| k.as_slice().cmp(key)).is_ok())
    }

    /// Adds `key`; tells whether it was new.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn insert(&self, ctx: &mut impl Entries, key: &[u8]) -> Result<bool, Stop> {
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
        let pages_before = next_page;
        let len = self.counted(len.saturating_add(1));
        loop {
            let upper = self.shape.overfull(&page).then(|| page.split());
            match (number, upper) {
                (Some(number), None) => {
                    self.set_page(ctx, number, &page)?;
                    if self.shape.counted || next_page != pages_before {
                        self.set_root(ctx, &reassemble(steps, len, next_page)?)?;
                    }
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
    pub fn remove(&self, ctx: &mut impl Entries, key: &[u8]) -> Result<bool, Stop> {
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
        let len = self.counted(len.saturating_sub(1));
        let mut page = Page::Leaf(keys);
        while let Some(own) = number {
            if page.count() >= self.shape.few() {
                self.set_page(ctx, own, &page)?;
                if self.shape.counted {
                    self.set_root(ctx, &reassemble(steps, len, next_page)?)?;
                }
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
    pub fn all(&self, ctx: &mut impl Entries) -> Result<Vec<Vec<u8>>, Stop> {
        self.range(ctx, None, usize::MAX, false)
    }

    /// Up to `limit` keys in order. Forward: from the first key ≥ `from`; reverse: from the last key ≤ `from`, downwards.
    /// Without `from`: from the end where the walk begins.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn range(
        &self,
        ctx: &mut impl Entries,
        from: Option<&[u8]>,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, Stop> {
        let from = from.map_or(Bound::Unbounded, Bound::Included);
        let mut out = Vec::new();
        self.walk(ctx, from, reverse, |keys| {
            out.extend(keys.take(limit.saturating_sub(out.len())));
            out.len() < limit
        })?;
        Ok(out)
    }

    /// The keys of the first page that has any at or behind `from`, in the order of the walk. Empty at the end of the set.
    ///
    /// # Errors
    /// Out of gas or a fault.
    pub fn page_from(
        &self,
        ctx: &mut impl Entries,
        from: Bound<&[u8]>,
        reverse: bool,
    ) -> Result<Vec<Vec<u8>>, Stop> {
        let mut out = Vec::new();
        self.walk(ctx, from, reverse, |keys| {
            out.extend(keys);
            out.is_empty()
        })?;
        Ok(out)
    }

    /// Hands the keys at or behind `from`, page by page, to `visit` for as long as it wants more.
    fn walk(
        &self,
        ctx: &mut impl Entries,
        from: Bound<&[u8]>,
        reverse: bool,
        mut visit: impl FnMut(&mut dyn Iterator<Item = Vec<u8>>) -> bool,
    ) -> Result<(), Stop> {
        let mut next = Some(self.root(ctx)?.page);
        let mut waiting: Vec<u64> = Vec::new();
        while let Some(page) = next {
            let more = match page {
                Page::Leaf(mut keys) => {
                    if reverse {
                        keys.reverse();
                    }
                    visit(&mut keys.into_iter().filter(|key| is_behind(key, from, reverse)))
                }
                Page::Inner(children) => {
                    let at = match from {
                        Bound::Included(from) | Bound::Excluded(from) => {
                            Some(child_of(&children, from))
                        }
                        Bound::Unbounded => None,
                    };
                    let numbers = children.into_iter().map(|(_, number)| number);
                    // The child to visit first goes on top, so the order of pushing is the reverse of the walk.
                    if reverse {
                        waiting
                            .extend(numbers.take(at.map_or(usize::MAX, |at| at.saturating_add(1))));
                    } else {
                        let wanted: Vec<u64> = numbers.skip(at.unwrap_or(0)).collect();
                        waiting.extend(wanted.into_iter().rev());
                    }
                    true
                }
            };
            next = match waiting.pop() {
                Some(number) if more => Some(self.page(ctx, number)?),
                _ => None,
            };
        }
        Ok(())
    }

    /// The number of keys as the root keeps it.
    const fn counted(&self, len: u64) -> u64 {
        if self.shape.counted { len } else { 0 }
    }

    /// A page that fell below a quarter: gone if empty, joined with a neighbour if both fit, else kept as it is.
    fn shrink(
        &self,
        ctx: &mut impl Entries,
        parent: &mut Step,
        own: u64,
        page: Page,
    ) -> Result<(), Stop> {
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
        if !self.shape.joined(&page, &neighbour) {
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
        ctx: &mut impl Entries,
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

    fn page(&self, ctx: &mut impl Entries, number: u64) -> Result<Page, Stop> {
        let page = decode(ctx.get(&self.page_key(number))?)?;
        page.ok_or_else(|| broken("index: a page is missing").into())
    }

    fn set_page(&self, ctx: &mut impl Entries, number: u64, page: &Page) -> Result<(), Stop> {
        ctx.set(&self.page_key(number), &encode(page)?)
    }

    fn remove_page(&self, ctx: &mut impl Entries, number: u64) -> Result<(), Stop> {
        ctx.remove(&self.page_key(number))
    }

    fn root(&self, ctx: &mut impl Entries) -> Result<Root, Stop> {
        let root = decode(ctx.get(&self.base)?)?;
        Ok(root.unwrap_or(Root {
            len: 0,
            next_page: 0,
            page: Page::Leaf(Vec::new()),
        }))
    }

    fn set_root(&self, ctx: &mut impl Entries, root: &Root) -> Result<(), Stop> {
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
