//! Pages: the few leaves of a small subtree in one allocation. The inner nodes between them follow from the leaves and are not held.
//!
//! Most leaves are there only to say that other keys are absent, and for the hashes of what stands beside them. So a leaf is its hash and
//! the first bits of its key hash; its whole key hash and its value are held apart, as long as they are in use. A page without any leaf in
//! use is written closer.

use super::node::ALLOCATION_BYTES;
use crate::tree::{self, DEPTH_MAX, EMPTY};
use core::cmp::Ordering as Order;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use strongroom_types::Hash;

/// Leaves of a page at most. An inner node above takes as much as three leaves, but a change hashes all inner nodes of its page again: so
/// where leaves are in use pages are smaller. A larger one whose leaves come in use later stays as it is until it is written.
const LEAVES_MAX: usize = 16;
const LEAVES_IN_USE_MAX: usize = 8;

/// Whether so many leaves fit a page; `in_use`: something is held of one.
pub(crate) const fn fit(leaves: usize, in_use: bool) -> bool {
    leaves
        <= if in_use {
            LEAVES_IN_USE_MAX
        } else {
            LEAVES_MAX
        }
}

/// The first bytes of a key hash, by which the leaves of a page are told apart. Where they are not enough, a proof is asked for.
const START_BYTES: usize = 6;
pub(crate) type Start = [u8; START_BYTES];

pub(crate) fn start_of(key_hash: &Hash) -> Start {
    key_hash.first_chunk().copied().unwrap_or_default()
}

/// What is held of a leaf that is in use.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) key_hash: Hash,
    /// The value, if that has been read or written.
    pub(crate) value: Option<Arc<[u8]>>,
    used: AtomicU64,
}

impl Leaf {
    /// Bytes of what is held of a leaf without its value.
    pub(crate) const OWN_BYTES: usize = size_of::<Self>() + ALLOCATION_BYTES;

    pub(crate) fn touch(&self, tick: u64) {
        self.used.store(tick, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> usize {
        let value = self
            .value
            .as_ref()
            .map_or(0, |value| value.len().saturating_add(ALLOCATION_BYTES));
        Self::OWN_BYTES.saturating_add(value)
    }
}

/// A known leaf.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) place: Place,
    pub(crate) leaf: Option<Arc<Leaf>>,
}

/// What is held of a leaf in any case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) start: Start,
    pub(crate) hash: Hash,
}

impl Slot {
    /// A leaf of which only the place is held.
    pub(crate) fn bare(key_hash: &Hash, hash: Hash) -> Self {
        let start = start_of(key_hash);
        Self {
            place: Place { start, hash },
            leaf: None,
        }
    }

    pub(crate) fn held(key_hash: Hash, hash: Hash, value: Option<Arc<[u8]>>, used: u64) -> Self {
        let leaf = Leaf {
            key_hash,
            value,
            used: AtomicU64::new(used),
        };
        Self {
            leaf: Some(Arc::new(leaf)),
            ..Self::bare(&key_hash, hash)
        }
    }

    /// Where this leaf stands beside the place of a key; `None` where not enough is held to say.
    pub(crate) fn order(&self, key_hash: &Hash) -> Option<Order> {
        match self.place.start.cmp(&start_of(key_hash)) {
            Order::Equal => self.leaf.as_ref().map(|leaf| leaf.key_hash.cmp(key_hash)),
            apart => Some(apart),
        }
    }

    /// The turn that its path takes at `depth`: `true` is right.
    fn turn(&self, depth: usize) -> bool {
        match &self.leaf {
            Some(leaf) if depth >> 3 >= START_BYTES => tree::bit(&leaf.key_hash, depth),
            _ => tree::turn(&self.place.start, depth),
        }
    }
}

/// Whether enough is held of these leaves, which are in order, to tell the paths of each two apart.
pub(crate) fn are_apart(slots: &[Slot]) -> bool {
    slots.windows(2).all(|pair| match pair {
        [a, b] => !begin_alike(a, b) || (a.leaf.is_some() && b.leaf.is_some()),
        _ => true,
    })
}

/// The number of `slots`, which are in order, whose paths turn left at `depth`.
pub(crate) fn turning_left(slots: &[Slot], depth: usize) -> usize {
    slots.partition_point(|slot| !slot.turn(depth))
}

/// Whether the places of two leaves do not tell them apart.
fn begin_alike(a: &Slot, b: &Slot) -> bool {
    a.place.start == b.place.start
}

/// Hash of the subtree at `depth` of exactly these leaves, which are in order and apart; `None` if they are not.
fn subtree_hash(slots: &[Slot], depth: usize) -> Option<Hash> {
    match slots {
        [] => Some(EMPTY),
        [one] => Some(one.place.hash),
        // No two paths are the same.
        _ if depth >= DEPTH_MAX => None,
        many => {
            let (left, right) = many.split_at(turning_left(many, depth));
            let below = depth.saturating_add(1);
            let (left, right) = (subtree_hash(left, below)?, subtree_hash(right, below)?);
            Some(tree::inner_hash(&left, &right))
        }
    }
}

/// All leaves of a subtree, in the order of their paths: at least one, and few.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) hash: Hash,
    slots: Slots,
}

/// What a page knows of a key below it.
pub(crate) enum Found<'a> {
    /// It has no leaf.
    Absent,
    /// Its leaf.
    Leaf(&'a Arc<Leaf>),
    /// It may be the one whose leaf is at this place, of which too little is held.
    Unsure,
}

impl Page {
    /// The page at `depth` of these leaves, which are in order and few; `None` if they are none or not told apart.
    pub(crate) fn at(depth: usize, slots: Vec<Slot>) -> Option<Self> {
        if !are_apart(&slots) {
            return None;
        }
        Self::with_hash(subtree_hash(&slots, depth)?, slots)
    }

    /// For leaves that are known to give `hash`.
    pub(crate) fn with_hash(hash: Hash, slots: Vec<Slot>) -> Option<Self> {
        if !are_apart(&slots) {
            return None;
        }
        let slots = Slots::new(slots)?;
        Some(Self { hash, slots })
    }

    /// A page of one leaf.
    pub(crate) fn of_one(slot: Slot) -> Option<Self> {
        Self::with_hash(slot.place.hash, vec![slot])
    }

    /// The number of its leaves.
    pub(crate) fn len(&self) -> usize {
        match self.slots.all() {
            All::Places(places) => places.len(),
            All::Slots(slots) => slots.len(),
        }
    }

    pub(crate) fn to_vec(&self) -> Vec<Slot> {
        match self.slots.all() {
            All::Slots(slots) => slots.to_vec(),
            All::Places(places) => {
                let bare = places.iter().map(|place| Slot {
                    place: *place,
                    leaf: None,
                });
                bare.collect()
            }
        }
    }

    /// Its leaves that are in use.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Arc<Leaf>> {
        self.held_or_needed().map(|(leaf, _)| leaf)
    }

    /// Its leaves that are in use, each with whether its key hash is needed to tell it from another.
    pub(crate) fn held_or_needed(&self) -> impl Iterator<Item = (&Arc<Leaf>, bool)> {
        let slots = match self.slots.all() {
            All::Places(_) => &[],
            All::Slots(slots) => slots,
        };
        slots.chunk_by(begin_alike).flat_map(|alike| {
            let needed = alike.len() > 1;
            let held = alike.iter().filter_map(|slot| slot.leaf.as_ref());
            held.map(move |leaf| (leaf, needed))
        })
    }

    /// The same page without what is held of leaves that do not stay, but for key hashes that tell two apart; `None`: nothing goes.
    pub(crate) fn without(&self, stays: impl Fn(&Leaf) -> bool) -> Option<Self> {
        // Mostly so: nothing is copied then.
        if self.held().all(|leaf| stays(leaf)) {
            return None;
        }
        let mut slots = self.to_vec();
        let mut goes = false;
        for alike in slots.chunk_by_mut(begin_alike) {
            let needed = alike.len() > 1;
            for slot in alike {
                let leaf = slot.leaf.take_if(|leaf| !stays(leaf));
                let Some(leaf) = leaf else { continue };
                goes |= !needed || leaf.value.is_some();
                if needed {
                    *slot = Slot::held(leaf.key_hash, slot.place.hash, None, leaf.used());
                }
            }
        }
        if goes {
            Self::with_hash(self.hash, slots)
        } else {
            None
        }
    }

    /// Bytes of the page without what is held of leaves in use.
    pub(crate) fn own_bytes(&self) -> usize {
        let slots = match self.slots.all() {
            All::Places(places) => size_of_val(places),
            All::Slots(slots) => size_of_val(slots),
        };
        slots.saturating_add(ALLOCATION_BYTES)
    }

    pub(crate) fn bytes(&self) -> usize {
        let held = usize::try_from(self.slots.held()).unwrap_or(usize::MAX);
        self.own_bytes().saturating_add(held)
    }

    /// What is known of a key whose path leads here.
    pub(crate) fn find(&self, key_hash: &Hash) -> Found<'_> {
        let start = start_of(key_hash);
        match self.slots.all() {
            All::Places(places) => {
                if places.iter().any(|place| place.start == start) {
                    return Found::Unsure;
                }
            }
            All::Slots(slots) => {
                for slot in slots.iter().filter(|slot| slot.place.start == start) {
                    match &slot.leaf {
                        None => return Found::Unsure,
                        Some(leaf) if leaf.key_hash == *key_hash => return Found::Leaf(leaf),
                        Some(_) => {}
                    }
                }
            }
        }
        Found::Absent
    }

    /// The same page with `slot` in the place of the leaf with its hash; `None` if there is none.
    pub(crate) fn with(&self, slot: Slot) -> Option<Self> {
        let mut slots = self.to_vec();
        let old = slots
            .iter_mut()
            .find(|old| old.place.hash == slot.place.hash)?;
        *old = slot;
        Self::with_hash(self.hash, slots)
    }
}

/// The leaves of a page as they lie there.
enum All<'a> {
    /// None is in use.
    Places(&'a [Place]),
    Slots(&'a [Slot]),
}

/// Arrays of each length, and the bytes that are held of leaves in use: 16 bytes where the page stands.
macro_rules! slots {
    ($($places:ident $slots:ident $count:literal),*) => {
        // A page that fits has an array.
        const _: () = assert!(matches!([$($count),*], [1, .., LEAVES_MAX]) && [$($count),*].len() == LEAVES_MAX);

        #[derive(Clone, Debug)]
        enum Slots {
            $(
                $places(Arc<[Place; $count]>),
                $slots(u32, Arc<[Slot; $count]>),
            )*
        }

        impl Slots {
            /// `None` for no slots or too many.
            fn new(slots: Vec<Slot>) -> Option<Self> {
                let held = slots.iter().filter_map(|slot| slot.leaf.as_ref());
                let held = held.fold(0_usize, |sum, leaf| sum.saturating_add(leaf.bytes()));
                let bytes = u32::try_from(held).unwrap_or(u32::MAX);
                if held == 0 {
                    let places: Vec<Place> = slots.iter().map(|slot| slot.place).collect();
                    return match places.len() {
                        $($count => Some(Self::$places(Arc::new(places.try_into().ok()?))),)*
                        _ => None,
                    };
                }
                match slots.len() {
                    $($count => Some(Self::$slots(bytes, Arc::new(slots.try_into().ok()?))),)*
                    _ => None,
                }
            }

            /// Bytes held of leaves in use.
            fn held(&self) -> u32 {
                match self {
                    $(
                        Self::$places(_) => 0,
                        Self::$slots(held, _) => *held,
                    )*
                }
            }

            fn all(&self) -> All<'_> {
                match self {
                    $(
                        Self::$places(places) => All::Places(places.as_slice()),
                        Self::$slots(_, slots) => All::Slots(slots.as_slice()),
                    )*
                }
            }
        }
    };
}
slots!(
    P1 S1 1, P2 S2 2, P3 S3 3, P4 S4 4, P5 S5 5, P6 S6 6, P7 S7 7, P8 S8 8,
    P9 S9 9, P10 S10 10, P11 S11 11, P12 S12 12, P13 S13 13, P14 S14 14, P15 S15 15, P16 S16 16
);
