//! Contract calls, nested on an explicit stack: the machine's own stack does not grow with the depth of calls.
//!
//! Two kinds of frames. A *running* frame holds an instance; under it, at most, running queries that wait for an
//! answer. When a call's instance has ended, its messages go out one after the other, each to its end before the next
//! (depth first), from a *dispatching* frame, which holds no instance ([`send`]). Without replies, an error ends all
//! frames.

mod send;

use super::env::{self, QUERY_RANDOM};
use super::gas;
use super::keeper::{self, PendingContract};
use super::limits::{
    ATTRIBUTES_MAX, CALL_DEPTH_MAX, MESSAGES_MAX, QUERY_DEPTH_MAX, QUERY_RESULT_BYTES_MAX,
    WAITING_BYTES_MAX,
};
use super::output::{self, EntryPoint, dispatched, of_sub_message};
use super::querier::{self, QueryOutcome, SmartQuery};
use super::response::{self, ContractError, Response, SubMsg};
use super::state::Code;
use super::storage::Storage;
use crate::crypto::io::TxKey;
use crate::ctx::{Ctx, event};
use crate::error::{Fault, Stop, broken};
use crate::gas::{GasMeter, WASM_CALL_MAX, WASM_PER_SDK};
use crate::modules::compute::error as compute;
use crate::types::error::sdk;
use crate::types::{Address, Coins, Hash};
use strongroom_vm::{CallMode, Entry, Instance, Outcome, Step, Trap, VmFault};

/// A call to make.
pub struct Call {
    /// Entry point.
    pub entry_point: EntryPoint,
    /// Caller; not shown to queries.
    pub sender: Address,
    /// The contract.
    pub contract: Address,
    /// Its code.
    pub code: Code,
    /// The code hash that the caller bound the message to; `None` if it wrote none that can be read.
    pub code_hash: Option<Hash>,
    /// Coins that came along, moved already.
    pub funds: Coins,
    /// The plain message.
    pub msg: Vec<u8>,
    /// What to do when it succeeds, before its messages go out.
    pub on_success: OnSuccess,
}

/// What to do when a call succeeds, before its messages go out.
pub enum OnSuccess {
    /// The event `execute`.
    Executed,
    /// The contract comes into being; the event `instantiate`.
    Instantiated(Box<PendingContract>),
    /// Nothing: a query.
    Answered,
}

/// A call whose instance is alive.
struct Running {
    entry_point: EntryPoint,
    contract: Address,
    on_success: OnSuccess,
    instance: Instance,
    /// Wasm gas that the instance was given.
    gas_limit: u64,
    /// Whether the meter held more than one call may use.
    capped: bool,
    outer: Option<GasMeter>,
    events_from: usize,
}

/// A call that ended well and whose messages go out.
struct Dispatching {
    contract: Address,
    messages: std::vec::IntoIter<SubMsg>,
    data: Option<Vec<u8>>,
    outer: Option<GasMeter>,
    events_from: usize,
    /// Length of its response: what it holds while it waits, more or less.
    bytes: usize,
}

enum Frame {
    Running(Box<Running>),
    Dispatching(Box<Dispatching>),
}

/// Why a call did not end well, before it is known who is told.
enum Failure {
    /// The contract's own error: the sender's secret.
    Contract(String),
    /// Anything else.
    Stop(Stop),
}

impl<T: Into<Stop>> From<T> for Failure {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}

/// The next step.
enum Next {
    /// The instance on top made a step.
    Step(Step),
    /// The frame on top dispatches its next message, or is done.
    Dispatch,
    /// The outermost call is done, with its data or its answer.
    Finished(Option<Vec<u8>>),
}

/// Runs a call and all that it sends, to the end. Gives the contract's data (or a query's answer), plain.
///
/// # Errors
/// The transaction's error, sealed to `key` where it is the contract's own, with one `dispatch: submessages: ` per level
/// of nesting; out of gas; or a fault. The caller reverts the state.
pub fn run(ctx: &mut Ctx<'_, '_>, key: &TxKey, call: Call) -> Result<Option<Vec<u8>>, Stop> {
    let mut calls = Calls {
        ctx,
        key,
        frames: Vec::new(),
        waiting: 0,
    };
    let entry_point = call.entry_point;
    let mut next = calls
        .enter(call, None)
        .map_err(|failure: Failure| calls_failure(key, entry_point, failure));
    loop {
        next = match next {
            Ok(Next::Finished(data)) => return Ok(data),
            Ok(Next::Step(step)) => calls.step(step),
            Ok(Next::Dispatch) => calls.dispatch(),
            Err(stop) => return Err(calls.unwind(stop)),
        };
    }
}

fn calls_failure(key: &TxKey, entry_point: EntryPoint, failure: Failure) -> Stop {
    match failure {
        Failure::Contract(text) => entry_point.contract_error(key, &text),
        Failure::Stop(stop) => stop,
    }
}

struct Calls<'c, 'a, 's> {
    ctx: &'c mut Ctx<'a, 's>,
    key: &'c TxKey,
    frames: Vec<Frame>,
    /// Bytes of the responses of all dispatching frames.
    waiting: usize,
}

impl Calls<'_, '_, '_> {
    /// Starts a call on a meter of its own if `outer` is set, and puts its frame on top.
    fn enter(&mut self, call: Call, outer: Option<GasMeter>) -> Result<Next, Failure> {
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

    /// Every call of a block that asks for it sees another random, unknown before the block was decided.
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

    /// The instance on top asked something, or ended.
    fn step(&mut self, step: Step) -> Result<Next, Stop> {
        match step {
            Step::Query(query) => self.ask(&query.request, query.gas_left),
            Step::Done(outcome) => self.ended(outcome),
        }
    }

    /// A query of the instance on top: answered at once, or run as a frame. It runs on a meter of its own, filled with
    /// what the instance has left, and its gas is charged to the instance.
    fn ask(&mut self, request: &[u8], gas_left: u64) -> Result<Next, Stop> {
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

    /// Starts a smart query, or answers at once why it cannot run.
    fn enter_query(
        &mut self,
        smart: SmartQuery,
        outer: &GasMeter,
    ) -> Result<Result<Next, Vec<u8>>, Stop> {
        // The outermost call counts, whether it is a query or not.
        let depth = self
            .frames
            .iter()
            .filter(|f| matches!(f, Frame::Running(_)))
            .count();
        if depth >= QUERY_DEPTH_MAX {
            // The published v1 library knows no system error for it: as text, every caller can read it (ADR 2).
            let text = format!(
                "exceeded_recursion_limit: calls nest {QUERY_DEPTH_MAX} deep at most in queries"
            );
            return querier::answer_error(&text).map(Err);
        }
        let code = match keeper::loaded(self.ctx, &smart.contract, keeper::LOAD_QUERY) {
            Ok(code) => code,
            Err(Stop::Err(_)) => return querier::no_contract().map(Err),
            Err(stop) => return Err(stop),
        };
        let call = Call {
            entry_point: EntryPoint::Query,
            sender: smart.contract.clone(),
            contract: smart.contract,
            code,
            code_hash: send::hash(&smart.code_hash),
            funds: Coins::default(),
            msg: smart.msg,
            on_success: OnSuccess::Answered,
        };
        match self.enter(call, Some(outer.clone())) {
            Ok(next) => Ok(Ok(next)),
            Err(Failure::Contract(text)) => querier::answer_error(&text).map(Err),
            Err(Failure::Stop(Stop::Err(e))) => querier::answer_error(&e.text).map(Err),
            Err(Failure::Stop(stop)) => Err(stop),
        }
    }

    /// Gives an answer to the instance on top and charges it for what the answer cost.
    fn answer(&mut self, answer: Result<Vec<u8>, Stop>, outer: GasMeter) -> Result<Next, Stop> {
        let spent = core::mem::replace(&mut self.ctx.gas, outer);
        let (answer, gas) = match answer {
            Ok(answer) => {
                let used = spent.used().saturating_add(gas::json(answer.len()));
                (answer, used.saturating_mul(WASM_PER_SDK))
            }
            // More than the instance has: it runs out of gas when it goes on.
            Err(Stop::OutOfGas(_)) => (Vec::new(), u64::MAX),
            Err(stop) => return Err(stop),
        };
        let Some(Frame::Running(running)) = self.frames.last_mut() else {
            return Err(broken("an answer without a call that asked").into());
        };
        let mut storage = Storage::new(self.ctx.state, &running.contract);
        let step = running
            .instance
            .resume(&answer, gas, &mut storage)
            .map_err(vm_fault)?;
        Ok(Next::Step(step))
    }

    /// The instance on top has ended.
    fn ended(&mut self, outcome: Outcome) -> Result<Next, Stop> {
        let Some(Frame::Running(running)) = self.frames.pop() else {
            return Err(broken("an outcome without a call").into());
        };
        let Running {
            entry_point,
            contract,
            on_success,
            instance,
            gas_limit,
            capped,
            outer,
            events_from,
        } = *running;
        // Its memory goes before anything else is started.
        drop(instance);
        let result = self.settle(entry_point, gas_limit, capped, outcome);
        if entry_point == EntryPoint::Query {
            return self.query_ended(result, outer);
        }
        let responded = match result.and_then(|bytes| self.read(entry_point, &bytes)) {
            Ok((response, bytes)) => self
                .respond(&contract, on_success, &response)
                .map(|()| (response, bytes)),
            Err(failure) => Err(self.failed(entry_point, failure)),
        };
        let (response, bytes) = match responded {
            Ok(responded) => responded,
            Err(stop) => {
                let stop = limited(stop, outer.is_some());
                self.put_back(outer);
                return Err(stop);
            }
        };
        self.waiting = self.waiting.saturating_add(bytes);
        self.frames.push(Frame::Dispatching(Box::new(Dispatching {
            contract,
            messages: response.messages.into_iter(),
            data: response.data.map(|d| d.0),
            outer,
            events_from,
            bytes,
        })));
        Ok(Next::Dispatch)
    }

    /// Reads the result of instantiate or execute, which then waits while its messages go out. Gives its length, too.
    fn read(
        &mut self,
        entry_point: EntryPoint,
        bytes: &[u8],
    ) -> Result<(Response, usize), Failure> {
        self.ctx
            .gas
            .consume(gas::json(bytes.len()), keeper::CONTRACT_OUTPUT)?;
        let response = read_response(entry_point, bytes)?;
        if self.waiting.saturating_add(bytes.len()) > WAITING_BYTES_MAX {
            let text =
                format!("responses that wait cannot be longer than {WAITING_BYTES_MAX} bytes");
            return Err(compute::LIMIT.wrap(text).into());
        }
        Ok((response, bytes.len()))
    }

    /// The error of a call that changes state: the contract's own text leaves sealed, so its bytes cost.
    fn failed(&mut self, entry_point: EntryPoint, failure: Failure) -> Stop {
        if let Failure::Contract(text) = &failure {
            let price = gas::output_bytes(output::class(text.len()), true);
            if let Err(stop) = self.ctx.gas.consume(price, keeper::CONTRACT_OUTPUT) {
                return stop;
            }
        }
        calls_failure(self.key, entry_point, failure)
    }

    /// Charges what the instance used and reads how it ended.
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
                Some(text) => Err(Failure::Contract(text)),
                None => Err(entry_point.enclave_error(&trap.to_string()).into()),
            },
        }
    }

    /// A query ended: its answer goes to the instance below, or to the one who asked from outside.
    fn query_ended(
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
            Some(Err(ContractError(text))) => Err(Failure::Contract(text)),
            _ => Err(EntryPoint::Query
                .enclave_error("failed to deserialize data")
                .into()),
        });
        let Some(outer) = outer else {
            return match answer {
                Ok(answer) => Ok(Next::Finished(Some(answer))),
                Err(failure) => Err(calls_failure(self.key, EntryPoint::Query, failure)),
            };
        };
        let envelope = match answer {
            Ok(bytes) => querier::answer_ok(&bytes),
            Err(Failure::Contract(text)) => querier::answer_error(&text),
            Err(Failure::Stop(Stop::Err(e))) => querier::answer_error(&e.text),
            Err(Failure::Stop(stop)) => Err(stop),
        };
        self.answer(envelope, outer)
    }

    /// What a successful call leaves before its messages go out: its record, its events.
    fn respond(
        &mut self,
        contract: &Address,
        on_success: OnSuccess,
        response: &Response,
    ) -> Result<(), Stop> {
        let address = contract.to_string();
        match on_success {
            OnSuccess::Executed => self
                .ctx
                .emit(event("execute", &[("contract_address", &address)])),
            OnSuccess::Instantiated(pending) => {
                let code_id = pending.contract.code_id.to_string();
                self.ctx.emit(event(
                    "instantiate",
                    &[("contract_address", &address), ("code_id", &code_id)],
                ));
                keeper::record(self.ctx, contract, *pending)?;
            }
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

    /// The dispatching frame on top sends its next message, or is done.
    fn dispatch(&mut self) -> Result<Next, Stop> {
        let depth = self.frames.len();
        let Some(Frame::Dispatching(top)) = self.frames.last_mut() else {
            return Err(broken("no call to dispatch messages of").into());
        };
        if let Some(message) = top.messages.next() {
            let contract = top.contract.clone();
            if depth > CALL_DEPTH_MAX {
                return Err(compute::MAX_CALL_DEPTH.bare().into());
            }
            return self.send(&contract, message);
        }
        let Some(Frame::Dispatching(done)) = self.frames.pop() else {
            return Err(broken("the frame on top changed").into());
        };
        self.waiting = self.waiting.saturating_sub(done.bytes);
        self.put_back(done.outer);
        if self.frames.is_empty() {
            return Ok(Next::Finished(done.data));
        }
        // A called contract's events: the transaction shows them sorted and without those of type `message`.
        let tail = self
            .ctx
            .events
            .split_off(done.events_from.min(self.ctx.events.len()));
        self.ctx.events.extend(of_sub_message(tail));
        Ok(Next::Dispatch)
    }

    /// Puts the caller's meter back and charges it what the call used, at most its limit.
    fn put_back(&mut self, outer: Option<GasMeter>) {
        if let Some(outer) = outer {
            let inner = core::mem::replace(&mut self.ctx.gas, outer);
            // The limit was less than what was left, so this cannot run out.
            let _ = self
                .ctx
                .gas
                .consume(inner.used().min(inner.limit()), "From limited Sub-Message");
        }
    }

    /// Ends all frames for an error: every level that dispatched adds its prefix, every meter goes back.
    fn unwind(&mut self, mut stop: Stop) -> Stop {
        while let Some(frame) = self.frames.pop() {
            match frame {
                Frame::Running(running) => match running.entry_point {
                    // A query's meter is the caller's; what it used goes with the caller's own end.
                    EntryPoint::Query => {
                        if let Some(outer) = running.outer {
                            self.ctx.gas = outer;
                        }
                    }
                    EntryPoint::Instantiate | EntryPoint::Execute => self.put_back(running.outer),
                },
                Frame::Dispatching(frame) => {
                    if let Stop::Err(e) = stop {
                        stop = dispatched(e).into();
                    }
                    stop = limited(stop, frame.outer.is_some());
                    self.put_back(frame.outer);
                }
            }
        }
        stop
    }
}

/// Out of gas under a limit of its own is an error of the sub-message, not of the transaction's meter.
fn limited(stop: Stop, has_limit: bool) -> Stop {
    match stop {
        Stop::OutOfGas(_) if has_limit => sdk::OUT_OF_GAS.wrap("SubMsg hit gas limit").into(),
        other => other,
    }
}

const fn mode(entry_point: EntryPoint) -> CallMode {
    match entry_point {
        EntryPoint::Query => CallMode::Query,
        EntryPoint::Instantiate | EntryPoint::Execute => CallMode::Execute,
    }
}

fn vm_fault(fault: VmFault) -> Stop {
    match fault {
        VmFault::Host(host) => match host.0.downcast::<Fault>() {
            Ok(fault) => Stop::Fault(*fault),
            Err(other) => broken(other).into(),
        },
        other => broken(other).into(),
    }
}

fn read_response(entry_point: EntryPoint, bytes: &[u8]) -> Result<Response, Failure> {
    let response = match response::response(bytes) {
        Some(Ok(response)) => response,
        Some(Err(ContractError(text))) => return Err(Failure::Contract(text)),
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
