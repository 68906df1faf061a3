//! A contract frame for wat, a host in memory, and shortcuts.

use std::collections::{BTreeMap, VecDeque};

#[cfg(not(all(test, feature = "winch")))]
pub(crate) use strongroom_vm::WasmiEngine as TestEngine;
use strongroom_vm::{
    CallMode, Charged, Engine, Entry, Host, HostFault, Instance, Outcome, PrepareError, Prepared,
    Range, Step, prepare,
};

#[cfg(all(test, feature = "winch"))]
pub(crate) use crate::both::Both as TestEngine;

/// Gas that no test uses up.
pub(crate) const PLENTY: u64 = 10_000_000_000;
/// What the host charges for any storage operation.
pub(crate) const STORAGE_GAS: u64 = 100_000;

/// Marker, allocator (a bump of whole pages is never needed: tests stay in the first pages) and helpers:
/// `$region (offset, length) -> region` and the imports given.
pub(crate) fn contract(imports: &str, rest: &str) -> String {
    format!(
        r#"(module
        {imports}
        (memory 2)
        (global $top (mut i32) (i32.const 4096))
        (func (export "interface_version_8"))
        (func (export "deallocate") (param i32))
        (func $region (param $offset i32) (param $length i32) (result i32)
            (local $r i32)
            (local.set $r (global.get $top))
            (global.set $top (i32.add (global.get $top) (i32.const 16)))
            (i32.store (local.get $r) (local.get $offset))
            (i32.store offset=4 (local.get $r) (local.get $length))
            (i32.store offset=8 (local.get $r) (local.get $length))
            (local.get $r))
        (func $allocate (export "allocate") (param $length i32) (result i32)
            (local $at i32)
            (local.set $at (global.get $top))
            (global.set $top (i32.add (i32.add (global.get $top) (local.get $length)) (i32.const 16)))
            (call $region (local.get $at) (local.get $length)))
        {rest}
        )"#
    )
}

/// The same for v0.10.
pub(crate) fn contract_v010(imports: &str, rest: &str) -> String {
    contract(imports, rest).replace("interface_version_8", "cosmwasm_vm_version_3")
}

/// What a v0.10 contract must have: each gives its message.
pub(crate) const PLAIN_V010: &str = r#"
    (func (export "init") (param i32 i32) (result i32) (local.get 1))
    (func (export "handle") (param i32 i32) (result i32) (local.get 1))
    (func (export "query") (param i32) (result i32) (local.get 0))"#;

/// A contract whose `execute` is `body` (result: a region) and whose `instantiate` returns its message.
pub(crate) fn executing(imports: &str, more: &str, body: &str) -> Vec<u8> {
    let rest = format!(
        r#"{more}
        (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
        (func (export "execute") (param $env i32) (param $info i32) (param $msg i32) (result i32)
            (local $i i32) (local $j i32) (local $x i64) (local $y i64)
            {body})
        (func (export "query") (param $env i32) (param $msg i32) (result i32)
            (local $i i32) (local $j i32) (local $x i64) (local $y i64)
            (local $info i32)
            {body})"#
    );
    wat::parse_str(contract(imports, &rest)).expect("the test's wat is sound")
}

/// Why `wat` is refused.
pub(crate) fn refusal(wat: &str) -> PrepareError {
    prepare(&wat::parse_str(wat).expect("the test's wat is sound")).expect_err("must be refused")
}

/// Storage in memory, and a list of what was asked.
#[derive(Default)]
pub(crate) struct MapHost {
    pub(crate) map: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) trace: Vec<String>,
    pub(crate) broken: bool,
    pub(crate) iterators: Vec<VecDeque<Vec<u8>>>,
}

impl MapHost {
    fn pay<T>(
        &mut self,
        what: String,
        gas_left: u64,
        run: impl FnOnce(&mut Self) -> T,
    ) -> Result<Charged<T>, HostFault> {
        if self.broken {
            return Err(HostFault("the host lies".into()));
        }
        if gas_left < STORAGE_GAS {
            return Ok(Charged::OutOfGas);
        }
        self.trace.push(what);
        let value = run(self);
        Ok(Charged::Done {
            value,
            gas: STORAGE_GAS,
        })
    }
}

impl Host for MapHost {
    fn read(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        self.pay(format!("read {key:?}"), gas_left, |h| {
            h.map.get(key).cloned()
        })
    }

    fn write(&mut self, key: &[u8], value: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        self.pay(format!("write {key:?} {value:?}"), gas_left, |h| {
            h.map.insert(key.to_vec(), value.to_vec());
        })
    }

    fn remove(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        self.pay(format!("remove {key:?}"), gas_left, |h| {
            h.map.remove(key);
        })
    }

    fn scan(&mut self, range: Range, gas_left: u64) -> Result<Charged<u32>, HostFault> {
        self.pay(format!("scan {range:?}"), gas_left, |h| {
            let inside = |key: &&Vec<u8>| {
                range.start.as_ref().is_none_or(|start| *key >= start)
                    && range.end.as_ref().is_none_or(|end| *key < end)
            };
            let mut keys: VecDeque<Vec<u8>> = h.map.keys().filter(inside).cloned().collect();
            if range.descending {
                keys.make_contiguous().reverse();
            }
            h.iterators.push(keys);
            u32::try_from(h.iterators.len()).unwrap() - 1
        })
    }

    fn next_key(
        &mut self,
        iterator: u32,
        gas_left: u64,
    ) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        let Some(keys) = self.iterators.get_mut(iterator as usize) else {
            return Ok(Charged::Refused("no such iterator"));
        };
        let key = keys.pop_front();
        self.pay(format!("next {iterator}"), gas_left, |_| key)
    }
}

/// A fresh instance.
pub(crate) fn instance(prepared: &Prepared, mode: CallMode) -> Instance {
    let module = TestEngine.load(prepared).expect("a prepared module loads");
    Instance::new(&TestEngine, &module, mode).expect("a loaded module instantiates")
}

/// Runs `execute` with the message; queries are answered by `answer`.
pub(crate) fn run_with(
    prepared: &Prepared,
    message: &[u8],
    gas: u64,
    host: &mut MapHost,
    mut answer: impl FnMut(&[u8]) -> Vec<u8>,
) -> Outcome {
    let mut instance = instance(prepared, CallMode::Execute);
    let mut step = instance
        .start(Entry::Execute, &[b"env", b"info", message], gas, host)
        .expect("no fault");
    loop {
        match step {
            Step::Done(outcome) => return outcome,
            Step::Query(query) => {
                host.trace.push(format!("query {:?}", query.request));
                step = instance
                    .resume(&answer(&query.request), 0, host)
                    .expect("no fault");
            }
        }
    }
}

/// Runs `execute` with the message `m`; the contract asks no queries.
pub(crate) fn run(wasm: &[u8], gas: u64) -> Outcome {
    let prepared = prepare(wasm).expect("accepted");
    run_with(&prepared, b"m", gas, &mut MapHost::default(), |_| {
        unreachable!("no query")
    })
}
