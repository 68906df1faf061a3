//! The inside of an instance: the guest, its purse and what it waits for. All of it runs under [`crate::guard`].

use super::{CallMode, Outcome, QueryRequest, Step};
use crate::engine::{Guest, GuestExit};
use crate::entry::Entry;
use crate::error::{EngineError, HostFault, Trap};
use crate::host::Host;
use crate::prepare::{ModuleInfo, export};
use crate::{gas, limits};

/// A call that has not ended.
pub(super) struct Call {
    pub(super) guest: Box<dyn Guest>,
    pub(super) info: ModuleInfo,
    pub(super) mode: CallMode,
    /// What `message_bound` answers.
    pub(super) bound: bool,
    /// Wasm gas that it was given; below 2^34.
    pub(super) limit: i64,
}

/// Why an import gives no result, or a call no end.
pub(super) enum Stopped {
    /// The contract failed.
    Trap(Trap),
    /// The engine failed.
    Engine(EngineError),
    /// The caller's host failed.
    Host(HostFault),
}

impl From<Trap> for Stopped {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl From<EngineError> for Stopped {
    fn from(fault: EngineError) -> Self {
        Self::Engine(fault)
    }
}

impl From<HostFault> for Stopped {
    fn from(fault: HostFault) -> Self {
        Self::Host(fault)
    }
}

/// What an import answers.
pub(super) enum Answer {
    /// A number.
    Value(u64),
    /// Bytes in a new region, whose address is the number.
    Region(Vec<u8>),
    /// The call waits for the answer to this request.
    Query(Vec<u8>),
}

impl Call {
    /// See [`super::Instance::start`].
    pub(super) fn start(
        &mut self,
        entry: Entry,
        args: &[&[u8]],
        limit: i64,
        host: &mut dyn Host,
    ) -> Result<Step, Stopped> {
        self.limit = limit;
        self.guest.set_gas(limit);
        let function = self
            .info
            .export(entry)
            .filter(|_| self.info.entries.contains(&entry))
            .ok_or(Trap::MissingFunction)?;
        let mut regions = Vec::with_capacity(args.len());
        for arg in args {
            regions.push(self.put(arg, limits::ARGUMENT_BYTES_MAX, host)?);
        }
        let stop = self.guest.call(function.name, &regions)?;
        self.run(stop, host)
    }

    /// See [`super::Instance::resume`].
    pub(super) fn resume(
        &mut self,
        answer: &[u8],
        gas_used: u64,
        host: &mut dyn Host,
    ) -> Result<Step, Stopped> {
        self.charge(gas_used)?;
        let ptr = self.put(answer, limits::ANSWER_BYTES_MAX, host)?;
        let stop = self.guest.resume(u64::from(ptr))?;
        self.run(stop, host)
    }

    /// Answers imports until the entry point ends or asks a query.
    fn run(&mut self, mut stop: GuestExit, host: &mut dyn Host) -> Result<Step, Stopped> {
        loop {
            let (import, args) = match stop {
                GuestExit::Returned(_) if self.guest.gas() < 0 => return Err(Trap::OutOfGas.into()),
                GuestExit::Returned(ptr) => {
                    let result = self.take(ptr.unwrap_or(0), limits::RESULT_BYTES_MAX)?;
                    return Ok(self.done(Ok(result)));
                }
                GuestExit::Trapped(trap) => return Err(self.marked(trap).into()),
                GuestExit::Import(import, args) => (import, args),
            };
            let value = match self.import(import, args, host)? {
                Answer::Value(value) => value,
                Answer::Query(request) => {
                    return Ok(Step::Query(QueryRequest {
                        request,
                        gas_left: self.gas_left(),
                    }));
                }
                Answer::Region(bytes) => {
                    u64::from(self.put(&bytes, limits::ANSWER_BYTES_MAX, host)?)
                }
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
                GuestExit::Returned(ptr) => break ptr.unwrap_or(0),
                GuestExit::Trapped(trap) => return Err(self.marked(trap).into()),
                GuestExit::Import(import, args) => match self.import(import, args, host)? {
                    Answer::Value(value) => stop = self.guest.resume(value)?,
                    Answer::Region(_) | Answer::Query(_) => return Err(Trap::MemoryAllocate.into()),
                },
            }
        };
        if !self.guest.write_region(ptr, bytes)? {
            return Err(Trap::MemoryAllocate.into());
        }
        Ok(ptr)
    }

    /// The bytes of the region at `ptr`, copied and paid for.
    pub(super) fn take(&mut self, ptr: u32, max: usize) -> Result<Vec<u8>, Stopped> {
        // What cannot be paid is not copied.
        let budget = self.gas_left().checked_div(gas::HOST_BYTE).unwrap_or(0);
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        let region = self
            .guest
            .read_region(ptr, max, budget)?
            .ok_or(Trap::MemoryRead)?;
        self.charge_bytes(region.length, gas::HOST_BYTE)?;
        Ok(region.bytes)
    }

    /// Fills an existing region.
    pub(super) fn fill(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Stopped> {
        self.charge_bytes(bytes.len(), gas::HOST_BYTE)?;
        if self.guest.write_region(ptr, bytes)? {
            Ok(())
        } else {
            Err(Trap::MemoryWrite.into())
        }
    }

    pub(super) fn charge_bytes(&mut self, bytes: usize, each: u64) -> Result<(), Trap> {
        self.charge(
            u64::try_from(bytes)
                .unwrap_or(u64::MAX)
                .saturating_mul(each),
        )
    }

    pub(super) fn charge(&mut self, cost: u64) -> Result<(), Trap> {
        let left = i64::try_from(cost)
            .ok()
            .and_then(|cost| self.guest.gas().checked_sub(cost))
            .filter(|left| *left >= 0);
        self.guest.set_gas(left.unwrap_or(-1));
        left.map(|_| ()).ok_or(Trap::OutOfGas)
    }

    /// Uses up the SDK gas that has begun. `check_gas` tells whole SDK gas only: with a fraction left over, two calls that evaporate to the
    /// same target would still differ by one.
    pub(super) fn charge_what_has_begun(&mut self) -> Result<(), Trap> {
        let fraction = self
            .gas_used()
            .checked_rem(gas::WASM_GAS_PER_SDK_GAS)
            .unwrap_or(0);
        if fraction == 0 {
            return Ok(());
        }
        self.charge(gas::WASM_GAS_PER_SDK_GAS.saturating_sub(fraction))
    }

    pub(super) fn gas_left(&self) -> u64 {
        u64::try_from(self.guest.gas()).unwrap_or(0)
    }

    pub(super) fn gas_used(&self) -> u64 {
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

    /// How it ended.
    pub(super) fn done(&self, result: Result<Vec<u8>, Trap>) -> Step {
        Step::Done(Outcome {
            result,
            gas_left: self.gas_left(),
            peak_pages: self.guest.pages(),
        })
    }
}
