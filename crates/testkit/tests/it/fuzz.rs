//! Blocks of whatever anyone may send: a bounded number here, more with STRONGROOM_FUZZ_BLOCKS and `cargo xtask fuzz-blocks`.

use strongroom_chain::modules::compute::EngineKind;
use strongroom_testkit::fuzz;

#[test]
fn nothing_that_anyone_sends_faults_a_block_or_fails_another_or_goes_uncharged() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let blocks = number("STRONGROOM_FUZZ_BLOCKS").unwrap_or(10);
    let seed = number("STRONGROOM_FUZZ_SEED").unwrap_or(6);
    let figures = fuzz::run(seed, blocks);
    println!("{figures:?}");
    // It reaches every kind of end.
    assert!(figures.succeeded > 0 && figures.failed > 0 && figures.refused > 0);
    assert!(figures.kept_out > 0 && figures.simulated > 0);
    assert!(figures.amino > 0 && figures.eip191 > 0 && figures.multisig > 0);
}

#[test]
fn blocks_are_the_same_on_one_thread_and_on_several() {
    let figures = fuzz::on_threads(11, 24);
    println!("{figures:?}");
    assert!(figures.succeeded > 0 && figures.succeeded < figures.txs);
    assert!(figures.made > 0 && figures.partly.again > 0);
    for threads in fuzz::THREADS {
        let beside = figures.beside[&threads];
        assert!(
            beside.taken > 0 && beside.again > 0,
            "{threads}: {beside:?}"
        );
    }
}

#[test]
fn an_enclave_process_and_the_hosts_replay_come_to_the_same_twice() {
    let enclave = std::path::Path::new(env!("CARGO_BIN_EXE_fuzz-blocks"));
    let kind = EngineKind::Interpreter;
    let [first, second] = [0, 1].map(|_| fuzz::beside(7, 60, enclave, kind));
    assert_eq!(first, second);
    assert!(first.figures.succeeded > 0 && first.figures.failed > 0);
    assert_ne!(
        first.header_hash,
        fuzz::beside(8, 60, enclave, kind).header_hash
    );
}

#[cfg(feature = "winch")]
#[test]
fn an_enclave_that_compiles_contracts_and_a_host_that_interprets_them_agree_on_every_block() {
    let enclave = std::path::Path::new(env!("CARGO_BIN_EXE_fuzz-blocks"));
    let [compiled, by_use, interpreted] = [
        EngineKind::WinchAtOnce,
        EngineKind::Winch,
        EngineKind::Interpreter,
    ]
    .map(|kind| fuzz::beside(9, 200, enclave, kind));
    // The host's replay has interpreted each block beside it, and was the same.
    assert_eq!(compiled, interpreted);
    assert_eq!(by_use, interpreted);
}
