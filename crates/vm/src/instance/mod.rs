//! One call of a contract: arguments in, imports answered, queries handed to the caller, result out.
//!
//! The same for every engine: an [`crate::engine::Guest`] only runs code. Gas lives in the guest's global, so that the
//! guest's own charges and those made here take from one purse; everything is charged before it is done.
//!
//! Whatever a contract makes the engine do wrong, a panic included, ends the call with [`Trap::Engine`]; the guest and all
//! that the call touched in it are thrown away.

mod answer;
mod call;

use crate::engine::{Engine, Guest, Loaded};
use crate::entry::Entry;
use crate::error::{EngineError, HostFault, Trap, VmFault};
use crate::host::{Charged, Host, Range};
use crate::{guard, limits};
use call::{Call, Stopped};

/// Whether a call may change storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallMode {
    /// It may.
    Execute,
    /// It may not: writes trap.
    Query,
}

/// How a call ended. All of it is consensus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The bytes of the region that the entry point returned, or why it failed.
    pub result: Result<Vec<u8>, Trap>,
    /// Wasm gas left of the limit; 0 if it ran out.
    pub gas_left: u64,
    /// Pages of memory at the end, which is the most there were.
    pub peak_pages: u32,
}

/// A query that a contract makes: the bytes of its request and the gas that the answer may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryRequest {
    /// JSON as the contract wrote it, at most [`limits::QUERY_BYTES_MAX`].
    pub request: Vec<u8>,
    /// Wasm gas left of the call's limit.
    pub gas_left: u64,
}

/// Where a call has got to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It ended.
    Done(Outcome),
    /// It waits for [`Instance::resume`].
    Query(QueryRequest),
}

/// A fresh instance for one call. Dropping it ends the call at any time.
pub struct Instance {
    /// `None` once it has ended, or if the engine failed.
    call: Option<Box<Call>>,
    state: State,
    limit: i64,
}

/// What may happen next; anything else is a mistake of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Waiting,
    Ended,
}

impl Instance {
    /// An instance of `module`. If the engine cannot make one, [`Instance::start`] says so.
    ///
    /// # Errors
    /// [`VmFault::NoMemory`], [`VmFault::Tier`].
    pub fn new<E: Engine>(
        engine: &E,
        module: &Loaded<E::Module>,
        mode: CallMode,
    ) -> Result<Self, VmFault> {
        Self::of(|| engine.instantiate(&module.module), module, mode)
    }

    /// As [`Instance::new`], and takes no slot of the fast tier: results and gas are the same, it takes longer.
    ///
    /// # Errors
    /// As [`Instance::new`].
    pub fn interpreted<E: Engine>(
        engine: &E,
        module: &Loaded<E::Module>,
        mode: CallMode,
    ) -> Result<Self, VmFault> {
        Self::of(|| engine.interpret(&module.module), module, mode)
    }

    fn of<M>(
        make: impl FnOnce() -> Result<Box<dyn Guest>, EngineError>,
        module: &Loaded<M>,
        mode: CallMode,
    ) -> Result<Self, VmFault> {
        let guest = guard::caught(make).and_then(|guest| guest);
        let call = match guest {
            Ok(guest) => Some(Box::new(Call {
                guest,
                info: module.info.clone(),
                mode,
                bound: false,
                limit: 0,
            })),
            Err(EngineError::Broken(_)) => None,
            Err(EngineError::NoMemory) => return Err(VmFault::NoMemory),
            Err(EngineError::Tier(_)) => return Err(VmFault::Tier),
        };
        Ok(Self {
            call,
            state: State::New,
            limit: 0,
        })
    }

    /// What [`crate::Import::MessageBound`] answers; no unless it is said.
    pub fn set_bound(&mut self, bound: bool) {
        if let Some(call) = &mut self.call {
            call.bound = bound;
        }
    }

    /// Calls `entry` with the regions `args` (in the order of [`crate::ModuleInfo::export`]) and at most `gas` wasm gas,
    /// itself at most [`limits::CALL_GAS_MAX`].
    ///
    /// # Errors
    /// [`VmFault`] if the host fails, this machine's memory ends, or this instance was used before: no result may be
    /// published.
    pub fn start(
        &mut self,
        entry: Entry,
        args: &[&[u8]],
        gas: u64,
        host: &mut dyn Host,
    ) -> Result<Step, VmFault> {
        if self.state != State::New {
            return Err(VmFault::Misuse("an instance serves one call"));
        }
        let function = self.call.as_ref().and_then(|call| call.info.export(entry));
        if function.is_some_and(|f| f.args.len() != args.len()) {
            return Err(VmFault::Misuse(
                "an entry point was given the wrong number of arguments",
            ));
        }
        // Below 2^34, so it is an i64.
        let limit = i64::try_from(gas.min(limits::CALL_GAS_MAX)).unwrap_or(i64::MAX);
        self.limit = limit;
        self.step(host, |call, host| call.start(entry, args, limit, host))
    }

    /// Goes on after [`Step::Query`] with the answer's bytes; `gas_used` wasm gas were used to make it.
    ///
    /// # Errors
    /// [`VmFault`] as in [`Instance::start`], or if the call does not wait.
    pub fn resume(
        &mut self,
        answer: &[u8],
        gas_used: u64,
        host: &mut dyn Host,
    ) -> Result<Step, VmFault> {
        if self.state != State::Waiting {
            return Err(VmFault::Misuse("only a call that waits can be resumed"));
        }
        self.step(host, |call, host| call.resume(answer, gas_used, host))
    }

    /// Runs the call under the guard until it ends or waits. It goes on only after a query: else its guest is dropped,
    /// under the guard as well.
    fn step(
        &mut self,
        host: &mut dyn Host,
        run: impl FnOnce(&mut Call, &mut dyn Host) -> Result<Step, Stopped>,
    ) -> Result<Step, VmFault> {
        self.state = State::Ended;
        let Some(mut call) = self.call.take() else {
            return Ok(self.broken());
        };
        let ended = guard::caught(|| {
            let ended = run(&mut call, &mut Outside(host));
            match ended {
                Err(Stopped::Trap(trap)) => Ok(call.done(Err(trap))),
                other => other,
            }
        });
        let step = match ended.unwrap_or_else(|fault| Err(fault.into())) {
            Ok(Step::Query(query)) => {
                self.state = State::Waiting;
                self.call = Some(call);
                return Ok(Step::Query(query));
            }
            Ok(done) => Ok(done),
            Err(Stopped::Trap(_) | Stopped::Engine(EngineError::Broken(_))) => Ok(self.broken()),
            Err(Stopped::Engine(EngineError::NoMemory)) => Err(VmFault::NoMemory),
            Err(Stopped::Engine(EngineError::Tier(_))) => Err(VmFault::Tier),
            Err(Stopped::Host(fault)) => Err(fault.into()),
        };
        discard(call);
        step
    }

    /// The end of a call that the engine failed. What the guest says of its gas and memory is not to be trusted: half of
    /// the limit counts as used, as in the reference network.
    fn broken(&self) -> Step {
        let limit = u64::try_from(self.limit).unwrap_or(0);
        Step::Done(Outcome {
            result: Err(Trap::Engine),
            gas_left: limit.div_euclid(2),
            peak_pages: 0,
        })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            discard(call);
        }
    }
}

/// Drops a call. A panic in it is the engine's as well, and changes nothing: the call is over.
fn discard(call: Box<Call>) {
    let _ = guard::caught(move || drop(call));
}

/// The caller's host, whose panics are not the engine's.
struct Outside<'h>(&'h mut dyn Host);

impl Host for Outside<'_> {
    fn read(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        guard::outside(|| self.0.read(key, gas_left))
    }

    fn write(&mut self, key: &[u8], value: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        guard::outside(|| self.0.write(key, value, gas_left))
    }

    fn remove(&mut self, key: &[u8], gas_left: u64) -> Result<Charged<()>, HostFault> {
        guard::outside(|| self.0.remove(key, gas_left))
    }

    fn scan(&mut self, range: Range, gas_left: u64) -> Result<Charged<u32>, HostFault> {
        guard::outside(|| self.0.scan(range, gas_left))
    }

    fn next_key(
        &mut self,
        iterator: u32,
        gas_left: u64,
    ) -> Result<Charged<Option<Vec<u8>>>, HostFault> {
        guard::outside(|| self.0.next_key(iterator, gas_left))
    }
}
