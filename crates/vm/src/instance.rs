//! One call of a contract: arguments in, imports answered, queries handed to the caller, result out.
//!
//! The same for every engine: an [`crate::engine::Guest`] only runs code. Gas lives in the guest's global, so that the
//! guest's own charges and those made here take from one purse; everything is charged before it is done.

mod answer;

use crate::engine::{Engine, Guest, Loaded, Stop};
use crate::error::{EngineFault, Fault, Trap};
use crate::host::Host;
use crate::prepare::{Entry, ModuleInfo, export};
use crate::{gas, limits, region};

/// Whether a call may change storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
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
    guest: Box<dyn Guest>,
    info: ModuleInfo,
    mode: Mode,
    limit: i64,
    state: State,
}

/// What may happen next; anything else is a mistake of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Waiting,
    Ended,
}

/// Why an import gives no result.
enum Stopped {
    Trap(Trap),
    Fault(Fault),
}

impl From<Trap> for Stopped {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl<F: Into<Fault>> From<F> for Stopped {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

/// What an import answers.
enum Answer {
    /// A number.
    Value(u64),
    /// Bytes in a new region, whose address is the number.
    Region(Vec<u8>),
    /// The call waits for the answer to this request.
    Query(Vec<u8>),
}

impl Instance {
    /// An instance of `module`.
    ///
    /// # Errors
    /// [`EngineFault`]: a loaded module always instantiates.
    pub fn new<E: Engine>(
        engine: &E,
        module: &Loaded<E::Module>,
        mode: Mode,
    ) -> Result<Self, EngineFault> {
        let guest = engine.instantiate(&module.module)?;
        Ok(Self {
            guest,
            info: module.info.clone(),
            mode,
            limit: 0,
            state: State::New,
        })
    }

    /// Calls `entry` with the regions `args` (in the entry's order: `env[, info], msg`) and at most `gas` wasm gas,
    /// itself at most [`limits::CALL_GAS_MAX`].
    ///
    /// # Errors
    /// [`Fault`] if the engine or the host fails, or if this instance was used before: no result may be published.
    pub fn start(
        &mut self,
        entry: Entry,
        args: &[&[u8]],
        gas: u64,
        host: &mut dyn Host,
    ) -> Result<Step, Fault> {
        if self.state != State::New {
            return Err(misuse("an instance serves one call"));
        }
        // Below 2^34, so it is an i64.
        self.limit = i64::try_from(gas.min(limits::CALL_GAS_MAX)).unwrap_or(i64::MAX);
        self.guest.set_gas(self.limit);
        if args.len() != entry.params() {
            return Err(misuse(
                "an entry point was given the wrong number of arguments",
            ));
        }
        if !self.info.entries.contains(&entry) {
            return Ok(self.done(Err(Trap::MissingFunction)));
        }
        let mut regions = Vec::with_capacity(args.len());
        for arg in args {
            match self.put(arg, limits::ARGUMENT_BYTES_MAX, host) {
                Ok(ptr) => regions.push(ptr),
                Err(stopped) => return self.stopped(stopped),
            }
        }
        let stop = self.guest.call(entry.name(), &regions)?;
        self.run(stop, host)
    }

    /// Goes on after [`Step::Query`] with the answer's bytes; `gas_used` wasm gas were used to make it.
    ///
    /// # Errors
    /// [`Fault`] as in [`Instance::start`], or if the call does not wait.
    pub fn resume(
        &mut self,
        answer: &[u8],
        gas_used: u64,
        host: &mut dyn Host,
    ) -> Result<Step, Fault> {
        if self.state != State::Waiting {
            return Err(misuse("only a call that waits can be resumed"));
        }
        self.state = State::New;
        let put = match self.charge(gas_used) {
            Ok(()) => self.put(answer, limits::ANSWER_BYTES_MAX, host),
            Err(trap) => Err(trap.into()),
        };
        match put {
            Ok(ptr) => {
                let stop = self.guest.resume(u64::from(ptr))?;
                self.run(stop, host)
            }
            Err(stopped) => self.stopped(stopped),
        }
    }

    /// Answers imports until the entry point ends or asks a query.
    fn run(&mut self, mut stop: Stop, host: &mut dyn Host) -> Result<Step, Fault> {
        loop {
            let (import, args) = match stop {
                Stop::Returned(_) if self.guest.gas() < 0 => {
                    return Ok(self.done(Err(Trap::OutOfGas)));
                }
                Stop::Returned(ptr) => {
                    let result = self.take(ptr.unwrap_or(0), limits::RESULT_BYTES_MAX);
                    return Ok(self.done(result));
                }
                Stop::Trapped(trap) => {
                    let trap = self.marked(trap);
                    return Ok(self.done(Err(trap)));
                }
                Stop::Import(import, args) => (import, args),
            };
            let value = match self.import(import, args, host) {
                Ok(Answer::Value(value)) => value,
                Ok(Answer::Query(request)) => {
                    self.state = State::Waiting;
                    return Ok(Step::Query(QueryRequest {
                        request,
                        gas_left: self.gas_left(),
                    }));
                }
                Ok(Answer::Region(bytes)) => match self.put(&bytes, limits::ANSWER_BYTES_MAX, host)
                {
                    Ok(ptr) => u64::from(ptr),
                    Err(stopped) => return self.stopped(stopped),
                },
                Err(stopped) => return self.stopped(stopped),
            };
            stop = self.guest.resume(value)?;
        }
    }

    /// A new region that holds `bytes`, made by the guest's `allocate`. Imports that would need a region themselves
    /// trap meanwhile.
    fn put(&mut self, bytes: &[u8], max: usize, host: &mut dyn Host) -> Result<u32, Stopped> {
        let length = u32::try_from(bytes.len())
            .ok()
            .filter(|_| bytes.len() <= max)
            .ok_or(Trap::MemoryAllocate)?;
        self.charge_bytes(bytes.len(), gas::HOST_BYTE)?;
        let mut stop = self.guest.call(export::ALLOCATE, &[length])?;
        let ptr = loop {
            match stop {
                Stop::Returned(ptr) => break ptr.unwrap_or(0),
                Stop::Trapped(trap) => return Err(self.marked(trap).into()),
                Stop::Import(import, args) => match self.import(import, args, host)? {
                    Answer::Value(value) => stop = self.guest.resume(value)?,
                    Answer::Region(_) | Answer::Query(_) => return Err(Trap::MemoryAllocate.into()),
                },
            }
        };
        region::write(self.guest.memory_mut(), ptr, bytes).ok_or(Trap::MemoryAllocate)?;
        Ok(ptr)
    }

    /// The bytes of the region at `ptr`, copied and paid for.
    fn take(&mut self, ptr: u32, max: usize) -> Result<Vec<u8>, Trap> {
        let length = region::read(self.guest.memory(), ptr, max)
            .ok_or(Trap::MemoryRead)?
            .len();
        self.charge_bytes(length, gas::HOST_BYTE)?;
        region::read(self.guest.memory(), ptr, max)
            .map(<[u8]>::to_vec)
            .ok_or(Trap::MemoryRead)
    }

    /// Fills an existing region.
    fn fill(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Trap> {
        self.charge_bytes(bytes.len(), gas::HOST_BYTE)?;
        region::write(self.guest.memory_mut(), ptr, bytes).ok_or(Trap::MemoryWrite)
    }

    fn charge_bytes(&mut self, bytes: usize, each: u64) -> Result<(), Trap> {
        self.charge(
            u64::try_from(bytes)
                .unwrap_or(u64::MAX)
                .saturating_mul(each),
        )
    }

    fn charge(&mut self, cost: u64) -> Result<(), Trap> {
        let left = i64::try_from(cost)
            .ok()
            .and_then(|cost| self.guest.gas().checked_sub(cost))
            .filter(|left| *left >= 0);
        self.guest.set_gas(left.unwrap_or(-1));
        left.map(|_| ()).ok_or(Trap::OutOfGas)
    }

    fn gas_left(&self) -> u64 {
        u64::try_from(self.guest.gas()).unwrap_or(0)
    }

    fn gas_used(&self) -> u64 {
        u64::try_from(self.limit)
            .unwrap_or(0)
            .saturating_sub(self.gas_left())
    }

    /// What a trap of the engine means: out of gas wherever gas ran out before it, out of stack where an injected
    /// `unreachable` left its mark, else what it says.
    fn marked(&self, trap: Trap) -> Trap {
        if self.guest.gas() < 0 {
            Trap::OutOfGas
        } else if trap == Trap::Unreachable && self.guest.depth() > limits::STACK_SLOTS_MAX {
            Trap::StackExhausted
        } else {
            trap
        }
    }

    fn stopped(&mut self, stopped: Stopped) -> Result<Step, Fault> {
        match stopped {
            Stopped::Trap(trap) => Ok(self.done(Err(trap))),
            Stopped::Fault(fault) => Err(fault),
        }
    }

    fn done(&mut self, result: Result<Vec<u8>, Trap>) -> Step {
        self.state = State::Ended;
        let pages = self
            .guest
            .memory()
            .len()
            .checked_div(limits::PAGE_BYTES)
            .unwrap_or(0);
        Step::Done(Outcome {
            result,
            gas_left: self.gas_left(),
            // At most 192.
            peak_pages: u32::try_from(pages).unwrap_or(u32::MAX),
        })
    }
}

fn misuse(what: &str) -> Fault {
    EngineFault(format!("misuse: {what}")).into()
}
