//! A home for an engine: a small application that loses what is not durable, and a block store, which fail at a step of a test's choice.

use super::genesis;
use crate::solo::{BlockTiming, EngineConfig, EngineError, Solo};
use crate::{
    AppError, Application, Blocks, BlocksError, ChainState, FinalizeBlock, GenesisFile, Info,
    InitChain, MemoryBlocks, Signer, SystemClock,
};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use strongroom_proof::comet::Header;
use strongroom_types::{DecidedBlock, ExecTxResult, Height, RawTx, ValidatorUpdate, sha256};

/// What survives a crash of the application.
#[derive(Clone, Default)]
pub(crate) struct Durable {
    pub(crate) height: Height,
    pub(crate) app_hash: Vec<u8>,
    pub(crate) engine: Vec<u8>,
    pub(crate) txs: Vec<RawTx>,
}

/// What the application holds, and what a test tells it to do.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) durable: Durable,
    pub(crate) executed: BTreeMap<Height, (Vec<u8>, Vec<RawTx>)>,
    pub(crate) pool: VecDeque<RawTx>,
    /// Transactions of the pool that are in a block that is not committed.
    pub(crate) reaped: Vec<RawTx>,
    /// What it was told of the room of the next block.
    pub(crate) rooms: Vec<(usize, u64, i64)>,
    /// Commits that are let through; without, all are.
    pub(crate) commits: Option<u32>,
    /// Blocks that are let through to be executed; without, all are.
    pub(crate) executions: Option<u32>,
    /// Whether a block waits to be let through.
    pub(crate) waits: bool,
    /// Fails at this step, counted over all calls of that step.
    pub(crate) fail: Option<(Step, u32)>,
    /// Is short of room at this step as often as this.
    pub(crate) short: Option<(Step, u32)>,
    /// A block is executed only once the one before is durable, as that of the real store; until then the call may be made again.
    pub(crate) waits_for_commit: bool,
}

/// Where a crash, or want of room, can fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Load,
    Save,
    AfterSave,
    Finalize,
    AfterFinalize,
    Commit,
    AfterCommit,
}

/// App hash = SHA-256 chain over the transactions; `val N` sets the power of the validator, `evil` adds another one,
/// `panic` panics.
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Mutex<Memory>>, pub(crate) [u8; 32]);

impl App {
    pub(crate) fn new(pubkey: [u8; 32]) -> Self {
        Self(Arc::default(), pubkey)
    }

    pub(crate) fn put(&self, tx: &str) {
        self.0
            .lock()
            .unwrap()
            .pool
            .push_back(RawTx::from(tx.as_bytes()));
    }

    pub(crate) fn height(&self) -> Height {
        self.0.lock().unwrap().durable.height
    }

    pub(crate) fn fail(&self, step: Step) -> Result<(), AppError> {
        let mut memory = self.0.lock().unwrap();
        if let Some((at, left)) = &mut memory.short
            && *at == step
            && *left > 0
        {
            *left -= 1;
            return Err(AppError::new(std::io::Error::from(
                std::io::ErrorKind::StorageFull,
            )));
        }
        match &mut memory.fail {
            Some((at, 0)) if *at == step => Err(AppError::new("crash")),
            Some((at, left)) if *at == step => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn wait_for(&self, height: Height) {
        let start = Instant::now();
        while self.height() < height {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "no height {height}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Application for App {
    fn info(&self) -> Result<Info, AppError> {
        let mut memory = self.0.lock().unwrap();
        memory.executed.clear();
        memory.reaped.clear();
        let Durable {
            height,
            app_hash,
            engine,
            ..
        } = memory.durable.clone();
        Ok(Info {
            height,
            app_hash,
            app_version: 3,
            engine,
        })
    }

    fn init_chain(&self, _: &GenesisFile) -> Result<InitChain, AppError> {
        Ok(InitChain {
            app_hash: sha256(b"genesis").to_vec(),
            ..InitChain::default()
        })
    }

    fn room(&self, max_txs: usize, max_bytes: u64, max_gas: i64) {
        let mut memory = self.0.lock().unwrap();
        memory.rooms.push((max_txs, max_bytes, max_gas));
    }

    fn reap(&self, height: Height, max_txs: usize, max_bytes: u64, max_gas: i64) -> Vec<RawTx> {
        assert!(max_txs > 0 && max_bytes > 4_000_000 && max_gas == -1);
        let mut memory = self.0.lock().unwrap();
        let last = memory.executed.keys().last().copied();
        assert_eq!(height, last.unwrap_or(memory.durable.height) + 1);
        let mut txs: Vec<RawTx> = memory.pool.iter().cloned().collect();
        txs.retain(|tx| !memory.reaped.contains(tx));
        memory.reaped.extend(txs.clone());
        txs
    }

    fn finalize_block(
        &self,
        header: &Header,
        block: &DecidedBlock,
    ) -> Result<FinalizeBlock, AppError> {
        while self.0.lock().unwrap().executions == Some(0) {
            self.0.lock().unwrap().waits = true;
            std::thread::sleep(Duration::from_millis(1));
        }
        self.fail(Step::Finalize)?;
        let mut memory = self.0.lock().unwrap();
        memory.waits = false;
        memory.executions = memory.executions.map(|left| left - 1);
        let last = memory.executed.keys().last().copied();
        let next = last.unwrap_or(memory.durable.height) + 1;
        assert!(
            header.height == next || last == Some(header.height),
            "a height was skipped"
        );
        assert!(
            header.height <= memory.durable.height + 2,
            "a block ran ahead of two that are not durable"
        );
        let mut outcome = FinalizeBlock {
            app_hash: header.app_hash.clone(),
            ..FinalizeBlock::default()
        };
        for tx in &block.txs {
            assert_ne!(**tx, *b"panic", "the test wants it");
            outcome.app_hash = sha256(&[outcome.app_hash.as_slice(), tx].concat()).to_vec();
            outcome.tx_results.push(ExecTxResult {
                gas_used: 7,
                ..ExecTxResult::default()
            });
            let text = String::from_utf8_lossy(tx);
            if let Some(power) = text.strip_prefix("val ") {
                let power = power.parse().unwrap();
                outcome.validator_updates.push(ValidatorUpdate {
                    pubkey: self.1,
                    power,
                });
            }
            if text == "evil" {
                outcome.validator_updates.push(ValidatorUpdate {
                    pubkey: [5; 32],
                    power: 1,
                });
            }
        }
        let executed = (outcome.app_hash.clone(), block.txs.clone());
        memory.executed.insert(header.height, executed);
        if memory.waits_for_commit && memory.durable.height + 1 < header.height {
            return Err(AppError::new(std::io::Error::from(
                std::io::ErrorKind::StorageFull,
            )));
        }
        drop(memory);
        self.fail(Step::AfterFinalize)?;
        Ok(outcome)
    }

    fn commit(&self, height: Height, after: &ChainState) -> Result<(), AppError> {
        while self.0.lock().unwrap().commits == Some(0) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.fail(Step::Commit)?;
        {
            let mut memory = self.0.lock().unwrap();
            memory.commits = memory.commits.map(|left| left - 1);
            assert_eq!(height, memory.durable.height + 1, "commits in order");
            let (app_hash, txs) = memory.executed.remove(&height).unwrap();
            memory.pool.retain(|tx| !txs.contains(tx));
            memory.reaped.retain(|tx| !txs.contains(tx));
            memory.durable.height = height;
            memory.durable.app_hash = app_hash;
            memory.durable.engine = after.encode();
            memory.durable.txs.extend(txs);
        }
        self.fail(Step::AfterCommit)
    }
}

fn transient(error: AppError) -> BlocksError {
    match error.is_transient() {
        true => BlocksError::new(std::io::Error::from(std::io::ErrorKind::StorageFull)),
        false => BlocksError::new(error),
    }
}

/// A store that can fail before it reads, and before or after it saved.
pub(crate) struct FailingBlocks<B>(pub(crate) Arc<B>, pub(crate) App);

impl<B: Blocks> Blocks for FailingBlocks<B> {
    fn newest(&self) -> Result<Option<Height>, BlocksError> {
        self.0.newest()
    }
    fn load(&self, height: Height) -> Result<Option<DecidedBlock>, BlocksError> {
        self.1.fail(Step::Load).map_err(transient)?;
        self.0.load(height)
    }
    fn save_decided(&self, header: &Header, block: &DecidedBlock) -> Result<(), BlocksError> {
        self.1.fail(Step::Save).map_err(transient)?;
        self.0.save_decided(header, block)?;
        self.1.fail(Step::AfterSave).map_err(transient)
    }

    fn discard_from(&self, height: Height) -> Result<(), BlocksError> {
        self.0.discard_from(height)
    }
}

/// A home on disk: key, signer's state, blocks. The application lives in memory and loses what is not durable.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) app: App,
    pub(crate) blocks: Arc<MemoryBlocks>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (key, state) = (dir.path().join("key.json"), dir.path().join("state.json"));
        let signer = Signer::create(&key, &state).unwrap();
        Self {
            app: App::new(signer.pubkey()),
            dir,
            blocks: Arc::default(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn parts(&self, timing: BlockTiming) -> EngineConfig {
        let signer = Signer::open(&self.file("key.json"), &self.file("state.json")).unwrap();
        EngineConfig {
            genesis: Arc::new(genesis(signer.pubkey())),
            app: Arc::new(self.app.clone()),
            blocks: Arc::new(FailingBlocks(self.blocks.clone(), self.app.clone())),
            signer,
            clock: Arc::new(SystemClock),
            timing,
            // What cannot be replayed ends the start, also on a machine that does much else.
            replay_waits: Duration::from_secs(20),
        }
    }

    pub(crate) fn start(&self, timing: BlockTiming) -> Result<Solo, EngineError> {
        Solo::start(self.parts(timing), |_| ())
    }

    pub(crate) fn block(&self, height: Height) -> DecidedBlock {
        self.blocks
            .load(height)
            .unwrap()
            .unwrap_or_else(|| panic!("no block {height}"))
    }
}
