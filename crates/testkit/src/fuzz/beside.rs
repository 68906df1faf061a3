//! The same blocks beside an enclave in a process of its own: proposed, decided and saved as a node does it, executed by the enclave over
//! proven state, and replayed by the host.
//!
//! Promises to find, beside what a run alone does: a result or an app hash of the enclave that the replay has not; an enclave that ends, or
//! refuses a decided block; one that goes on elsewhere after it was started again.

use super::{Figures, Run, Where};
use crate::chain::Chain;
use crate::genesis::Options;
use std::path::Path;
use strongroom_chain::modules::compute::EngineKind;
use strongroom_types::{Hash, Timestamp};

/// Messages between two lines of progress.
const PROGRESS: u64 = 5_000;
/// Blocks after which the enclave is started again, and the loaded modules of the replay are forgotten.
const RESTART: u64 = 300;
const FORGET: u64 = 4;

/// Result of a run: equal for equal seeds and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// What came of the transactions.
    pub figures: Figures,
    /// The root of the state at the end.
    pub app_hash: Hash,
    /// The hash of the last header, which names every app hash and every result before it.
    pub header_hash: Hash,
}

/// Runs at least so many messages; `enclave` is an executable as [`crate::Door::spawn`] wants it, whose contracts run
/// on `contracts`; those of the replay are interpreted.
///
/// # Panics
/// At the first promise that does not hold; prints seed and block.
#[must_use]
pub fn beside(seed: u64, messages: u64, enclave: &Path, contracts: EngineKind) -> Beside {
    let mut at = Where { seed, block: 0 };
    let (mut run, mut chain) = Run::new(&Options {
        seed,
        enclave: Some(enclave.to_owned()),
        contracts,
        ..Options::default()
    });
    let mut told = 0;
    while run.figures.messages < messages {
        run.block_beside(&mut chain, at.block);
        at.block += 1;
        if at.block.is_multiple_of(RESTART) {
            chain.restart();
        }
        if run.figures.messages / PROGRESS > told {
            told = run.figures.messages / PROGRESS;
            println!("{:?}", run.figures);
        }
    }
    Beside {
        figures: run.figures,
        app_hash: run.replica.world().app_hash(),
        header_hash: run.head.header_hash,
    }
}

impl Run {
    fn block_beside(&mut self, chain: &mut Chain, number: u64) {
        let (txs, checked) = self.content();
        if self.rng.once_in(20) {
            // Nodes end when their time is over.
            let seconds = self.head.time.seconds + 2_000;
            chain.clock().set(Timestamp { seconds, nanos: 0 });
        }
        let block = chain.propose(txs);
        let before = self.standing();
        if number.is_multiple_of(FORGET) {
            self.replica.forget_modules();
        }
        let outcome = self.replica.execute(&block);
        let results = chain.decided(&block);
        assert!(
            results == outcome.tx_results,
            "the enclave has other results"
        );
        let head = self.replica.info(&block);
        self.after(head, &before, &outcome, checked);
        assert_eq!(
            chain.app_hash(),
            self.replica.world().app_hash(),
            "the enclave has another state"
        );
    }
}
