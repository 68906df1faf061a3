//! Two engines in step: whatever a test runs, it runs on the interpreter and on the fast tier, and at every stop both must say the same.

use std::sync::OnceLock;

use strongroom_vm::engine::wasmi::WasmiModule;
use strongroom_vm::engine::winch::WinchModule;
use strongroom_vm::engine::{Guest, GuestExit, RegionBytes};
use strongroom_vm::{Engine, EngineError, Import, Loaded, Prepared, WasmiEngine, WinchEngine};

/// Both.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Both;

pub(crate) fn winch() -> &'static WinchEngine {
    static ENGINE: OnceLock<WinchEngine> = OnceLock::new();
    // Room for all tests at one time: some hold a hundred instances.
    ENGINE.get_or_init(|| WinchEngine::with_room(300).expect("a processor that it knows"))
}

impl Engine for Both {
    /// What is too much to compile stays with the interpreter, as on a node.
    type Module = (WasmiModule, Option<WinchModule>);

    fn fingerprint(&self) -> &'static str {
        "both"
    }

    fn load(&self, prepared: &Prepared) -> Result<Loaded<Self::Module>, EngineError> {
        let slow = WasmiEngine.load(prepared)?;
        // On a stack of its own, as the compiler's thread has one: some tests have small stacks.
        let fast = std::thread::scope(|scope| {
            let compiler = std::thread::Builder::new().stack_size(2 << 20);
            let compiler = compiler.spawn_scoped(scope, || winch().load(prepared));
            compiler
                .expect("a thread")
                .join()
                .expect("it does not panic")
        });
        let fast = match fast {
            Ok(fast) => Some(fast.module),
            Err(EngineError::Tier(why)) if why.starts_with("too much to compile") => None,
            Err(error) => panic!("it is not compiled: {error}"),
        };
        Ok(Loaded {
            module: (slow.module, fast),
            info: slow.info,
            weight: slow.weight,
            bytes: slow.bytes,
        })
    }

    fn instantiate(&self, (slow, fast): &Self::Module) -> Result<Box<dyn Guest>, EngineError> {
        let slow = WasmiEngine.instantiate(slow)?;
        let Some(fast) = fast else { return Ok(slow) };
        let fast = winch().instantiate(fast).expect("it is instantiated");
        assert_eq!(slow.pages(), fast.pages());
        Ok(Box::new(BothGuest {
            slow,
            fast,
            waiting: 0,
        }))
    }
}

struct BothGuest {
    slow: Box<dyn Guest>,
    fast: Box<dyn Guest>,
    waiting: usize,
}

impl BothGuest {
    fn run(
        &mut self,
        run: impl Fn(&mut dyn Guest) -> Result<GuestExit, EngineError>,
    ) -> Result<GuestExit, EngineError> {
        let slow = run(&mut *self.slow).expect("the interpreter never fails");
        let fast = run(&mut *self.fast).expect("the fast tier never fails");
        assert_eq!(slow, fast);
        assert_eq!(self.slow.gas(), self.fast.gas(), "{slow:?}");
        assert_eq!(self.slow.depth(), self.fast.depth(), "{slow:?}");
        assert_eq!(self.slow.pages(), self.fast.pages(), "{slow:?}");
        match slow {
            GuestExit::Import(Import::CheckGas, _) => self.waiting += 1,
            GuestExit::Import(..) => {
                self.waiting += 1;
                // Not at every one of thousands.
                if self.waiting == 1 && self.slow.pages() < 8 {
                    self.compare();
                }
            }
            _ => self.compare(),
        }
        Ok(slow)
    }

    fn compare(&mut self) {
        assert!(
            self.slow.memory().unwrap() == self.fast.memory().unwrap(),
            "memories differ"
        );
    }
}

impl Guest for BothGuest {
    fn call(&mut self, export: &'static str, args: &[u32]) -> Result<GuestExit, EngineError> {
        self.run(|guest| guest.call(export, args))
    }

    fn resume(&mut self, result: u64) -> Result<GuestExit, EngineError> {
        self.waiting -= 1;
        self.run(|guest| guest.resume(result))
    }

    fn read_region(
        &mut self,
        ptr: u32,
        max: usize,
        budget: usize,
    ) -> Result<Option<RegionBytes>, EngineError> {
        let slow = self.slow.read_region(ptr, max, budget)?;
        assert_eq!(slow, self.fast.read_region(ptr, max, budget)?);
        Ok(slow)
    }

    fn write_region(&mut self, ptr: u32, bytes: &[u8]) -> Result<bool, EngineError> {
        let slow = self.slow.write_region(ptr, bytes)?;
        assert_eq!(slow, self.fast.write_region(ptr, bytes)?);
        Ok(slow)
    }

    fn pages(&self) -> u32 {
        self.slow.pages()
    }

    fn memory(&mut self) -> Result<Vec<u8>, EngineError> {
        self.compare();
        self.slow.memory()
    }

    fn touch(&mut self, at: usize) -> Result<(), EngineError> {
        self.fast.touch(at)?;
        self.slow.touch(at)
    }

    fn gas(&self) -> i64 {
        assert_eq!(self.slow.gas(), self.fast.gas());
        self.slow.gas()
    }

    fn set_gas(&mut self, gas: i64) {
        self.fast.set_gas(gas);
        self.slow.set_gas(gas);
    }

    fn depth(&self) -> u32 {
        self.slow.depth()
    }
}
