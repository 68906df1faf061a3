//! Who signs: one key, or several together, some of which are several themselves.

use super::rng::Rng;
use crate::user::User;
use strongroom_types::multisig::{Signed, combine, member};
use strongroom_types::{Hash, PublicKey, public_key::Multisig};

/// The keys of an account.
pub(super) enum Keys {
    /// One.
    One(User),
    /// Several, of which so many must sign.
    Several(u32, Vec<Keys>),
}

impl Keys {
    /// Two of three, and one of a pair and a single key.
    pub(super) fn groups() -> [Self; 2] {
        let one = |n| Self::One(User::numbered(n));
        let three = Self::Several(2, vec![one(1), one(2), one(3)]);
        let pair = Self::Several(2, vec![one(4), one(5)]);
        [three, Self::Several(1, vec![pair, one(6)])]
    }

    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::One(user) => PublicKey::Secp256k1(user.account().public_key()),
            Self::Several(threshold, members) => {
                let keys = members.iter().map(Self::public).collect();
                PublicKey::Multisig(Multisig::new(*threshold, keys).expect("it can be met"))
            }
        }
    }

    /// What they give for the document with this digest; now and then too few of them sign, too many, or badly.
    pub(super) fn give(&self, rng: &mut Rng, document: &Hash) -> Signed {
        let members = match self {
            Self::One(_) if rng.once_in(100) => return member(rng.bytes(70)),
            Self::One(user) => {
                let signature = user.account().sign_digest(document);
                return member(signature.expect("a signature").to_vec());
            }
            Self::Several(_, members) => members,
        };
        let signing = match self {
            Self::Several(threshold, _) if !rng.once_in(12) => *threshold as usize,
            _ => rng.below(members.len() + 1),
        };
        let from = rng.below(members.len());
        let given = members.iter().enumerate().map(|(at, keys)| {
            let place = (at + members.len() - from) % members.len();
            (place < signing).then(|| keys.give(rng, document))
        });
        let (mode, mut signature) = combine(given.collect());
        if rng.once_in(60) {
            rng.mutate(&mut signature);
        }
        (mode, signature)
    }
}
