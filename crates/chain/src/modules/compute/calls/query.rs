//! Queries of contracts: asked by the instance on top, answered at once or by a frame of their own.

use super::{Call, Calls, Failure, Frame, Next, OnSuccess, Running, send, shown, vm_fault};
use crate::error::{Stop, broken};
use crate::gas::{GasMeter, WASM_PER_SDK};
use crate::modules::compute::limits::{QUERY_DEPTH_MAX, QUERY_RESULT_BYTES_MAX};
use crate::modules::compute::output::EntryPoint;
use crate::modules::compute::querier::{self, Answer, QueryOutcome, SmartQuery, SystemError};
use crate::modules::compute::response::{self, ContractError};
use crate::modules::compute::storage::Storage;
use crate::modules::compute::{gas, keeper};
use crate::types::Coins;

impl Calls<'_, '_, '_> {
    /// Answers a query of the instance on top, at once or by a frame of its own. The query has its own meter, with the gas that the
    /// instance has left; what it uses is charged to the instance.
    pub(super) fn ask(&mut self, request: &[u8], gas_left: u64) -> Result<Next, Stop> {
        let meter = GasMeter::new(gas_left.div_euclid(WASM_PER_SDK));
        let outer = core::mem::replace(&mut self.ctx.gas, meter);
        let answer = match querier::ask(self.ctx, request) {
            Ok(QueryOutcome::Answer(answer)) => Ok(answer),
            Ok(QueryOutcome::Smart(smart)) => match self.enter_query(smart, &outer) {
                Ok(Ok(next)) => return Ok(next),
                Ok(Err(answer)) => Ok(answer),
                Err(stop) => Err(stop),
            },
            Err(stop) => Err(stop),
        };
        self.answer(answer, outer)
    }

    /// Starts a smart query; the inner `Err` is the answer if it cannot run.
    fn enter_query(
        &mut self,
        smart: SmartQuery,
        outer: &GasMeter,
    ) -> Result<Result<Next, Answer>, Stop> {
        // The outermost call counts too, whether it is a query or not.
        let depth = self
            .frames
            .iter()
            .filter(|f| matches!(f, Frame::Running(_)))
            .count();
        if depth >= QUERY_DEPTH_MAX {
            return Ok(Err(Answer::System(SystemError::ExceededRecursionLimit {})));
        }
        let (record, code) = match keeper::loaded(self.ctx, &smart.contract, keeper::LOAD_QUERY) {
            Ok(loaded) => loaded,
            Err(Stop::Err(_)) => return Ok(Err(querier::no_contract())),
            Err(stop) => return Err(stop),
        };
        let call = Call {
            entry_point: EntryPoint::Query,
            sender: smart.contract.clone(),
            contract: smart.contract,
            storage_layout: record.storage_layout,
            code_hash: send::bound(smart.code_hash.as_deref(), &code),
            code,

            funds: Coins::default(),
            msg: smart.msg,
            bound: false,
            on_success: OnSuccess::Answered,
        };
        match self.enter(call, Some(outer.clone())) {
            Ok(next) => Ok(Ok(next)),
            Err(Failure::Contract(_, text)) => Ok(Err(Answer::Error(text))),
            Err(Failure::Stop(Stop::Err(e))) => Ok(Err(Answer::Error(e.text))),
            Err(Failure::Stop(stop)) => Err(stop),
        }
    }

    /// Resumes the instance on top with an answer, and charges it what the answer used.
    fn answer(&mut self, answer: Result<Answer, Stop>, outer: GasMeter) -> Result<Next, Stop> {
        let spent = core::mem::replace(&mut self.ctx.gas, outer);
        let Some(Frame::Running(running)) = self.frames.last_mut() else {
            return Err(broken("an answer without a call that asked").into());
        };
        let (answer, gas) = match answer {
            Ok(answer) => {
                let answer = answer.encode(running.library)?;
                let used = spent.used().saturating_add(gas::json(answer.len()));
                (answer, used.saturating_mul(WASM_PER_SDK))
            }
            // More than the instance has: it runs out of gas as soon as it resumes.
            Err(Stop::OutOfGas(_)) => (Vec::new(), u64::MAX),
            Err(stop) => return Err(stop),
        };
        let Running {
            contract,
            instance,
            keeping,
            ..
        } = running.as_mut();
        let mut storage = Storage::new(self.ctx.state, contract, keeping);
        let step = instance
            .resume(&answer, gas, &mut storage)
            .map_err(vm_fault)?;
        Ok(Next::Step(step))
    }

    /// Passes the result of a query to the instance that asked, or out of [`super::run`] if the query is the outermost call.
    pub(super) fn query_ended(
        &mut self,
        result: Result<Vec<u8>, Failure>,
        outer: Option<GasMeter>,
    ) -> Result<Next, Stop> {
        let result = result.and_then(|bytes| {
            let price = gas::json(bytes.len());
            self.ctx.gas.consume(price, keeper::CONTRACT_OUTPUT)?;
            Ok(bytes)
        });
        let answer = result.and_then(|bytes| match response::query(&bytes) {
            Some(Ok(answer)) if answer.len() <= QUERY_RESULT_BYTES_MAX => Ok(answer),
            Some(Err(ContractError(text))) => Err(Failure::Contract(EntryPoint::Query, text)),
            _ => Err(EntryPoint::Query
                .enclave_error("failed to deserialize data")
                .into()),
        });
        let Some(outer) = outer else {
            return match answer {
                Ok(answer) => Ok(Next::Finished(Some(answer))),
                Err(failure) => Err(shown(self.key, failure)),
            };
        };
        let answer = match answer {
            Ok(bytes) => Ok(Answer::Ok(bytes)),
            Err(Failure::Contract(_, text)) => Ok(Answer::Error(text)),
            Err(Failure::Stop(Stop::Err(e))) => Ok(Answer::Error(e.text)),
            Err(Failure::Stop(stop)) => Err(stop),
        };
        self.answer(answer, outer)
    }
}
