//! The start of a call: its environment, its module, its instance.

use super::{Call, Calls, Failure, Frame, Next, Running, vm_fault};
use crate::error::broken;
use crate::gas::{GasMeter, WASM_CALL_MAX, WASM_PER_SDK};
use crate::modules::compute::env::{self, QUERY_RANDOM};
use crate::modules::compute::output::EntryPoint;
use crate::modules::compute::storage::Storage;
use strongroom_vm::{CallMode, Entry, Instance, Trap};

impl Calls<'_, '_, '_> {
    /// Starts a call and puts its frame on top. `outer` is the caller's meter if the call has one of its own.
    pub(super) fn enter(&mut self, call: Call, outer: Option<GasMeter>) -> Result<Next, Failure> {
        let entry_point = call.entry_point;
        if call.code_hash != Some(call.code.hash) {
            return Err(entry_point
                .enclave_error("failed to validate transaction")
                .into());
        }
        let random = self.random(&call)?;
        let env = env::env(
            self.ctx.block,
            &self.ctx.tx,
            &call.contract,
            &call.code.hash,
            random.as_deref(),
        )?;
        let failed = |trap: &Trap| entry_point.enclave_error(&trap.to_string());
        let engine = self.ctx.env.engine;
        let module = engine.load(self.ctx, &call.code.stored(), failed)?;
        let budget = self.ctx.gas.left().saturating_mul(WASM_PER_SDK);
        let gas_limit = budget.min(WASM_CALL_MAX);
        let mut instance =
            Instance::new(engine.wasmi(), &module, mode(entry_point)).map_err(vm_fault)?;
        let mut storage = Storage::new(self.ctx.state, &call.contract);
        let step = match entry_point {
            EntryPoint::Query => {
                instance.start(Entry::Query, &[&env, &call.msg], gas_limit, &mut storage)
            }
            EntryPoint::Instantiate | EntryPoint::Execute => {
                let info = env::info(&call.sender, &call.funds)?;
                let entry = if entry_point == EntryPoint::Execute {
                    Entry::Execute
                } else {
                    Entry::Instantiate
                };
                instance.start(entry, &[&env, &info, &call.msg], gas_limit, &mut storage)
            }
        }
        .map_err(vm_fault)?;
        self.frames.push(Frame::Running(Box::new(Running {
            entry_point,
            contract: call.contract,
            on_success: call.on_success,
            instance,
            gas_limit,
            capped: budget > WASM_CALL_MAX,
            outer,
            events_from: self.ctx.events.len(),
        })));
        Ok(Next::Step(step))
    }

    /// The random of a call, if its code asks for one: different for every call of a block, unknown before the block is
    /// decided.
    fn random(&mut self, call: &Call) -> Result<Option<Vec<u8>>, Failure> {
        if call.entry_point == EntryPoint::Query {
            return Ok(Some(QUERY_RANDOM.to_vec()));
        }
        let number = self.ctx.calls;
        self.ctx.calls = number
            .checked_add(1)
            .ok_or_else(|| broken("too many calls"))?;
        if !call.code.requires_random {
            return Ok(None);
        }
        let tx = self.ctx.tx.index.unwrap_or(u32::MAX);
        let random = self.ctx.state.secrets().random(
            &self.ctx.block.header_hash,
            &call.contract,
            tx,
            number,
        );
        Ok(Some(random.map_err(broken)?.to_vec()))
    }
}

const fn mode(entry_point: EntryPoint) -> CallMode {
    match entry_point {
        EntryPoint::Query => CallMode::Query,
        EntryPoint::Instantiate | EntryPoint::Execute => CallMode::Execute,
    }
}
