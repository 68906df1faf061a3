//! The plaintext baseline: the same contract on the same engine, with a map of plaintext as its storage. No chain, no
//! signature, no encryption, no proof, no gas for storage.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use strongroom_testkit::Contract;
use strongroom_types::Address;
use strongroom_vm::{
    Argument, CallMode, Charged, Engine as _, Entry, Generation, Host, HostFault, Instance, Loaded,
    Range, Step, WasmiEngine, prepare,
};

use crate::figures::timed;

/// Gas enough for every call.
const GAS: u64 = 10_000_000_000;

type Module = <WasmiEngine as strongroom_vm::Engine>::Module;

/// A loaded contract and its storage.
pub(crate) struct VmOnly {
    engine: WasmiEngine,
    module: Loaded<Module>,
    contract: Contract,
    storage: Storage,
}

struct Storage(BTreeMap<Vec<u8>, Vec<u8>>);

impl VmOnly {
    pub(crate) fn new(
        wasm: &[u8],
        contract: &Contract,
        storage: BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Self {
        let engine = WasmiEngine;
        let prepared = prepare(wasm).expect("a good module");
        let module = engine.load(&prepared).expect("a prepared module loads");
        Self {
            engine,
            module,
            contract: contract.clone(),
            storage: Storage(storage),
        }
    }

    /// One `execute`: how long it took to make the instance, and to call it.
    pub(crate) fn execute(
        &mut self,
        sender: &Address,
        message: &serde_json::Value,
    ) -> [Duration; 2] {
        let (address, code_hash) = (
            self.contract.address.to_string(),
            hex::encode(self.contract.code_hash),
        );
        let generation = self.module.info.generation;
        let env = match generation {
            Generation::V1 => json!({
                "block": {
                    "height": 10,
                    "time": "1700000010000000001",
                    "chain_id": "secretdev-1",
                    "random": STANDARD.encode([7; 32]),
                },
                "contract": {"address": address, "code_hash": code_hash},
                "transaction": {"index": 0, "hash": "AB".repeat(32)},
            }),
            Generation::V010 => json!({
                "block": {"height": 10, "time": 1_700_000_010, "chain_id": "secretdev-1"},
                "message": {"sender": sender.to_string(), "sent_funds": []},
                "contract": {"address": address},
                "contract_key": null,
                "contract_code_hash": code_hash,
                "transaction": null,
            }),
        };
        let info = json!({"sender": sender.to_string(), "funds": []});
        let function = Entry::Execute.export(generation).expect("an entry point");
        let args: Vec<Vec<u8>> = function
            .args
            .iter()
            .map(|argument| match argument {
                Argument::Env => env.to_string().into_bytes(),
                Argument::Info => info.to_string().into_bytes(),
                Argument::Msg => message.to_string().into_bytes(),
                Argument::MigrateInfo => Vec::new(),
            })
            .collect();
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let (instance, made) =
            timed(|| Instance::new(&self.engine, &self.module, CallMode::Execute));
        let mut instance = instance.expect("an instance");
        let (step, called) = timed(|| {
            let step = instance.start(Entry::Execute, &args, GAS, &mut self.storage);
            drop(instance);
            step
        });
        let Ok(Step::Done(outcome)) = step else {
            panic!("{step:?}")
        };
        let answer = outcome.result.expect("a call that ends well");
        assert!(
            answer.to_ascii_lowercase().starts_with(br#"{"ok""#),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        [made, called]
    }
}

impl Host for Storage {
    fn read(&mut self, key: &[u8], _: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        Ok(Charged::Done {
            value: self.0.get(key).cloned(),
            gas: 0,
        })
    }

    fn write(&mut self, key: &[u8], value: &[u8], _: u64) -> Result<Charged<()>, HostFault> {
        self.0.insert(key.to_vec(), value.to_vec());
        Ok(Charged::Done { value: (), gas: 0 })
    }

    fn remove(&mut self, key: &[u8], _: u64) -> Result<Charged<()>, HostFault> {
        self.0.remove(key);
        Ok(Charged::Done { value: (), gas: 0 })
    }

    fn scan(&mut self, _: Range, _: u64) -> Result<Charged<u32>, HostFault> {
        Ok(Charged::Refused("these contracts do not iterate"))
    }

    fn next_key(&mut self, _: u32, _: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        Ok(Charged::Refused("these contracts do not iterate"))
    }
}
