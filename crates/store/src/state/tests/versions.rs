//! Old versions: views, proofs at recent heights, history, rollback.

use super::*;
use crate::state::commit::READY_BYTES_MAX;

fn key(n: u8) -> Hash {
    sha256(&[n])
}

/// Block `n` sets key n, changes key 0 and removes key n - 2.
fn block(n: u8) -> Vec<Change> {
    let mut changes = vec![(key(n), Some(vec![n])), (key(0), Some(vec![100, n]))];
    if let Some(old) = n.checked_sub(2).filter(|old| *old > 0) {
        changes.push((key(old), None));
    }
    changes
}

fn keys(count: u8) -> Vec<Hash> {
    (0..count).map(key).collect()
}

/// The content at every height, and the store after `count` blocks.
fn grow(store: &StateStore, count: u8) -> Vec<(Model, Version)> {
    let mut model = Model::new();
    (0..count)
        .map(|n| {
            apply_to_model(&mut model, &block(n));
            (
                model.clone(),
                advance(store, &write_set(Tree::Native, &block(n))),
            )
        })
        .collect()
}

fn check_height(store: &StateStore, (model, version): &(Model, Version)) {
    let view = store.view(version.height).unwrap();
    assert!(view.is_provable());
    assert_eq!(
        (view.height(), view.app_hash()),
        (version.height, version.app_hash)
    );
    check_view(&view, Tree::Native, &keys(30), model, version.roots[2].1);
}

#[test]
fn recent_heights_are_provable_before_and_after_a_reopen() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(engine, dir.path(), limits(6, History::None));
        let heights = grow(&store, 20);
        heights[13..]
            .iter()
            .for_each(|height| check_height(&store, height));
        drop(store);
        let store = open_store(engine, dir.path(), limits(6, History::None));
        heights[13..]
            .iter()
            .for_each(|height| check_height(&store, height));
        for too_old in 0..13 {
            assert!(
                matches!(store.view(too_old), Err(Error::NoVersion { .. })),
                "{too_old}"
            );
        }
        assert!(matches!(
            store.view(20),
            Err(Error::NoVersion { height: 20 })
        ));
    }
}

#[test]
fn clients_get_proofs_of_presence_and_absence_at_every_provable_height() {
    let dir = tempfile::tempdir().unwrap();
    let kv = open_kv(Engine::Lsm, dir.path());
    let store = StateStore::open(kv, limits(6, History::All)).unwrap();
    let heights = grow(&store, 20);
    for (model, version) in &heights[13..] {
        let view = store.view(version.height).unwrap();
        for key in keys(30) {
            let entry = view.prove_to_clients(Tree::Native, &key).unwrap();
            let proof = ics23::StoreProof::new(&entry, Tree::Native, &view.roots());
            let value = model.get(&key).map(Vec::as_slice);
            let verdict = proof.verify(&version.app_hash, Tree::Native, &key, value);
            assert_eq!(verdict.unwrap().value.as_deref(), value);
        }
    }
    let old = store.view(3).unwrap();
    assert!(matches!(
        old.prove_to_clients(Tree::Native, &key(0)),
        Err(Error::NotProvable { height: 3 })
    ));
}

#[test]
fn at_least_three_versions_are_provable_whatever_the_settings_say() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Redb, dir.path(), limits(0, History::None));
    let heights = grow(&store, 9);
    heights[5..]
        .iter()
        .for_each(|height| check_height(&store, height));
}

#[test]
fn after_large_blocks_fewer_versions_stay_ready_and_all_are_provable_still() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Lsm, dir.path(), limits(6, History::None));
    let ready = || -> Vec<Height> { store.read().ready.iter().map(|held| held.height).collect() };
    let heights = grow(&store, 6);
    assert_eq!(ready(), [2, 3, 4, 5]);
    let large = vec![7; usize::try_from(READY_BYTES_MAX).unwrap() + 1];
    advance(&store, &write_set(Tree::Native, &[(key(50), Some(large))]));
    assert_eq!(ready(), [5, 6]);
    check_height(&store, &heights[3]);
    check_height(&store, &heights[5]);
    for (n, expected) in [
        (7, vec![6, 7]),
        (8, vec![6, 7, 8]),
        (9, vec![6, 7, 8, 9]),
        (10, vec![7, 8, 9, 10]),
    ] {
        advance(&store, &write_set(Tree::Native, &block(n)));
        assert_eq!(ready(), expected);
    }
}

#[test]
fn a_view_stays_while_it_is_held() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(engine, dir.path(), limits(3, History::None));
        let heights = grow(&store, 3);
        let view = store.view(2).unwrap();
        for n in 3..30 {
            advance(&store, &write_set(Tree::Native, &block(n)));
        }
        assert!(matches!(store.view(2), Err(Error::NoVersion { .. })));
        let (model, version) = &heights[2];
        check_view(&view, Tree::Native, &keys(30), model, version.roots[2].1);
    }
}

/// The view is of this version and gives the model's values, and none of another tree.
fn has_values(view: &View, model: &Model, version: &Version) {
    assert_eq!(
        (view.height(), view.app_hash()),
        (version.height, version.app_hash)
    );
    for key in keys(25) {
        assert_eq!(
            view.get(Tree::Native, &key).unwrap().as_ref(),
            model.get(&key)
        );
        assert_eq!(view.get(Tree::Contract, &key).unwrap(), None);
    }
}

#[test]
fn history_answers_for_every_height_without_proofs() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(engine, dir.path(), limits(3, History::All));
        let heights = grow(&store, 20);
        for (model, version) in &heights {
            let view = store.view(version.height).unwrap();
            has_values(&view, model, version);
            assert_eq!(view.is_provable(), version.height >= 16);
            if version.height < 16 {
                let refused = view.prove(Tree::Native, &key(0));
                assert!(matches!(refused, Err(Error::NotProvable { .. })));
            }
        }
    }
}

#[test]
fn reading_an_old_height_rebuilds_no_trees() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(engine, dir.path(), limits(100, History::All));
        let heights = grow(&store, 20);
        for (model, version) in &heights {
            let view = store.values(version.height).unwrap();
            has_values(&view, model, version);
            // Only what is in memory anyway can prove.
            assert_eq!(view.is_provable(), version.height >= 16);
        }
        assert!(store.read().rebuilt.is_empty());
        assert!(matches!(store.values(20), Err(Error::NoVersion { .. })));
    }
}

#[test]
fn many_who_want_the_same_old_version_get_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Lsm, dir.path(), limits(100, History::All));
    let heights = grow(&store, 20);
    let views: Vec<View> = std::thread::scope(|threads| {
        let asking: Vec<_> = (0..24)
            .map(|_| threads.spawn(|| store.view(3).unwrap()))
            .collect();
        asking.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let held: Vec<_> = views
        .iter()
        .map(|view| match &view.at {
            At::Held(held) => Arc::as_ptr(held),
            At::Past(_) => panic!("height 3 is provable"),
        })
        .collect();
    assert!(held.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(store.read().rebuilt.len(), 1);
    assert_eq!(views[0].app_hash(), heights[3].1.app_hash);
}

#[test]
fn old_versions_that_differ_in_much_do_not_stay_together() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Redb, dir.path(), limits(100, History::All));
    grow(&store, 40);
    let rebuilt = || -> Vec<Height> {
        store
            .read()
            .rebuilt
            .iter()
            .map(|held| held.height)
            .collect()
    };
    for (height, stay) in [
        (30, vec![30]),
        (29, vec![30, 29]),
        (31, vec![29, 31]),
        (2, vec![2]),
        (1, vec![1]),
        (33, vec![33]),
    ] {
        store.view(height).unwrap();
        assert_eq!(rebuilt(), stay);
    }
}

#[test]
fn a_question_about_an_old_height_holds_its_snapshot_for_a_few_blocks_only() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(engine, dir.path(), limits(100, History::All));
        grow(&store, 20);
        let snapshot = std::sync::Arc::downgrade(&store.held(3).unwrap().snapshot);
        for n in 20..25 {
            assert_eq!(store.read().rebuilt.len(), usize::from(n < 24));
            advance(&store, &write_set(Tree::Native, &block(n)));
        }
        assert!(store.read().rebuilt.is_empty());
        assert!(snapshot.upgrade().is_none());
    }
}

/// Keys of the rows of VERSIONS that a block replaced or removed, of these heights from the first on.
fn replaced(heights: &[(Model, Version)]) -> Vec<Vec<u8>> {
    let mut replaced = Vec::new();
    for key in keys(30) {
        let mut since = None;
        for (n, (model, version)) in heights.iter().enumerate() {
            let before = n.checked_sub(1).and_then(|n| heights[n].0.get(&key));
            if model.get(&key) != before {
                let row = |since| rows::version_key(Tree::Native, &key, since);
                replaced.extend(since.map(row));
                since = model.contains_key(&key).then_some(version.height);
            }
        }
    }
    replaced
}

#[test]
fn without_history_exactly_the_versions_stay_that_a_provable_height_has() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(engine, dir.path(), limits(5, History::None));
        let mut heights = Vec::new();
        let mut model = Model::new();
        for n in 0..20 {
            apply_to_model(&mut model, &block(n));
            let version = advance(&store, &write_set(Tree::Native, &block(n)));
            heights.push((model.clone(), version));
            // What the oldest provable height does not have any more is what blocks up to it replaced.
            let oldest = usize::from(n.saturating_sub(5));
            let gone = replaced(&heights[..=oldest]);
            let mut expected: Vec<_> = heights
                .iter()
                .enumerate()
                .flat_map(|(n, (model, version))| {
                    let before = n.checked_sub(1).map(|n| heights[n].0.clone());
                    let before = before.unwrap_or_default();
                    let is_new = move |key: &&Hash| model.get(*key) != before.get(*key);
                    let new: Vec<_> = model.keys().filter(is_new).copied().collect();
                    let row = |key| rows::version_key(Tree::Native, &key, version.height);
                    new.into_iter().map(row).collect::<Vec<_>>()
                })
                .filter(|key| !gone.contains(key))
                .collect();
            expected.sort();
            let rows = all_rows(&*store.kv, rows::VERSIONS);
            let found: Vec<_> = rows.into_iter().map(|(key, _)| key).collect();
            assert_eq!(found, expected, "{engine:?} {n}");
        }
    }
}

#[test]
fn a_store_rolls_back_to_each_provable_height_and_goes_on_from_there() {
    for engine in ENGINES {
        for history in HISTORIES {
            for to in 11..19 {
                let dir = tempfile::tempdir().unwrap();
                let store = open_store(engine, dir.path(), limits(8, history));
                let heights = grow(&store, 20);
                let everything_at_19 = everything(&*store.kv);
                store.rollback(to, &[]).unwrap();
                drop(store);
                let store = open_store(engine, dir.path(), limits(8, history));
                assert_eq!(store.latest(), Some(heights[to as usize].1));
                check_height(&store, &heights[to as usize]);
                for n in to + 1..20 {
                    advance(&store, &write_set(Tree::Native, &block(n as u8)));
                    check_height(&store, &heights[n as usize]);
                }
                assert_eq!(everything(&*store.kv), everything_at_19, "{history:?} {to}");
            }
        }
    }
}

#[test]
fn a_rollback_leaves_the_store_as_if_the_blocks_had_never_been() {
    for engine in ENGINES {
        for history in [History::None, History::All] {
            let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let store = open_store(engine, dirs[0].path(), limits(8, history));
            let heights = grow(&store, 20);
            let pinned = store.view(18).unwrap();
            store
                .rollback(14, &[(ExtraKey::POSITION, b"back".to_vec())])
                .unwrap();
            assert_eq!(store.latest(), Some(heights[14].1));
            assert_eq!(store.extra(ExtraKey::POSITION).unwrap().unwrap(), b"back");
            assert!(matches!(
                store.view(15),
                Err(Error::NoVersion { height: 15 })
            ));
            let (model, version) = &heights[18];
            check_view(&pinned, Tree::Native, &keys(30), model, version.roots[2].1);
            drop(pinned);

            let straight = open_store(engine, dirs[1].path(), limits(8, history));
            grow(&straight, 15);
            let [rolled, expected] = [&store, &straight].map(|store| everything(&*store.kv));
            for (table, (rolled, straight)) in TABLES.iter().zip(rolled.iter().zip(&expected)) {
                if *table == rows::META {
                    continue;
                }
                // What was removed above 14 as too old stays removed; nothing else differs.
                assert!(rolled.iter().all(|row| straight.contains(row)), "{table:?}");
                let gone = straight.iter().filter(|row| !rolled.contains(row));
                let gone: Vec<_> = gone.map(|(key, _)| key.clone()).collect();
                let height = |key: &Vec<u8>| Height::from_be_bytes(*key.first_chunk().unwrap());
                match *table {
                    rows::UNDO => assert!(gone.iter().all(|key| height(key) <= 19 - 8)),
                    rows::VERSIONS if history == History::None => {
                        let replaced = replaced(&heights[..=19 - 8]);
                        assert!(gone.iter().all(|key| replaced.contains(key)));
                    }
                    _ => assert_eq!(gone, Vec::<Vec<u8>>::new(), "{table:?}"),
                }
            }
            // And on from there, after a reopen, to the same versions.
            drop(store);
            let store = open_store(engine, dirs[0].path(), limits(8, history));
            for n in 15..20 {
                let version = advance(&store, &write_set(Tree::Native, &block(n)));
                assert_eq!(version, heights[usize::from(n)].1);
            }
            heights[14..]
                .iter()
                .for_each(|height| check_height(&store, height));
            let past = if history == History::All { 0 } else { 14 };
            for (model, version) in &heights[past..] {
                has_values(&store.values(version.height).unwrap(), model, version);
            }
            assert!(matches!(
                store.rollback(2, &[]),
                Err(Error::NoVersion { height: 2 })
            ));
            assert!(matches!(
                store.rollback(21, &[]),
                Err(Error::NoVersion { height: 21 })
            ));
            assert_eq!(store.latest(), Some(heights[19].1));
        }
    }
}

#[test]
fn a_block_can_be_prepared_again_on_the_version_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Lsm, dir.path(), limits(3, History::None));
    let heights = grow(&store, 10);
    drop(store);
    let store = open_store(Engine::Lsm, dir.path(), limits(3, History::None));
    let again = store
        .prepare(8, 9, &write_set(Tree::Native, &block(9)))
        .unwrap();
    assert_eq!(again.app_hash(), heights[9].1.app_hash);
    assert!(matches!(
        store.commit(again, &[]),
        Err(Error::Stale {
            base: 8,
            height: 9,
            latest: Some(9)
        })
    ));
}

#[test]
fn only_the_next_height_on_the_newest_version_is_committed() {
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(engine, dir.path(), limits(3, History::None));
        assert_eq!(store.latest(), None);
        assert!(matches!(store.view(0), Err(Error::NoVersion { height: 0 })));
        assert_eq!(store.extra(ExtraKey::POSITION).unwrap(), None);
        let first = store
            .prepare(0, 0, &write_set(Tree::Ibc, &block(1)))
            .unwrap();
        let rival = store
            .prepare(0, 0, &write_set(Tree::Ibc, &block(2)))
            .unwrap();
        store.commit(first, &[]).unwrap();
        assert!(matches!(
            store.commit(rival, &[]),
            Err(Error::Stale {
                latest: Some(0),
                ..
            })
        ));
        for (base, height) in [(0, 0), (0, 2), (1, 2), (u64::MAX, 0)] {
            assert!(
                store.prepare(base, height, &WriteSet::default()).is_err(),
                "{base} → {height}"
            );
        }
        let one = store
            .prepare(0, 1, &write_set(Tree::Ibc, &block(3)))
            .unwrap();
        let rival = store
            .prepare(0, 1, &write_set(Tree::Ibc, &block(4)))
            .unwrap();
        let (roots, before) = (one.roots(), layout(&store));
        store.commit(one, &[]).unwrap();
        let after = layout(&store);
        assert!(matches!(
            store.commit(rival, &[]),
            Err(Error::Stale {
                base: 0,
                height: 1,
                ..
            })
        ));
        assert_eq!(layout(&store), after);
        assert_ne!(before, after);
        assert_eq!(store.latest().unwrap().roots, roots);
    }
}

#[test]
fn a_block_without_changes_makes_a_version() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Redb, dir.path(), limits(3, History::None));
    let first = advance(&store, &WriteSet::default());
    let second = advance(&store, &WriteSet::default());
    assert_eq!((first.app_hash, second.height), (second.app_hash, 1));
    advance(&store, &write_set(Tree::Native, &block(0)));
    // A write of what is there already, and a removal of what is not, change nothing.
    let again = write_set(
        Tree::Native,
        &[(key(0), Some(vec![100, 0])), (key(77), None)],
    );
    let before = store.latest().unwrap().app_hash;
    assert_eq!(advance(&store, &again).app_hash, before);
    store.rollback(0, &[]).unwrap();
    assert_eq!(store.latest(), Some(first));
    assert_eq!(layout(&store), []);
}

#[test]
fn the_last_two_anchors_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_store(Engine::Redb, dir.path(), limits(3, History::None));
    for height in 0..5u64 {
        let base = height.saturating_sub(1);
        let prepared = store.prepare(base, height, &WriteSet::default()).unwrap();
        store
            .commit(prepared, &[(ExtraKey::anchor(height), vec![height as u8])])
            .unwrap();
    }
    assert_eq!(store.extra(ExtraKey::anchor(4)).unwrap(), Some(vec![4]));
    assert_eq!(store.extra(ExtraKey::anchor(3)).unwrap(), Some(vec![3]));
}

/// What stands at every key after each block, and the heights that wrote it.
type Standing = BTreeMap<Hash, (Vec<u8>, Height)>;

fn apply(standing: &mut Standing, height: Height, changes: &[Change]) {
    for (key, value) in changes {
        match value {
            Some(value) if standing.get(key).is_some_and(|(old, _)| old == value) => {}
            Some(value) => drop(standing.insert(*key, (value.clone(), height))),
            None => drop(standing.remove(key)),
        }
    }
}

const FEW: u8 = 4;

/// Blocks over a few keys and values: equal ones, ones that come again, removals and keys that are made again.
fn blocks() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let value = prop::option::weighted(0.7, 0u8..2);
    let block = prop::collection::btree_map(0..FEW, value, 0..=usize::from(FEW));
    let change = |(n, value): (u8, Option<u8>)| (key(n), value.map(|n| vec![n; 20]));
    let block = block.prop_map(move |block| block.into_iter().map(change).collect());
    prop::collection::vec(block, 5..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn values_that_come_again_and_keys_that_are_made_again_survive_rollbacks_and_pruning(
        blocks in blocks(),
        back in 0usize..=PROVABLE_MIN as usize,
        is_all in any::<bool>(),
    ) {
        let history = HISTORIES[usize::from(is_all)];
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let open = |at: usize| open_store(Engine::Redb, dirs[at].path(), limits(PROVABLE_MIN, history));
        let (mut store, straight) = (open(0), open(1));
        let (mut standing, mut heights) = (Standing::new(), Vec::new());
        for (n, block) in blocks.iter().enumerate() {
            apply(&mut standing, n as Height, block);
            let version = advance(&straight, &write_set(Tree::Native, block));
            prop_assert_eq!(advance(&store, &write_set(Tree::Native, block)), version);
            heights.push((standing.clone(), version));
        }
        let newest = blocks.len() - 1;
        let to = newest.saturating_sub(back);
        store.rollback(to as Height, &[]).unwrap();
        drop(store);
        store = open(0);
        prop_assert_eq!(store.latest(), Some(heights[to].1));
        let heads = all_rows(&*store.kv, rows::HEADS).into_iter();
        let found: Vec<_> = heads.map(|(key, row)| (key, rows::Head::decode(&row).unwrap().since)).collect();
        let expected = heights[to].0.iter().map(|(key, (_, since))| (rows::head_key(Tree::Native, key), *since));
        prop_assert_eq!(found, expected.collect::<Vec<_>>());
        for block in &blocks[to + 1..] {
            advance(&store, &write_set(Tree::Native, block));
        }
        drop(store);
        store = open(0);
        prop_assert_eq!(everything(&*store.kv), everything(&*straight.kv));
        let oldest = newest.saturating_sub(PROVABLE_MIN as usize);
        let past = if is_all { 0 } else { oldest };
        for (standing, version) in &heights[past..] {
            for view in [store.values(version.height), store.view(version.height)] {
                let view = view.unwrap();
                prop_assert_eq!(view.app_hash(), version.app_hash);
                for n in 0..FEW {
                    let value = standing.get(&key(n)).map(|(value, _)| value.clone());
                    prop_assert_eq!(view.get(Tree::Native, &key(n)).unwrap(), value);
                }
            }
        }
        if !is_all {
            let provable = heights[oldest..].iter();
            let kept = provable.flat_map(|(standing, _)| standing.iter().map(|(key, (_, since))| (*key, *since)));
            let kept = kept.map(|(key, since)| rows::version_key(Tree::Native, &key, since));
            let kept: std::collections::BTreeSet<_> = kept.collect();
            let found = all_rows(&*store.kv, rows::VERSIONS).into_iter().map(|(key, _)| key);
            prop_assert_eq!(found.collect::<Vec<_>>(), kept.into_iter().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_value_that_came_again_is_taken_back_to_where_it_was_first() {
    for history in HISTORIES {
        let dir = tempfile::tempdir().unwrap();
        let store = open_store(Engine::Redb, dir.path(), limits(3, history));
        let versions: Vec<_> = [1, 2, 1]
            .map(|n| advance(&store, &write_set(Tree::Native, &[(key(0), Some(vec![n]))])))
            .into();
        store.rollback(0, &[]).unwrap();
        drop(store);
        let store = open_store(Engine::Redb, dir.path(), limits(3, history));
        assert_eq!(store.latest(), Some(versions[0]));
        let value = store.view(0).unwrap().get(Tree::Native, &key(0)).unwrap();
        assert_eq!(value, Some(vec![1]));
    }
}
