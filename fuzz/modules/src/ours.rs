//! The way that a contract goes here, at the seam of the engine: prepared, loaded, instantiated, called.

use std::panic::{AssertUnwindSafe, catch_unwind};

use strongroom_types::sha256;
use strongroom_vm::engine::{Guest, GuestExit};
use strongroom_vm::{
    Engine, EngineError, Import, ModuleCache, Prepared, Trap, WasmiEngine, prepare,
};

use crate::report::Report;

/// Wasm gas of a call; enough for some ten thousand instructions.
pub(crate) const GAS: i64 = 1_000_000;
/// What the stub of an import charges.
pub(crate) const IMPORT_GAS: i64 = 500;
/// The calls made on one instance, as long as none traps.
pub(crate) const CALLS: [(&str, &[u32]); 4] = [
    ("allocate", &[77]),
    ("instantiate", &[1, 65_536, 4_000_000_000]),
    ("execute", &[12, 7, 0]),
    ("query", &[65_535, 4]),
];

/// A module that ran, with what is to be the same on any engine: one line.
pub(crate) struct Ran {
    pub(crate) number: u64,
    pub(crate) prepared: Prepared,
    pub(crate) line: String,
}

/// Runs a module; `None` if it is refused, or did what none may (which is reported).
pub(crate) fn run(wasm: &[u8], number: u64, report: &mut Report) -> Option<Ran> {
    report.modules += 1;
    let prepared = match prepare(wasm) {
        Ok(prepared) => prepared,
        Err(refused) => {
            report.refused(number, &refused);
            return None;
        }
    };
    report.prepared += 1;
    // As an upload loads it: the engine's panics are caught there.
    let cache = ModuleCache::new(WasmiEngine, 0);
    let loaded = match cache.get_or_load(prepared.code_hash(), || Ok(prepared.clone())) {
        Ok(loaded) => loaded,
        Err(EngineError::Broken(text)) => {
            report.engine_refused(number, &text);
            return None;
        }
        Err(fault) => {
            report.fault(number, &fault.to_string());
            return None;
        }
    };
    report.admitted += 1;
    let ended = catch_unwind(AssertUnwindSafe(|| calls(&WasmiEngine, &loaded.module)));
    match ended {
        Ok(Ok((line, calls))) => {
            report.count(&calls);
            Some(Ran {
                number,
                prepared,
                line,
            })
        }
        Ok(Err(fault)) => {
            report.fault(number, &fault.to_string());
            None
        }
        Err(_) => {
            report.fault(number, "a panic while it ran");
            None
        }
    }
}

/// How a call ended: its class, for comparison and for the count.
fn class(trap: &Trap) -> &'static str {
    match trap {
        Trap::Unreachable => "unreachable",
        Trap::MemoryOutOfBounds => "memory",
        Trap::TableOutOfBounds | Trap::BadSignature => "indirect call",
        Trap::DivisionByZero => "division by zero",
        Trap::InvalidConversion => "conversion",
        _ => "another trap",
    }
}

/// What is to be the same on any engine, and how each call ended.
pub(crate) fn calls<E: Engine>(
    engine: &E,
    module: &E::Module,
) -> Result<(String, Vec<&'static str>), EngineError> {
    let mut guest = engine.instantiate(module)?;
    let mut line = String::new();
    let mut ends = Vec::new();
    for (export, args) in CALLS {
        guest.set_gas(GAS);
        let mut stop = guest.call(export, args)?;
        let end = loop {
            match stop {
                GuestExit::Import(import, args) => {
                    let value = answer(&mut *guest, import, args)?;
                    stop = guest.resume(value)?;
                }
                GuestExit::Returned(value) => break Ok(value.unwrap_or(0)),
                GuestExit::Trapped(trap) => break Err(class(&trap)),
            }
        };
        let shown = end.map_or_else(str::to_owned, |value| value.to_string());
        line.push_str(&format!("{shown},{},{};", guest.gas(), guest.depth()));
        let ran_out = guest.gas() < 0;
        ends.push(match end {
            _ if ran_out => "out of gas",
            Ok(_) => "returned",
            Err("unreachable") if guest.depth() > strongroom_vm::limits::STACK_SLOTS_MAX => {
                "out of stack"
            }
            Err(class) => class,
        });
        if end.is_err() {
            break;
        }
    }
    // Once: hashing takes longer than most calls.
    line.push_str(&hex(&sha256(&guest.memory()?)[..8]));
    Ok((line, ends))
}

/// What an import answers, here and in `theirs.js`: a number made of its arguments, a byte in memory, some gas.
fn answer(guest: &mut dyn Guest, import: Import, args: [u32; 4]) -> Result<u64, EngineError> {
    let place = Import::ALL.iter().position(|i| *i == import).unwrap_or(0);
    let [a, b, c, d] = args.map(u64::from);
    let value = (31 * a + 17 * b + 7 * c + 3 * d + u64::try_from(place).unwrap_or(0)) & 0xffff_ffff;
    let length = u64::from(guest.pages()) * 65_536;
    if length > 0 {
        guest.touch(usize::try_from(value % length).unwrap_or(0))?;
    }
    guest.set_gas(guest.gas() - IMPORT_GAS);
    Ok(value)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
