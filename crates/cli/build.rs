//! Warns where the allocator is compiled without its settings. They stand in `.cargo/config.toml` (ADR 26), which cargo finds from the directory that it is
//! called in, not from that of the package.

use std::env;

const SETTINGS: &str = "JEMALLOC_SYS_WITH_MALLOC_CONF";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={SETTINGS}");
    let is_used = env::var_os("CARGO_FEATURE_JEMALLOC").is_some()
        && env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if is_used && env::var_os(SETTINGS).is_none() {
        println!(
            "cargo::warning=jemalloc is built without {SETTINGS}, so the node takes more memory: build in the checkout, where .cargo/config.toml \
             sets it, or set it yourself"
        );
    }
}
