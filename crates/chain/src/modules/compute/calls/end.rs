//! The end of a call: what it used is charged, its response read, its events emitted.

use super::{Calls, Dispatching, Failure, Frame, Next, OnSuccess, Running};
use crate::ctx::event;
use crate::error::{Stop, broken};
use crate::gas::WASM_PER_SDK;
use crate::modules::compute::error as compute;
use crate::modules::compute::limits::{ATTRIBUTES_MAX, MESSAGES_MAX, WAITING_BYTES_MAX};
use crate::modules::compute::output::{self, EntryPoint};
use crate::modules::compute::response::{self, ContractError, Response};
use crate::modules::compute::{admin, gas, keeper};
use crate::types::Address;
use strongroom_vm::{Generation, Outcome, Trap};

impl Calls<'_, '_, '_> {
    /// Ends the running frame on top. A query passes its answer on; any other call becomes a dispatching frame.
    pub(super) fn ended(&mut self, outcome: Outcome) -> Result<Next, Stop> {
        let Some(Frame::Running(running)) = self.frames.pop() else {
            return Err(broken("an outcome without a call").into());
        };
        let Running {
            entry_point,
            generation,
            library,
            contract,
            code_hash,
            on_success,
            instance,
            keeping: _,
            gas_limit,
            capped,
            outer,
        } = *running;
        // Its memory is freed before another instance starts.
        drop(instance);
        let result = self.settle(entry_point, gas_limit, capped, outcome);
        if entry_point == EntryPoint::Query {
            return self.query_ended(result, outer);
        }
        let responded = result
            .and_then(|bytes| self.read(entry_point, generation, &contract, &bytes))
            .and_then(|(response, bytes)| {
                self.respond(generation, &contract, on_success, &response)?;
                Ok((response, bytes))
            });
        let (response, bytes) = match responded {
            Ok(responded) => responded,
            // The outermost call, and a reply: nobody is told of their failures.
            Err(failure) if self.frames.is_empty() || entry_point == EntryPoint::Reply => {
                return Err(self.told(failure));
            }
            Err(failure) => return self.sent_badly(failure),
        };
        self.waiting = self.waiting.saturating_add(bytes);
        self.frames.push(Frame::Dispatching(Box::new(Dispatching {
            entry_point,
            library,
            contract,
            code_hash,
            messages: response.messages.into_iter(),
            sent: None,
            data: response.data.map(|d| d.0),
            bytes,
        })));
        Ok(Next::Dispatch)
    }

    /// Decodes the response of a call, and returns its length too. The response stays in memory while its
    /// messages are sent.
    fn read(
        &mut self,
        entry_point: EntryPoint,
        generation: Generation,
        contract: &Address,
        bytes: &[u8],
    ) -> Result<(Response, usize), Failure> {
        self.ctx
            .gas
            .consume(gas::json(bytes.len()), keeper::CONTRACT_OUTPUT)?;
        let response = read_response(entry_point, generation, contract, bytes)?;
        if self.waiting.saturating_add(bytes.len()) > WAITING_BYTES_MAX {
            let text =
                format!("responses that wait cannot be longer than {WAITING_BYTES_MAX} bytes");
            return Err(compute::LIMIT.wrap(text).into());
        }
        Ok((response, bytes.len()))
    }

    /// Charges what the instance used, and returns its output or why it failed.
    fn settle(
        &mut self,
        entry_point: EntryPoint,
        gas_limit: u64,
        capped: bool,
        outcome: Outcome,
    ) -> Result<Vec<u8>, Failure> {
        let used = gas_limit.saturating_sub(outcome.gas_left);
        let out_of_gas = outcome.result.as_ref().is_err_and(|t| *t == Trap::OutOfGas);
        if out_of_gas && !capped {
            let all = self.ctx.gas.left().saturating_add(1);
            self.ctx.gas.consume(all, "wasm contract")?;
        }
        self.ctx.gas.consume(
            used.div_euclid(WASM_PER_SDK).saturating_add(1),
            "wasm contract",
        )?;
        match outcome.result {
            Ok(bytes) => Ok(bytes),
            Err(Trap::OutOfGas) => Err(entry_point.failed().wrap("Out of gas").into()),
            Err(trap) => match trap.abort_text() {
                Some(text) => Err(Failure::Contract(entry_point, text)),
                None => Err(entry_point.enclave_error(&trap.to_string()).into()),
            },
        }
    }

    /// Writes what a successful call leaves before its messages are sent: the contract's record, the events.
    fn respond(
        &mut self,
        generation: Generation,
        contract: &Address,
        on_success: OnSuccess,
        response: &Response,
    ) -> Result<(), Stop> {
        let address = contract.to_string();
        // A v0.10 contract has no event but those that it makes itself.
        let told = generation == Generation::V1;
        match on_success {
            OnSuccess::Executed => {
                if told {
                    self.ctx
                        .emit(event("execute", &[("contract_address", &address)]));
                }
            }
            OnSuccess::Instantiated(pending) => {
                if told {
                    let code_id = pending.contract.code_id.to_string();
                    self.ctx.emit(event(
                        "instantiate",
                        &[("contract_address", &address), ("code_id", &code_id)],
                    ));
                }
                keeper::record(self.ctx, contract, *pending)?;
            }
            OnSuccess::Migrated(migration) => {
                let code_id = migration.code_id.to_string();
                self.ctx.emit(event(
                    "migrate",
                    &[("code_id", &code_id), ("contract_address", &address)],
                ));
                admin::record_migration(self.ctx, contract, *migration)?;
            }
            OnSuccess::Told => {}
            OnSuccess::Replied => self
                .ctx
                .emit(event("reply", &[("contract_address", &address)])),
            OnSuccess::Answered => return Err(broken("a query sent messages").into()),
        }
        let price = output::price(&response.attributes, &response.events);
        self.ctx.gas.consume(price, keeper::CONTRACT_OUTPUT)?;
        let (attributes, custom) = (response.attributes.clone(), response.events.clone());
        self.ctx
            .events
            .extend(output::events(self.key, contract, attributes, custom)?);
        Ok(())
    }
}

/// Decodes a response and holds it to the limits of messages and attributes. Behind it nothing knows the generation.
fn read_response(
    entry_point: EntryPoint,
    generation: Generation,
    contract: &Address,
    bytes: &[u8],
) -> Result<Response, Failure> {
    let read = match generation {
        Generation::V010 => response::v010::response(contract, bytes),
        Generation::V1 => response::response(bytes).map(|read| read.map(Ok)),
    };
    let response = match read {
        Some(Ok(response)) => response?,
        Some(Err(ContractError(text))) => return Err(Failure::Contract(entry_point, text)),
        None => {
            return Err(entry_point
                .enclave_error("failed to deserialize data")
                .into());
        }
    };
    let attributes = response
        .events
        .iter()
        .map(|e| e.attributes.len().saturating_add(1))
        .sum::<usize>();
    if response.messages.len() > MESSAGES_MAX {
        return Err(compute::LIMIT
            .wrap(format!("messages cannot be more than {MESSAGES_MAX}"))
            .into());
    }
    if response.attributes.len().saturating_add(attributes) > ATTRIBUTES_MAX {
        return Err(compute::LIMIT
            .wrap(format!("attributes cannot be more than {ATTRIBUTES_MAX}"))
            .into());
    }
    Ok(response)
}
