//! One instance, its task, and the desk between the two sides.
//!
//! The instance belongs to a task, a future that is polled by hand: it takes an order, carries it out, and reports. A contract's call of an
//! import is part of that future; it reports which import it is and then takes orders as well, until one resumes it. So a wait needs neither
//! a thread nor anything from an executor, and the borrow of the store never leaves the task.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use wasmtime::{
    AsContext as _, AsContextMut as _, Caller, Global, Instance, InstancePre, Memory,
    ResourceLimiter, Store, StoreContextMut, Val,
};

use super::tier;
use crate::engine::{Guest, GuestExit, RegionBytes};
use crate::error::{EngineError, Trap};
use crate::imports::{Import, PARAMS_MAX};
use crate::prepare::export;
use crate::{guard, region};

/// Arguments of an export, at most.
const ARGS_MAX: usize = 4;

/// What the task is to do.
enum Order {
    /// Call an export, with so much gas.
    Call(&'static str, [u32; ARGS_MAX], usize, i64),
    /// End the import that waits with this result, with so much gas.
    Resume(u64, i64),
    Read {
        ptr: u32,
        max: usize,
        budget: usize,
    },
    Write(u32, Vec<u8>),
    Memory,
    Touch(usize),
}

/// What it answers.
enum Report {
    /// It is instantiated.
    Ready(Counters),
    Stopped(GuestExit, Counters),
    Region(Option<RegionBytes>),
    Written(bool),
    Memory(Vec<u8>),
    Touched,
    Failed(EngineError),
}

/// What is read whenever the contract stops.
#[derive(Clone, Copy, Default)]
struct Counters {
    gas: i64,
    depth: u32,
    pages: u32,
}

/// One order and one report, never both.
#[derive(Default)]
struct Desk {
    order: Option<Order>,
    report: Option<Report>,
}

type SharedDesk = Arc<Mutex<Desk>>;

fn with<T>(desk: &SharedDesk, work: impl FnOnce(&mut Desk) -> T) -> T {
    // Taking and putting leave nothing half done.
    work(&mut desk.lock().unwrap_or_else(PoisonError::into_inner))
}

fn report(desk: &SharedDesk, report: Report) {
    with(desk, |desk| desk.report = Some(report));
}

/// The next order; until there is one, whoever polls the task gets it back.
async fn next(desk: &SharedDesk) -> Order {
    poll_fn(|_| with(desk, |desk| desk.order.take()).map_or(Poll::Pending, Poll::Ready)).await
}

/// What belongs to a store.
pub(super) struct State {
    desk: SharedDesk,
    parts: Option<Parts>,
    limits: Limits,
}

/// What is looked at from outside.
#[derive(Clone, Copy)]
struct Parts {
    instance: Instance,
    memory: Memory,
    gas: Global,
    depth: Global,
}

/// The machine has no memory for what the contract may have.
#[derive(Debug)]
struct NoMemory;

impl core::fmt::Display for NoMemory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no memory")
    }
}

impl core::error::Error for NoMemory {}

/// Memory grows up to the module's own maximum, which the module looks at itself; so what fails here fails for want of memory, and the
/// contract must not see it.
struct Limits;

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        _: usize,
        _: usize,
        _: Option<usize>,
    ) -> Result<bool, wasmtime::Error> {
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<(), wasmtime::Error> {
        Err(NoMemory.into())
    }

    fn table_growing(
        &mut self,
        _: usize,
        _: usize,
        _: Option<usize>,
    ) -> Result<bool, wasmtime::Error> {
        Ok(true)
    }
}

/// The life of an instance.
async fn task(pre: InstancePre<State>, desk: SharedDesk) {
    let state = State {
        desk: Arc::clone(&desk),
        parts: None,
        limits: Limits,
    };
    let mut store = Store::new(pre.module().engine(), state);
    store.limiter(|state| &mut state.limits);
    let parts = match begin(&mut store, &pre).await {
        Ok(parts) => parts,
        Err(error) => return report(&desk, Report::Failed(error)),
    };
    store.data_mut().parts = Some(parts);
    let counters = counters(store.as_context_mut(), parts);
    report(&desk, Report::Ready(counters));
    serve(store.as_context_mut(), parts, &desk).await;
    // Only an import can be resumed.
    report(&desk, Report::Failed(tier("nothing waits")));
}

async fn begin(store: &mut Store<State>, pre: &InstancePre<State>) -> Result<Parts, EngineError> {
    let instance = pre
        .instantiate_async(&mut *store)
        .await
        .map_err(|e| failure(&e))?;
    let missing = || tier("a prepared module lacks our exports");
    Ok(Parts {
        instance,
        memory: instance
            .get_memory(&mut *store, export::MEMORY)
            .ok_or_else(missing)?,
        gas: instance
            .get_global(&mut *store, export::GAS)
            .ok_or_else(missing)?,
        depth: instance
            .get_global(&mut *store, export::DEPTH)
            .ok_or_else(missing)?,
    })
}

fn counters(mut store: StoreContextMut<'_, State>, parts: Parts) -> Counters {
    let depth = parts.depth.get(&mut store).i32().unwrap_or(i32::MAX);
    Counters {
        // Our own globals: their types are known.
        gas: parts.gas.get(&mut store).i64().unwrap_or(-1),
        depth: depth.cast_unsigned(),
        pages: u32::try_from(parts.memory.size(&store)).unwrap_or(u32::MAX),
    }
}

fn set_gas(store: StoreContextMut<'_, State>, parts: Parts, gas: i64) -> Result<(), EngineError> {
    parts.gas.set(store, Val::I64(gas)).map_err(|e| failure(&e))
}

/// Carries out orders until one resumes: its number.
async fn serve(mut store: StoreContextMut<'_, State>, parts: Parts, desk: &SharedDesk) -> u64 {
    loop {
        let done = match next(desk).await {
            Order::Call(name, args, count, gas) => {
                let args = args.get(..count).unwrap_or_default();
                call(store.as_context_mut(), parts, name, args, gas)
                    .await
                    .unwrap_or_else(Report::Failed)
            }
            Order::Resume(value, gas) => match set_gas(store.as_context_mut(), parts, gas) {
                Ok(()) => return value,
                Err(error) => Report::Failed(error),
            },
            Order::Read { ptr, max, budget } => {
                let memory = parts.memory.data(store.as_context());
                Report::Region(region::copy(memory, ptr, max, budget))
            }
            Order::Write(ptr, bytes) => {
                let memory = parts.memory.data_mut(&mut store);
                Report::Written(region::write(memory, ptr, &bytes).is_some())
            }
            Order::Memory => Report::Memory(parts.memory.data(store.as_context()).to_vec()),
            Order::Touch(at) => {
                if let Some(byte) = parts.memory.data_mut(&mut store).get_mut(at) {
                    *byte = byte.wrapping_add(1);
                }
                Report::Touched
            }
        };
        report(desk, done);
    }
}

async fn call(
    mut store: StoreContextMut<'_, State>,
    parts: Parts,
    name: &str,
    args: &[u32],
    gas: i64,
) -> Result<Report, EngineError> {
    set_gas(store.as_context_mut(), parts, gas)?;
    let function = parts
        .instance
        .get_func(&mut store, name)
        .ok_or_else(|| tier("no such export"))?;
    let mut inputs = [Val::I32(0); ARGS_MAX];
    for (input, arg) in inputs.iter_mut().zip(args) {
        *input = Val::I32(arg.cast_signed());
    }
    let inputs = inputs.get(..args.len()).unwrap_or_default();
    // `prepare` has seen that each export that is called has one result, an `i32`.
    let mut outputs = [Val::I32(0)];
    let ended = function.call_async(&mut store, inputs, &mut outputs).await;
    let exit = match ended {
        Ok(()) => GuestExit::Returned(outputs.first().and_then(Val::i32).map(i32::cast_unsigned)),
        Err(error) => GuestExit::Trapped(trap(&error)?),
    };
    Ok(Report::Stopped(exit, counters(store, parts)))
}

/// A contract's call of an import: waits for the result.
pub(super) async fn import(
    mut caller: Caller<'_, State>,
    import: Import,
    params: &[Val],
    results: &mut [Val],
) -> Result<(), wasmtime::Error> {
    let mut args = [0; PARAMS_MAX];
    for (arg, param) in args.iter_mut().zip(params) {
        *arg = param.i32().unwrap_or(0).cast_unsigned();
    }
    let desk = Arc::clone(&caller.data().desk);
    let parts = caller
        .data()
        .parts
        .ok_or_else(|| wasmtime::Error::msg("an import before the instance"))?;
    let counters = counters(caller.as_context_mut(), parts);
    report(
        &desk,
        Report::Stopped(GuestExit::Import(import, args), counters),
    );
    let value = serve(caller.as_context_mut(), parts, &desk).await;
    if let Some(result) = results.first_mut() {
        *result = if import.result() == Some(wasmparser::ValType::I64) {
            Val::I64(value.cast_signed())
        } else {
            let low = u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0);
            Val::I32(low.cast_signed())
        };
    }
    Ok(())
}

/// What a contract can do wrong; everything else is ours.
fn trap(error: &wasmtime::Error) -> Result<Trap, EngineError> {
    use wasmtime::Trap as T;
    match error.downcast_ref::<T>() {
        Some(T::UnreachableCodeReached) => Ok(Trap::Unreachable),
        Some(T::MemoryOutOfBounds) => Ok(Trap::MemoryOutOfBounds),
        Some(T::TableOutOfBounds | T::IndirectCallToNull) => Ok(Trap::TableOutOfBounds),
        Some(T::IntegerDivisionByZero) => Ok(Trap::DivisionByZero),
        Some(T::IntegerOverflow | T::BadConversionToInteger) => Ok(Trap::InvalidConversion),
        Some(T::BadSignature) => Ok(Trap::BadSignature),
        // The stack among them: our count of it ends first.
        _ => Err(failure(error)),
    }
}

fn failure(error: &wasmtime::Error) -> EngineError {
    if error.downcast_ref::<NoMemory>().is_some() {
        EngineError::NoMemory
    } else {
        tier(error)
    }
}

/// The outer side of an instance.
pub(super) struct WinchGuest {
    task: Pin<Box<dyn Future<Output = ()> + Send>>,
    desk: SharedDesk,
    counters: Counters,
    /// Imports that wait.
    waiting: usize,
    /// Whether it failed: then it is not asked again.
    failed: bool,
}

impl WinchGuest {
    pub(super) fn new(pre: InstancePre<State>) -> Result<Self, EngineError> {
        let desk = SharedDesk::default();
        let mut guest = Self {
            task: Box::pin(task(pre, Arc::clone(&desk))),
            desk,
            counters: Counters::default(),
            waiting: 0,
            failed: false,
        };
        match guest.poll()? {
            Report::Ready(counters) => guest.counters = counters,
            _ => return Err(tier("a report that does not fit")),
        }
        Ok(guest)
    }

    /// Lets the task go on until it has reported.
    fn poll(&mut self) -> Result<Report, EngineError> {
        if self.failed {
            return Err(tier("it has failed before"));
        }
        let mut context = Context::from_waker(Waker::noop());
        let polled = guard::caught(|| self.task.as_mut().poll(&mut context).is_ready());
        let report = with(&self.desk, |desk| desk.report.take());
        match (polled, report) {
            (Ok(_), Some(Report::Failed(error))) => {
                self.failed = true;
                Err(error)
            }
            (Ok(false), Some(report)) => Ok(report),
            _ => {
                self.failed = true;
                Err(tier("it panicked or ended"))
            }
        }
    }

    fn order(&mut self, order: Order) -> Result<Report, EngineError> {
        with(&self.desk, |desk| desk.order = Some(order));
        self.poll()
    }

    fn run(&mut self, order: Order) -> Result<GuestExit, EngineError> {
        match self.order(order)? {
            Report::Stopped(exit, counters) => {
                self.counters = counters;
                if matches!(exit, GuestExit::Import(..)) {
                    self.waiting = self.waiting.saturating_add(1);
                }
                Ok(exit)
            }
            _ => Err(tier("a report that does not fit")),
        }
    }
}

impl Guest for WinchGuest {
    fn call(&mut self, export: &'static str, args: &[u32]) -> Result<GuestExit, EngineError> {
        let mut all = [0; ARGS_MAX];
        if args.len() > all.len() {
            return Err(tier("too many arguments"));
        }
        for (to, arg) in all.iter_mut().zip(args) {
            *to = *arg;
        }
        self.run(Order::Call(export, all, args.len(), self.counters.gas))
    }

    fn resume(&mut self, result: u64) -> Result<GuestExit, EngineError> {
        self.waiting = self
            .waiting
            .checked_sub(1)
            .ok_or_else(|| tier("nothing waits"))?;
        self.run(Order::Resume(result, self.counters.gas))
    }

    fn read_region(
        &mut self,
        ptr: u32,
        max: usize,
        budget: usize,
    ) -> Result<Option<RegionBytes>, EngineError> {
        match self.order(Order::Read { ptr, max, budget })? {
            Report::Region(region) => Ok(region),
            _ => Err(tier("a report that does not fit")),
        }
    }

    fn write_region(&mut self, ptr: u32, bytes: &[u8]) -> Result<bool, EngineError> {
        match self.order(Order::Write(ptr, bytes.to_vec()))? {
            Report::Written(written) => Ok(written),
            _ => Err(tier("a report that does not fit")),
        }
    }

    fn pages(&self) -> u32 {
        self.counters.pages
    }

    fn memory(&mut self) -> Result<Vec<u8>, EngineError> {
        match self.order(Order::Memory)? {
            Report::Memory(memory) => Ok(memory),
            _ => Err(tier("a report that does not fit")),
        }
    }

    fn touch(&mut self, at: usize) -> Result<(), EngineError> {
        match self.order(Order::Touch(at))? {
            Report::Touched => Ok(()),
            _ => Err(tier("a report that does not fit")),
        }
    }

    fn gas(&self) -> i64 {
        self.counters.gas
    }

    fn set_gas(&mut self, gas: i64) {
        self.counters.gas = gas;
    }

    fn depth(&self) -> u32 {
        self.counters.depth
    }
}
