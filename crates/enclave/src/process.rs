//! The enclave as a process of its own: `strongroom enclave`, or the thin binary of this crate. It talks on standard input,
//! which must be one end of a socket pair, puts up the walls, and serves until the host is gone.

use crate::panics;
use crate::platform::{MACHINE_BYTES, Platform, Simulated};
use crate::service;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use strongroom_bridge::DoorError;
use strongroom_bridge::link::Link;
use strongroom_chain::modules::compute::{ContractEngine, EngineKind, EngineSettings};

#[cfg(target_os = "linux")]
use crate::sandbox::Code;

/// Without walls there is nothing to say to them.
#[cfg(not(target_os = "linux"))]
enum Code {
    Never,
    Sealed,
}

/// The host closed the door or died: the ordinary end of an enclave.
pub const EXIT_HOST_GONE: u8 = 10;
/// The host broke the format of the door.
pub const EXIT_DOOR: u8 = 11;
/// The process could not be set up; nothing was served.
pub const EXIT_SETUP: u8 = 12;

/// What comes before the name of an [`EngineKind`] among the arguments.
pub const CONTRACT_ENGINE: &str = "--contract-engine";

/// What comes before the number of threads for transactions that run beside each other.
pub const EXECUTION_THREADS: &str = "--execution-threads";

/// The whole life of the enclave process. To be called first in `main`, before any thread or host code runs. The arguments: a name in hex of
/// the machine that the simulated platform stands for, else it is the one without a name; [`CONTRACT_ENGINE`] with a name, else
/// contracts are interpreted; and [`EXECUTION_THREADS`] with a number, else transactions run on one.
#[must_use]
pub fn child_main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    child_on(parse(arguments))
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<(Simulated, EngineSettings), String> {
    let (mut machine, mut settings) = (None, EngineSettings::default());
    let mut arguments = arguments.map(|a| a.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        if argument == CONTRACT_ENGINE {
            let name = arguments.next().unwrap_or_default();
            settings.kind = EngineKind::by_name(&name).ok_or("there is no such engine")?;
        } else if argument == EXECUTION_THREADS {
            let threads = arguments.next().and_then(|number| number.parse().ok());
            settings.threads = Some(threads.ok_or("threads have a number")?);
        } else if machine.replace(argument).is_some() {
            return Err(String::from("a machine has one name"));
        }
    }
    Ok((platform(machine.as_deref())?, settings))
}

/// As [`child_main`] on another platform and engine, or not at all if there is none.
#[must_use]
pub fn child_on(parts: Result<(impl Platform + 'static, EngineSettings), String>) -> ExitCode {
    panics::stop_process(panics::Words::Hidden);
    let ready = parts.and_then(|(platform, EngineSettings { kind, threads })| {
        let link = set_up(kind)?;
        let engine =
            ContractEngine::new(kind).map_err(|e| format!("start.contract_engine: {e}"))?;
        let engine = engine.with_threads(threads.unwrap_or(1));
        Ok((link, platform, engine))
    });
    let (link, platform, engine) = match ready {
        Ok(ready) => ready,
        Err(text) => {
            eprintln!("strongroom enclave: {text}");
            return ExitCode::from(EXIT_SETUP);
        }
    };
    let error = service::serve(link, platform, engine);
    eprintln!("strongroom enclave: {error}");
    // Lanes still at work end with the process: what they compute has nowhere to go.
    ExitCode::from(match error {
        DoorError::Closed(_) => EXIT_HOST_GONE,
        DoorError::Threads(_) => EXIT_SETUP,
        _ => EXIT_DOOR,
    })
}

fn platform(machine: Option<&str>) -> Result<Simulated, String> {
    let Some(name) = machine else {
        return Ok(Simulated::default());
    };
    let mut bytes = [0; MACHINE_BYTES];
    hex::decode_to_slice(name, &mut bytes)
        .map_err(|_| format!("a machine's name has {MACHINE_BYTES} bytes in hex"))?;
    Ok(Simulated::machine(bytes))
}

/// Takes the socket from standard input and puts the walls up.
#[cfg_attr(
    not(test),
    expect(
        clippy::disallowed_methods,
        reason = "checks that the environment was cleared"
    )
)]
fn set_up(contracts: EngineKind) -> Result<Link, String> {
    if std::env::vars_os().next().is_some() && cfg!(target_os = "linux") {
        return Err(String::from(
            "the environment must be empty; the node starts this process, nobody else",
        ));
    }
    let input = std::io::stdin();
    let duplicate = || {
        input
            .as_fd()
            .try_clone_to_owned()
            .map(UnixStream::from)
            .map_err(|e| e.to_string())
    };
    let (reader, writer) = (duplicate()?, duplicate()?);
    if reader.peer_addr().is_err() {
        return Err(String::from(
            "standard input is not a socket; the node starts this process, nobody else",
        ));
    }
    name_the_transaction_of_a_panic();
    let code = match contracts.compiles() {
        true => Code::Sealed,
        false => Code::Never,
    };
    enter_sandbox(&[reader.as_raw_fd(), writer.as_raw_fd()], code)?;
    Ok(Link::over_halves(reader, writer))
}

/// A panic outside of the engine ends this process. Its last words say which transaction was executed.
fn name_the_transaction_of_a_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(tx) = crate::exceptions::running() {
            eprintln!("strongroom enclave: executing {tx}");
        }
        before(panic);
    }));
}

#[cfg(target_os = "linux")]
fn enter_sandbox(door: &[RawFd], code: Code) -> Result<(), String> {
    const STANDARD_ERROR: RawFd = 2;
    let warning =
        crate::sandbox::enter(door, &[STANDARD_ERROR], code).map_err(|e| e.to_string())?;
    if let Some(warning) = warning {
        eprintln!("strongroom enclave: warning: {warning}");
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn enter_sandbox(_: &[RawFd], _: Code) -> Result<(), String> {
    eprintln!(
        "strongroom enclave: warning: no sandbox on this system; use it for development only"
    );
    Ok(())
}
