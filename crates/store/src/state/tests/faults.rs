//! Databases that were damaged or made differently.

use super::*;
use crate::kv::Table;

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

fn damage(kv: &dyn Kv, table: Table, bend: impl Fn(&mut Vec<u8>) -> bool) {
    let snapshot = kv.snapshot().unwrap();
    let (key, mut value) = snapshot.rows(table, ALL).unwrap().next().unwrap().unwrap();
    let mut batch = Batch::new();
    let keep = bend(&mut value);
    batch.set(table, key, keep.then_some(value));
    kv.write(batch).unwrap();
}

fn filled(kv: Arc<dyn Kv>) {
    let store = StateStore::open(kv, Limits::default()).unwrap();
    let row = |n: u8| ((Tree::Native, vec![n]), Some(vec![n; 20]));
    advance(&store, &WriteSet((0..100).map(row).collect()));
}

#[test]
fn a_store_whose_buckets_were_changed_is_not_opened() {
    for engine in ENGINES {
        let bends: [fn(&mut Vec<u8>) -> bool; 5] = [
            |row| {
                row[40] ^= 1;
                true
            },
            |row| {
                row[0] ^= 0x80;
                true
            },
            |row| {
                row.truncate(row.len() - 64);
                true
            },
            |row| {
                row.push(0);
                true
            },
            |_| false,
        ];
        for bend in bends {
            let dir = tempfile::tempdir().unwrap();
            let kv = open_kv(engine, dir.path());
            filled(Arc::clone(&kv));
            damage(&*kv, rows::BUCKETS, bend);
            let refused = StateStore::open(kv, Limits::default()).err().unwrap();
            assert_eq!(refused.code(), "store.damaged");
        }
    }
}

#[test]
fn a_changed_value_is_not_handed_out_as_proven() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Lsm, dir.path());
    filled(Arc::clone(&kv));
    let first = (0..100).min_by_key(|n: &u8| key_hash(&[*n])).unwrap();
    // Length of the key, the key, the value.
    for at in [1, 2, 10] {
        let bend = |row: &mut Vec<u8>| {
            row[at] ^= 1;
            true
        };
        damage(&*kv, rows::VALUES, bend);
        let store = StateStore::open(Arc::clone(&kv), Limits::default()).unwrap();
        let view = store.view(0).unwrap();
        assert!(matches!(
            view.prove(Tree::Native, &[first]),
            Err(Error::Damaged { .. })
        ));
        let others = (0..100).filter(|n| *n != first);
        assert!(
            others
                .clone()
                .all(|n| view.prove(Tree::Native, &[n]).is_ok())
        );
        damage(&*kv, rows::VALUES, bend);
    }
}

#[test]
fn a_store_made_with_another_setting_or_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Redb, dir.path());
    filled(Arc::clone(&kv));
    let with_history = limits(3, History::All);
    assert!(matches!(
        StateStore::open(Arc::clone(&kv), with_history),
        Err(Error::Format { .. })
    ));
    let mut batch = Batch::new();
    let mut newest = kv
        .snapshot()
        .unwrap()
        .get(rows::META, rows::NEWEST)
        .unwrap()
        .unwrap();
    newest[0] = 1;
    batch.put(rows::META, rows::NEWEST, newest);
    kv.write(batch).unwrap();
    assert!(matches!(
        StateStore::open(Arc::clone(&kv), Limits::default()),
        Err(Error::Format { .. })
    ));
    let mut batch = Batch::new();
    batch.remove(rows::META, rows::NEWEST);
    kv.write(batch).unwrap();
    assert!(matches!(
        StateStore::open(kv, Limits::default()),
        Err(Error::Damaged { .. })
    ));
}

#[test]
fn keys_of_buckets_have_one_form() {
    let path = sha256(b"path");
    for bits in 0..=256 {
        let key = rows::bucket_key(Tree::Ibc, bits, &path);
        let (tree, found, prefix) = rows::parse_bucket_key(&key).unwrap();
        assert_eq!((tree, found), (Tree::Ibc, bits));
        assert!(strongroom_proof::tree::common_depth(&prefix, &path) >= bits);
        let mut longer = key.clone();
        longer.push(0);
        assert!(rows::parse_bucket_key(&longer).is_none());
        if bits % 8 != 0 {
            let mut dirty = key;
            *dirty.last_mut().unwrap() |= 1;
            assert!(bits % 8 == 0 || rows::parse_bucket_key(&dirty).is_none());
        }
    }
    assert!(rows::parse_bucket_key(&[3, 0, 0]).is_none());
    assert!(rows::parse_bucket_key(&[0, 1]).is_none());
    assert!(rows::parse_bucket_key(&[&[0u8, 1, 1][..], &[0; 33]].concat()).is_none());
}
