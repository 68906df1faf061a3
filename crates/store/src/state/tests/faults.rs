//! Databases that were damaged or made differently.

use super::*;
use crate::kv::{Range, Rows, Snapshot};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is done to a row.
type Bend = Box<dyn Fn(&mut Vec<u8>)>;

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
fn a_store_whose_heads_were_changed_is_not_opened() {
    for engine in ENGINES {
        // The height that wrote it, the first and the last byte of the hash.
        let bits = [0, 1, 32].map(|at| -> Bend { Box::new(move |row| row[at] ^= 1) });
        // Its end.
        let ends: [Bend; 2] = [
            Box::new(|row| row.truncate(row.len() - 1)),
            Box::new(|row| row.push(0)),
        ];
        let bent = bits.into_iter().chain(ends).map(Some);
        // And all of it.
        for bend in bent.chain([None]) {
            let bend = |row: &mut Vec<u8>| bend.as_ref().map(|bend| bend(row)).is_some();
            let dir = tempfile::tempdir().unwrap();
            let kv = open_kv(engine, dir.path());
            filled(Arc::clone(&kv));
            damage(&*kv, rows::HEADS, bend);
            let refused = StateStore::open(kv, Limits::default()).err().unwrap();
            assert_eq!(refused.code(), "store.damaged");
        }
    }
}

#[test]
fn a_head_where_none_belongs_is_not_overlooked() {
    let place = sha256(b"raw");
    let row = rows::Head {
        since: 0,
        value_hash: sha256(b"value"),
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
        set(&*kv, rows::HEADS, &key, Some(row.encode()));
        let refused = StateStore::open(kv, Limits::default()).err();
        assert_eq!(refused.unwrap().code(), "store.damaged", "{key:?}");
    }
}

#[test]
fn a_value_that_was_changed_is_not_handed_out_whether_the_store_was_opened_before_or_after() {
    let first = (0..100).min_by_key(|n: &u8| key_hash(&[*n])).unwrap();
    let others = (0..100).filter(|n| *n != first);
    let second = others.clone().min_by_key(|n| key_hash(&[*n])).unwrap();
    let (first_hash, second_hash) = (key_hash(&[first]), key_hash(&[second]));
    // Absent keys before it and behind it: it is the neighbour that clients are shown.
    let absent = |is_there: &dyn Fn(&Hash) -> bool| -> Vec<u8> {
        let mut keys = (0..u32::MAX).map(|n| n.to_be_bytes().to_vec());
        keys.find(|key| is_there(&key_hash(key))).unwrap()
    };
    let before = absent(&|hash| *hash < first_hash);
    let behind = absent(&|hash| first_hash < *hash && *hash < second_hash);
    let bends: [fn(&mut Vec<u8>) -> bool; 6] = [
        // Length of the key, the key, the value, its end.
        |row| {
            row[0] ^= 1;
            true
        },
        |row| {
            row[1] ^= 1;
            true
        },
        |row| {
            row[10] ^= 1;
            true
        },
        |row| row.pop().is_some(),
        // As if it had been removed.
        |row| {
            row.clear();
            true
        },
        // A head without its version.
        |_| false,
    ];
    for (bend, is_opened_after) in bends.into_iter().flat_map(|b| [(b, false), (b, true)]) {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(Engine::Lsm, dir.path());
        filled(Arc::clone(&kv));
        let mut store = StateStore::open(Arc::clone(&kv), Limits::default()).unwrap();
        damage(&*kv, rows::VERSIONS, bend);
        if is_opened_after {
            drop(store);
            store = StateStore::open(Arc::clone(&kv), Limits::default()).unwrap();
        }
        // Reads from a snapshot of its own.
        advance(&store, &WriteSet::default());
        let check = |height| {
            let view = store.view(height).unwrap();
            let refused = view.get(Tree::Native, &[first]).unwrap_err();
            assert_eq!(refused.code(), "store.damaged");
            let refused = view.prove(Tree::Native, &[first]).unwrap_err();
            assert_eq!(refused.code(), "store.damaged");
            for absent in [&before, &behind] {
                assert_eq!(view.get(Tree::Native, absent).unwrap(), None);
                let refused = view.prove_to_clients(Tree::Native, absent).unwrap_err();
                assert_eq!(refused.code(), "store.damaged");
            }
            let all_others = |n| view.prove(Tree::Native, &[n]).is_ok();
            assert!(others.clone().all(all_others));
        };
        check(1);
        // A block that replaces it need not read it, and has not made it sound for the heights before.
        let write = ((Tree::Native, vec![first]), Some(vec![7]));
        advance(&store, &WriteSet([write].into()));
        let now = store.view(2).unwrap().get(Tree::Native, &[first]);
        assert_eq!(now.unwrap(), Some(vec![7]));
        check(1);
        drop(store);
        // Nor does a version that is built again hand it out, or a rollback leave it to the next opening.
        let store = StateStore::open(Arc::clone(&kv), Limits::default()).unwrap();
        let before = everything(&*kv);
        let refused = [store.view(1).err(), store.rollback(1, &[]).err()];
        for refused in refused {
            assert_eq!(refused.unwrap().code(), "store.damaged");
        }
        assert_eq!(everything(&*kv), before);
        assert_eq!(store.latest().unwrap().height, 2);
    }
}

#[test]
fn a_head_that_names_another_height_finds_no_value_or_the_same_one() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Lsm, dir.path());
    let store = StateStore::open(Arc::clone(&kv), Limits::NODE).unwrap();
    let value = |n: u8| vec![n; 20];
    // The value of height 0 again at height 2.
    for n in [1, 2, 1, 3, 4] {
        let write = ((Tree::Native, vec![9]), Some(value(n)));
        advance(&store, &WriteSet([write].into()));
    }
    store.rollback(2, &[]).unwrap();
    drop(store);
    let (key, row) = all_rows(&*kv, rows::HEADS).remove(0);
    let head = rows::Head::decode(&row).unwrap();
    assert_eq!(head.since, 2);
    let read_with = |since| {
        set(
            &*kv,
            rows::HEADS,
            &key,
            Some(rows::Head { since, ..head }.encode()),
        );
        let store = StateStore::open(Arc::clone(&kv), Limits::NODE)?;
        store.view(2)?.get(Tree::Native, &[9])
    };
    assert_eq!(read_with(2).unwrap(), Some(value(1)));
    assert_eq!(read_with(1).unwrap_err().code(), "store.damaged");
    assert_eq!(read_with(0).unwrap(), Some(value(1)));
    // Of a later block than the newest: not opened.
    assert_eq!(read_with(3).unwrap_err().code(), "store.damaged");
}

#[test]
fn a_version_above_the_newest_height_is_told_to_nobody_and_the_block_of_its_height_replaces_it() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(engine, dir.path());
        let store = StateStore::open(Arc::clone(&kv), limits(3, History::All)).unwrap();
        let write = |key: u8, n: u8| ((Tree::Native, vec![key]), Some(vec![n; 20]));
        advance(&store, &WriteSet([write(8, 1), write(9, 1)].into()));
        drop(store);
        // The block of that height writes the one, and leaves the other alone.
        for raw_key in [8, 9] {
            let bent = rows::Value {
                raw_key: &[raw_key],
                value: b"of no block",
            };
            let key = rows::version_key(Tree::Native, &key_hash(&[raw_key]), 2);
            set(&*kv, rows::VERSIONS, &key, Some(bent.encode()));
        }
        let store = StateStore::open(kv, limits(3, History::All)).unwrap();
        advance(&store, &WriteSet::default());
        for n in 2..9 {
            advance(&store, &WriteSet([write(9, n)].into()));
        }
        for height in 0..9_u8 {
            for view in [store.values(height.into()), store.view(height.into())] {
                let view = view.unwrap();
                for (key, value) in [(8, 1), (9, if height < 2 { 1 } else { height })] {
                    let found = view.get(Tree::Native, &[key]).unwrap();
                    assert_eq!(found, Some(vec![value; 20]), "{engine:?} {height} {key}");
                }
            }
        }
    }
}

#[test]
fn a_look_at_all_values_counts_those_that_stand_and_names_the_place_of_one_that_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Redb, dir.path());
    let check = || StateStore::open(Arc::clone(&kv), Limits::NODE)?.check_values();
    assert_eq!(check().unwrap(), 0);
    let store = StateStore::open(Arc::clone(&kv), Limits::NODE).unwrap();
    let write = |key: u8, n: Option<u8>| ((Tree::Native, vec![key]), n.map(|n| vec![n; 20]));
    let first = [7, 8, 9].map(|key| write(key, Some(1)));
    advance(&store, &WriteSet(first.into()));
    advance(
        &store,
        &WriteSet([write(8, None), write(9, Some(2))].into()),
    );
    drop(store);
    assert_eq!(check().unwrap(), 2);
    let refused = |key_hash: &Hash, what: &str| {
        let text = check().unwrap_err().to_string();
        let name: String = key_hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let place = format!("(tree native, key hash {name})");
        assert!(
            text.starts_with("store.damaged: ") && text.ends_with(&place),
            "{text}"
        );
        assert!(text.contains(what), "{text}");
    };
    for (key, row) in all_rows(&*kv, rows::VERSIONS) {
        let (_, place, height) = rows::decode_version_key(&key).unwrap();
        let stands = (place == key_hash(&[7])) == (height == 0) && place != key_hash(&[8]);
        for at in 0..row.len() {
            let mut bent = row.clone();
            bent[at] ^= 1;
            set(&*kv, rows::VERSIONS, &key, Some(bent));
            // Of the value of a past height nothing says what it was.
            if stands || at < 2 {
                refused(&place, "a value ");
            } else {
                assert_eq!(check().unwrap(), 2, "{at}");
            }
        }
        if stands {
            set(&*kv, rows::VERSIONS, &key, Some(Vec::new()));
            refused(&place, "a value without its key");
            set(&*kv, rows::VERSIONS, &key, None);
            refused(&place, "a value is missing");
        }
        set(&*kv, rows::VERSIONS, &key, Some(row));
    }
    let place = key_hash(&[7]);
    let above = rows::version_key(Tree::Native, &place, 2);
    set(&*kv, rows::VERSIONS, &above, Some(Vec::new()));
    refused(&place, "a value is of a later block");
}

#[test]
fn an_undo_row_that_names_what_was_not_replaced_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Redb, dir.path());
    let store = StateStore::open(Arc::clone(&kv), limits(3, History::None)).unwrap();
    let write = |n: u8, value: u8| ((Tree::Native, vec![n]), Some(vec![value; 20]));
    advance(&store, &WriteSet([write(1, 1), write(2, 1)].into()));
    advance(&store, &WriteSet([write(1, 2)].into()));
    for _ in 2..4 {
        advance(&store, &WriteSet::default());
    }
    let mut bent = rows::decode_changed(&all_rows(&*kv, rows::UNDO)[0].1).unwrap();
    // Key 2 has its first version still.
    bent[0].key_hash = key_hash(&[2]);
    let key = rows::undo_key(1, 0);
    set(&*kv, rows::UNDO, &key, Some(rows::encode_changed(&bent)));
    // Reads from a snapshot that has it.
    drop(store);
    let store = StateStore::open(Arc::clone(&kv), limits(3, History::None)).unwrap();
    let before = everything(&*kv);
    let prepared = store.prepare(3, 4, &WriteSet::default()).unwrap();
    let refused = store.commit(prepared, &[]).unwrap_err();
    assert_eq!(refused.code(), "store.damaged");
    assert_eq!(everything(&*kv), before);
    let view = store.view(3).unwrap();
    assert_eq!(view.get(Tree::Native, &[2]).unwrap(), Some(vec![1; 20]));
}

#[test]
fn an_undo_row_that_names_its_own_height_or_a_later_one_as_replaced_removes_nothing() {
    for since in [5, 6, 7] {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(Engine::Redb, dir.path());
        let open = || StateStore::open(Arc::clone(&kv), limits(3, History::None)).unwrap();
        let store = open();
        for height in 0..8_u8 {
            let write = ((Tree::Native, vec![1]), Some(vec![height; 20]));
            let writes = [write].into_iter().filter(|_| height % 2 == 1);
            advance(&store, &WriteSet(writes.collect()));
        }
        drop(store);
        // Block 5 replaced what block 3 wrote. Heights 5 and 6 have the version of 5.
        let mut bent = rows::decode_changed(&all_rows(&*kv, rows::UNDO)[0].1).unwrap();
        assert_eq!(bent[0].since, Some(3));
        bent[0].since = Some(since);
        let key = rows::undo_key(5, 0);
        set(&*kv, rows::UNDO, &key, Some(rows::encode_changed(&bent)));
        let store = open();
        let before = everything(&*kv);
        let prepared = store.prepare(7, 8, &WriteSet::default()).unwrap();
        let refused = store.commit(prepared, &[]).unwrap_err();
        assert_eq!(refused.code(), "store.damaged", "{since}");
        assert_eq!(everything(&*kv), before);
        for height in [5, 6] {
            let view = store.view(height).unwrap();
            assert_eq!(view.get(Tree::Native, &[1]).unwrap(), Some(vec![5; 20]));
        }
    }
}

fn set(kv: &dyn Kv, table: Table, key: &[u8], value: Option<Vec<u8>>) {
    let mut batch = Batch::new();
    batch.set(table, key, value);
    kv.write(batch).unwrap();
}

#[test]
fn rows_of_what_was_replaced_that_were_changed_are_told_as_damage_and_the_store_stays_as_it_was() {
    for history in HISTORIES {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(Engine::Redb, dir.path());
        let open = || StateStore::open(Arc::clone(&kv), limits(3, history)).unwrap();
        let store = open();
        let row = |n: u8, value: u8| ((Tree::Native, vec![n]), Some(vec![value; 20]));
        advance(&store, &WriteSet((0..9).map(|n| row(n, 1)).collect()));
        // Three that are replaced, one that is new, one that goes: two rows of UNDO.
        let mut writes: BTreeMap<_, _> = [row(1, 2), row(2, 2), row(3, 2), row(50, 2)].into();
        writes.insert((Tree::Native, vec![4]), None);
        let newest = advance(&store, &WriteSet(writes));
        drop(store);
        let start = everything(&*kv);
        let mut refused = 0;
        // What the second block replaced or removed; the versions of the other keys are read when somebody wants them.
        let replaced = (1..5).map(|n| rows::version_key(Tree::Native, &key_hash(&[n]), 0));
        let replaced: Vec<_> = replaced.collect();
        let mut versions = start[1].clone();
        versions.retain(|(key, _)| replaced.contains(key));
        assert_eq!(versions.len(), 4);
        for (table, rows) in [(rows::UNDO, &start[2]), (rows::VERSIONS, &versions)] {
            for (key, row) in rows {
                let mut bent: Vec<_> = (0..row.len())
                    .map(|at| (at, 1 << (at % 8)))
                    .chain((0..8).map(|bit| (0, 1 << bit)))
                    .map(|(at, bit): (usize, u8)| {
                        let mut row = row.clone();
                        row[at] ^= bit;
                        Some(row)
                    })
                    .collect();
                bent.push(None);
                for bent in bent {
                    set(&*kv, table, key, bent.clone());
                    let store = open();
                    let code = |error: Option<Error>| error.map(|error| error.code());
                    let told = [
                        code(store.view(0).err()),
                        code(store.rollback(0, &[]).err()),
                    ];
                    assert_eq!(
                        told,
                        [Some("store.damaged"); 2],
                        "{history:?} {table:?} {bent:?}"
                    );
                    assert_eq!(store.latest(), Some(newest));
                    refused += 1;
                }
                set(&*kv, table, key, Some(row.clone()));
            }
        }
        assert!(refused > 200, "{refused}");
        assert_eq!(everything(&*kv), start);
        let store = open();
        store.rollback(0, &[]).unwrap();
        drop(store);
        assert_eq!(open().latest().unwrap().height, 0);
    }
}

#[test]
fn a_past_height_is_not_told_a_row_of_another_key() {
    // Length of the key, and the key.
    for at in [0, 1] {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(Engine::Lsm, dir.path());
        let store = StateStore::open(Arc::clone(&kv), limits(3, History::All)).unwrap();
        for n in 0..2 {
            let write = ((Tree::Native, vec![7]), Some(vec![n; 20]));
            advance(&store, &WriteSet([write].into()));
        }
        damage(&*kv, rows::VERSIONS, |row| {
            row[at] ^= 1;
            true
        });
        for _ in 2..7 {
            advance(&store, &WriteSet::default());
        }
        let view = store.values(0).unwrap();
        assert!(!view.is_provable());
        let refused = view.get(Tree::Native, &[7]);
        assert_eq!(refused.unwrap_err().code(), "store.damaged", "{at}");
        let view = store.values(1).unwrap();
        assert_eq!(view.get(Tree::Native, &[7]).unwrap(), Some(vec![1; 20]));
    }
}

#[test]
fn a_value_that_stands_still_is_held_against_the_tree_at_past_heights_too() {
    // A bit of the value; as if it had been removed; an older version in its place.
    let bends: [fn(&mut Vec<u8>) -> bool; 3] = [
        |row| {
            row[10] ^= 1;
            true
        },
        |row| {
            row.clear();
            true
        },
        |_| false,
    ];
    for (engine, bend) in ENGINES
        .into_iter()
        .flat_map(|e| bends.map(|bend| (e, bend)))
    {
        let dir = tempfile::tempdir().unwrap();
        let kv = open_kv(engine, dir.path());
        let open = || StateStore::open(Arc::clone(&kv), limits(3, History::All)).unwrap();
        let store = open();
        for n in 0..2 {
            let write = ((Tree::Native, vec![7]), Some(vec![n; 20]));
            advance(&store, &WriteSet([write].into()));
        }
        drop(store);
        let (key, mut row) = all_rows(&*kv, rows::VERSIONS).pop().unwrap();
        assert_eq!(key, rows::version_key(Tree::Native, &key_hash(&[7]), 1));
        let stays = bend(&mut row);
        set(&*kv, rows::VERSIONS, &key, stays.then_some(row));
        let store = open();
        for _ in 2..9 {
            advance(&store, &WriteSet::default());
        }
        for height in [1, 2, 4] {
            for view in [store.values(height), store.view(height)] {
                let view = view.unwrap();
                assert!(!view.is_provable());
                let refused = view.get(Tree::Native, &[7]);
                assert_eq!(refused.unwrap_err().code(), "store.damaged", "{height}");
            }
        }
        let before = store.values(0).unwrap().get(Tree::Native, &[7]);
        assert_eq!(before.unwrap(), Some(vec![0; 20]));
    }
}

/// A database that counts the rows it is read, and fails as a disk does from one on.
struct Counted {
    inner: Arc<dyn Snapshot>,
    read: Arc<AtomicUsize>,
    fails_at: usize,
}

impl Kv for Counted {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>> {
        Ok(Arc::new(Self {
            inner: Arc::clone(&self.inner),
            read: Arc::clone(&self.read),
            fails_at: self.fails_at,
        }))
    }

    fn write(&self, _: Batch) -> Result<()> {
        panic!("an opening writes nothing")
    }
}

impl Snapshot for Counted {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.get(table, key)
    }

    fn rows(&self, table: Table, range: Range<'_>) -> Result<Rows<'_>> {
        let rows = self.inner.rows(table, range)?;
        Ok(Box::new(rows.map(|row| {
            // Some time, so that readers take turns.
            std::thread::sleep(std::time::Duration::from_micros(20));
            match self.read.fetch_add(1, Ordering::SeqCst) < self.fails_at {
                true => row,
                false => Err(Error::engine("input/output error")),
            }
        })))
    }
}

#[test]
fn the_first_reader_that_fails_stops_the_others_and_an_error_of_the_disk_is_told_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Redb, dir.path());
    let store = StateStore::open(Arc::clone(&kv), Limits::default()).unwrap();
    let row = |n: u32| {
        (
            (Tree::Contract, n.to_be_bytes().to_vec()),
            Some(vec![1; 20]),
        )
    };
    advance(&store, &WriteSet((0..20_000).map(row).collect()));
    let counted = |fails_at| Counted {
        inner: kv.snapshot().unwrap(),
        read: Arc::default(),
        fails_at,
    };
    let open = |kv: &Arc<Counted>| StateStore::open(Arc::<Counted>::clone(kv), Limits::default());
    let broken = Arc::new(counted(100));
    assert_eq!(open(&broken).err().unwrap().code(), "store.engine");
    assert!(broken.read.load(Ordering::SeqCst) < 200);
    let (key, mut bent) = all_rows(&*kv, rows::HEADS).remove(0);
    bent[0] = 9;
    set(&*kv, rows::HEADS, &key, Some(bent));
    let damaged = Arc::new(counted(usize::MAX));
    assert_eq!(open(&damaged).err().unwrap().code(), "store.damaged");
    assert!(damaged.read.load(Ordering::SeqCst) < 5_000);
    // Without a version, too.
    set(&*kv, rows::META, rows::NEWEST, None);
    let broken = Arc::new(counted(0));
    assert_eq!(open(&broken).err().unwrap().code(), "store.engine");
}

#[test]
fn a_newest_version_that_names_one_tree_three_times_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Redb, dir.path());
    filled(Arc::clone(&kv));
    let row = kv
        .snapshot()
        .unwrap()
        .get(rows::META, rows::NEWEST)
        .unwrap();
    let mut newest: rows::Newest = rows::decode(&row.unwrap(), "newest").unwrap();
    newest.roots = [newest.roots[0]; 3];
    set(&*kv, rows::META, rows::NEWEST, Some(rows::encode(&newest)));
    let refused = StateStore::open(kv, Limits::default()).err().unwrap();
    assert_eq!(refused.code(), "store.damaged");
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
