//! Our engines.

use crate::kernels::{env, info};
use crate::{Map, Runner};
use strongroom_vm::{
    CallMode, Charged, Engine, Entry, Host, HostFault, Instance, Prepared, Range, Step, prepare,
};

/// Wasm gas that nothing here uses up.
const GAS: u64 = 10_000_000_000;

/// One of our engines with a module.
pub(crate) struct Loaded<E: Engine> {
    engine: E,
    prepared: Prepared,
    module: strongroom_vm::Loaded<E::Module>,
}

impl<E: Engine> Loaded<E> {
    pub(crate) fn of(engine: E, wasm: &[u8]) -> Self {
        let prepared = prepare(wasm).expect("accepted");
        let module = engine.load(&prepared).expect("it loads");
        Self {
            engine,
            prepared,
            module,
        }
    }
}

impl<E: Engine> Runner for Loaded<E> {
    fn load(&self) {
        drop(self.engine.load(&self.prepared));
    }

    fn instance(&self) {
        drop(Instance::new(&self.engine, &self.module, CallMode::Execute));
    }

    fn call(&self, entry: &'static str, message: &str, storage: &mut Map) -> Vec<u8> {
        let entry = match entry {
            "instantiate" => Entry::Instantiate,
            _ => Entry::Execute,
        };
        let instance = Instance::new(&self.engine, &self.module, CallMode::Execute);
        let (env, info) = (env(), info());
        let args = [env.as_bytes(), info.as_bytes(), message.as_bytes()];
        let step = instance
            .expect("an instance")
            .start(entry, &args, GAS, &mut Storage(storage));
        match step.expect("no fault") {
            Step::Done(outcome) => outcome.result.expect("no trap"),
            Step::Query(_) => unreachable!("no query"),
        }
    }
}

/// A map of plaintext, for nothing.
struct Storage<'m>(&'m mut Map);

fn free<T>(value: T) -> Result<Charged<T>, HostFault> {
    Ok(Charged::Done { value, gas: 0 })
}

impl Host for Storage<'_> {
    fn read(&mut self, key: &[u8], _: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        free(self.0.get(key).cloned())
    }

    fn write(&mut self, key: &[u8], value: &[u8], _: u64) -> Result<Charged<()>, HostFault> {
        self.0.insert(key.to_vec(), value.to_vec());
        free(())
    }

    fn remove(&mut self, key: &[u8], _: u64) -> Result<Charged<()>, HostFault> {
        self.0.remove(key);
        free(())
    }

    fn scan(&mut self, _: Range, _: u64) -> Result<Charged<u32>, HostFault> {
        unreachable!("no iteration")
    }

    fn next_key(&mut self, _: u32, _: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        unreachable!("no iteration")
    }
}
