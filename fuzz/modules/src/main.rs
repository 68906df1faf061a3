//! Random contracts, whole ways: wasm-smith makes a module of our dialect → prepare → load → instantiate → calls, bounded
//! by gas. With `--differential` the *prepared* module also runs on V8 (the Node.js of the client tests), and results,
//! memory, gas, depth and traps have to be the same. With `--winch` (and the feature of that name) it also runs on the fast tier.
//!
//! Everything follows from the seed: module n of a seed is the same on every machine.
//!
//! ```sh
//! cargo xtask fuzz --modules 100000 --seed 7
//! ```

mod fast;
mod generate;
mod ours;
mod report;
mod selects;
mod theirs;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use generate::Nans;
use report::Report;

/// Modules that go through the pipe to the second engine at once.
const BATCH: u64 = 64;

struct Options {
    modules: u64,
    seed: u64,
    first: u64,
    seconds: u64,
    workers: u64,
    differential: bool,
    winch: bool,
    write: Option<std::path::PathBuf>,
}

impl Options {
    /// The fast tier makes NaNs canonical as the interpreter does.
    fn nans(&self) -> Nans {
        match self.winch && !self.differential {
            true => Nans::OfTheEngine,
            false => Nans::OfTheModule,
        }
    }
}

fn main() -> Result<()> {
    let options = options()?;
    if options.winch && cfg!(not(feature = "winch")) {
        bail!("--winch needs the feature winch");
    }
    if let Some(path) = &options.write {
        std::fs::write(
            path,
            generate::module(options.seed, options.first, options.nans()),
        )?;
        return Ok(());
    }
    println!(
        "seed {} modules {}..{} differential {} winch {}",
        options.seed,
        options.first,
        options.first + options.modules,
        options.differential,
        options.winch
    );
    // The guard of the engine catches its panics; what they print would only be noise here.
    std::panic::set_hook(Box::new(|info| {
        if !strongroom_vm::guard::inside() {
            eprintln!("{info}");
        }
    }));
    let started = Instant::now();
    let next = AtomicU64::new(options.first);
    let total = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..options.workers {
            scope.spawn(|| work(&options, &next, &total, started));
        }
    });
    let report = total.into_inner().unwrap_or_else(|e| e.into_inner());
    report.print(options.seed, started.elapsed());
    if report.failed() {
        bail!("a module behaved as none may: seed {}", options.seed);
    }
    Ok(())
}

fn work(options: &Options, next: &AtomicU64, total: &Mutex<Report>, started: Instant) {
    let mut report = Report::default();
    let mut theirs = None;
    let fast = fast::engine(options.winch);
    let end = options.first + options.modules;
    let time = Duration::from_secs(options.seconds);
    loop {
        let from = next.fetch_add(BATCH, Ordering::Relaxed);
        if from >= end || (options.seconds > 0 && started.elapsed() > time) {
            break;
        }
        let mut batch = Vec::new();
        for number in from..end.min(from + BATCH) {
            let wasm = generate::module(options.seed, number, options.nans());
            if let Some(ran) = ours::run(&wasm, number, &mut report) {
                if options.winch {
                    fast::compare(&fast, &ran, &mut report);
                }
                batch.push(ran);
            }
        }
        if options.differential {
            theirs::compare(&mut theirs, &batch, &mut report);
        }
        if (from - options.first) / BATCH % 64 == 63 {
            let mut total = total.lock().unwrap_or_else(|e| e.into_inner());
            total.add(std::mem::take(&mut report));
            total.progress(started.elapsed());
        }
    }
    let mut total = total.lock().unwrap_or_else(|e| e.into_inner());
    total.add(report);
}

fn options() -> Result<Options> {
    let mut options = Options {
        modules: 10_000,
        seed: 1,
        first: 0,
        seconds: 0,
        workers: 2,
        differential: false,
        winch: false,
        write: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| anyhow::anyhow!("{name} wants a value"))
        };
        match name.as_str() {
            "--modules" => options.modules = value()?.parse()?,
            "--seed" => options.seed = value()?.parse()?,
            "--first" => options.first = value()?.parse()?,
            "--seconds" => options.seconds = value()?.parse()?,
            "--workers" => options.workers = value()?.parse()?,
            "--differential" => options.differential = true,
            "--winch" => options.winch = true,
            "--write" => options.write = Some(value()?.into()),
            other => bail!(
                "unknown option {other}; there are --modules N, --seed N, --first N, --seconds N, --workers N, \
                 --differential (with V8), --winch (with the fast tier), --write FILE (module --first, as wasm)"
            ),
        }
    }
    Ok(options)
}
