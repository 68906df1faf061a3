//! The strongroom binary: localnet, enclave process, tools (client).
fn main() {}
