//! Leaves of which only the place is held, and what they say.

use super::evict::{Oldest, cut};
use super::*;

/// Forgets all values and whole key hashes, as far as leaves can be told apart without, and no place.
fn forget_values(tree: &mut PartialTree) {
    let oldest = Oldest {
        leaf: u64::MAX,
        place: 0,
    };
    if let Some(left) = cut(&tree.root, 0, oldest) {
        tree.root = left.node;
    }
}

fn absent(n: u32) -> [u8; 4] {
    (n | 1 << 31).to_be_bytes()
}

#[test]
fn places_say_what_is_absent_and_no_value() {
    let mut tree = tree_of(3000);
    let root = tree.root();
    forget_values(&mut tree);
    assert_eq!(tree.bytes(), count_bytes(&tree.root));
    for n in 0..3000u32 {
        assert_eq!(tree.read(&n.to_be_bytes()), Read::Unknown);
        assert!(!tree.ready_for_write(&n.to_be_bytes()));
        assert_eq!(tree.read(&absent(n)), Read::Absent);
        assert!(tree.ready_for_write(&absent(n)));
    }
    // New keys need nothing but places.
    let value = [8; 100];
    let new: Vec<[u8; 4]> = (0..3000).map(absent).collect();
    let writes = || {
        new.iter()
            .map(|key| (key.as_slice(), Some(value.as_slice())))
    };
    assert_eq!(tree.missing(writes()), Vec::<Hash>::new());
    tree.apply(writes()).unwrap();
    let mut whole = tree_of(3000);
    assert_eq!(whole.root(), root);
    whole.apply(writes()).unwrap();
    assert_eq!(tree.root(), whole.root());
    // What is there and not held is asked for.
    let gone = 7u32.to_be_bytes();
    let removal = || [(gone.as_slice(), None)];
    assert_eq!(tree.missing(removal()), [tree::key_hash(&gone)]);
    assert_eq!(tree.apply(removal()), Err(Error::NotProven));
    assert_eq!(tree.root(), whole.root());
}

#[test]
fn places_are_small() {
    let sizes = [
        size_of::<Node>(),
        size_of::<Slot>(),
        size_of::<page::Place>(),
    ];
    assert_eq!(sizes, [48, 48, 38]);
    let mut tree = tree_of(20_000);
    forget_values(&mut tree);
    let each = tree.bytes() / 20_000;
    assert!(each <= 60, "{each} bytes for a key");
}

#[test]
fn keys_that_begin_alike_are_told_apart_by_their_proofs() {
    for shared in [47, 48, 49, 200, 255] {
        let key = [0x35; 32];
        let alike = tree::flip(&key, shared);
        let mut host = Host::default();
        host.apply(&[(key, Some(vec![1])), ([0x36; 32], Some(vec![2]))]);
        let mut tree = PartialTree::blind(host.root());
        for key in [key, [0x36; 32]] {
            let (value, proof) = host.prove(&key, true);
            tree.absorb_hashed(&key, value, &proof).unwrap();
        }
        forget_values(&mut tree);
        let writes = || [(alike, Some(Arc::from([3_u8])))];
        let asks = shared >= 48;
        let expected = if asks { Read::Unknown } else { Read::Absent };
        assert_eq!(tree.read_hashed(&alike), expected, "{shared}");
        assert_eq!(tree.ready_for_write_hashed(&alike), !asks);
        assert_eq!(
            tree.missing_hashed(writes()),
            vec![alike; usize::from(asks)]
        );
        assert_eq!(tree.clone().apply_hashed(writes()).is_err(), asks);
        let root = tree.root();
        tree.absorb_path(&alike, &host.prove(&alike, true).1)
            .unwrap();
        assert_eq!((tree.root(), tree.bytes()), (root, count_bytes(&tree.root)));
        assert_eq!(tree.read_hashed(&alike), Read::Absent);
        host.apply(&[(alike, Some(vec![3]))]);
        assert_eq!(tree.apply_hashed(writes()), Ok(host.root()));
        // Both in a page: their values go, what tells them apart stays.
        forget_values(&mut tree);
        assert_eq!(tree.bytes(), count_bytes(&tree.root));
        assert_eq!(tree.read_hashed(&tree::flip(&key, 40)), Read::Absent);
        for key in [key, alike] {
            let (value, proof) = host.prove(&key, true);
            assert_eq!(tree.read_hashed(&key), Read::Unknown);
            assert_eq!(tree.ready_for_write_hashed(&key), asks);
            tree.absorb_hashed(&key, value, &proof).unwrap();
            assert_eq!(tree.read_hashed(&key), Read::Value(value.unwrap().into()));
        }
        assert_eq!(tree.bytes(), count_bytes(&tree.root));
        tree.apply_hashed([(key, None)]).unwrap();
        host.apply(&[(key, None)]);
        assert_eq!(tree.root(), host.root());
    }
}

#[test]
fn values_go_before_places_and_places_do_not_take_their_last_quarter() {
    let full = tree_of(4000);
    let mut bare = full.clone();
    forget_values(&mut bare);
    let places = bare.bytes();
    let read = |tree: &PartialTree, n: u32| tree.read(&n.to_be_bytes());
    // Room for all places and some values.
    let mut tree = full.clone();
    tree.evict(places * 2);
    assert!((0..4000).all(|n| tree.read(&absent(n)) == Read::Absent));
    let values = (0..4000)
        .filter(|n| read(&tree, *n) != Read::Unknown)
        .count();
    assert!((300..4000).contains(&values), "{values}");
    // Room for half of the places: values keep a quarter of it.
    let mut tree = full;
    tree.evict(places / 2);
    assert!(tree.bytes() <= places * 3 / 8, "a quarter of it is free");
    let values = (0..4000).filter(|n| matches!(read(&tree, *n), Read::Value(_)));
    assert!(values.count() > 50);
    let absences = (0..4000).filter(|n| tree.read(&absent(*n)) == Read::Absent);
    assert!((400..2000).contains(&absences.count()));
}

#[test]
fn of_two_that_begin_alike_the_older_value_goes_alone() {
    let (key, beside) = ([0x35; 32], [0x36; 32]);
    let alike = tree::flip(&key, 60);
    let mut host = Host::default();
    host.apply(&[key, alike, beside].map(|key| (key, Some(vec![1]))));
    let mut tree = PartialTree::empty();
    let writes = [key, alike, beside].map(|key| (key, Some(Arc::from([1_u8]))));
    assert_eq!(tree.apply_hashed(writes), Ok(host.root()));
    let oldest = Oldest {
        leaf: tree.clock.tick(),
        place: 0,
    };
    let value = Read::Value(Arc::from([1_u8]));
    for used in [key, beside] {
        assert_eq!(tree.read_hashed(&used), value);
    }
    tree.root = cut(&tree.root, 0, oldest).unwrap().node;
    assert_eq!(
        (tree.root(), tree.bytes()),
        (host.root(), count_bytes(&tree.root))
    );
    for used in [key, beside] {
        assert_eq!(tree.read_hashed(&used), value);
    }
    assert_eq!(tree.read_hashed(&alike), Read::Unknown);
    for absent in [tree::flip(&key, 61), tree::flip(&key, 3)] {
        assert_eq!(tree.read_hashed(&absent), Read::Absent);
    }
    assert!(cut(&tree.root, 0, oldest).is_none(), "it goes once");
    // It is known well enough to be written or removed.
    let removal = || [(alike, None)];
    assert_eq!(tree.missing_hashed(removal()), Vec::<Hash>::new());
    host.apply(&[(alike, None)]);
    assert_eq!(tree.apply_hashed(removal()), Ok(host.root()));
}

#[test]
fn pairs_that_begin_alike_count_among_places_and_the_limit_holds() {
    let mut tree = PartialTree::empty();
    let pairs = (0..2000u32).flat_map(|n| {
        let key = tree::key_hash(&n.to_be_bytes());
        [key, tree::flip(&key, 60)]
    });
    tree.apply_hashed(pairs.map(|key| (key, Some(Arc::from([7_u8; 100])))))
        .unwrap();
    let root = tree.root();
    let mut bare = tree.clone();
    forget_values(&mut bare);
    for room in [bare.bytes() * 2, bare.bytes(), bare.bytes() / 2, 10_000, 0] {
        tree.evict(room);
        assert!(tree.bytes() <= room);
        assert_eq!((tree.root(), tree.bytes()), (root, count_bytes(&tree.root)));
        let absences = (0..2000).filter(|n| tree.read(&absent(*n)) == Read::Absent);
        assert_eq!(absences.count() == 2000, room > bare.bytes());
    }
}

#[test]
fn places_that_were_used_last_stay_also_where_pages_become_one() {
    let mut tree = tree_of(4000);
    let mut bare = tree.clone();
    forget_values(&mut bare);
    for n in 0..40 {
        assert_eq!(tree.read(&absent(n)), Read::Absent);
    }
    tree.evict(bare.bytes() / 2);
    assert!(tree.bytes() <= bare.bytes() / 2);
    let gone = (0..40).filter(|n| tree.read(&absent(*n)) != Read::Absent);
    assert_eq!(gone.count(), 0);
}
