//! How trees are cut, what versions share of them, and the borders between those who read them.

use super::*;
use crate::state::open::{join_all, read_trees};
use crate::state::prepare::roots_of;
use crate::state::top::{BUCKET_ENTRIES_MAX, Change, Leaf, Top};

/// Depth and entries of each bucket, in order. Refuses what no tree may have.
fn shape(top: &Top) -> Vec<(usize, Vec<Leaf>)> {
    fn walk(top: &Top, depth: usize, buckets: &mut Vec<(usize, Vec<Leaf>)>) -> usize {
        match top {
            Top::Empty => 0,
            Top::Bucket { entries, .. } => {
                assert!((1..=BUCKET_ENTRIES_MAX).contains(&entries.len()));
                buckets.push((depth, entries.to_vec()));
                entries.len()
            }
            Top::Inner { halves, .. } => {
                let [left, right] = halves.each_ref();
                let count = walk(left, depth + 1, buckets) + walk(right, depth + 1, buckets);
                assert!(count > BUCKET_ENTRIES_MAX, "one bucket would do");
                count
            }
        }
    }
    let mut buckets = Vec::new();
    walk(top, 0, &mut buckets);
    buckets
}

/// Of some keys nearly all bits are the same.
fn place(n: u16, is_aimed: bool) -> Hash {
    let mut place = if is_aimed {
        [0xab; 32]
    } else {
        sha256(&n.to_be_bytes())
    };
    place[25..27].copy_from_slice(&n.to_be_bytes());
    place
}

/// What stands at each place: hash of the value, and the height that wrote it.
type Places = BTreeMap<Hash, (Hash, Height)>;

fn check(top: &Top, model: &Places) {
    let leaves: Vec<Leaf> = model
        .iter()
        .filter_map(|(key_hash, value)| Change::new(*key_hash, Some(*value)).after)
        .collect();
    let at_once = Top::of(&leaves, 0);
    assert_eq!((shape(top), top.hash()), (shape(&at_once), at_once.hash()));
    let parts = leaves.chunk_by(|a, b| a.entry.key_hash[0] == b.entry.key_hash[0]);
    let mut joined = vec![Top::Empty; 256];
    for part in parts {
        joined[usize::from(part[0].entry.key_hash[0])] = Top::of(part, 8);
    }
    let joined = join_all(joined);
    assert_eq!((shape(top), top.hash()), (shape(&joined), joined.hash()));
}

fn update(top: &Top, model: &mut Places, changes: &BTreeMap<Hash, Option<(Hash, Height)>>) -> Top {
    let mut list: Vec<Change> = changes
        .iter()
        .map(|(key, value)| Change::new(*key, *value))
        .collect();
    for (key, value) in changes {
        match (value, model.get(key)) {
            (Some((hash, _)), Some((before, _))) if hash == before => {}
            (Some(value), _) => drop(model.insert(*key, *value)),
            (None, _) => drop(model.remove(key)),
        }
    }
    top.update(&mut list)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn where_a_tree_is_cut_follows_from_its_content_whatever_was_there_before(
        blocks in prop::collection::vec(
            prop::collection::vec((0u16..300, any::<bool>(), any::<bool>()), 0..120), 1..8),
        piece in 1usize..60,
    ) {
        let (mut top, mut model) = (Top::Empty, BTreeMap::new());
        for (n, block) in blocks.iter().enumerate() {
            // Every other block writes what the one before it wrote.
            let value = |stays: bool| stays.then(|| (sha256(&(n / 2).to_be_bytes()), n as Height));
            let changes = block.iter().map(|(key, is_aimed, stays)| (place(*key, *is_aimed), value(*stays)));
            top = update(&top, &mut model, &changes.collect());
            check(&top, &model);
        }
        // And away, in pieces: neighbours become one bucket, and the last none.
        let all: Vec<Hash> = model.keys().copied().collect();
        for keys in all.chunks(piece) {
            let gone = keys.iter().map(|key| (*key, None)).collect();
            top = update(&top, &mut model, &gone);
            check(&top, &model);
        }
        assert!(matches!(top, Top::Empty));
    }
}

#[test]
fn two_versions_share_all_nodes_beside_the_path_of_what_changed() {
    let mut model = BTreeMap::new();
    let content = (0..5_000)
        .map(|n| (place(n, false), Some(([1; 32], 0))))
        .collect();
    let before = update(&Top::Empty, &mut model, &content);
    let changed = place(77, false);
    let after = update(&before, &mut model, &[(changed, Some(([2; 32], 1)))].into());
    let (mut old, mut new, mut depth) = (&before, &after, 0);
    while let (Top::Inner { halves: a, .. }, Top::Inner { halves: b, .. }) = (old, new) {
        let own = usize::from(strongroom_proof::tree::bit(&changed, depth));
        let is_shared = match (&a[1 - own], &b[1 - own]) {
            (Top::Inner { halves: a, .. }, Top::Inner { halves: b, .. }) => Arc::ptr_eq(a, b),
            (Top::Bucket { entries: a, .. }, Top::Bucket { entries: b, .. }) => Arc::ptr_eq(a, b),
            (Top::Empty, Top::Empty) => true,
            _ => false,
        };
        assert!(is_shared, "depth {depth}");
        (old, new, depth) = (&a[own], &b[own], depth + 1);
    }
    assert!(depth > 5 && old.hash() != new.hash());
    let nothing = update(&after, &mut model, &[(changed, Some(([2; 32], 2)))].into());
    let (Top::Inner { halves: a, .. }, Top::Inner { halves: b, .. }) = (&after, &nothing) else {
        panic!("5,000 entries are no bucket");
    };
    assert!(Arc::ptr_eq(a, b), "a write of what is there copies nothing");
}

#[test]
fn however_many_read_the_heads_the_trees_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Redb, dir.path(), Limits::NODE);
    let key = |tree: Tree, byte: u8, n: u8| {
        let mut key = [n; 32];
        key[..2].copy_from_slice(&[byte, n.wrapping_mul(29) ^ tree as u8]);
        ((tree, key.to_vec()), Some(vec![byte, n]))
    };
    // The first and the last of each first byte, and some parts with more than a bucket.
    let rows = Tree::ALL.into_iter().flat_map(|tree| {
        (0..=255).flat_map(move |byte: u8| {
            let more = if byte.is_multiple_of(37) { 40 } else { 0 };
            [0, 255]
                .into_iter()
                .chain(1..=more)
                .map(move |n| key(tree, byte, n))
        })
    });
    let version = advance(&store, &WriteSet(rows.collect()));
    let snapshot = store.kv.snapshot().unwrap();
    let held = store.held(0).unwrap();
    for readers in [1, 2, 3, 7, 8] {
        let told = std::sync::atomic::AtomicU64::new(0);
        let tell = |entries| {
            told.fetch_max(entries, std::sync::atomic::Ordering::Relaxed);
        };
        let trees = read_trees(&*snapshot, 0, readers, &tell).unwrap();
        assert_eq!(roots_of(&trees), version.roots);
        for (tree, read) in Tree::ALL.into_iter().zip(&trees) {
            assert_eq!(shape(held.top(tree)), shape(read));
        }
        assert_eq!(told.into_inner(), 3 * (512 + 7 * 40));
    }
}
