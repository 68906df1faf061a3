//! Proofs against the published `ics23` crate, and against those who forge them.

use super::*;
use crate::tree::{key_hash, subtree_hash, subtree_prove};
use ::ics23 as oracle;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The spec of docs/spec/state.md 2.1, as other chains set it.
fn spec() -> oracle::ProofSpec {
    let sha256 = oracle::HashOp::Sha256.into();
    oracle::ProofSpec {
        leaf_spec: Some(oracle::LeafOp {
            hash: sha256,
            prehash_key: sha256,
            prehash_value: sha256,
            length: oracle::LengthOp::NoPrefix.into(),
            prefix: LEAF_DOMAIN.to_vec(),
        }),
        inner_spec: Some(oracle::InnerSpec {
            child_order: vec![0, 1],
            min_prefix_length: 16,
            max_prefix_length: 16,
            child_size: 32,
            empty_child: EMPTY.to_vec(),
            hash: sha256,
        }),
        min_depth: 0,
        max_depth: 0,
        prehash_key_before_comparison: true,
    }
}

/// The one hash that the specs need.
struct Hashes;

#[rustfmt::skip]
impl oracle::HostFunctionsProvider for Hashes {
    fn sha2_256(message: &[u8]) -> [u8; 32] { sha256(message) }
    fn sha2_512(_: &[u8]) -> [u8; 64] { panic!() }
    fn sha2_512_truncated(_: &[u8]) -> [u8; 32] { panic!() }
    fn keccak_256(_: &[u8]) -> [u8; 32] { panic!() }
    fn ripemd160(_: &[u8]) -> [u8; 20] { panic!() }
    fn blake2b_512(_: &[u8]) -> [u8; 64] { panic!() }
    fn blake2s_256(_: &[u8]) -> [u8; 32] { panic!() }
    fn blake3(_: &[u8]) -> [u8; 32] { panic!() }
}

fn commitment(bytes: &[u8]) -> oracle::CommitmentProof {
    let mut encoded = Vec::new();
    let known = <oracle::CommitmentProof as prost_of_ics23::Message>::decode(bytes).unwrap();
    prost_of_ics23::Message::encode(&known, &mut encoded).unwrap();
    assert_eq!(encoded, bytes, "both write the same bytes");
    known
}

fn oracle_accepts(bytes: &[u8], root: &Hash, key: &[u8], value: Option<&[u8]>) -> bool {
    let (proof, root) = (commitment(bytes), root.to_vec());
    match value {
        Some(value) => oracle::verify_membership::<Hashes>(&proof, &spec(), &root, key, value),
        None => oracle::verify_non_membership::<Hashes>(&proof, &spec(), &root, key),
    }
}

/// An honest host: raw keys and values by hash of the key.
#[derive(Default)]
struct Host(BTreeMap<Hash, (Vec<u8>, Vec<u8>)>);

impl Host {
    fn of(keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let row = |key: Vec<u8>| {
            (
                key_hash(&key),
                (key.clone(), [b"value of ", &key[..]].concat()),
            )
        };
        Self(keys.into_iter().map(row).collect())
    }

    fn numbered(count: u32) -> Self {
        Self::of((0..count).map(|n| n.to_be_bytes().to_vec()))
    }

    fn entries(&self) -> Vec<Leaf> {
        let leaf = |(hash, (_, value)): (&Hash, &(Vec<u8>, Vec<u8>))| Leaf {
            key_hash: *hash,
            value_hash: sha256(value),
        };
        self.0.iter().map(leaf).collect()
    }

    fn root(&self) -> Hash {
        subtree_hash(&self.entries(), 0)
    }

    fn path(&self, hash: &Hash) -> tree::Proof {
        let mut proof = tree::Proof::default();
        subtree_prove(&self.entries(), 0, hash, false, &mut proof);
        proof
    }

    fn present(&self, hash: &Hash) -> Present {
        let (key, value) = self.0[hash].clone();
        let siblings = self.path(hash).siblings;
        Present {
            key,
            value,
            siblings,
        }
    }

    fn entry(&self, key: &[u8]) -> Entry {
        let hash = key_hash(key);
        if self.0.contains_key(&hash) {
            return Entry::Present(self.present(&hash));
        }
        let beside = |side| {
            let found = neighbour(&hash, side, |place| Ok::<_, ()>(self.path(place))).unwrap();
            found.map(|(hash, proof)| {
                let present = self.present(&hash);
                assert_eq!(present.siblings, proof.siblings);
                present
            })
        };
        Entry::Absent {
            key: key.to_vec(),
            left: beside(Side::Left),
            right: beside(Side::Right),
        }
    }

    /// The neighbours as the order of hashes gives them.
    fn beside(&self, hash: &Hash) -> [Option<Present>; 2] {
        let before = self.0.range(..*hash).next_back();
        let after = self.0.range(*hash..).find(|(found, _)| *found != hash);
        [before, after].map(|found| found.map(|(hash, _)| self.present(hash)))
    }
}

fn roots(native: Hash) -> [(Tree, Hash); 3] {
    [
        (Tree::Contract, [1; 32]),
        (Tree::Ibc, EMPTY),
        (Tree::Native, native),
    ]
}

#[test]
fn values_and_their_absence_are_accepted_by_the_published_crate() {
    for count in [1, 2, 3, 17, 300] {
        let host = Host::numbered(count);
        let root = host.root();
        let keys = (0..count + 40).map(|n| n.to_be_bytes());
        for key in keys {
            let entry = host.entry(&key);
            let value = host
                .0
                .get(&key_hash(&key))
                .map(|(_, value)| value.as_slice());
            let bytes = entry.encode();
            assert_eq!(Entry::decode(&bytes).unwrap(), entry);
            assert_eq!(entry.verify(&root, &key, value), Ok(()));
            assert!(
                oracle_accepts(&bytes, &root, &key, value),
                "{count} {key:?}"
            );
            if let Entry::Absent { left, right, .. } = &entry {
                let beside = host.beside(&key_hash(&key));
                assert_eq!([left, right], [&beside[0], &beside[1]]);
            }
        }
    }
}

#[test]
fn the_step_to_the_app_hash_is_the_one_of_the_sdk() {
    let roots = roots(Host::numbered(9).root());
    let app_hash = merkle::app_hash(&roots);
    for (tree, root) in roots {
        let store = encode_store(tree, &roots).unwrap();
        assert!(store.len() <= STORE_BYTES_MAX / 4);
        assert_eq!(verify_store(&store, &app_hash, tree), Ok(root));
        assert!(oracle::verify_membership::<Hashes>(
            &commitment(&store),
            &oracle::tendermint_spec(),
            &app_hash.to_vec(),
            tree.name().as_bytes(),
            &root,
        ));
    }
}

#[test]
fn an_empty_tree_has_nothing_which_the_published_crate_cannot_say() {
    let host = Host::default();
    let entry = host.entry(b"key");
    assert_eq!(entry.verify(&EMPTY, b"key", None), Ok(()));
    assert!(!oracle_accepts(&entry.encode(), &EMPTY, b"key", None));
    let other = Host::numbered(2).root();
    assert_eq!(entry.verify(&other, b"key", None), Err(Error::Root));
}

/// What an attacker says of `key`, and what is proven of it.
fn refused(host: &Host, forged: &Entry, key: &[u8], value: Option<&[u8]>) -> Error {
    let root = host.root();
    assert!(!oracle_accepts(&forged.encode(), &root, key, value));
    forged.verify(&root, key, value).unwrap_err()
}

#[test]
fn what_is_there_is_not_proven_absent() {
    let host = Host::numbered(60);
    for (hash, (key, value)) in &host.0 {
        // Honest proofs of the true neighbours of a key that is there.
        let [left, right] = host.beside(hash);
        let absent = |left: &Option<Present>, right: &Option<Present>| Entry::Absent {
            key: key.clone(),
            left: left.clone(),
            right: right.clone(),
        };
        for forged in [
            absent(&left, &right),
            absent(&left, &None),
            absent(&None, &right),
        ] {
            refused(&host, &forged, key, None);
        }
        // The entry itself as its own neighbour.
        let own = Some(host.present(hash));
        assert_eq!(refused(&host, &absent(&own, &right), key, None), Error::Key);
        assert_eq!(refused(&host, &absent(&left, &own), key, None), Error::Key);
        refused(&host, &absent(&None, &None), key, None);
        // And its own proof, as one of absence.
        let present = Entry::Present(host.present(hash));
        assert_eq!(refused(&host, &present, key, None), Error::Value);
        assert_eq!(present.verify(&host.root(), key, Some(value)), Ok(()));
    }
}

#[test]
fn neighbours_that_are_none_prove_no_absence() {
    let host = Host::numbered(60);
    let key = 1_000_u32.to_be_bytes();
    let hash = key_hash(&key);
    let [left, right] = host.beside(&hash);
    let (left, right) = (left.unwrap(), right.unwrap());
    let absent = |left: &Present, right: &Present| Entry::Absent {
        key: key.to_vec(),
        left: Some(left.clone()),
        right: Some(right.clone()),
    };
    let farther_left = host.beside(&left.key_hash())[0].clone().unwrap();
    let farther_right = host.beside(&right.key_hash())[1].clone().unwrap();
    for forged in [
        absent(&farther_left, &right),
        absent(&left, &farther_right),
        absent(&right, &left),
    ] {
        assert_eq!(refused(&host, &forged, &key, None), Error::Key);
    }
    let mut bent = absent(&left, &right);
    if let Entry::Absent {
        left: Some(left), ..
    } = &mut bent
    {
        left.value.push(0);
    }
    assert_eq!(refused(&host, &bent, &key, None), Error::Root);
}

#[test]
fn a_proof_is_of_one_key_one_value_one_tree_and_one_state() {
    let host = Host::numbered(60);
    let roots = roots(host.root());
    let app_hash = merkle::app_hash(&roots);
    let key = 7_u32.to_be_bytes();
    let value = host.0[&key_hash(&key)].1.clone();
    let proof = StoreProof::new(&host.entry(&key), Tree::Native, &roots);
    let native = |key: &[u8], value: Option<&[u8]>| {
        proof.verify(&app_hash, Tree::Native, key, value).map(drop)
    };
    let proven = proof.verify(&app_hash, Tree::Native, &key, Some(&value));
    assert_eq!(proven.unwrap().value.as_ref(), Some(&value));
    assert_eq!(native(&8_u32.to_be_bytes(), Some(&value)), Err(Error::Key));
    assert_eq!(native(&key, Some(b"other")), Err(Error::Value));
    assert_eq!(native(&key, None), Err(Error::Value));
    let elsewhere = proof.verify(&app_hash, Tree::Contract, &key, Some(&value));
    assert_eq!(elsewhere.unwrap_err(), Error::Key);
    let other = merkle::app_hash(&[roots[0], (Tree::Ibc, [9; 32]), roots[2]]);
    let old = proof.verify(&other, Tree::Native, &key, Some(&value));
    assert_eq!(old.unwrap_err(), Error::Root);
    // The entry of one tree with the store proof of another.
    let mixed = StoreProof {
        store: encode_store(Tree::Contract, &roots).unwrap(),
        ..proof.clone()
    };
    for (tree, error) in [(Tree::Native, Error::Key), (Tree::Contract, Error::Root)] {
        let verdict = mixed.verify(&app_hash, tree, &key, Some(&value));
        assert_eq!(verdict.unwrap_err(), error);
    }
    // A root that the attacker made, under the right name.
    let own = Host::of([key.to_vec()]);
    let mut forged_roots = roots;
    forged_roots[2].1 = own.root();
    let forged = StoreProof::new(&own.entry(&key), Tree::Native, &forged_roots);
    let verdict = forged.verify(&app_hash, Tree::Native, &key, Some(&value));
    assert_eq!(verdict.unwrap_err(), Error::Root);
}

#[test]
fn every_limit_refuses_what_is_above_it() {
    let long = Entry::decode(&vec![0; ENTRY_BYTES_MAX + 1]);
    assert_eq!(long, Err(Error::Malformed { what: "length" }));
    let long = verify_store(&vec![0; STORE_BYTES_MAX + 1], &[0; 32], Tree::Native);
    let what = "length of the store proof";
    assert_eq!(long, Err(Error::Malformed { what }));
    let at = |levels| {
        Entry::Present(Present {
            key: vec![1],
            value: vec![2],
            siblings: vec![[3; 32]; levels],
        })
    };
    assert!(Entry::decode(&at(DEPTH_MAX).encode()).is_ok());
    let deep = Entry::decode(&at(DEPTH_MAX + 1).encode());
    let what = "length of the path";
    assert_eq!(deep, Err(Error::Malformed { what }));
}

#[test]
fn the_whole_value_of_a_neighbour_fits_twice() {
    // Lengths of the state machine; a test of the enclave holds them to the limit.
    let neighbour = Present {
        key: vec![1; 64 << 10],
        value: vec![2; 2_048_000],
        siblings: vec![[3; 32]; DEPTH_MAX],
    };
    let entry = Entry::Absent {
        key: vec![4; 64 << 10],
        left: Some(neighbour.clone()),
        right: Some(neighbour),
    };
    assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_trees_prove_all_that_they_hold_and_nothing_else(
        keys in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 1..6), 1..90),
        asked in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..4), 1..20),
    ) {
        let host = Host::of(keys.iter().cloned());
        let root = host.root();
        for key in keys.iter().chain(&asked) {
            let value = host.0.get(&key_hash(key)).map(|(_, value)| value.as_slice());
            let entry = host.entry(key);
            prop_assert_eq!(entry.verify(&root, key, value), Ok(()));
            prop_assert!(oracle_accepts(&entry.encode(), &root, key, value));
        }
    }

    #[test]
    fn a_changed_bit_of_a_proof_is_refused(key in 0_u32..70, at: prop::sample::Index, store: bool) {
        let host = Host::numbered(60);
        let roots = roots(host.root());
        let app_hash = merkle::app_hash(&roots);
        let key = key.to_be_bytes();
        let value = host.0.get(&key_hash(&key)).map(|(_, value)| value.as_slice());
        let mut proof = StoreProof::new(&host.entry(&key), Tree::Native, &roots);
        prop_assert!(proof.verify(&app_hash, Tree::Native, &key, value).is_ok());
        let bytes = if store { &mut proof.store } else { &mut proof.entry };
        let at = at.index(bytes.len() * 8);
        bytes[at / 8] ^= 1 << (at % 8);
        prop_assert!(proof.verify(&app_hash, Tree::Native, &key, value).is_err());
    }

    #[test]
    fn no_bytes_make_a_verifier_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Entry::decode(&bytes);
        let proof = StoreProof { entry: bytes.clone(), store: bytes };
        prop_assert!(proof.verify(&[0; 32], Tree::Native, b"key", None).is_err());
    }
}
