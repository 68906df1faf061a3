//! The index against an ordered set of the standard library.

use super::*;
use crate::testing::with_ctx;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SET: OrderedIndex<()> = OrderedIndex::new("test/set/");

#[derive(Clone, Debug)]
enum Step {
    Insert(u16),
    Remove(u16),
    Range(Option<u16>, usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..400_u16;
    let step = prop_oneof![
        5 => key().prop_map(Step::Insert),
        4 => key().prop_map(Step::Remove),
        1 => (proptest::option::of(key()), 0..50_usize, any::<bool>())
            .prop_map(|(from, limit, reverse)| Step::Range(from, limit, reverse)),
    ];
    proptest::collection::vec(step, 0..1_500)
}

fn model_range(
    model: &BTreeSet<Vec<u8>>,
    from: Option<&[u8]>,
    limit: usize,
    reverse: bool,
) -> Vec<Vec<u8>> {
    if reverse {
        let keys = model
            .iter()
            .rev()
            .filter(|k| from.is_none_or(|f| k.as_slice() <= f));
        keys.take(limit).cloned().collect()
    } else {
        let keys = model
            .iter()
            .filter(|k| from.is_none_or(|f| k.as_slice() >= f));
        keys.take(limit).cloned().collect()
    }
}

/// The number of pages, and every page but the root has between 1 and the maximum of keys.
fn pages(ctx: &mut Ctx, set: &Index) -> usize {
    let mut waiting = vec![set.root(ctx).unwrap().page];
    let mut count = 0;
    while let Some(page) = waiting.pop() {
        assert!(page.count() <= PAGE_KEYS_MAX);
        count += 1;
        if let Page::Inner(children) = page {
            for (_, number) in children {
                let child = set.page(ctx, number).unwrap();
                assert!(child.count() > 0);
                waiting.push(child);
            }
        }
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn an_index_behaves_as_an_ordered_set(steps in steps()) {
        with_ctx(|ctx| {
            let (set, mut model) = (SET.at(&()), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Insert(k) => {
                        let key = k.to_be_bytes();
                        prop_assert_eq!(set.insert(ctx, &key).unwrap(), model.insert(key.to_vec()));
                    }
                    Step::Remove(k) => {
                        let key = k.to_be_bytes();
                        prop_assert_eq!(set.remove(ctx, &key).unwrap(), model.remove(&key[..]));
                    }
                    Step::Range(from, limit, reverse) => {
                        let from = from.map(u16::to_be_bytes);
                        let from = from.as_ref().map(|f| &f[..]);
                        prop_assert_eq!(
                            set.range(ctx, from, limit, reverse).unwrap(),
                            model_range(&model, from, limit, reverse)
                        );
                    }
                }
            }
            prop_assert_eq!(set.len(ctx).unwrap(), model.len() as u64);
            prop_assert_eq!(set.range(ctx, None, usize::MAX, false).unwrap(), model_range(&model, None, usize::MAX, false));
            for k in 0..400_u16 {
                let key = k.to_be_bytes();
                prop_assert_eq!(set.contains(ctx, &key).unwrap(), model.contains(&key[..]));
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_set_that_grows_to_thousands_and_shrinks_again_leaves_no_trail_of_pages() {
    with_ctx(|ctx| {
        let set = SET.at(&());
        for k in 0..10_000_u32 {
            // A permutation of the numbers below 10,000.
            assert!(
                set.insert(ctx, &(k * 7_919 % 10_000).to_be_bytes())
                    .unwrap()
            );
        }
        assert_eq!(set.len(ctx).unwrap(), 10_000);
        assert!(pages(ctx, &set) < 10_000 / 16);
        for k in 0..9_990_u32 {
            assert!(
                set.remove(ctx, &(k * 4_129 % 10_000).to_be_bytes())
                    .unwrap()
            );
        }
        assert_eq!(set.len(ctx).unwrap(), 10);
        assert!(pages(ctx, &set) <= 3, "{}", pages(ctx, &set));
    });
}

#[test]
fn one_insertion_rewrites_a_bounded_number_of_bytes() {
    with_ctx(|ctx| {
        let set = SET.at(&());
        let mut most = 0;
        for k in 0..5_000_u32 {
            let before = ctx.gas.used();
            set.insert(ctx, &k.to_be_bytes()).unwrap();
            most = most.max(ctx.gas.used() - before);
        }
        assert!(most < 20_000, "{most}");
    });
}
