//! The random contracts of every test: few, of one seed.

use std::process::Command;

/// At most this many seconds, on any machine.
const OPTIONS: [&str; 7] = [
    "--modules",
    "3000",
    "--seed",
    "2",
    "--seconds",
    "45",
    "--differential",
];

#[test]
fn random_contracts_do_here_what_they_do_on_v8() {
    let runner = Command::new(env!("CARGO_BIN_EXE_strongroom-fuzz-modules"))
        .args(OPTIONS)
        .output()
        .expect("the runner starts");
    let told = String::from_utf8_lossy(&runner.stdout);
    print!("{told}");
    eprint!("{}", String::from_utf8_lossy(&runner.stderr));
    assert!(runner.status.success(), "what failed is told above");
    let compared = told
        .split("; ")
        .find_map(|part| part.strip_suffix(" compared"));
    let compared: u64 = compared.expect("a count").parse().expect("a number");
    assert!(compared > 0, "no module ran on both engines");
}
