//! Two engines as one: each module begins on the interpreter, and one that has used much gas there is compiled, on a thread of its own. A
//! call ends on the engine that it began on; what begins after the compiler has ended takes the compiled module. Results and gas are
//! the same with either, so which one ran can be seen in time only.
//!
//! What the compiler refuses, or panics on, stays with the interpreter, and so does an instance that it cannot make.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::wasmi::{WasmiEngine, WasmiModule};
use super::winch::{CODE_SLACK_BYTES, WinchEngine, WinchModule};
use super::{Engine, Guest, GuestExit, Loaded, RegionBytes};
use crate::error::EngineError;
use crate::guard;
use crate::prepare::Prepared;

/// Wasm gas that the interpreter has to use on a module, for each byte of its weight, before it is compiled: about what takes it as long as
/// the compiler (docs/adr/0021-a-fast-tier.md).
pub const GAS_PER_WEIGHT: u64 = 500;
/// Modules that wait for the compiler.
const QUEUE: usize = 16;

/// When a module is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    /// When it has used [`GAS_PER_WEIGHT`], behind the calls.
    ByUse,
    /// When it is loaded, before its first call: for comparisons.
    AtOnce,
}

/// Both engines.
#[derive(Debug)]
pub struct TieredEngine {
    interpreter: WasmiEngine,
    fast: Option<Fast>,
}

#[derive(Debug)]
struct Fast {
    engine: WinchEngine,
    promotion: Promotion,
    compiler: SyncSender<Weak<Tier>>,
    counts: Arc<Counts>,
}

/// What became of modules, for those who watch.
#[derive(Debug, Default)]
pub struct Counts {
    /// Modules that were compiled.
    pub compiled: AtomicU64,
    /// Modules that the compiler refused.
    pub refused: AtomicU64,
    /// Instances of compiled modules.
    pub instances: AtomicU64,
}

/// A module of both.
pub struct TieredModule {
    slow: WasmiModule,
    tier: Option<Arc<Tier>>,
}

/// What is known of a module's way to the compiler.
struct Tier {
    /// `None` in it: refused.
    fast: OnceLock<Option<WinchModule>>,
    /// What is compiled; taken when it is.
    prepared: Mutex<Option<Prepared>>,
    /// Wasm gas until it is compiled.
    until: AtomicU64,
}

impl Tier {
    fn new(prepared: &Prepared) -> Self {
        let weight = u64::try_from(prepared.weight()).unwrap_or(u64::MAX);
        Self {
            fast: OnceLock::new(),
            prepared: Mutex::new(Some(prepared.clone())),
            until: AtomicU64::new(weight.saturating_mul(GAS_PER_WEIGHT)),
        }
    }

    fn compile(&self, engine: &WinchEngine, counts: &Counts) {
        let mut slot = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(prepared) = slot.take() else {
            return;
        };
        drop(slot);
        let loaded = guard::caught(|| engine.load(&prepared)).and_then(|loaded| loaded);
        let fast = loaded.ok().map(|loaded| loaded.module);
        let count = if fast.is_some() {
            &counts.compiled
        } else {
            &counts.refused
        };
        count.fetch_add(1, Ordering::Relaxed);
        let _ = self.fast.set(fast);
    }

    /// Notes that the interpreter has used `gas` on it; tells whether it is time to compile it. More than once, if nobody does.
    fn burn(&self, gas: u64) -> bool {
        let before = self.until.load(Ordering::Relaxed);
        let after = before.saturating_sub(gas);
        // Two calls at once may count one of both: it is no bill.
        self.until.store(after, Ordering::Relaxed);
        after == 0
    }
}

impl TieredEngine {
    /// The interpreter alone.
    #[must_use]
    pub const fn interpreter() -> Self {
        Self {
            interpreter: WasmiEngine,
            fast: None,
        }
    }

    /// Both, and the thread of the compiler, which ends with this.
    ///
    /// # Errors
    /// [`EngineError::Tier`] if this machine cannot have it.
    pub fn with_winch(promotion: Promotion) -> Result<Self, EngineError> {
        let engine = WinchEngine::new()?;
        let counts = Arc::new(Counts::default());
        let (compiler, jobs) = sync_channel(QUEUE);
        let (for_thread, its_counts) = (engine.clone(), Arc::clone(&counts));
        std::thread::Builder::new()
            .name("compiler".to_owned())
            .spawn(move || compile_all(&for_thread, &jobs, &its_counts))
            .map_err(|e| EngineError::Tier(e.to_string()))?;
        Ok(Self {
            interpreter: WasmiEngine,
            fast: Some(Fast {
                engine,
                promotion,
                compiler,
                counts,
            }),
        })
    }

    /// What became of modules; `None` for the interpreter alone.
    #[must_use]
    pub fn counts(&self) -> Option<&Counts> {
        self.fast.as_ref().map(|fast| &*fast.counts)
    }
}

/// The thread of the compiler: one module at a time, so that its memory is that of one.
fn compile_all(engine: &WinchEngine, jobs: &Receiver<Weak<Tier>>, counts: &Counts) {
    while let Ok(job) = jobs.recv() {
        // A module that nobody has any more is not compiled.
        if let Some(tier) = job.upgrade() {
            tier.compile(engine, counts);
        }
    }
}

impl Engine for TieredEngine {
    type Module = TieredModule;

    fn fingerprint(&self) -> &'static str {
        "wasmi-2.0.0-and-winch-48.0.8"
    }

    fn load(&self, prepared: &Prepared) -> Result<Loaded<TieredModule>, EngineError> {
        // Whether a module is accepted is for the interpreter to say.
        let slow = self.interpreter.load(prepared)?;
        let tier = self.fast.as_ref().map(|fast| {
            let tier = Tier::new(prepared);
            if fast.promotion == Promotion::AtOnce {
                tier.compile(&fast.engine, &fast.counts);
            }
            Arc::new(tier)
        });
        Ok(Loaded {
            module: TieredModule {
                slow: slow.module,
                tier,
            },
            info: slow.info,
            weight: slow.weight,
            // As much code as the compiler may give; the prepared module, which stays until there is some, is less.
            bytes: match self.fast {
                Some(_) => slow
                    .bytes
                    .saturating_mul(2)
                    .saturating_add(CODE_SLACK_BYTES),
                None => slow.bytes,
            },
        })
    }

    fn instantiate(&self, module: &TieredModule) -> Result<Box<dyn Guest>, EngineError> {
        let (Some(fast), Some(tier)) = (&self.fast, &module.tier) else {
            return self.interpreter.instantiate(&module.slow);
        };
        match tier.fast.get() {
            Some(Some(compiled)) => {
                let made = guard::caught(|| fast.engine.instantiate(compiled));
                if let Ok(guest) = made.and_then(|guest| guest) {
                    fast.counts.instances.fetch_add(1, Ordering::Relaxed);
                    return Ok(guest);
                }
                // Nothing has run yet.
                self.interpreter.instantiate(&module.slow)
            }
            Some(None) => self.interpreter.instantiate(&module.slow),
            None => Ok(Box::new(Counted {
                guest: self.interpreter.instantiate(&module.slow)?,
                tier: Arc::clone(tier),
                compiler: fast.compiler.clone(),
                burnt: 0,
            })),
        }
    }

    /// What it burns does not count towards the compiler.
    fn interpret(&self, module: &TieredModule) -> Result<Box<dyn Guest>, EngineError> {
        self.interpreter.instantiate(&module.slow)
    }
}

/// A guest of the interpreter whose gas counts towards the compiler.
struct Counted {
    guest: Box<dyn Guest>,
    tier: Arc<Tier>,
    compiler: SyncSender<Weak<Tier>>,
    burnt: u64,
}

impl Counted {
    fn count(
        &mut self,
        run: impl FnOnce(&mut dyn Guest) -> Result<GuestExit, EngineError>,
    ) -> Result<GuestExit, EngineError> {
        let before = self.guest.gas();
        let exit = run(&mut *self.guest)?;
        let used = before.saturating_sub(self.guest.gas());
        self.burnt = self.burnt.saturating_add(u64::try_from(used).unwrap_or(0));
        Ok(exit)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.tier.burn(self.burnt) {
            // Where the queue is full, a later call asks again.
            let _ = self.compiler.try_send(Arc::downgrade(&self.tier));
        }
    }
}

impl Guest for Counted {
    fn call(&mut self, export: &'static str, args: &[u32]) -> Result<GuestExit, EngineError> {
        self.count(|guest| guest.call(export, args))
    }

    fn resume(&mut self, result: u64) -> Result<GuestExit, EngineError> {
        self.count(|guest| guest.resume(result))
    }

    fn read_region(
        &mut self,
        ptr: u32,
        max: usize,
        budget: usize,
    ) -> Result<Option<RegionBytes>, EngineError> {
        self.guest.read_region(ptr, max, budget)
    }

    fn write_region(&mut self, ptr: u32, bytes: &[u8]) -> Result<bool, EngineError> {
        self.guest.write_region(ptr, bytes)
    }

    fn pages(&self) -> u32 {
        self.guest.pages()
    }

    fn memory(&mut self) -> Result<Vec<u8>, EngineError> {
        self.guest.memory()
    }

    fn touch(&mut self, at: usize) -> Result<(), EngineError> {
        self.guest.touch(at)
    }

    fn gas(&self) -> i64 {
        self.guest.gas()
    }

    fn set_gas(&mut self, gas: i64) {
        self.guest.set_gas(gas);
    }

    fn depth(&self) -> u32 {
        self.guest.depth()
    }
}
