//! What the host gives the enclave, and what enclaves give each other: door messages, seals, evidence.

use core::fmt::Debug;
use strongroom_attest::{
    Collateral, Evidence, Item, Policy, Security, Verdict, admit, items_of_pccs, judge,
};
use strongroom_bridge::frame::{Assembler, Frame};
use strongroom_bridge::message::{FromEnclave, FromHost, Message};
use strongroom_crypto::exchanges::Exchanges;
use strongroom_crypto::seal::{self, Chain, SealedAnchor, SealedOneTimeKey, SealedSeeds};
use strongroom_crypto::share::Share;
use strongroom_crypto::{Secret, io, x25519::KeyPair};

/// Frames through the door, each behind its length in two bytes: assembly and messages of both directions.
pub fn door(data: &[u8]) -> bool {
    let (mut from_host, mut from_enclave) = (Assembler::default(), Assembler::default());
    let (mut rest, mut complete) = (data, false);
    while let Some((length, after)) = rest.split_at_checked(2) {
        let length = usize::from(length[0]) | usize::from(length[1]) << 8;
        let (frame, next) = after.split_at(length.min(after.len()));
        rest = next;
        let Ok(frame) = Frame::decode_rest(frame) else {
            continue;
        };
        complete |= arrives::<FromHost>(&mut from_host, frame.clone());
        complete |= arrives::<FromEnclave>(&mut from_enclave, frame);
    }
    complete
}

fn arrives<M: Message + Debug + PartialEq>(assembler: &mut Assembler, frame: Frame) -> bool {
    let Ok(Some((_, message))) = assembler.push::<M>(frame) else {
        return false;
    };
    let encoded = message.encode().expect("what arrived is within its limit");
    assert_eq!(M::decode(&encoded).as_ref(), Ok(&message));
    true
}

/// What lies on disk or on chain: seals, anchors and shares of this platform, and messages to contracts.
pub fn sealed(data: &[u8]) -> bool {
    let mut accepted = false;
    if let Ok(seeds) = seal::decode::<SealedSeeds>(data) {
        assert_eq!(seal::encode(&seeds).as_deref(), Ok(data));
        accepted |= seeds.open(&platform_key(), &CHAIN).is_ok();
    }
    if let Ok(anchor) = seal::decode::<SealedAnchor>(data) {
        assert_eq!(seal::encode(&anchor).as_deref(), Ok(data));
        accepted |= anchor.open(&platform_key(), &CHAIN).is_ok();
    }
    if let Ok(one_time) = seal::decode::<SealedOneTimeKey>(data) {
        assert_eq!(seal::encode(&one_time).as_deref(), Ok(data));
        accepted |= one_time.open(&platform_key(), &CHAIN).is_ok();
    }
    if let Ok(share) = seal::decode::<Share>(data) {
        assert_eq!(seal::encode(&share).as_deref(), Ok(data));
        accepted |= share.open(&node(), &TARGET_NODE, &CHAIN).is_ok();
    }
    accepted | io::open_input([&node()], &Exchanges::default(), data).is_ok()
}

/// The chain that the seals of the corpus are for.
pub(crate) const CHAIN: Chain = Chain {
    genesis_hash: [1; 32],
    security: Security::Insecure,
};

/// The platform that the seals of the corpus are for.
pub(crate) fn platform_key() -> Secret<32> {
    Secret::new([2; 32])
}

/// The node that the shares of the corpus are for.
pub(crate) const TARGET_NODE: [u8; 20] = [8; 20];

/// The receiver of the shares and messages of the corpus.
pub(crate) fn node() -> KeyPair {
    KeyPair::from_secret(&Secret::new([5; 32]))
}

/// Evidence of a platform.
pub fn attestation(data: &[u8]) -> bool {
    // A moment at which much of what was ever recorded is valid.
    const TIME: u64 = 1_751_624_924;
    let mut accepted = items_of_pccs(data).is_ok();
    if let Some(item) = Item::decode(data) {
        assert_eq!(item.encode(), data);
        if let Ok(key) = admit(&item, None, TIME) {
            assert_eq!(item.key(), Some(key));
            assert!(admit(&item, Some(&item), TIME).is_err());
            accepted = true;
        }
    }
    if let Some(evidence) = Evidence::decode(data) {
        assert_eq!(evidence.encode(), data);
        let _ = (evidence.collateral_keys(), evidence.certificates());
        let verdict = |security| {
            let policy = Policy::new(security);
            judge(&evidence, &Collateral::new(), &policy, 1, TIME)
        };
        assert!(matches!(verdict(Security::Attested), Verdict::Refused(_)));
        accepted |= matches!(verdict(Security::Insecure), Verdict::Accepted(_));
    }
    accepted
}
