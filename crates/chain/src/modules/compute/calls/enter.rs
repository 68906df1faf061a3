//! The start of a call: its environment, its module, its instance.

use super::{Call, Calls, Failure, Frame, Next, OnSuccess, Running, vm_fault};
use crate::ctx::Mode;
use crate::error::{Fault, broken};
use crate::gas::{GasMeter, WASM_CALL_MAX, WASM_PER_SDK};
use crate::modules::compute::env::{self, QUERY_RANDOM};
use crate::modules::compute::keeper::UNSEEN_CODE;
use crate::modules::compute::output::EntryPoint;
use crate::modules::compute::storage::{Keeping, Storage};
use std::borrow::Cow;
use strongroom_vm::{Argument, CallMode, EntryExport, Generation, Instance, Trap};

impl Calls<'_, '_, '_> {
    /// Starts a call and puts its frame on top. `outer` is the meter of the instance that asks, if the call is its query.
    pub(super) fn enter(&mut self, call: Call, outer: Option<GasMeter>) -> Result<Next, Failure> {
        let entry_point = call.entry_point;
        if call.code.hash == UNSEEN_CODE {
            let text = "a simulation does not look into code that its own transaction stores";
            return Err(entry_point.enclave_error(text).into());
        }
        if call.code_hash != Some(call.code.hash) {
            return Err(entry_point
                .enclave_error("failed to validate transaction")
                .into());
        }
        let (generation, library) = (call.code.generation, call.code.library());
        let entry = entry_point.entry();
        let failed = |trap: &Trap| entry_point.enclave_error(&trap.to_string());
        let engine = self.ctx.env.engine;
        let module = engine.load(self.ctx, &call.code.stored(), failed)?;
        let export = module.info.export(entry);
        let args = self.arguments(&call, export)?;
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        let budget = self.ctx.gas.left().saturating_mul(WASM_PER_SDK);
        let gas_limit = budget.min(WASM_CALL_MAX);
        let made = match self.ctx.mode {
            // It costs nothing and is thrown away: the slots of compiled code are for blocks and queries.
            Mode::Simulate => Instance::interpreted(engine.wasm(), &module, mode(entry_point)),
            _ => Instance::new(engine.wasm(), &module, mode(entry_point)),
        };
        let mut instance = made.map_err(vm_fault)?;
        instance.set_bound(call.bound);
        let mut keeping = Keeping::new(call.storage_layout);
        let mut storage = Storage::new(self.ctx.state, &call.contract, &mut keeping);
        let step = instance
            .start(entry, &args, gas_limit, &mut storage)
            .map_err(vm_fault)?;
        self.frames.push(Frame::Running(Box::new(Running {
            entry_point,
            generation,
            library,
            contract: call.contract,
            code_hash: call.code.hash,
            on_success: call.on_success,
            instance,
            keeping,
            gas_limit,
            capped: budget > WASM_CALL_MAX,
            outer,
        })));
        Ok(Next::Step(step))
    }

    /// What the entry point takes, in its order. Nothing where the contract's generation has no such entry point: the
    /// instance says so.
    fn arguments<'c>(
        &mut self,
        call: &'c Call,
        export: Option<EntryExport>,
    ) -> Result<Vec<Cow<'c, [u8]>>, Failure> {
        let random = self.random(call)?;
        let mut args = Vec::new();
        for argument in export.map_or(&[][..], |function| function.args) {
            args.push(match argument {
                Argument::Env => Cow::Owned(self.env(call, random.as_deref())?),
                Argument::Info => Cow::Owned(env::info(&call.sender, &call.funds)?),
                Argument::Msg => Cow::Borrowed(call.msg.as_slice()),
                Argument::MigrateInfo => Cow::Borrowed(match &call.on_success {
                    OnSuccess::Migrated(migration) => migration.info.as_deref().unwrap_or_default(),
                    _ => &[],
                }),
            });
        }
        Ok(args)
    }

    fn env(&self, call: &Call, random: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
        let (block, tx) = (self.ctx.block, &self.ctx.tx);
        let (contract, hash) = (&call.contract, &call.code.hash);
        match call.code.generation {
            Generation::V010 => env::env_v010(block, contract, hash, &call.sender, &call.funds),
            Generation::V1 => env::env(block, tx, contract, hash, random),
        }
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
        EntryPoint::Instantiate
        | EntryPoint::Execute
        | EntryPoint::Migrate
        | EntryPoint::Sudo
        | EntryPoint::Reply => CallMode::Execute,
    }
}
