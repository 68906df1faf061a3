//! What the enclaves of a network make for a joining node: a share of the seeds, sealed to its one-time key, and the proof
//! that a node holds them.
//!
//! Promises: both are functions of seeds, chain and [`ShareTarget`] alone, so every enclave that executes a registration
//! makes the same bytes; a share opens with one key, for one node, on one chain.
//! Refuses: another genesis, security, node or one-time key by name; changed bytes do not open.
//! Spec: docs/spec/registration.md 4.

use crate::{
    aead, context,
    error::Error,
    kdf,
    schedule::KeySchedule,
    seal::{Chain, epochs_ad, ring_of},
    secret::Secret,
    seed::{Epoch, SeedRing},
    x25519::KeyPair,
};
use borsh::{BorshDeserialize, BorshSerialize};

/// For whom a share is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ShareTarget {
    /// The node: the first 20 bytes of SHA-256 of its Ed25519 key, as in CometBFT.
    pub node_id: [u8; 20],
    /// The X25519 key that its enclave made for this registration alone.
    pub one_time_key: [u8; 32],
}

/// The seeds, for one node's one-time key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Share {
    /// Key = derive(DH, share, [sender, one-time key]);
    /// AD = [genesis hash ‖ security, epochs BE32 each, node id, one-time key].
    V1 {
        /// The chain.
        chain: Chain,
        /// Epochs within, newest first.
        epochs: Vec<Epoch>,
        /// X25519 public key of the sender: the network's seed-exchange key of the newest epoch.
        sender: [u8; 32],
        /// The receiving node.
        target: ShareTarget,
        /// Ciphertext.
        sealed: Vec<u8>,
    } = 1,
}

impl Share {
    /// Seals the ring for a node; the same input gives the same bytes everywhere.
    ///
    /// # Errors
    /// [`Error::LowOrder`] for a key that no node has, [`Error::OtherSecurity`].
    pub fn seal(
        sender: &KeyPair,
        target: &ShareTarget,
        chain: &Chain,
        ring: &SeedRing,
    ) -> Result<Self, Error> {
        if ring.security() != chain.security {
            return Err(Error::OtherSecurity);
        }
        let epochs = ring.epochs();
        let shared = sender.shared(&target.one_time_key)?;
        let key = share_key(&shared, chain, sender.public(), target);
        let ad = epochs_ad(&epochs);
        let ad: [&[u8]; 4] = [&chain.ad(), &ad, &target.node_id, &target.one_time_key];
        let sealed = aead::seal(&key, &ad, &ring.to_bytes())?;
        Ok(Self::V1 {
            chain: *chain,
            epochs,
            sender: *sender.public(),
            target: *target,
            sealed,
        })
    }

    /// Opens the share of the node `node_id` with its one-time key pair. That [`Share::sender`] is who it should be is the
    /// caller's check.
    ///
    /// # Errors
    /// [`Error::OtherGenesis`], [`Error::OtherSecurity`], [`Error::OtherRecipient`], [`Error::DoesNotOpen`].
    pub fn open(
        &self,
        one_time: &KeyPair,
        node_id: &[u8; 20],
        ours: &Chain,
    ) -> Result<SeedRing, Error> {
        let Self::V1 {
            chain,
            epochs,
            sender,
            target,
            sealed,
        } = self;
        chain.require(ours)?;
        if target.one_time_key != *one_time.public() || target.node_id != *node_id {
            return Err(Error::OtherRecipient);
        }
        let key = share_key(&one_time.shared(sender)?, chain, sender, target);
        let ad = epochs_ad(epochs);
        let ad: [&[u8]; 4] = [&chain.ad(), &ad, &target.node_id, &target.one_time_key];
        ring_of(chain, epochs, &aead::open(&key, &ad, sealed)?)
    }

    /// The sender's public key.
    #[must_use]
    pub const fn sender(&self) -> &[u8; 32] {
        let Self::V1 { sender, .. } = self;
        sender
    }
}

fn share_key(
    shared: &Secret<32>,
    chain: &Chain,
    sender: &[u8; 32],
    target: &ShareTarget,
) -> Secret<32> {
    let purpose = context::SHARE.at(chain.security);
    kdf::derive(shared, purpose, &[sender, &target.one_time_key])
}

/// What only a holder of the newest seed can say of this node: it goes into the registration's confirmation, in the open,
/// and tells nothing of the seed.
#[must_use]
pub fn possession(newest: &KeySchedule, chain: &Chain, target: &ShareTarget) -> [u8; 32] {
    let parts: [&[u8]; 3] = [&chain.ad(), &target.node_id, &target.one_time_key];
    kdf::hmac(newest.possession().expose(), &parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{decode, encode};
    use crate::{MasterSeed, Security};
    use proptest::prelude::*;

    const CHAIN: Chain = Chain {
        genesis_hash: [7; 32],
        security: Security::Insecure,
    };
    const NODE: [u8; 20] = [8; 20];

    fn ring() -> SeedRing {
        SeedRing::genesis(Security::Insecure, MasterSeed::new([2; 32]))
            .with_next(Epoch::new(2).unwrap(), MasterSeed::new([3; 32]))
            .unwrap()
    }

    fn pair(n: u8) -> KeyPair {
        KeyPair::from_secret(&Secret::new([n; 32]))
    }

    fn target() -> ShareTarget {
        ShareTarget {
            node_id: NODE,
            one_time_key: *pair(4).public(),
        }
    }

    fn share() -> Share {
        Share::seal(&pair(3), &target(), &CHAIN, &ring()).unwrap()
    }

    #[test]
    fn a_share_opens_for_its_node_only_and_is_the_same_in_every_enclave() {
        assert_eq!(share(), share());
        let back: Share = decode(&encode(&share()).unwrap()).unwrap();
        assert_eq!(back.open(&pair(4), &NODE, &CHAIN).unwrap(), ring());
        let refused = Err(Error::OtherRecipient);
        assert_eq!(back.open(&pair(5), &NODE, &CHAIN), refused);
        assert_eq!(back.open(&pair(4), &[9; 20], &CHAIN), refused);
        assert_eq!(back.sender(), pair(3).public());
    }

    #[test]
    fn a_share_that_is_redirected_to_another_node_key_or_chain_does_not_open() {
        let other_chain = Chain {
            genesis_hash: [9; 32],
            ..CHAIN
        };
        assert_eq!(
            share().open(&pair(4), &NODE, &other_chain),
            Err(Error::OtherGenesis)
        );
        let redirected = |chain: Chain, to: ShareTarget| {
            let Share::V1 {
                epochs,
                sender,
                sealed,
                ..
            } = share();
            Share::V1 {
                chain,
                epochs,
                sender,
                target: to,
                sealed,
            }
        };
        let other_node = ShareTarget {
            node_id: [9; 20],
            ..target()
        };
        let other_key = ShareTarget {
            one_time_key: *pair(5).public(),
            ..target()
        };
        let closed = Err(Error::DoesNotOpen);
        let share = redirected(CHAIN, other_node);
        assert_eq!(share.open(&pair(4), &[9; 20], &CHAIN), closed);
        let share = redirected(CHAIN, other_key);
        assert_eq!(share.open(&pair(5), &NODE, &CHAIN), closed);
        let share = redirected(other_chain, target());
        assert_eq!(share.open(&pair(4), &NODE, &other_chain), closed);
    }

    #[test]
    fn keys_of_low_order_and_rings_of_another_security_are_refused() {
        let low = ShareTarget {
            one_time_key: [0; 32],
            ..target()
        };
        assert_eq!(
            Share::seal(&pair(3), &low, &CHAIN, &ring()),
            Err(Error::LowOrder)
        );
        let attested = Chain {
            security: Security::Attested,
            ..CHAIN
        };
        assert_eq!(
            Share::seal(&pair(3), &target(), &attested, &ring()),
            Err(Error::OtherSecurity)
        );
    }

    #[test]
    fn possession_is_of_one_seed_chain_node_and_key() {
        let newest = |seed: u8| {
            let seed = MasterSeed::new([seed; 32]);
            KeySchedule::derive(Security::Insecure, Epoch::FIRST, &seed)
        };
        let proof = possession(&newest(1), &CHAIN, &target());
        assert_eq!(proof, possession(&newest(1), &CHAIN, &target()));
        let other_chain = Chain {
            genesis_hash: [9; 32],
            ..CHAIN
        };
        let others = [
            possession(&newest(2), &CHAIN, &target()),
            possession(&newest(1), &other_chain, &target()),
            possession(
                &newest(1),
                &CHAIN,
                &ShareTarget {
                    node_id: [9; 20],
                    ..target()
                },
            ),
            possession(
                &newest(1),
                &CHAIN,
                &ShareTarget {
                    one_time_key: [9; 32],
                    ..target()
                },
            ),
        ];
        for other in others {
            assert_ne!(other, proof);
        }
    }

    proptest! {
        #[test]
        fn no_changed_bit_of_a_share_opens(bit in any::<proptest::sample::Index>()) {
            let mut bytes = encode(&share()).unwrap();
            let at = bit.index(bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
            prop_assert!(!decode::<Share>(&bytes).is_ok_and(|s| s.open(&pair(4), &NODE, &CHAIN).is_ok()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode::<Share>(&bytes);
        }
    }
}
