//! The transactions that came before, so that the same bytes are not checked again.

use std::collections::{HashMap, VecDeque};
use strongroom_types::Hash;

/// Hashes in the order in which they were last seen; the oldest is forgotten first.
#[derive(Default)]
pub(super) struct Seen {
    order: VecDeque<(Hash, u64)>,
    stamp: HashMap<Hash, u64>,
    next: u64,
}

impl Seen {
    /// Remembers `hash` anew if it is known.
    pub(super) fn renew(&mut self, hash: Hash, max: usize) -> bool {
        let known = self.stamp.contains_key(&hash);
        if known {
            self.insert(hash, max);
        }
        known
    }

    /// Remembers `hash`.
    pub(super) fn insert(&mut self, hash: Hash, max: usize) {
        let stamp = self.next;
        self.next = self.next.wrapping_add(1);
        self.stamp.insert(hash, stamp);
        self.order.push_back((hash, stamp));
        // Entries whose stamp is out of date were removed or renewed since.
        while self.stamp.len() > max || self.order.len() > max.saturating_mul(2).max(16) {
            let Some((oldest, at)) = self.order.pop_front() else {
                break;
            };
            if self.stamp.get(&oldest) == Some(&at) {
                self.stamp.remove(&oldest);
            }
        }
    }

    pub(super) fn forget(&mut self, hash: &Hash) {
        self.stamp.remove(hash);
    }
}
