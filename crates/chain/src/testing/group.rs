//! Those who sign together, and transactions of several signers, each in a mode of its own.

use super::{Chain, Draft, User, draft, send};
use crate::crypto;
use crate::modules::auth::keeper;
use crate::types::multisig::{Signed, combine, member};
use crate::types::proto::Message;
use crate::types::proto::cosmos::tx::signing::v1beta1::SignMode;
use crate::types::proto::cosmos::tx::v1beta1::{AuthInfo, ModeInfo, SignerInfo};
use crate::types::public_key::{Multisig, PublicKey};
use crate::types::{Address, tx};

/// A multisig of users.
pub(crate) struct Group {
    pub(crate) key: PublicKey,
    pub(crate) members: Vec<User>,
    pub(crate) address: Address,
    pub(crate) number: u64,
    pub(crate) sequence: u64,
}

/// Someone who signs, and how.
pub(crate) enum Party<'a> {
    /// Alone.
    One(&'a User, SignMode),
    /// The members at these places.
    Several(&'a Group, &'a [usize]),
}

impl Group {
    /// The multisig of users, by their numbers.
    pub(crate) fn new(threshold: u32, users: &[u8]) -> Self {
        let members: Vec<User> = users.iter().map(|n| User::new(*n)).collect();
        let keys = members.iter().map(|user| PublicKey::Secp256k1(user.pubkey));
        let key = Multisig::new(threshold, keys.collect()).unwrap();
        Self::of(PublicKey::Multisig(key), members)
    }

    pub(crate) fn of(key: PublicKey, members: Vec<User>) -> Self {
        Self {
            address: key.address(),
            key,
            members,
            number: 0,
            sequence: 0,
        }
    }

    /// With an account, for which the first user pays 10^9 uscrt.
    pub(crate) fn on(mut self, chain: &mut Chain) -> Self {
        let payment = send(&chain.users[0].address, &self.address, 1_000_000_000);
        let bytes = draft(vec![payment]).signed(&[&chain.users[0]]);
        assert_eq!(chain.block(&[bytes]).tx_results[0].code, 0);
        chain.users[0].sequence += 1;
        let account = chain.read(|ctx| keeper::account(ctx, &self.address).unwrap());
        self.number = account.unwrap().number;
        self
    }

    /// What one member signs.
    pub(crate) fn signature(&self, draft: &Draft, at: usize) -> Vec<u8> {
        let document = draft.document(self.number, self.sequence);
        self.members[at].sign(&document.to_bytes().unwrap())
    }

    /// What the members at these places give.
    pub(crate) fn give(&self, draft: &Draft, places: &[usize]) -> Signed {
        let all = 0..self.members.len();
        let given = all.map(|at| {
            let signs = places.contains(&at);
            signs.then(|| member(self.signature(draft, at)))
        });
        combine(given.collect())
    }

    /// A transaction with what is said to be signed.
    pub(crate) fn raw(&self, draft: &Draft, (mode, signature): Signed) -> Vec<u8> {
        let info = AuthInfo {
            signer_infos: vec![self.info(mode)],
            fee: Some(draft.fee.clone()),
            ..AuthInfo::default()
        };
        let body = draft.body.encode_to_vec();
        tx::encode(body, info.encode_to_vec(), vec![signature])
    }

    fn info(&self, mode: ModeInfo) -> SignerInfo {
        SignerInfo {
            public_key: Some(self.key.to_any()),
            mode_info: Some(mode),
            sequence: self.sequence,
        }
    }
}

impl Draft {
    /// Signed by each party in its own mode.
    pub(crate) fn signed_by(&self, parties: &[Party<'_>]) -> Vec<u8> {
        let given: Vec<Option<Signed>> = parties
            .iter()
            .map(|party| match party {
                Party::One(..) => None,
                Party::Several(group, places) => Some(group.give(self, places)),
            })
            .collect();
        let infos = parties
            .iter()
            .zip(&given)
            .map(|(party, given)| match party {
                Party::One(user, mode) => user.info(*mode),
                Party::Several(group, _) => group.info(given.as_ref().unwrap().0.clone()),
            });
        let info = AuthInfo {
            signer_infos: infos.collect(),
            fee: Some(self.fee.clone()),
            ..AuthInfo::default()
        };
        let (body, info) = (self.body.encode_to_vec(), info.encode_to_vec());
        let signatures = parties.iter().zip(given).map(|(party, given)| match party {
            Party::One(user, mode) => self.signature(user, *mode, &body, &info),
            Party::Several(..) => given.unwrap().1,
        });
        let signatures = signatures.collect();
        tx::encode(body, info, signatures)
    }

    fn signature(&self, user: &User, mode: SignMode, body: &[u8], info: &[u8]) -> Vec<u8> {
        let document = self.document(user.number, user.sequence);
        match mode {
            SignMode::LegacyAminoJson => user.sign(&document.to_bytes().unwrap()),
            SignMode::Eip191 => {
                let bytes = document.to_eip191_bytes().unwrap();
                user.sign_digest(&crypto::keccak256(&bytes))
            }
            _ => user.sign(&tx::sign_bytes_direct(
                body,
                info,
                &self.chain_id,
                user.number,
            )),
        }
    }
}
