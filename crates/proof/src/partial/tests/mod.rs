//! `PartialTree` against the `jmt` crate, and against a host that knows everything.

mod pages;

use super::*;
use crate::oracle::{Change, Oracle, histories};
use crate::tree::{Entry, subtree_hash, subtree_prove};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The honest host: all values, and proofs for any path.
#[derive(Clone, Default)]
struct Host(BTreeMap<Hash, Vec<u8>>);

impl Host {
    fn entries(&self) -> Vec<Entry> {
        let entry = |(key_hash, value): (&Hash, &Vec<u8>)| Entry {
            key_hash: *key_hash,
            value_hash: sha256(value),
        };
        self.0.iter().map(entry).collect()
    }

    fn root(&self) -> Hash {
        subtree_hash(&self.entries(), 0)
    }

    fn prove(&self, key_hash: &Hash, for_write: bool) -> (Option<&[u8]>, Proof) {
        let mut proof = Proof::default();
        subtree_prove(&self.entries(), 0, key_hash, for_write, &mut proof);
        (self.0.get(key_hash).map(Vec::as_slice), proof)
    }

    fn apply(&mut self, changes: &[Change]) {
        for (key, value) in changes {
            match value {
                Some(value) => self.0.insert(*key, value.clone()),
                None => self.0.remove(key),
            };
        }
    }
}

fn shared(changes: &[Change]) -> Vec<(Hash, Option<Arc<[u8]>>)> {
    changes
        .iter()
        .map(|(key, value)| (*key, value.as_deref().map(Arc::from)))
        .collect()
}

/// Bytes of a subtree, counted anew. Looks at what pages promise on the way.
fn count_bytes(node: &Node) -> usize {
    match node {
        Node::Inner { below, .. } => {
            let (left, right) = (&below.left, &below.right);
            assert!(
                Node::merged(node.hash(), left, right).is_none(),
                "the leaves of two places fit one page"
            );
            Inner::OWN_BYTES + count_bytes(left) + count_bytes(right)
        }
        Node::Page(page) => {
            assert!(page::are_apart(&page.to_vec()));
            page.own_bytes() + page.held().map(|leaf| leaf.bytes()).sum::<usize>()
        }
        Node::Empty | Node::Blind { .. } => 0,
    }
}

/// Asks `host` for what is missing, applies `block` to both and compares.
fn ask_and_apply(
    tree: &mut PartialTree,
    host: &mut Host,
    block: &[Change],
) -> Result<(), TestCaseError> {
    let mut rounds = 0;
    loop {
        let missing = tree.missing_hashed(shared(block));
        if missing.is_empty() {
            break;
        }
        let refused = tree.clone().apply_hashed(shared(block));
        prop_assert_eq!(refused, Err(Error::NotProven));
        for key in missing {
            let path = host.prove(&key, true).1;
            prop_assert_eq!(tree.absorb_path(&key, &path), Ok(()));
        }
        rounds += 1;
        prop_assert!(rounds < 300, "the questions do not end");
    }
    prop_assert_eq!(tree.bytes(), count_bytes(&tree.root));
    host.apply(block);
    prop_assert_eq!(tree.apply_hashed(shared(block)), Ok(host.root()));
    prop_assert_eq!(tree.bytes(), count_bytes(&tree.root));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_wholly_known_tree_follows_the_oracle((keys, blocks) in histories::blocks(40, 12, 12)) {
        let (mut tree, mut oracle, mut host) = (PartialTree::empty(), Oracle::default(), Host::default());
        for block in &blocks {
            let root = oracle.apply(block);
            host.apply(block);
            let before = tree.clone();
            prop_assert_eq!(before.missing_hashed(shared(block)), Vec::<Hash>::new());
            prop_assert_eq!(tree.apply_hashed(shared(block)), Ok(root));
            prop_assert_eq!(host.root(), root);
            prop_assert_eq!(tree.bytes(), count_bytes(&tree.root));
            for key in &keys {
                let expected = host.0.get(key).map_or(Read::Absent, |value| Read::Value(value.as_slice().into()));
                prop_assert_eq!(tree.read_hashed(key), expected);
                for for_write in [false, true] {
                    let (value, proof) = host.prove(key, for_write);
                    prop_assert_eq!(proof.verify_hashed(&root, key, value.map(sha256).as_ref()), Ok(()));
                    prop_assert_eq!(&Proof::decode(&proof.encode()).unwrap(), &proof);
                    let other = if value.is_some() { None } else { Some(sha256(b"invented")) };
                    prop_assert!(proof.verify_hashed(&root, key, other.as_ref()).is_err());
                }
            }
        }
    }

    #[test]
    fn a_tree_that_forgets_at_random_reaches_the_same_roots(
        (keys, blocks) in histories::blocks(40, 12, 12),
        reads in prop::collection::vec(any::<prop::sample::Index>(), 30),
        rooms in prop::collection::vec(0usize..6000, 12),
        by_hints in any::<bool>(),
    ) {
        let (mut tree, mut host) = (PartialTree::empty(), Host::default());
        let mut forks = Vec::new();
        for (block, room) in blocks.iter().zip(rooms.iter().copied()) {
            for at in &reads {
                let key = &keys[at.index(keys.len())];
                let (value, proof) = host.prove(key, false);
                if tree.read_hashed(key) == Read::Unknown {
                    prop_assert_eq!(tree.absorb_hashed(key, value, &proof), Ok(()));
                }
                let expected = value.map_or(Read::Absent, |value| Read::Value(value.into()));
                prop_assert_eq!(tree.read_hashed(key), expected);
            }
            if by_hints {
                for (key, _) in block {
                    if !tree.ready_for_write_hashed(key) {
                        let (value, proof) = host.prove(key, true);
                        prop_assert_eq!(tree.absorb_hashed(key, value, &proof), Ok(()));
                        prop_assert!(tree.ready_for_write_hashed(key));
                    }
                }
            }
            ask_and_apply(&mut tree, &mut host, block)?;
            forks.push((tree.clone(), host.clone()));
            tree.evict(room);
            prop_assert!(tree.bytes() <= room);
            prop_assert_eq!(tree.bytes(), count_bytes(&tree.root));
            prop_assert_eq!(tree.root(), host.root());
        }
        // What one fork learns, forgets and writes is no other's.
        for (at, (fork, host)) in forks.iter_mut().enumerate() {
            for at in &reads {
                let key = &keys[at.index(keys.len())];
                let (value, proof) = host.prove(key, false);
                let expected = value.map_or(Read::Absent, |value| Read::Value(value.into()));
                if fork.read_hashed(key) == Read::Unknown {
                    prop_assert_eq!(fork.absorb_hashed(key, value, &proof), Ok(()));
                }
                prop_assert_eq!(fork.read_hashed(key), expected);
            }
            let room = rooms[rooms.len() - 1 - at];
            fork.evict(room);
            prop_assert!(fork.bytes() <= room);
            ask_and_apply(fork, host, &blocks[blocks.len() - 1 - at])?;
        }
        for (fork, host) in &forks {
            prop_assert_eq!((fork.root(), fork.bytes()), (host.root(), count_bytes(&fork.root)));
            for key in &keys {
                let expected = host.0.get(key).map_or(Read::Absent, |value| Read::Value(value.as_slice().into()));
                let read = fork.read_hashed(key);
                prop_assert!(read == Read::Unknown || read == expected);
            }
        }
    }

}

proptest! {
    // Every bit of a proof, each checked four times: so these paths are at most 24 levels long.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn no_bit_of_a_proof_can_be_changed(
        (keys, blocks) in histories::blocks(12, 2, 12),
        at in any::<prop::sample::Index>(),
        for_write in any::<bool>(),
    ) {
        let short = |key: &Hash| {
            let mut key = *key;
            key[3..].fill(0);
            key
        };
        let keys: Vec<Hash> = keys.iter().map(short).collect();
        let mut host = Host::default();
        for (key, value) in blocks.iter().flatten() {
            host.apply(&[(short(key), value.clone())]);
        }
        let key = keys[at.index(keys.len())];
        let (value, proof) = host.prove(&key, for_write);
        let (root, value_hash) = (host.root(), value.map(sha256));
        let mut partly_known = PartialTree::blind(root);
        let (beside, proof_beside) = host.prove(&keys[0], false);
        prop_assert_eq!(partly_known.absorb_hashed(&keys[0], beside, &proof_beside), Ok(()));
        let encoded = proof.encode();
        for bit in 0..encoded.len() * 8 {
            let mut bent = encoded.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            let Ok(bent) = Proof::decode(&bent) else { continue };
            prop_assert!(bent.verify_hashed(&root, &key, value_hash.as_ref()).is_err(), "bit {}", bit);
            let mut tree = PartialTree::blind(root);
            prop_assert!(tree.absorb_hashed(&key, value, &bent).is_err(), "bit {} was absorbed", bit);
            prop_assert_eq!(tree.bytes(), 0);
            let mut tree = partly_known.clone();
            prop_assert!(tree.absorb_hashed(&key, value, &bent).is_err(), "bit {} was absorbed", bit);
            prop_assert!(tree.absorb_path(&key, &bent).is_err(), "bit {} was absorbed", bit);
            prop_assert_eq!(tree.bytes(), partly_known.bytes());
        }
    }

}

proptest! {
    #[test]
    fn an_invented_proof_changes_nothing(
        (keys, blocks) in histories::blocks(12, 2, 12),
        siblings in prop::collection::vec(prop_oneof![any::<[u8; 32]>(), Just(EMPTY)], 0..260),
        leaf in any::<Option<([u8; 32], [u8; 32])>>(),
        lowest in any::<Option<([u8; 32], [u8; 32], bool)>>(),
        own_leaf in any::<bool>(),
        fitting in any::<bool>(),
    ) {
        let mut host = Host::default();
        blocks.iter().for_each(|block| host.apply(block));
        let key = keys[0];
        let entry = |(key_hash, value_hash)| Entry { key_hash, value_hash };
        let mut proof = Proof {
            siblings,
            leaf: leaf.map(|(other, value)| entry((if own_leaf { key } else { other }, value))),
            lowest: lowest.map(|(a, b, leaf)| match leaf {
                true => Preimage::Leaf(entry((a, b))),
                false => Preimage::Inner { left: a, right: b },
            }),
        };
        if let (true, Some(preimage)) = (fitting, proof.lowest) {
            proof.siblings.push(preimage.hash());
        }
        let mut tree = PartialTree::blind(host.root());
        let (value, honest) = host.prove(&key, false);
        prop_assert!(tree.absorb_path(&key, &proof).is_err() || proof.siblings == honest.siblings);
        tree = PartialTree::blind(host.root());
        prop_assert_eq!(tree.absorb_hashed(&key, value, &honest), Ok(()));
        let bytes = tree.bytes();
        prop_assert!(tree.absorb_path(&key, &proof).is_err() || proof.siblings == honest.siblings);
        prop_assert_eq!((tree.root(), tree.bytes()), (host.root(), bytes));
    }

    #[test]
    fn any_bytes_decode_to_a_proof_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(proof) = Proof::decode(&bytes) {
            prop_assert_eq!(proof.encode(), bytes);
        }
    }

    #[test]
    fn a_value_that_is_not_the_proven_one_is_never_absorbed(
        (keys, blocks) in histories::blocks(12, 2, 12),
        at in any::<prop::sample::Index>(),
    ) {
        let mut host = Host::default();
        blocks.iter().for_each(|block| host.apply(block));
        let key = keys[at.index(keys.len())];
        let (value, proof) = host.prove(&key, false);
        let mut tree = PartialTree::blind(host.root());
        let lie = if value.is_some() { None } else { Some(b"invented".as_slice()) };
        prop_assert_eq!(tree.absorb_hashed(&key, lie, &proof), Err(Error::Value));
        prop_assert_eq!(tree.absorb_hashed(&key, Some(b"invented"), &proof), Err(Error::Value));
        prop_assert_eq!(tree.absorb_hashed(&tree::flip(&key, 255), value, &proof).is_ok(), value.is_none() && {
            // Absence of a key beside it may be shown by the very same proof.
            let (beside, same) = host.prove(&tree::flip(&key, 255), false);
            beside.is_none() && same == proof
        });
    }
}

fn tree_of(count: u32) -> PartialTree {
    let mut tree = PartialTree::empty();
    let writes: Vec<(Vec<u8>, Vec<u8>)> = (0..count)
        .map(|n| (n.to_be_bytes().to_vec(), vec![7; 100]))
        .collect();
    tree.apply(
        writes
            .iter()
            .map(|(key, value)| (key.as_slice(), Some(value.as_slice()))),
    )
    .unwrap();
    tree
}

#[test]
fn a_batch_hashes_every_inner_node_once() {
    let tree = tree_of(20_000);
    let writes: Vec<(Vec<u8>, Vec<u8>)> = (0..1000u32)
        .map(|n| ((n * 20).to_be_bytes().to_vec(), vec![8; 100]))
        .collect();
    let batch = || {
        writes
            .iter()
            .map(|(key, value)| (key.as_slice(), Some(value.as_slice())))
    };
    let mut together = tree.clone();
    let before = tree::inner_hashes();
    together.apply(batch()).unwrap();
    let hashes = tree::inner_hashes() - before;
    // 1,000 paths share the ten levels on top; from there they are on their own: to a page (level 11 to 12), and all of it.
    assert!(hashes < 1000 * 10, "{hashes} inner nodes hashed");
    let mut one_by_one = tree;
    for write in batch() {
        one_by_one.apply([write]).unwrap();
    }
    assert_eq!(one_by_one.root(), together.root());
}

#[test]
fn what_was_used_last_is_kept() {
    let mut tree = tree_of(1000);
    let warm: Vec<[u8; 4]> = (0..40u32).map(u32::to_be_bytes).collect();
    for key in &warm {
        assert!(matches!(tree.read(key), Read::Value(_)));
    }
    let full = tree.bytes();
    tree.evict(full / 4);
    assert!(tree.bytes() <= full / 4);
    for key in &warm {
        assert!(
            matches!(tree.read(key), Read::Value(_)),
            "a warm key was evicted"
        );
    }
    let cold = (40..1000u32)
        .filter(|key| tree.read(&key.to_be_bytes()) == Read::Unknown)
        .count();
    assert!(cold > 800);
}

#[test]
fn a_fork_does_not_see_what_the_other_does() {
    let mut tree = tree_of(100);
    let pinned = tree.clone();
    let (root, bytes) = (pinned.root(), pinned.bytes());
    tree.apply([
        (b"new".as_slice(), Some(b"1".as_slice())),
        (&5u32.to_be_bytes(), None),
    ])
    .unwrap();
    tree.evict(0);
    assert_eq!((pinned.root(), pinned.bytes()), (root, bytes));
    assert_eq!(pinned.read(b"new"), Read::Absent);
    assert!(matches!(pinned.read(&5u32.to_be_bytes()), Read::Value(_)));
    assert_eq!(tree.read(b"new"), Read::Unknown);
    assert_eq!(tree.bytes(), 0);
}

#[test]
fn a_removal_beside_a_blind_leaf_waits_for_its_proof() {
    let mut host = Host::default();
    let (key, beside) = ([0; 32], tree::flip(&[0; 32], 200));
    host.apply(&[(key, Some(vec![1])), (beside, Some(vec![2]))]);
    let mut tree = PartialTree::blind(host.root());
    let (value, proof) = host.prove(&key, false);
    tree.absorb_hashed(&key, value, &proof).unwrap();
    assert!(!tree.ready_for_write_hashed(&key));
    assert_eq!(
        tree.clone().apply_hashed([(key, None)]),
        Err(Error::NotProven)
    );
    assert_eq!(
        tree.clone()
            .apply_hashed([(key, Some(Arc::from([3])))])
            .map(|_| ()),
        Ok(())
    );
    let (value, proof) = host.prove(&key, true);
    tree.absorb_hashed(&key, value, &proof).unwrap();
    assert!(tree.ready_for_write_hashed(&key));
    host.apply(&[(key, None)]);
    assert_eq!(tree.apply_hashed([(key, None)]), Ok(host.root()));
}

#[test]
fn proofs_of_another_root_are_refused_where_the_tree_is_known() {
    let mut host = Host::default();
    host.apply(&[
        ([0; 32], Some(vec![1])),
        ([0x80; 32], Some(vec![2])),
        ([0xc0; 32], Some(vec![3])),
    ]);
    let mut tree = PartialTree::blind(host.root());
    for key in [[0; 32], [0x80; 32]] {
        let (value, proof) = host.prove(&key, false);
        tree.absorb_hashed(&key, value, &proof).unwrap();
    }
    let mut other = host.clone();
    other.apply(&[([0xc0; 32], Some(vec![4]))]);
    for key in [[0; 32], [0x80; 32], [0xc0; 32], [0xe0; 32], [0x10; 32]] {
        let (value, proof) = other.prove(&key, true);
        assert_eq!(
            tree.absorb_hashed(&key, value, &proof),
            Err(Error::Root),
            "{key:?}"
        );
    }
}

#[test]
fn a_path_of_256_levels_is_proven_and_a_longer_one_refused() {
    let mut host = Host::default();
    let (key, beside) = ([0x55; 32], tree::flip(&[0x55; 32], 255));
    host.apply(&[(key, Some(vec![1])), (beside, Some(vec![2]))]);
    let (value, mut proof) = host.prove(&key, true);
    assert_eq!(proof.siblings.len(), 256);
    assert!(proof.encode().len() <= tree::PROOF_BYTES_MAX);
    let mut tree = PartialTree::blind(host.root());
    tree.absorb_hashed(&key, value, &proof).unwrap();
    assert!(tree.ready_for_write_hashed(&key));
    let encoded = proof.encode();
    for bit in (0..encoded.len() * 8).step_by(97) {
        let mut bent = encoded.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        let verified = Proof::decode(&bent)
            .and_then(|bent| PartialTree::blind(host.root()).absorb_hashed(&key, value, &bent));
        assert!(verified.is_err(), "bit {bit}");
    }
    proof.siblings.push(EMPTY);
    assert!(
        proof
            .verify_hashed(&host.root(), &key, value.map(sha256).as_ref())
            .is_err()
    );
    assert!(Proof::decode(&proof.encode()).is_err());
}
