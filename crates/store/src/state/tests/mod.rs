//! The state store over both engines against `PartialTree` and the `jmt` crate.

use super::*;
use crate::kv::{Batch, KvLimits, LsmKv, RedbKv, Table};
use crate::oracle::{Change, Oracle, histories};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use strongroom_proof::tree::{Entry, key_hash, subtree_hash};
use strongroom_proof::{PartialForest, ics23};
use strongroom_types::{WriteSet, sha256};

mod crash;
mod faults;
mod trees;
mod versions;

#[derive(Clone, Copy, Debug)]
enum Engine {
    Lsm,
    Redb,
}

const ENGINES: [Engine; 2] = [Engine::Lsm, Engine::Redb];
/// Nodes have the second.
const HISTORIES: [History; 2] = [History::None, History::All];

fn open_kv(engine: Engine, dir: &Path) -> Arc<dyn Kv> {
    let limits = KvLimits {
        cache_bytes: 1 << 20,
        memory_bytes: 1 << 14,
        ..KvLimits::default()
    };
    match engine {
        Engine::Lsm => Arc::new(LsmKv::open(dir.join("lsm"), TABLES, limits).unwrap()),
        Engine::Redb => Arc::new(RedbKv::open(dir.join("redb"), TABLES, limits).unwrap()),
    }
}

/// Raw keys of 32 bytes stand where they say: so tests can put keys side by side.
fn itself(raw_key: &[u8]) -> Hash {
    raw_key.try_into().unwrap_or_else(|_| sha256(raw_key))
}

fn open_store(engine: Engine, dir: &Path, limits: Limits) -> StateStore {
    StateStore::open_with(open_kv(engine, dir), limits, itself, &|_| ()).unwrap()
}

fn limits(provable: u64, history: History) -> Limits {
    Limits { provable, history }
}

fn write_set(tree: Tree, changes: &[Change]) -> WriteSet {
    WriteSet(
        changes
            .iter()
            .map(|(key, value)| ((tree, key.to_vec()), value.clone()))
            .collect(),
    )
}

fn advance(store: &StateStore, writes: &WriteSet) -> Version {
    let base = store.latest().map(|version| version.height);
    let height = base.map_or(0, |height| height + 1);
    let prepared = store.prepare(base.unwrap_or(0), height, writes).unwrap();
    let (roots, app_hash) = (prepared.roots(), prepared.app_hash());
    store
        .commit(
            prepared,
            &[(ExtraKey::POSITION, height.to_be_bytes().to_vec())],
        )
        .unwrap();
    let version = store.latest().unwrap();
    assert_eq!(
        version,
        Version {
            height,
            roots,
            app_hash
        }
    );
    assert_eq!(
        store.extra(ExtraKey::POSITION).unwrap().unwrap(),
        height.to_be_bytes()
    );
    version
}

/// Every value where its head says that it lies, without heights: the content.
fn layout(store: &StateStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    let snapshot = store.kv.snapshot().unwrap();
    let heads = snapshot.rows(rows::HEADS, ALL).unwrap();
    heads
        .map(Result::unwrap)
        .map(|(key, head)| {
            let head = rows::Head::decode(&head).unwrap();
            let version = [&key[..], &head.since.to_be_bytes()].concat();
            let row = snapshot.get(rows::VERSIONS, &version).unwrap().unwrap();
            let value = rows::Value::decode(&row).unwrap();
            assert_eq!(sha256(value.value), head.value_hash);
            (key, row)
        })
        .collect()
}

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

/// The rows of a table, as they are.
fn all_rows(kv: &dyn Kv, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    let snapshot = kv.snapshot().unwrap();
    let rows = snapshot.rows(table, ALL).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Every row of every table, as it is.
fn everything(kv: &dyn Kv) -> Vec<Vec<(Vec<u8>, Vec<u8>)>> {
    TABLES.iter().map(|table| all_rows(kv, *table)).collect()
}

type Model = BTreeMap<Hash, Vec<u8>>;

fn apply_to_model(model: &mut Model, changes: &[Change]) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(*key, value.clone()),
            None => model.remove(key),
        };
    }
}

fn check_view(view: &View, tree: Tree, keys: &[Hash], model: &Model, root: Hash) {
    for key in keys {
        let expected = model.get(key);
        assert_eq!(view.get(tree, key).unwrap().as_ref(), expected);
        for for_write in [false, true] {
            let (value, proof) = match for_write {
                true => view.prove_for_write(tree, key).unwrap(),
                false => view.prove(tree, key).unwrap(),
            };
            assert_eq!(value.as_ref(), expected);
            proof
                .verify_hashed(&root, key, expected.map(|value| sha256(value)).as_ref())
                .unwrap();
            let needs_lowest = for_write && !proof.siblings.is_empty();
            let has_sibling = proof
                .siblings
                .iter()
                .any(|s| *s != strongroom_proof::tree::EMPTY);
            assert_eq!(proof.lowest.is_some(), needs_lowest && has_sibling);
        }
        let to_clients = view.prove_to_clients(tree, key).unwrap();
        assert_eq!(to_clients.claim(), (&key[..], expected.map(Vec::as_slice)));
        if let ics23::Entry::Absent { left, right, .. } = to_clients {
            let before = model.range(..*key).next_back();
            let after = model.range(*key..).next();
            for (found, neighbour) in [(left, before), (right, after)] {
                let found = found.map(|found| (found.key, found.value));
                let neighbour = neighbour.map(|(key, value)| (key.to_vec(), value.clone()));
                assert_eq!(found, neighbour);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn both_engines_the_partial_tree_and_the_oracle_agree(
        (keys, blocks) in histories::blocks(150, 8, 90),
        tree in prop::sample::select(Tree::ALL.to_vec()),
        reopen_at in 0usize..8,
        is_swapped in any::<bool>(),
    ) {
        // Each case has both histories: which engine has which changes.
        let dirs = ENGINES.map(|_| tempfile::tempdir().unwrap());
        let open = |engine: Engine| {
            let history = HISTORIES[(engine as usize + usize::from(is_swapped)) % 2];
            open_store(engine, dirs[engine as usize].path(), limits(3, history))
        };
        let mut stores = ENGINES.map(open);
        let (mut oracle, mut model) = (Oracle::default(), Model::new());
        let mut partial = strongroom_proof::PartialTree::empty();
        for (n, block) in blocks.iter().enumerate() {
            let root = oracle.apply(block);
            apply_to_model(&mut model, block);
            let shared = block.iter().map(|(key, value)| (*key, value.as_deref().map(Arc::from)));
            prop_assert_eq!(partial.apply_hashed(shared), Ok(root));
            if n == reopen_at {
                let before = stores.each_ref().map(StateStore::latest);
                drop(stores);
                stores = ENGINES.map(open);
                prop_assert_eq!(before, stores.each_ref().map(StateStore::latest));
            }
            for store in &stores {
                let version = advance(store, &write_set(tree, block));
                prop_assert_eq!(version.roots[tree as usize], (tree, root));
                check_view(&store.view(version.height).unwrap(), tree, &keys, &model, root);
            }
        }
        // A store that never saw the history has the same content.
        let fresh_dir = tempfile::tempdir().unwrap();
        let fresh = open_store(Engine::Redb, fresh_dir.path(), limits(3, History::None));
        let content: Vec<Change> = model.iter().map(|(key, value)| (*key, Some(value.clone()))).collect();
        advance(&fresh, &write_set(tree, &content));
        for store in &stores {
            prop_assert_eq!(layout(store), layout(&fresh));
        }
    }

    #[test]
    fn a_blind_forest_lives_from_the_proofs_of_the_store(
        (keys, blocks) in histories::blocks(120, 6, 60),
        room in 0usize..20_000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = StateStore::open(open_kv(Engine::Redb, dir.path()), Limits::default()).unwrap();
        let mut forest = PartialForest::empty();
        for block in &blocks {
            let mut writes = write_set(Tree::Contract, block);
            writes.0.extend(write_set(Tree::Native, &block[..block.len() / 2]).0);
            if let Some(version) = store.latest() {
                let view = store.view(version.height).unwrap();
                forest.evict(room);
                for key in keys.iter().take(20) {
                    if forest.read(Tree::Contract, key) == strongroom_proof::Read::Unknown {
                        let (value, proof) = view.prove(Tree::Contract, key).unwrap();
                        forest.absorb(Tree::Contract, key, value.as_deref(), &proof).unwrap();
                    }
                }
                loop {
                    let missing = forest.missing(&writes);
                    if missing.is_empty() {
                        break;
                    }
                    for (tree, key_hash) in missing {
                        let proof = view.prove_path(tree, &key_hash).unwrap();
                        forest.absorb_path(tree, &key_hash, &proof).unwrap();
                    }
                }
            }
            let app_hash = forest.apply(&writes).unwrap();
            prop_assert_eq!(advance(&store, &writes).app_hash, app_hash);
        }
    }
}

#[test]
fn keys_that_aim_at_one_prefix_make_the_same_tree_at_once_one_by_one_and_when_it_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Redb, dir.path(), Limits::default());
    // 1,000 keys under one prefix of 200 bits: more than any attacker can find.
    let changes: Vec<Change> = (0..1000u16)
        .map(|n| {
            let mut key = [0xab; 32];
            key[25..27].copy_from_slice(&n.to_be_bytes());
            (key, Some(vec![1]))
        })
        .collect();
    let entries: Vec<Entry> = changes
        .iter()
        .map(|(key, _)| Entry {
            key_hash: *key,
            value_hash: sha256(&[1]),
        })
        .collect();
    let version = advance(&store, &write_set(Tree::Contract, &changes));
    assert_eq!(version.roots[0].1, subtree_hash(&entries, 0));
    // Away and back again, in pieces: what is left is one bucket at times, and none.
    let mut versions = vec![version];
    for piece in changes.chunks(97) {
        let gone: Vec<Change> = piece.iter().map(|(key, _)| (*key, None)).collect();
        versions.push(advance(&store, &write_set(Tree::Contract, &gone)));
    }
    assert_eq!(layout(&store), []);
    for piece in changes.chunks(97).rev() {
        versions.pop();
        let roots = advance(&store, &write_set(Tree::Contract, piece)).roots;
        assert_eq!(roots, versions.last().unwrap().roots);
    }
    let version = store.latest();
    drop(store);
    assert_eq!(
        open_store(Engine::Redb, dir.path(), Limits::default()).latest(),
        version
    );
}

#[test]
fn raw_keys_are_hashed() {
    let dir = tempfile::tempdir().unwrap();
    let store = StateStore::open(open_kv(Engine::Lsm, dir.path()), Limits::default()).unwrap();
    let writes = WriteSet(BTreeMap::from([(
        (Tree::Ibc, b"key".to_vec()),
        Some(b"value".to_vec()),
    )]));
    let version = advance(&store, &writes);
    let (value, proof) = store.view(0).unwrap().prove(Tree::Ibc, b"key").unwrap();
    assert_eq!(value.unwrap(), b"value");
    proof
        .verify(&version.roots[1].1, b"key", Some(b"value"))
        .unwrap();
    assert_eq!(proof.leaf.unwrap().key_hash, key_hash(b"key"));
}
