//! The enclave as a process of its own: `strongroom enclave`, or the thin binary of this crate. It talks on standard input,
//! which must be one end of a socket pair, puts up the walls, and serves until the host is gone.

use crate::panics;
use crate::platform::{MACHINE_BYTES, Platform, Simulated};
use crate::service;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use strongroom_bridge::DoorError;
use strongroom_bridge::link::Link;

/// The host closed the door or died: the ordinary end of an enclave.
pub const EXIT_HOST_GONE: u8 = 10;
/// The host broke the format of the door.
pub const EXIT_DOOR: u8 = 11;
/// The process could not be set up; nothing was served.
pub const EXIT_SETUP: u8 = 12;

/// The whole life of the enclave process. To be called first in `main`, before any thread or host code runs. `machine` names the
/// machine that the simulated platform stands for, in hex; without it, it is the one without a name.
#[must_use]
pub fn child_main(machine: Option<&OsStr>) -> ExitCode {
    child_on(platform(machine))
}

/// As [`child_main`] on another platform, or not at all if there is none.
#[must_use]
pub fn child_on(platform: Result<impl Platform + 'static, String>) -> ExitCode {
    panics::stop_process(panics::Words::Hidden);
    let (link, platform) = match platform.and_then(|p| Ok((set_up()?, p))) {
        Ok(ready) => ready,
        Err(text) => {
            eprintln!("strongroom enclave: {text}");
            return ExitCode::from(EXIT_SETUP);
        }
    };
    let error = service::serve(link, platform);
    eprintln!("strongroom enclave: {error}");
    // Lanes still at work end with the process: what they compute has nowhere to go.
    ExitCode::from(match error {
        DoorError::Closed(_) => EXIT_HOST_GONE,
        DoorError::Threads(_) => EXIT_SETUP,
        _ => EXIT_DOOR,
    })
}

fn platform(machine: Option<&OsStr>) -> Result<Simulated, String> {
    let Some(name) = machine else {
        return Ok(Simulated::default());
    };
    let mut bytes = [0; MACHINE_BYTES];
    let name = name.to_str().unwrap_or_default();
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
fn set_up() -> Result<Link, String> {
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
    enter_sandbox(&[reader.as_raw_fd(), writer.as_raw_fd()])?;
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
fn enter_sandbox(door: &[RawFd]) -> Result<(), String> {
    const STANDARD_ERROR: RawFd = 2;
    let warning = crate::sandbox::enter(door, &[STANDARD_ERROR]).map_err(|e| e.to_string())?;
    if let Some(warning) = warning {
        eprintln!("strongroom enclave: warning: {warning}");
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn enter_sandbox(_: &[RawFd]) -> Result<(), String> {
    eprintln!(
        "strongroom enclave: warning: no sandbox on this system; use it for development only"
    );
    Ok(())
}
