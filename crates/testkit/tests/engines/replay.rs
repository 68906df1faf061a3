//! Solo, told what to put into which block, and when.

use crate::compare::AtHeight;
use crate::node::Node;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strongroom_consensus::solo::EngineConfig;
use strongroom_consensus::{
    AppError, Application, BlockTiming, ChainState, FinalizeBlock, GenesisFile, Info, InitChain,
    Signer, Solo, TestClock,
};
use strongroom_node::app::App;
use strongroom_proof::comet::Header;
use strongroom_testkit::{Chain, VALIDATOR_SEED};
use strongroom_types::{DecidedBlock, Height, RawTx, Timestamp};

const WAITS: Duration = Duration::from_secs(120);

/// What Solo is to propose at a height.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) time: Timestamp,
    pub(crate) txs: Vec<RawTx>,
}

/// The content of recorded blocks.
pub(crate) fn contents(heights: &[AtHeight]) -> Vec<Content> {
    let content = |at: &AtHeight| Content {
        time: Header::decode(&at.header).unwrap().time,
        txs: at.txs.clone(),
    };
    heights.iter().map(content).collect()
}

/// Runs Solo on the genesis, seed and key of `chain`, with these blocks from height 1 on.
pub(crate) fn on_solo(chain: &Chain, contents: Vec<Content>) -> Vec<AtHeight> {
    let first = contents.first().expect("a first block");
    assert!(
        first.txs.is_empty(),
        "Solo makes the first block before it asks for transactions"
    );
    let home = tempfile::tempdir().unwrap();
    let node = Node::new(chain, home.path());
    let clock = Arc::new(TestClock::new(first.time, Duration::ZERO));
    let last = contents.len() as Height;
    let (done, ended) = channel();
    let script = Script {
        app: Arc::clone(&node.app),
        clock: Arc::clone(&clock),
        contents,
        next: Mutex::new(1),
        done: done.clone(),
    };
    let config = EngineConfig {
        genesis: Arc::new(chain.genesis().clone()),
        app: Arc::new(script),
        blocks: Arc::clone(&node.stores.blocks) as Arc<_>,
        signer: Signer::in_memory(&VALIDATOR_SEED),
        clock,
        timing: BlockTiming::Every(Duration::ZERO),
        replay_waits: WAITS,
    };
    let solo = Solo::start(config, move |end| {
        let _ = done.send(end.map_err(ToString::to_string));
    });
    let solo = solo.unwrap();
    ended.recv_timeout(WAITS).expect("the last height").unwrap();
    // It may have made empty blocks after the last one meanwhile.
    solo.stop().unwrap();
    (1..=last)
        .map(|height| AtHeight::of(&node.stores, height))
        .collect()
}

/// The application, with a script where the transactions wait that others sent.
struct Script {
    app: Arc<App>,
    clock: Arc<TestClock>,
    contents: Vec<Content>,
    /// The content that comes next: the block before it may not be committed yet.
    next: Mutex<usize>,
    done: Sender<Result<(), String>>,
}

impl Application for Script {
    fn info(&self) -> Result<Info, AppError> {
        self.app.info()
    }

    fn init_chain(&self, genesis: &GenesisFile) -> Result<InitChain, AppError> {
        self.app.init_chain(genesis)
    }

    fn reap(&self, _: Height, _: usize, _: u64, _: i64) -> Vec<RawTx> {
        let mut at = self.next.lock().expect("nobody panicked");
        let next = self.contents.get(*at);
        next.map_or_else(Vec::new, |next| {
            *at += 1;
            self.clock.set(next.time);
            next.txs.clone()
        })
    }

    fn finalize_block(
        &self,
        header: &Header,
        block: &DecidedBlock,
    ) -> Result<FinalizeBlock, AppError> {
        self.app.finalize_block(header, block)
    }

    fn commit(&self, height: Height, after: &ChainState) -> Result<(), AppError> {
        self.app.commit(height, after)?;
        if height == self.contents.len() as Height {
            let _ = self.done.send(Ok(()));
        }
        Ok(())
    }
}
