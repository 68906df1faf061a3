//! Contracts that iterate: the order of their keys against a map of the standard library, its prices and limits, and what
//! happens where the state is withheld.

use super::world::{Code, GAS, World};
use crate::Bytes;
use crate::error::Fault;
use crate::modules::compute::limits::{ITERATORS_MAX, ORDERED_KEY_BYTES_MAX};
use crate::modules::compute::state::StorageLayout;
use crate::modules::compute::storage::{Keeping, Storage};
use crate::overlay::Overlay;
use crate::ports::StateRead;
use crate::state::State;
use crate::testing::block_info;
use crate::types::{Address, RawTx, Tree};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use strongroom_vm::{Charged, Host as _, HostFault, Range};

/// Gas that no operation uses up.
const PLENTY: u64 = 10_000_000_000;

fn contract() -> Address {
    Address::from_bytes(&[7; 20]).unwrap()
}

#[track_caller]
fn done<T: core::fmt::Debug>(charged: Result<Charged<T>, HostFault>) -> (T, u64) {
    match charged.unwrap() {
        Charged::Done { value, gas } => (value, gas),
        other => panic!("{other:?}"),
    }
}

/// One call of a contract that iterates, on a state that holds what earlier calls wrote.
fn call<T>(world: &World, overlay: &mut Overlay, f: impl FnOnce(&mut Storage) -> T) -> T {
    let mut state = State::new(&world.state, &world.keys, core::mem::take(overlay));
    let (contract, mut keeping) = (contract(), Keeping::new(StorageLayout::Ordered));
    let out = f(&mut Storage::new(&mut state, &contract, &mut keeping));
    *overlay = core::mem::take(&mut state.overlay);
    out
}

/// Seals what was written, as the end of a block does.
fn commit(world: &mut World, overlay: &mut Overlay) -> usize {
    world.height += 1;
    let overlay = core::mem::take(overlay);
    let writes = State::new(&world.state, &world.keys, overlay)
        .into_write_set(world.height)
        .unwrap();
    let count = writes.0.len();
    world.state.apply(&writes);
    count
}

fn range(start: Option<&[u8]>, end: Option<&[u8]>, descending: bool) -> Range {
    Range {
        start: start.map(<[u8]>::to_vec),
        end: end.map(<[u8]>::to_vec),
        descending,
    }
}

type Entry = (Vec<u8>, Vec<u8>);

/// All entries of a range, step by step, and their price.
fn entries(storage: &mut Storage, range: Range) -> (Vec<Entry>, u64) {
    let (iterator, mut gas) = done(storage.scan(range, PLENTY));
    let mut out = Vec::new();
    loop {
        let (key, step) = done(storage.next_key(iterator, PLENTY));
        gas += step;
        let Some(key) = key else { return (out, gas) };
        let (value, read) = done(storage.read(&key, PLENTY));
        gas += read;
        out.push((key, value.expect("a key that was found has a value")));
    }
}

#[derive(Clone, Debug)]
enum Op {
    Write(Vec<u8>, u8),
    Remove(Vec<u8>),
    Open(Option<Vec<u8>>, Option<Vec<u8>>, bool),
    Next(usize),
    EndCall,
    EndBlock,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Short keys that are each other's beginnings, and a few that fill a page.
    let key = || {
        prop_oneof![
            8 => proptest::collection::vec(0..4_u8, 0..5),
            1 => (0..4_u8, 1_000..ORDERED_KEY_BYTES_MAX).prop_map(|(b, n)| vec![b; n]),
        ]
    };
    let bound = move || proptest::option::of(key());
    let op = prop_oneof![
        30 => (key(), any::<u8>()).prop_map(|(k, v)| Op::Write(k, v)),
        20 => key().prop_map(Op::Remove),
        5 => (bound(), bound(), any::<bool>()).prop_map(|(s, e, d)| Op::Open(s, e, d)),
        40 => (0..6_usize).prop_map(Op::Next),
        1 => Just(Op::EndCall),
        1 => Just(Op::EndBlock),
    ];
    proptest::collection::vec(op, 0..700)
}

/// What an iterator of the model has left.
struct Left {
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    descending: bool,
    ended: bool,
}

impl Left {
    fn next(&mut self, model: &BTreeMap<Vec<u8>, Vec<u8>>) -> Option<Vec<u8>> {
        let inside = |key: &&Vec<u8>| {
            let behind_start = match &self.start {
                Bound::Included(s) => *key >= s,
                Bound::Excluded(s) => *key > s,
                Bound::Unbounded => true,
            };
            let before_end = match &self.end {
                Bound::Excluded(e) => *key < e,
                _ => true,
            };
            behind_start && before_end && !self.ended
        };
        let mut keys = model.keys().filter(inside);
        let key = if self.descending {
            keys.next_back()
        } else {
            keys.next()
        };
        let key = key.cloned();
        match &key {
            None => self.ended = true,
            Some(key) if self.descending => self.end = Bound::Excluded(key.clone()),
            Some(key) => self.start = Bound::Excluded(key.clone()),
        }
        key
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_contract_sees_its_keys_in_order_whatever_it_writes_and_removes_meanwhile(ops in ops()) {
        let (mut world, mut overlay) = (World::new(), Overlay::default());
        let (contract, mut model) = (contract(), BTreeMap::new());
        let (mut keeping, mut left) = (Keeping::new(StorageLayout::Ordered), Vec::new());
        for op in ops {
            if matches!(op, Op::EndCall | Op::EndBlock) {
                if matches!(op, Op::EndBlock) {
                    commit(&mut world, &mut overlay);
                }
                keeping = Keeping::new(StorageLayout::Ordered);
                left.clear();
                continue;
            }
            let mut state = State::new(&world.state, &world.keys, core::mem::take(&mut overlay));
            let mut storage = Storage::new(&mut state, &contract, &mut keeping);
            match op {
                Op::Write(key, value) => {
                    done(storage.write(&key, &[value], PLENTY));
                    model.insert(key, vec![value]);
                }
                Op::Remove(key) => {
                    done(storage.remove(&key, PLENTY));
                    model.remove(&key);
                }
                Op::Open(start, end, descending) => {
                    let range = Range { start: start.clone(), end: end.clone(), descending };
                    let (number, _) = done(storage.scan(range, PLENTY));
                    prop_assert_eq!(number as usize, left.len());
                    left.push(Left {
                        start: start.map_or(Bound::Unbounded, Bound::Included),
                        end: end.map_or(Bound::Unbounded, Bound::Excluded),
                        descending,
                        ended: false,
                    });
                }
                Op::Next(at) => {
                    let stepped = storage.next_key(u32::try_from(at).unwrap(), PLENTY);
                    match left.get_mut(at) {
                        None => prop_assert!(matches!(stepped, Ok(Charged::Refused(_)))),
                        Some(left) => prop_assert_eq!(done(stepped).0, left.next(&model)),
                    }
                }
                Op::EndCall | Op::EndBlock => unreachable!(),
            }
            overlay = core::mem::take(&mut state.overlay);
        }
        commit(&mut world, &mut overlay);
        for descending in [false, true] {
            let (all, _) = call(&world, &mut overlay, |s| entries(s, range(None, None, descending)));
            let mut expected: Vec<_> = model.clone().into_iter().collect();
            if descending {
                expected.reverse();
            }
            prop_assert_eq!(all, expected);
        }
    }
}

#[test]
fn what_an_iteration_costs_does_not_depend_on_where_its_state_lies_and_is_below_three_reads() {
    let (mut world, mut overlay) = (World::new(), Overlay::default());
    let key = |n: u32| [b"balance".as_slice(), &n.to_be_bytes(), &[0; 20]].concat();
    let mut most = 0;
    call(&world, &mut overlay, |s| {
        for n in 0..1_000 {
            let key = key(n * 617 % 1_000);
            most = most.max(done(s.write(&key, b"1", PLENTY)).1);
        }
    });
    // A new key rewrites a page or two, now and then a third; one that is there costs its read more than in other contracts.
    assert!(most < 60_000_000, "{most}");
    let again = call(&world, &mut overlay, |s| {
        done(s.write(&key(3), b"2", PLENTY)).1
    });
    assert_eq!(again, 680_000 + 196_000);

    let walk = |world: &World, overlay: &mut Overlay| {
        call(world, overlay, |s| entries(s, range(None, None, false)))
    };
    let (_, pending) = walk(&world, &mut overlay);
    // A thousand values, and pages of 16 to 32 keys.
    let written = commit(&mut world, &mut overlay);
    assert!((1_030..1_070).contains(&written), "{written}");
    let (all, cold) = walk(&world, &mut overlay);
    let (_, warm) = walk(&world, &mut overlay);
    assert_eq!(all.len(), 1_000);
    assert_eq!((pending, warm), (cold, cold));
    let reads = 1_000 * 196_000;
    assert!(cold > reads && cold < 2 * reads, "{cold}");
}

#[test]
fn the_limits_of_iteration_are_reached_and_named() {
    let (world, mut overlay) = (World::new(), Overlay::default());
    let refused = |charged: Charged<()>, text: &'static str| {
        assert_eq!(charged, Charged::Refused(text));
    };
    let longest = vec![5; ORDERED_KEY_BYTES_MAX];
    let longer = vec![5; ORDERED_KEY_BYTES_MAX + 1];
    let text = "a key of a contract that iterates has at most 4096 bytes";
    call(&world, &mut overlay, |s| {
        done(s.write(&longest, b"v", PLENTY));
        refused(s.write(&longer, b"v", PLENTY).unwrap(), text);
        refused(s.remove(&longer, PLENTY).unwrap(), text);
        // It is absent, and nothing is listed that could be it.
        assert_eq!(done(s.read(&longer, PLENTY)).0, None);
        let bound = range(Some(&longer), None, false);
        assert_eq!(s.scan(bound, PLENTY).unwrap(), Charged::Refused(text));
        let bound = range(None, Some(&longest), false);
        let (_, gas) = done(s.scan(bound, PLENTY));
        assert_eq!(gas, (100 + 4_096) * 1_000);
        for _ in 1..ITERATORS_MAX {
            done(s.scan(range(None, None, true), PLENTY));
        }
        let one_more = s.scan(range(None, None, true), PLENTY).unwrap();
        assert_eq!(
            one_more,
            Charged::Refused("a call has at most 4096 iterators")
        );
        let last = u32::try_from(ITERATORS_MAX - 1).unwrap();
        assert_eq!(done(s.next_key(last, PLENTY)).0, Some(longest.clone()));
        assert_eq!(
            s.next_key(last + 1, PLENTY).unwrap(),
            Charged::Refused("there is no iterator of this number")
        );
    });
    // Whatever is too dear does not happen.
    for gas in [0, 100_000, 500_000, 5_000_000] {
        let mut overlay = Overlay::default();
        let charged = call(&world, &mut overlay, |s| s.write(&longest, b"v", gas));
        assert_eq!(charged.unwrap(), Charged::OutOfGas, "{gas}");
    }
}

#[test]
fn a_contract_that_was_made_without_order_is_told_so() {
    let world = World::new();
    let mut state = State::new(&world.state, &world.keys, Overlay::default());
    let (contract, mut keeping) = (contract(), Keeping::new(StorageLayout::Flat));
    let mut storage = Storage::new(&mut state, &contract, &mut keeping);
    done(storage.write(b"k", b"v", PLENTY));
    let text =
        "the contract keeps no order of its keys: the code that it was made with does not iterate";
    let scan = storage.scan(range(None, None, false), PLENTY).unwrap();
    assert_eq!(scan, Charged::Refused(text));
    let next = storage.next_key(0, PLENTY).unwrap();
    assert_eq!(next, Charged::Refused(text));
}

#[test]
fn no_key_of_a_contract_is_a_page_of_its_list() {
    let (world, mut overlay) = (World::new(), Overlay::default());
    call(&world, &mut overlay, |s| {
        let names: Vec<Vec<u8>> = (0..40_u64)
            .map(|n| [&[1], n.to_be_bytes().as_slice()].concat())
            .chain([vec![], vec![0], vec![1]])
            .collect();
        for name in &names {
            assert_eq!(done(s.read(name, PLENTY)).0, None);
            done(s.write(name, b"not a page", PLENTY));
        }
        let (all, _) = entries(s, range(None, None, false));
        assert_eq!(all.len(), names.len());
    });
}

/// The contract of the tests: `i` ‖ from, to (u32 LE) writes the keys from..to; `d` ‖ key removes one; `c` ‖ order ‖ count panics
/// unless it counts so many entries; `x` ‖ order ‖ count writes a key first and panics always. A query counts.
const LISTER: &str = r#"(module
    (import "env" "db_write" (func $write (param i32 i32)))
    (import "env" "db_remove" (func $remove (param i32)))
    (import "env" "db_scan" (func $scan (param i32 i32 i32) (result i32)))
    (import "env" "db_next" (func $next (param i32) (result i32)))
    (memory 2)
    (data (i32.const 128) "{\"Ok\":{\"messages\":[],\"attributes\":[],\"events\":[],\"data\":null}}")
    (data (i32.const 512) "{\"Ok\":\"c2Vlbg==\"}")
    (global $top (mut i32) (i32.const 4096))
    (func (export "interface_version_8"))
    (func (export "requires_iterator"))
    (func (export "deallocate") (param i32))
    (func $region (param $at i32) (param $offset i32) (param $length i32) (result i32)
        (i32.store (local.get $at) (local.get $offset))
        (i32.store offset=4 (local.get $at) (local.get $length))
        (i32.store offset=8 (local.get $at) (local.get $length))
        (local.get $at))
    ;; The answers of steps are forgotten: each is written over the one before.
    (global $steps (mut i32) (i32.const 0))
    (func (export "allocate") (param $length i32) (result i32)
        (local $at i32)
        (if (global.get $steps) (then
            (return (call $region (i32.const 70000) (i32.const 70016) (local.get $length)))))
        (local.set $at (global.get $top))
        (global.set $top (i32.add (i32.add (global.get $top) (local.get $length)) (i32.const 16)))
        (call $region (local.get $at) (i32.add (local.get $at) (i32.const 16)) (local.get $length)))
    (func $word (param $r i32) (param $at i32) (result i32)
        (i32.load (i32.add (i32.load (local.get $r)) (local.get $at))))
    (func $put (param $key i32)
        (i32.store (i32.const 600) (local.get $key))
        (call $write
            (call $region (i32.const 620) (i32.const 600) (i32.const 4))
            (call $region (i32.const 640) (i32.const 600) (i32.const 4))))
    (func $count (param $order i32) (result i32)
        (local $i i32) (local $n i32)
        (local.set $i (call $scan (i32.const 0) (i32.const 0) (local.get $order)))
        (global.set $steps (i32.const 1))
        (block $end (loop $again
            ;; The region of the last step holds two lengths of 0.
            (br_if $end (i32.eq (i32.load offset=8 (call $next (local.get $i))) (i32.const 8)))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br $again)))
        (global.set $steps (i32.const 0))
        (local.get $n))
    (func $act (param $env i32) (param $info i32) (param $msg i32) (result i32)
        (local $what i32) (local $k i32)
        (local.set $what (i32.load8_u (i32.load (local.get $msg))))
        (if (i32.eq (local.get $what) (i32.const 105)) (then ;; i
            (local.set $k (call $word (local.get $msg) (i32.const 1)))
            (block $end (loop $again
                (br_if $end (i32.ge_u (local.get $k) (call $word (local.get $msg) (i32.const 5))))
                (call $put (local.get $k))
                (local.set $k (i32.add (local.get $k) (i32.const 1)))
                (br $again)))))
        (if (i32.eq (local.get $what) (i32.const 100)) (then ;; d
            (i32.store (i32.const 600) (call $word (local.get $msg) (i32.const 1)))
            (call $remove (call $region (i32.const 620) (i32.const 600) (i32.const 4)))))
        (if (i32.eq (local.get $what) (i32.const 120)) (then (call $put (i32.const -1)))) ;; x
        (if (i32.or (i32.eq (local.get $what) (i32.const 99)) (i32.eq (local.get $what) (i32.const 120))) (then ;; c, x
            (if (i32.ne
                    (call $count (i32.load8_u (i32.add (i32.load (local.get $msg)) (i32.const 1))))
                    (call $word (local.get $msg) (i32.const 2)))
                (then (unreachable)))
            (if (i32.eq (local.get $what) (i32.const 120)) (then (unreachable)))))
        (call $region (i32.const 660) (i32.const 128) (i32.const 62)))
    (export "instantiate" (func $act))
    (export "execute" (func $act))
    (func (export "query") (param $env i32) (param $msg i32) (result i32)
        (drop (call $act (i32.const 0) (i32.const 0) (local.get $msg)))
        (call $region (i32.const 660) (i32.const 512) (i32.const 17)))
)"#;

fn insert(from: u32, to: u32) -> Vec<u8> {
    [&b"i"[..], &from.to_le_bytes(), &to.to_le_bytes()].concat()
}

fn count(order: u8, expected: u32) -> Vec<u8> {
    [&[b'c', order][..], &expected.to_le_bytes()].concat()
}

fn lister() -> (World, Code, Address) {
    let mut world = World::new();
    let code = world.store(wat::parse_str(LISTER).unwrap());
    let contract = world.instantiate(&code);
    (world, code, contract)
}

#[test]
fn a_contract_iterates_in_blocks_and_queries_and_what_failed_left_no_trace_in_its_list() {
    let (mut world, code, a) = lister();
    let b = world.instantiate(&code);
    world.execute_with(&a, &code, &insert(0, 100), 2 * GAS).ok();
    world.execute_with(&a, &code, &count(1, 100), GAS).ok();
    // Another contract of the same code has a list of its own.
    world.execute_with(&b, &code, &count(1, 0), GAS).ok();
    let remove = [&b"d"[..], &7_u32.to_le_bytes()].concat();
    world.execute_with(&a, &code, &remove, GAS).ok();
    for order in [1, 2] {
        world.query(&a, &code.hash, &count(order, 99)).unwrap();
    }
    // It writes a key, sees it, and panics: nothing stays.
    let failing = [&[b'x', 1][..], &100_u32.to_le_bytes()].concat();
    let failed = world.execute_with(&a, &code, &failing, GAS);
    assert!(failed.result.log.contains("the contract panicked"));
    world.query(&a, &code.hash, &count(2, 99)).unwrap();
    // The error of the storage is the contract's failure, with its name.
    let failed = world.execute_with(&a, &code, &count(3, 0), GAS);
    let text = "an order of iteration is neither 1 nor 2";
    assert!(failed.result.log.contains(text), "{}", failed.result.log);
    // Nor does a query write.
    let wrote = world.query(&a, &code.hash, &insert(200, 201)).unwrap_err();
    assert!(wrote.contains("write to storage during a query"), "{wrote}");
}

#[test]
fn a_walk_over_a_hundred_thousand_entries_ends_with_the_gas_and_the_chain_goes_on() {
    let (mut world, code, contract) = lister();
    let (mut overlay, mut keeping) = (Overlay::default(), Keeping::new(StorageLayout::Ordered));
    let mut state = State::new(&world.state, &world.keys, core::mem::take(&mut overlay));
    let mut storage = Storage::new(&mut state, &contract, &mut keeping);
    for n in 0..100_000_u32 {
        done(storage.write(&n.to_le_bytes(), b"value", PLENTY));
    }
    world.height += 1;
    let writes = state.into_write_set(world.height).unwrap();
    world.state.apply(&writes);

    let failed = world.execute_with(&contract, &code, &count(1, 100_000), 20 * GAS);
    let (space, number, text) = failed.error();
    assert_eq!((space, number), ("compute", 3), "{text}");
    assert!(text.contains("Out of gas"), "{text}");
    let asked = world.query(&contract, &code.hash, &count(2, 100_000));
    let asked = asked.unwrap_err();
    assert_eq!(asked, "{wasm contract}");
    // One entry of the middle, from a list as long as this, costs what three pages and a value cost.
    let mut state = State::new(&world.state, &world.keys, Overlay::default());
    let mut keeping = Keeping::new(StorageLayout::Ordered);
    let mut storage = Storage::new(&mut state, &contract, &mut keeping);
    let from = range(Some(&50_000_u32.to_le_bytes()), None, false);
    let (iterator, _) = done(storage.scan(from, PLENTY));
    let (key, gas) = done(storage.next_key(iterator, PLENTY));
    assert_eq!(key.unwrap(), 50_000_u32.to_le_bytes());
    assert!(gas < 4_000_000, "{gas}");
    world
        .execute_with(&contract, &code, &insert(0, 3), GAS)
        .ok();
}

/// A host that has lost some records of contracts, or says so.
struct Withholding<'w> {
    world: &'w World,
    /// The n-th record of contracts that is asked for.
    at: core::cell::Cell<u32>,
    lies: bool,
}

impl StateRead for Withholding<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        if tree == Tree::Contract {
            self.at.set(self.at.get().wrapping_sub(1));
            match (self.at.get(), self.lies) {
                (0, true) => return Ok(None),
                (0, false) => return Err(Fault::State("withheld".into())),
                _ => {}
            }
        }
        self.world.state.get(tree, key)
    }
}

#[test]
fn a_host_that_withholds_a_page_or_a_value_stops_the_block_and_never_shortens_a_walk() {
    let (mut world, code, contract) = lister();
    world
        .execute_with(&contract, &code, &insert(0, 100), 2 * GAS)
        .ok();
    let sent = world.execution(&contract, &code.hash, &count(1, 100), 0);
    let tx = world.sign(vec![sent.any], GAS);
    let (mut stopped, mut at) = (0, 1);
    loop {
        let run = |lies| {
            let base = Withholding {
                world: &world,
                at: core::cell::Cell::new(at),
                lies,
            };
            let block = block_info(world.height + 1);
            let txs = RawTx::list(std::slice::from_ref(&tx));
            crate::block::execute_block(&base, &world.keys, world.env(), &block, &txs)
        };
        match run(false) {
            Err(_) => stopped += 1,
            Ok(outcome) => {
                assert_eq!(outcome.tx_results[0].code, 0);
                break;
            }
        }
        // Absence is proven to the enclave like presence, so nobody can say this. If somebody could, the first page of all
        // (an empty list) would be the only one to be missed.
        if at > 1 {
            assert!(run(true).is_err(), "read {at}");
        }
        at += 1;
    }
    // Each page and each value was withheld once.
    assert!((105..115).contains(&stopped), "{stopped}");
}
