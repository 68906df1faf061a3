//! Key exchanges that are remembered: a sender's messages to one network key share one X25519 secret, whose computation takes about as long
//! as an empty contract does.
//!
//! Promises: at most [`EXCHANGES_MAX`] secrets are kept; one that falls out is wiped once nobody uses it. What a message opens to does not depend on what
//! is remembered, only how soon. Only a message that opened changes what is kept, so what does not open pushes nobody out.
//!
//! That a sender's second message opens sooner tells a host nothing: the sender's public key stands in clear in every message. Whoever can send many messages
//! in a sender's name and time their refusal may learn that the sender was here lately (docs/security.md).

use crate::secret::Secret;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Secrets that are kept: 96 bytes and two tree entries each, some 200 KiB in all. A block of transfers has fewer senders.
pub const EXCHANGES_MAX: usize = 1024;
/// There are two generations, and the older goes as a whole.
const GENERATION_MAX: usize = EXCHANGES_MAX / 2;

/// Network key, then user key. What is kept of a secret lies in one place: what a tree moves it does not wipe.
type Generation = BTreeMap<([u8; 32], [u8; 32]), Arc<Secret<32>>>;

/// The shared secrets of the senders that were seen last.
#[derive(Default)]
pub struct Exchanges(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    newer: Generation,
    older: Generation,
}

impl Exchanges {
    /// The secret that `network` and `user` share, if it is remembered.
    #[must_use]
    pub(crate) fn find(&self, network: &[u8; 32], user: &[u8; 32]) -> Option<Arc<Secret<32>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (*network, *user);
        let shared = kept.newer.get(&place).or_else(|| kept.older.get(&place))?;
        Some(Arc::clone(shared))
    }

    /// Remembers a secret whose message opened; one that is remembered becomes young again.
    pub(crate) fn remember(&self, network: &[u8; 32], user: &[u8; 32], shared: Arc<Secret<32>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (*network, *user);
        if !kept.newer.contains_key(&place) {
            kept.older.remove(&place);
            kept.put(place, shared);
        }
    }
}

impl Generations {
    fn put(&mut self, place: ([u8; 32], [u8; 32]), shared: Arc<Secret<32>>) {
        if self.newer.len() >= GENERATION_MAX {
            self.older = core::mem::take(&mut self.newer);
        }
        self.newer.insert(place, shared);
    }
}

impl core::fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Exchanges(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::io::{open_input, seal_input};
    use crate::x25519::KeyPair;

    fn pair(n: u16) -> KeyPair {
        let mut secret = [7; 32];
        // The lowest bits of a key mean nothing.
        secret[1..3].copy_from_slice(&n.to_le_bytes());
        KeyPair::from_secret(&Secret::new(secret))
    }

    fn kept(known: &Exchanges) -> usize {
        let kept = known.0.lock().unwrap();
        kept.newer.len() + kept.older.len()
    }

    fn remember(known: &Exchanges, user: u16) -> Arc<Secret<32>> {
        let (mut key, shared) = ([0; 32], Arc::new(Secret::new([1; 32])));
        key[..2].copy_from_slice(&user.to_le_bytes());
        known.remember(&[9; 32], &key, Arc::clone(&shared));
        shared
    }

    fn knows(known: &Exchanges, user: u16) -> bool {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&user.to_le_bytes());
        known.find(&[9; 32], &key).is_some()
    }

    /// As a message that opens does.
    fn use_one(known: &Exchanges, user: u16) -> bool {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&user.to_le_bytes());
        let found = known.find(&[9; 32], &key);
        let is_there = found.is_some();
        found
            .into_iter()
            .for_each(|shared| known.remember(&[9; 32], &key, shared));
        is_there
    }

    #[test]
    fn a_message_opens_the_same_whether_its_sender_is_known_or_not() {
        let (network, older, user) = (pair(1), pair(2), pair(3));
        let known = Exchanges::default();
        let seal = |to: &KeyPair, nonce: u8, text: &[u8]| {
            seal_input(&user, to.public(), &[nonce; 32], &[5; 32], text).unwrap()
        };
        for (nonce, to) in [
            (1, &network),
            (2, &network),
            (3, &older),
            (4, &older),
            (5, &network),
        ] {
            let (wire, key) = seal(to, nonce, b"{}");
            let input = open_input([&network, &older], &known, &wire).unwrap();
            assert_eq!((input.message(), &input.key), (b"{}".as_slice(), &key));
            let (mut forged, _) = seal(to, nonce, b"{}");
            *forged.last_mut().unwrap() ^= 1;
            let refused = open_input([&network, &older], &known, &forged);
            assert_eq!(refused.unwrap_err(), Error::DoesNotOpen);
        }
        // One for each network key that this sender used.
        assert_eq!(kept(&known), 2);
    }

    #[test]
    fn what_does_not_open_is_not_remembered() {
        let (network, other) = (pair(1), pair(2));
        let known = Exchanges::default();
        let (wire, _) = seal_input(&pair(3), other.public(), &[1; 32], &[5; 32], b"{}").unwrap();
        for _ in 0..2 {
            let refused = open_input([&network], &known, &wire);
            assert_eq!(refused.unwrap_err(), Error::DoesNotOpen);
        }
        assert_eq!(kept(&known), 0);
    }

    #[test]
    fn to_be_looked_for_keeps_nobody_and_pushes_nobody_out() {
        let known = Exchanges::default();
        let all = u16::try_from(EXCHANGES_MAX).unwrap();
        (0..all).for_each(|user| drop(remember(&known, user)));
        // Junk in the name of each, as often as one likes.
        for user in (0..all).chain(0..all) {
            assert!(knows(&known, user));
        }
        assert_eq!(kept(&known), EXCHANGES_MAX);
        drop(remember(&known, all));
        assert!(!knows(&known, 0) && knows(&known, all - 1));
    }

    #[test]
    fn no_more_than_the_limit_is_kept_who_is_used_stays_and_who_falls_out_is_let_go() {
        let known = Exchanges::default();
        let first = remember(&known, 0);
        let second = remember(&known, 1);
        assert_eq!(Arc::strong_count(&first), 2);
        for user in 2..u16::try_from(EXCHANGES_MAX * 3).unwrap() {
            remember(&known, user);
            assert!(use_one(&known, 0), "used all the time");
            assert!(kept(&known) <= EXCHANGES_MAX);
        }
        assert!(!knows(&known, 1));
        // Nobody else holds it, so it is wiped when the last user drops it.
        assert_eq!(
            (Arc::strong_count(&first), Arc::strong_count(&second)),
            (2, 1)
        );
    }

    #[test]
    fn remembered_secrets_are_never_printed() {
        let known = Exchanges::default();
        remember(&known, 1);
        assert_eq!(format!("{known:?}"), "Exchanges(..)");
    }
}
