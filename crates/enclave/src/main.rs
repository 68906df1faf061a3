//! The thin enclave binary: what is measured on hardware. `strongroom enclave` runs the same function.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    strongroom_enclave::child_main(std::env::args_os().skip(1))
}

#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    eprintln!("strongroom enclave: this platform has no transport to a host yet");
    std::process::ExitCode::FAILURE
}
