//! The thin enclave binary: what is measured on hardware. `strongroom enclave` runs the same function.

fn main() -> std::process::ExitCode {
    strongroom_enclave::process::child_main()
}
