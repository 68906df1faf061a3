//! `tendermint-light-client-verifier` as an oracle: whatever we accept, it accepts.

use super::attacks::Case;
use super::own_chain::{chain_of, sign};
use super::*;
use prost::Message;
use tendermint_light_client_verifier::operations::commit_validator::ProdCommitValidator;
use tendermint_light_client_verifier::operations::voting_power::ProvidedVotingPowerCalculator;
use tendermint_light_client_verifier::predicates::VerificationPredicates;
use tendermint_light_client_verifier::types::UntrustedBlockState;
use tendermint_light_client_verifier::{PredicateVerifier, Verdict};

#[derive(Clone, Copy, Default)]
struct Sha256;

impl tendermint::crypto::Sha256 for Sha256 {
    fn digest(data: impl AsRef<[u8]>) -> [u8; 32] {
        strongroom_types::sha256(data.as_ref())
    }
}

impl tendermint::merkle::MerkleHash for Sha256 {
    fn empty_hash(&mut self) -> tendermint::merkle::Hash {
        strongroom_types::sha256(b"")
    }
    fn leaf_hash(&mut self, bytes: &[u8]) -> tendermint::merkle::Hash {
        crate::merkle::leaf_hash(bytes)
    }
    fn inner_hash(
        &mut self,
        left: tendermint::merkle::Hash,
        right: tendermint::merkle::Hash,
    ) -> tendermint::merkle::Hash {
        crate::merkle::inner_hash(&left, &right)
    }
}

struct Predicates;

impl VerificationPredicates for Predicates {
    type Sha256 = Sha256;
}

#[derive(Default)]
struct Signatures;

impl tendermint::crypto::signature::Verifier for Signatures {
    fn verify(
        &self,
        key: tendermint::PublicKey,
        message: &[u8],
        signature: &tendermint::Signature,
    ) -> Result<(), tendermint::crypto::signature::Error> {
        let bad = || tendermint::crypto::signature::Error::VerificationFailed;
        let key = ed25519_zebra::VerificationKey::try_from(key.to_bytes().as_slice())
            .map_err(|_| bad())?;
        let signature =
            ed25519_zebra::Signature::try_from(signature.as_bytes()).map_err(|_| bad())?;
        key.verify(&signature, message).map_err(|_| bad())
    }
}

/// What the oracle says of a header and commit whose validators are those of `state`.
fn accepts(state: &LightState, header: &Header, commit: &Commit) -> bool {
    let raw = raw::types::SignedHeader {
        header: Some(header.to_raw()),
        commit: Some(commit.to_raw()),
    };
    let set = |set: &ValidatorSet| {
        let infos = set.validators().iter().map(|v| {
            let key = tendermint::PublicKey::from_raw_ed25519(&v.pubkey).unwrap();
            tendermint::validator::Info {
                address: tendermint::account::Id::new(v.address()),
                pub_key: key,
                power: tendermint::vote::Power::try_from(v.power).unwrap(),
                name: None,
                proposer_priority: tendermint::validator::ProposerPriority::default(),
            }
        });
        tendermint::validator::Set::without_proposer(infos.collect())
    };
    let Ok(signed) = tendermint::block::signed_header::SignedHeader::try_from(raw) else {
        return false;
    };
    let (validators, next) = (set(state.validators()), set(state.next_validators()));
    let untrusted = UntrustedBlockState {
        signed_header: &signed,
        validators: &validators,
        next_validators: Some(&next),
    };
    let verifier = PredicateVerifier::new(
        Predicates,
        ProvidedVotingPowerCalculator::new(Signatures),
        ProdCommitValidator,
    );
    [
        verifier.verify_validator_sets(&untrusted),
        verifier.verify_commit(&untrusted),
    ]
    .iter()
    .all(|verdict| *verdict == Verdict::Success)
}

#[test]
fn the_oracle_accepts_the_recorded_chain() {
    for (state, block) in states().iter().zip(blocks("four")) {
        let header = Header::decode(&block.proto("header")).unwrap();
        let commit = Commit::decode(&block.proto("commit")).unwrap();
        assert!(accepts(state, &header, &commit), "{}", block.name);
    }
}

#[test]
fn what_the_oracle_refuses_we_refuse() {
    let mut refused = 0;
    for json in golden::json("four/negative.json")["cases"]
        .as_array()
        .unwrap()
    {
        let case = Case::of(json);
        let Ok((header, commit)) = &case.signed else {
            continue;
        };
        let state = &states()[usize::try_from(json["trusted_height"].as_u64().unwrap()).unwrap()];
        if !accepts(state, header, commit) {
            refused += 1;
            assert!(state.follow(header, commit).is_err(), "{}", case.name);
        }
    }
    assert!(refused > 30, "{refused}");
}

proptest::proptest! {
    #[test]
    fn changed_commits_that_we_accept_the_oracle_accepts(height in 2u64..=32, at: usize, bit in 0u8..8) {
        let block = block("four", height);
        let header = Header::decode(&block.proto("header")).unwrap();
        let mut bytes = block.proto("commit");
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let state = &states()[usize::try_from(height).unwrap() - 1];
        let raw = raw::types::Commit::decode(bytes.as_slice());
        if let Some(commit) = raw.ok().and_then(|c| Commit::from_raw(&c).ok())
            && state.follow(&header, &commit).is_ok()
        {
            proptest::prop_assert!(accepts(state, &header, &commit));
        }
    }

    #[test]
    fn any_choice_of_signers_is_judged_alike(signers in 0u32..64) {
        let (keys, state, header) = chain_of(&[30, 25, 20, 10, 7, 3]);
        let commit = sign(&keys, &header, signers);
        proptest::prop_assert_eq!(state.follow(&header, &commit).is_ok(), accepts(&state, &header, &commit));
    }
}
