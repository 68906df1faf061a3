//! What a panic does in the processes of a node: it stops them, loudly. Two exceptions stand behind the guard of [`strongroom_vm`]: a panic
//! in the contract engine and its parsers fails one contract's call (ADR 10), and one in work that changes nothing where it fails (a query, a
//! simulation, a transaction that runs beside others) fails that work alone.
//!
//! So profiles unwind, and a hook, called before anything unwinds, ends the process. Whoever catches panics elsewhere
//! (tasks of an executor, a thread that is joined) never gets to see one.

use std::io::Write as _;
use std::panic::PanicHookInfo;

/// Text that is printed of a panic that stops the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// All of it: this process sees ciphertext only.
    Shown,
    /// The place only: what a panic says may hold plaintext.
    Hidden,
}

/// From now on a panic anywhere outside of that guard ends this process. To be called first in `main`.
pub fn stop_process(words: Words) {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if strongroom_vm::guard::inside() {
            // Its message may hold a contract's secrets, in either process.
            say("panicked, which fails only what asked for it", info);
            return;
        }
        match words {
            Words::Shown => default(info),
            Words::Hidden => say("panicked, which stops this process", info),
        }
        std::process::abort();
    }));
}

/// Prints where it was. Nobody may be listening, which is no reason to fail.
fn say(what: &str, info: &PanicHookInfo<'_>) {
    let (file, line) = info
        .location()
        .map_or(("?", 0), |at| (at.file(), at.line()));
    let _ = writeln!(std::io::stderr(), "strongroom: {what}: {file}:{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Output};
    use strongroom_types::sha256;
    use strongroom_vm::engine::{Engine, Guest, Loaded};
    use strongroom_vm::{EngineError, ModuleCache, PrepareError, Prepared};

    /// An engine that panics on everything.
    struct Panicking;

    impl Engine for Panicking {
        type Module = ();

        fn fingerprint(&self) -> &'static str {
            "panicking"
        }

        fn load(&self, _: &Prepared) -> Result<Loaded<()>, EngineError> {
            panic!("secret 42")
        }

        fn instantiate(&self, (): &()) -> Result<Box<dyn Guest>, EngineError> {
            panic!("secret 42")
        }
    }

    const CONTRACT: &str = r#"(module (memory 1)
        (func (export "interface_version_8"))
        (func (export "allocate") (param i32) (result i32) local.get 0)
        (func (export "deallocate") (param i32))
        (func (export "instantiate") (param i32 i32 i32) (result i32) local.get 0))"#;

    /// Runs one of the tests below, which end their process, in a process of its own.
    fn run(name: &str) -> Output {
        let this = std::env::current_exe().unwrap();
        let name = format!("panics::tests::{name}");
        let arguments = ["--ignored", "--exact", &name, "--nocapture"];
        Command::new(this).args(arguments).output().unwrap()
    }

    fn aborted(output: &Output) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        output.status.signal() == Some(6)
    }

    #[test]
    #[ignore = "a child of the tests below"]
    fn child_panics() {
        stop_process(Words::Hidden);
        let _ = std::thread::spawn(|| panic!("secret 42")).join();
    }

    #[test]
    #[ignore = "a child of the tests below"]
    fn child_panics_shown() {
        stop_process(Words::Shown);
        let _ = std::panic::catch_unwind(|| panic!("no secret"));
    }

    #[test]
    #[ignore = "a child of the tests below"]
    fn child_engine_panics() {
        stop_process(Words::Shown);
        let wasm = wat::parse_str(CONTRACT).unwrap();
        let validated = ModuleCache::new(Panicking, 0).validate_upload(&sha256(&wasm), &wasm);
        assert_eq!(validated.unwrap().map(|_| ()), Err(PrepareError::Engine));
    }

    #[test]
    fn a_panic_outside_the_engine_stops_the_process_and_hides_its_words() {
        let output = run("child_panics");
        assert!(aborted(&output), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("panics.rs:"), "{text}");
        assert!(!text.contains("42"), "{text}");
    }

    #[test]
    fn a_panic_that_somebody_catches_stops_the_host_process_too() {
        let output = run("child_panics_shown");
        assert!(aborted(&output), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no secret"));
    }

    #[test]
    fn a_panic_in_the_engine_stops_nothing_and_hides_its_words() {
        let output = run("child_engine_panics");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            text.contains("panicked, which fails only what asked for it"),
            "{text}"
        );
        assert!(!text.contains("42"), "{text}");
    }
}
