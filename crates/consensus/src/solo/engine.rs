//! The engine: a thread that decides, saves, executes and commits, one block after the other.

use super::commits::Commits;
use super::pace::Pace;
use super::propose::{Proposer, block_time, fitting, room_for_txs};
use crate::patience::{Passing, Signals, patiently};
use crate::privval::SignerError;
use crate::state::StateError;
use crate::{AppError, Application, Blocks, BlocksError, ChainState, Clock, GenesisFile, Signer};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use strongroom_proof::comet::{Commit, DecodeError, Header};
use strongroom_types::{DecidedBlock, Height, RawTx};

/// Why the engine ended, or did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The application cannot go on.
    #[error(transparent)]
    App(#[from] AppError),
    /// Decided blocks cannot be kept or read.
    #[error(transparent)]
    Blocks(#[from] BlocksError),
    /// The key does not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The chain does not go together: a stored block, an outcome or a stored state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The evidence is no canonical list.
    #[error("evidence: {0}")]
    Evidence(DecodeError),
    /// A stored block is damaged.
    #[error("the stored block {height} cannot be read: {error}")]
    Damaged {
        /// Its height.
        height: Height,
        /// What is wrong.
        error: DecodeError,
    },
    /// A decided block is missing in the store.
    #[error("the decided block {0} is missing")]
    Missing(Height),
    /// The application committed blocks that the store has not: one of the two was exchanged.
    #[error("the application is at height {app}, the newest decided block is {newest}")]
    AppAhead {
        /// The application's height.
        app: Height,
        /// The store's; 0 for none.
        newest: Height,
    },
    /// The application's height or app hash is not that of the engine state that it kept.
    #[error("the application is not where its stored engine state says")]
    AppElsewhere,
    /// The stored engine state belongs to another genesis.
    #[error("the stored chain has another genesis")]
    OtherGenesis,
    /// Solo is one validator: the validator set must be its key and nothing else.
    #[error("the validator set is not this one validator: Solo cannot go on")]
    NotAlone,
    /// Solo is for chains that say they are insecure.
    #[error("Solo needs app_state.registration.security = \"insecure\" in the genesis")]
    NotInsecure,
    /// `executed` without a block before it.
    #[error("no block is waiting to be executed")]
    NothingOpen,
    /// The content of a proposal is above a limit of blocks.
    #[error("too much for one block: {0}")]
    TooMuch(&'static str),
    /// It was asked to stop while it waited for room or descriptors, or between decided blocks. Those are on disk, and executed at the next
    /// start.
    #[error("stopped while waiting")]
    Stopped,
    /// The thread cannot be started.
    #[error("the engine's thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// The engine or the application panicked: a broken invariant.
    #[error("the engine's thread panicked")]
    Panicked,
}

impl EngineError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::App(_) => "engine.app",
            Self::Blocks(_) => "engine.blocks",
            Self::Signer(e) => e.code(),
            Self::State(e) => e.code(),
            Self::Evidence(_) => "engine.evidence",
            Self::Damaged { .. } => "engine.damaged",
            Self::Missing(_) => "engine.missing",
            Self::AppAhead { .. } => "engine.app_ahead",
            Self::AppElsewhere => "engine.app_elsewhere",
            Self::OtherGenesis => "engine.other_genesis",
            Self::NotAlone => "engine.not_alone",
            Self::NotInsecure => "engine.not_insecure",
            Self::NothingOpen => "engine.nothing_open",
            Self::TooMuch(_) => "engine.too_much",
            Self::Stopped => "engine.stopped",
            Self::Thread(_) => "engine.thread",
            Self::Panicked => "engine.panicked",
        }
    }
}

impl Passing for EngineError {
    const STOPPED: Self = Self::Stopped;

    fn is_transient(&self) -> bool {
        match self {
            Self::App(e) => e.is_transient(),
            Self::Blocks(e) => e.is_transient(),
            Self::Signer(e) => e.is_transient(),
            _ => false,
        }
    }
}

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockTiming {
    /// One in this time, empty or not.
    Every(Duration),
    /// As soon as a transaction waits, and none without. The first block is made at once.
    Instant,
}

/// Configuration of an engine.
pub struct EngineConfig {
    /// The chain.
    pub genesis: Arc<GenesisFile>,
    /// The node.
    pub app: Arc<dyn Application>,
    /// The store.
    pub blocks: Arc<dyn Blocks>,
    /// The key.
    pub signer: Signer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When blocks are made.
    pub timing: BlockTiming,
    /// How long a start waits for what was decided before: [`REPLAY_WAITS`].
    pub replay_waits: Duration,
}

/// A running engine. Dropping it stops it, without a way to hear how it ended: use [`Self::stop`].
pub struct Solo {
    pub(super) signals: Arc<Signals>,
    thread: Option<JoinHandle<Result<(), EngineError>>>,
}

/// Tells the engine that transactions wait ([`BlockTiming::Instant`]). Cheap, from any thread.
#[derive(Clone)]
pub struct TxNotifier(Arc<Signals>);

impl TxNotifier {
    /// Transactions wait.
    pub fn wake(&self) {
        self.0.set_pending();
    }

    /// A block is wanted now, empty or not, whatever the timing.
    pub fn want_block(&self) {
        self.0.want_block();
    }
}

impl Solo {
    /// Brings the application to the newest decided block, then makes blocks, on a thread of its own, until [`Self::stop`] or an error. `on_end`
    /// is called there when it ends, whatever the reason: a node that loses its engine must end, loudly.
    ///
    /// Returns once nothing decided is left to execute, or when that takes long: as before the end of the process, the block before it can be
    /// read meanwhile.
    ///
    /// # Errors
    /// [`EngineError`] if the chain cannot be continued, as far as it shows until then; nothing runs then. What shows later is told to `on_end`.
    pub fn start(
        parts: EngineConfig,
        on_end: impl FnOnce(Result<(), &EngineError>) + Send + 'static,
    ) -> Result<Self, EngineError> {
        if !parts.genesis.is_insecure() {
            return Err(EngineError::NotInsecure);
        }
        let signals = Arc::new(Signals::default());
        let replay_waits = parts.replay_waits;
        let mut runner = Runner::recover(parts, &signals)?;
        let (shared, builder) = (
            signals.clone(),
            std::thread::Builder::new().name("solo".to_owned()),
        );
        let (tell, caught_up) = channel();
        let thread = builder
            .spawn(move || {
                let run = std::panic::AssertUnwindSafe(|| runner.run(&shared, tell));
                let end = match std::panic::catch_unwind(run) {
                    Ok(Err(EngineError::Stopped)) => Ok(()),
                    Ok(end) => end,
                    Err(_) => Err(EngineError::Panicked),
                };
                on_end(end.as_ref().copied());
                end
            })
            .map_err(EngineError::Thread)?;
        let mut solo = Self {
            signals,
            thread: Some(thread),
        };
        if caught_up.recv_timeout(replay_waits) == Err(RecvTimeoutError::Disconnected) {
            // It ended before that.
            solo.join()?;
        }
        Ok(solo)
    }

    /// For those who put transactions into the pool.
    #[must_use]
    pub fn notifier(&self) -> TxNotifier {
        TxNotifier(self.signals.clone())
    }

    /// Stops after the block that is being made, if one is, and tells how the engine ended.
    ///
    /// # Errors
    /// Error that ended the engine before it was asked to stop.
    pub fn stop(mut self) -> Result<(), EngineError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), EngineError> {
        self.signals.stop();
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or(Err(EngineError::Panicked)),
            None => Ok(()),
        }
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        // How it ended was told to `on_end`.
        let _ = self.join();
    }
}

/// How long a node's start waits for what was decided before the end of the process. Nearly all blocks take less; one that is full must not keep
/// a node from answering.
pub const REPLAY_WAITS: Duration = Duration::from_millis(200);

struct Runner {
    /// The newest decided block when it began.
    decided: Height,
    proposer: Proposer,
    commits: Commits,
    app: Arc<dyn Application>,
    blocks: Arc<dyn Blocks>,
    clock: Arc<dyn Clock>,
    timing: BlockTiming,
    pace: Pace,
}

impl Runner {
    fn recover(parts: EngineConfig, signals: &Arc<Signals>) -> Result<Self, EngineError> {
        let EngineConfig {
            genesis,
            app,
            blocks,
            mut signer,
            clock,
            timing,
            replay_waits: _,
        } = parts;
        let newest = blocks.newest()?;
        let seen = newest
            .map(|height| seen_commit(&*blocks, height))
            .transpose()?;
        signer.observe(&genesis.doc.chain_id, seen.as_ref())?;
        let state = restore(&genesis, &*app)?;
        let newest = newest.unwrap_or(genesis.doc.initial_height.saturating_sub(1));
        if state.height() > newest {
            return Err(EngineError::AppAhead {
                app: state.height(),
                newest,
            });
        }
        let runner = Self {
            decided: newest,
            proposer: Proposer::at(state, signer)?,
            commits: Commits::new(Arc::clone(&app), Arc::clone(signals))?,
            app,
            blocks,
            clock,
            timing,
            pace: Pace::new(timing),
        };
        runner.tell_room();
        Ok(runner)
    }

    /// Executes and commits what was decided before.
    fn catch_up(&mut self, signals: &Signals) -> Result<(), EngineError> {
        while self.proposer.state().height() < self.decided {
            // Clients are served by now, and whoever stops the node does not wait for all of it.
            if signals.stopped() {
                return Err(EngineError::Stopped);
            }
            self.replay(signals)?;
        }
        self.commits.settle()
    }

    /// How it ended, once the commit that is under way has: one that failed ended all else, and knows why.
    fn settled(&mut self, end: Result<(), EngineError>) -> Result<(), EngineError> {
        match self.commits.settle() {
            Err(error) if !matches!(error, EngineError::Stopped) => Err(error),
            _ => end,
        }
    }

    /// Executes the next block from the store.
    fn replay(&mut self, signals: &Signals) -> Result<(), EngineError> {
        let height = self.proposer.state().height().saturating_add(1);
        // A long block needs a descriptor, which clients may have taken.
        let block = patiently::<_, EngineError>(signals, || Ok(self.blocks.load(height)?))?;
        let block = block.ok_or(EngineError::Missing(height))?;
        self.proposer.accept(&block)?;
        let header = self.open_header()?;
        self.execute(&header, &block, signals)
    }

    /// The header of the open block, as the light client decoded it.
    fn open_header(&self) -> Result<Header, EngineError> {
        let open = self.proposer.open().ok_or(EngineError::NothingOpen)?;
        Ok(open.header.clone())
    }

    fn execute(
        &mut self,
        header: &Header,
        block: &DecidedBlock,
        signals: &Signals,
    ) -> Result<(), EngineError> {
        let begin = Instant::now();
        let outcome =
            patiently::<_, EngineError>(signals, || Ok(self.app.finalize_block(header, block)?))?;
        self.pace.executed(block.txs.len(), begin);
        let after = self.proposer.executed(&outcome)?.clone();
        let unsaved = self.proposer.signer().take_unsaved();
        self.commits.begin(after, unsaved)
    }

    fn run(&mut self, signals: &Signals, caught_up: Sender<()>) -> Result<(), EngineError> {
        let mut end = self.catch_up(signals);
        if end.is_ok() {
            // Whoever started it may have gone on.
            let _ = caught_up.send(());
            end = self.make_blocks(signals);
        }
        self.settled(end)
    }

    fn make_blocks(&mut self, signals: &Signals) -> Result<(), EngineError> {
        let mut due = Instant::now();
        // A decided block may have changed it.
        self.tell_room();
        // A chain without blocks gets its first one at once, whatever the timing: clients ask for the latest.
        if self.proposer.state().light().block_id().is_none() && !signals.stopped() {
            self.make_block(Vec::new(), signals)?;
        }
        loop {
            match self.timing {
                BlockTiming::Every(interval) => {
                    due = (due + interval).max(Instant::now());
                    if !signals.wait_for_block(due) {
                        return Ok(());
                    }
                    signals.take_wanted();
                    due = due.min(Instant::now());
                    let txs = self.reap();
                    self.make_block(txs, signals)?;
                }
                BlockTiming::Instant => {
                    // Transactions may have waited before the first call of `wake`. A commit that ends wakes as well: what its block had no
                    // room for waits again.
                    loop {
                        if signals.stopped() {
                            return Ok(());
                        }
                        let txs = self.reap();
                        if txs.is_empty() && !signals.take_wanted() {
                            break;
                        }
                        self.make_block(txs, signals)?;
                    }
                    if !signals.wait_for_pending() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Transactions, bytes and gas of the next block at most.
    fn room(&self) -> (usize, u64, i64) {
        let state = self.proposer.state();
        let gas = state.params().block.max_gas;
        (self.pace.txs_max(), room_for_txs(state), gas)
    }

    fn tell_room(&self) {
        let (txs, bytes, gas) = self.room();
        self.app.room(txs, bytes, gas);
    }

    fn reap(&self) -> Vec<RawTx> {
        let (txs, bytes, gas) = self.room();
        let height = self.proposer.state().height().saturating_add(1);
        fitting(self.app.reap(height, txs, bytes, gas), bytes)
    }

    fn make_block(&mut self, txs: Vec<RawTx>, signals: &Signals) -> Result<(), EngineError> {
        let time = block_time(self.clock.now(), self.proposer.state().light().time());
        let block = self
            .proposer
            .propose(txs.into(), time, block_time(time, time))?;
        let header = self.open_header()?;
        patiently::<_, EngineError>(signals, || Ok(self.blocks.save_decided(&header, &block)?))?;
        self.execute(&header, &block, signals)
    }
}

fn seen_commit(blocks: &dyn Blocks, height: Height) -> Result<Commit, EngineError> {
    let block = blocks.load(height)?.ok_or(EngineError::Missing(height))?;
    Commit::decode(&block.commit).map_err(|error| EngineError::Damaged { height, error })
}

/// The chain state where the application stands.
fn restore(genesis: &GenesisFile, app: &dyn Application) -> Result<ChainState, EngineError> {
    let info = app.info()?;
    if info.height == 0 {
        return Ok(ChainState::genesis(
            genesis,
            &app.init_chain(genesis)?,
            info.app_version,
        )?);
    }
    let state = ChainState::decode(&info.engine)?;
    if state.genesis_hash() != genesis.hash() {
        return Err(EngineError::OtherGenesis);
    }
    if state.height() != info.height || state.app_hash() != info.app_hash {
        return Err(EngineError::AppElsewhere);
    }
    Ok(state)
}
