//! cosmwasm-vm with the compiler that it comes with, wasmer's Singlepass, which version 3 has no switch for. A module is compiled once
//! and each call has an instance of its own, as in its cache.

use crate::kernels::{env, info};
use crate::{Map, Runner};
use cosmwasm_std::{Order, Record};
use cosmwasm_vm::internals::{compile_module, instance_from_module};
use cosmwasm_vm::testing::{MockApi, MockQuerier};
use cosmwasm_vm::{
    Backend, BackendResult, GasInfo, Instance, Size, Storage, call_execute_raw,
    call_instantiate_raw,
};
use wasmer::{Engine, Module, Store};

/// Gas of theirs that nothing here uses up.
const GAS: u64 = u64::MAX / 4;
/// As much memory as a contract of ours may have.
const MEMORY: Size = Size::mebi(12);

type Made = Instance<MockApi, Plain, MockQuerier>;

/// A compiled module.
pub(crate) struct Loaded {
    wasm: Vec<u8>,
    module: Module,
    engine: Engine,
}

impl Loaded {
    pub(crate) fn of(wasm: &[u8]) -> Self {
        let (module, engine) = compile_module(wasm, Some(MEMORY)).expect("it compiles");
        Self {
            wasm: wasm.to_vec(),
            module,
            engine,
        }
    }

    fn instance(&self, storage: Map) -> Made {
        let backend = Backend {
            api: MockApi::default().with_prefix("secret"),
            storage: Plain(storage),
            querier: MockQuerier::new(&[]),
        };
        let store = Store::new(self.engine.clone());
        instance_from_module(store, &self.module, backend, GAS, None).expect("an instance")
    }
}

impl Runner for Loaded {
    fn load(&self) {
        drop(compile_module(&self.wasm, Some(MEMORY)));
    }

    fn instance(&self) {
        drop(self.instance(Map::new()));
    }

    fn call(&self, entry: &'static str, message: &str, storage: &mut Map) -> Vec<u8> {
        let mut instance = self.instance(std::mem::take(storage));
        let (env, info) = (env(), info());
        let (env, info, message) = (env.as_bytes(), info.as_bytes(), message.as_bytes());
        let result = match entry {
            "instantiate" => call_instantiate_raw(&mut instance, env, info, message),
            _ => call_execute_raw(&mut instance, env, info, message),
        };
        *storage = instance.recycle().expect("what it was given").storage.0;
        result.expect("no trap")
    }
}

/// A map of plaintext, for nothing.
struct Plain(Map);

impl Storage for Plain {
    fn get(&self, key: &[u8]) -> BackendResult<Option<Vec<u8>>> {
        (Ok(self.0.get(key).cloned()), GasInfo::free())
    }

    fn scan(&mut self, _: Option<&[u8]>, _: Option<&[u8]>, _: Order) -> BackendResult<u32> {
        unreachable!("no iteration")
    }

    fn next(&mut self, _: u32) -> BackendResult<Option<Record>> {
        unreachable!("no iteration")
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> BackendResult<()> {
        self.0.insert(key.to_vec(), value.to_vec());
        (Ok(()), GasInfo::free())
    }

    fn remove(&mut self, key: &[u8]) -> BackendResult<()> {
        self.0.remove(key);
        (Ok(()), GasInfo::free())
    }
}
