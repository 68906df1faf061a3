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
fn a_store_whose_values_were_changed_is_not_opened() {
    for engine in ENGINES {
        // Length of the key, the key, the value, its end, all of it.
        let bends: [fn(&mut Vec<u8>) -> bool; 6] = [
            |row| {
                row[1] ^= 1;
                true
            },
            |row| {
                row[2] ^= 1;
                true
            },
            |row| {
                row[10] ^= 1;
                true
            },
            |row| {
                row.truncate(row.len() - 1);
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
            damage(&*kv, rows::VALUES, bend);
            let refused = StateStore::open(kv, Limits::default()).err().unwrap();
            assert_eq!(refused.code(), "store.damaged");
        }
    }
}

#[test]
fn a_value_where_none_belongs_is_not_overlooked() {
    let place = sha256(b"raw");
    let row = rows::ValueRow {
        since: 0,
        raw_key: b"raw",
        value: b"value",
    };
    let keys = [
        vec![],
        vec![Tree::Contract as u8],
        vec![Tree::Native as u8, 0xff],
        [&[Tree::Ibc as u8][..], &place, &[0]].concat(),
        [&[Tree::Ibc as u8][..], &place].concat(),
        [&[3][..], &place].concat(),
        vec![0xff; 33],
    ];
    for key in keys {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(Engine::Redb, dir.path());
        filled(Arc::clone(&kv));
        let mut batch = Batch::new();
        batch.put(rows::VALUES, key.clone(), row.encode());
        kv.write(batch).unwrap();
        let refused = StateStore::open(kv, Limits::default()).err();
        assert_eq!(refused.unwrap().code(), "store.damaged", "{key:?}");
    }
}

#[test]
fn a_value_that_was_changed_since_it_was_opened_is_neither_handed_out_nor_replaced() {
    let first = (0..100).min_by_key(|n: &u8| key_hash(&[*n])).unwrap();
    let others = (0..100).filter(|n| *n != first);
    let bends: [fn(&mut Vec<u8>) -> bool; 4] = [
        |row| {
            row[1] ^= 1;
            true
        },
        |row| {
            row[2] ^= 1;
            true
        },
        |row| {
            row[10] ^= 1;
            true
        },
        |_| false,
    ];
    for bend in bends {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(Engine::Lsm, dir.path());
        filled(Arc::clone(&kv));
        let store = StateStore::open(Arc::clone(&kv), Limits::default()).unwrap();
        damage(&*kv, rows::VALUES, bend);
        // Reads from a snapshot of its own.
        advance(&store, &WriteSet::default());
        let view = store.view(1).unwrap();
        assert_eq!(
            view.get(Tree::Native, &[first]).unwrap_err().code(),
            "store.damaged"
        );
        assert_eq!(
            view.prove(Tree::Native, &[first]).unwrap_err().code(),
            "store.damaged"
        );
        let all_others = |n| view.prove(Tree::Native, &[n]).is_ok();
        assert!(others.clone().all(all_others));
        let write = WriteSet(BTreeMap::from([(
            (Tree::Native, vec![first]),
            Some(vec![]),
        )]));
        assert_eq!(
            store.prepare(1, 2, &write).unwrap_err().code(),
            "store.damaged"
        );
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
