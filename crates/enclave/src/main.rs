//! The thin enclave binary: what is measured on hardware. `strongroom enclave` runs the same function.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    let machine = std::env::args_os().nth(1);
    strongroom_enclave::child_main(machine.as_deref())
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    eprintln!("strongroom enclave: this platform has no transport to a host yet");
    std::process::ExitCode::FAILURE
}
