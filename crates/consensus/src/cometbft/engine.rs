//! The supervisor: a thread that starts CometBFT, watches it, and starts it again when it ends by itself.
//!
//! A *session* is one life of CometBFT: what it decided before is fetched through `cometbft inspect`, then the application's
//! socket is opened, then CometBFT started. When CometBFT ends, everything of the session ends and the next one begins; when
//! the application cannot go on, CometBFT is stopped and the engine ends.

use super::chain::{Chain, Parts};
use super::child::Child;
use super::error::CometError;
use super::home::{ABCI, CometHome, INSPECT, RPC, Settings};
use super::rpc::Rpc;
use super::server::Session;
use super::{Queries, resubmit::Resubmit};
use crate::patience::{Passing, Signals, patiently};
use crate::{Application, Blocks, GenesisFile};
use std::ffi::OsString;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use strongroom_proof::comet::Header;
use strongroom_types::Height;

/// How often CometBFT and the session are looked at.
const WATCH: Duration = Duration::from_millis(20);
/// How long `inspect` may take until it answers.
const INSPECT_WAITS: Duration = Duration::from_secs(30);
/// A CometBFT that lived so long was well.
const LIVED: Duration = Duration::from_secs(30);
/// So often in a row it may end sooner.
const ENDS_MAX: u32 = 5;
/// The pause before it is started again, times the number of its ends in a row.
const PAUSE: Duration = Duration::from_millis(200);
/// How long CometBFT may live after one of its connections has ended.
const PARTED_WAITS: Duration = Duration::from_secs(5);
/// Lines of its log that the error quotes.
const LAST_WORDS: usize = 10;

/// Configuration of the engine.
pub struct Config {
    /// The chain. The same file must be in the home.
    pub genesis: Arc<GenesisFile>,
    /// The node.
    pub app: Arc<dyn Application>,
    /// The node's answers to what CometBFT asks beside blocks.
    pub queries: Arc<dyn Queries>,
    /// The store.
    pub blocks: Arc<dyn Blocks>,
    /// The home of the node, which is also that of CometBFT.
    pub home: PathBuf,
    /// The `cometbft` to run ([`super::binary::find`]).
    pub binary: PathBuf,
    /// Program and arguments in front of the command that is run: something that lets a child die with this process.
    pub launcher: Vec<OsString>,
    /// Settings of CometBFT.
    pub settings: Settings,
}

/// A running engine. Dropping it stops it, without a way to hear how it ended: use [`Self::stop`].
pub struct CometBft {
    signals: Arc<Signals>,
    thread: Option<JoinHandle<Result<(), CometError>>>,
}

impl CometBft {
    /// Writes CometBFT's settings and starts the supervisor. `on_end` is called on its thread when it ends.
    ///
    /// # Errors
    /// [`CometError`] for a home that cannot be used, or a chain that cannot be continued; nothing runs then.
    pub fn start(
        config: Config,
        on_end: impl FnOnce(Result<(), &CometError>) + Send + 'static,
    ) -> Result<Self, CometError> {
        let home = CometHome::new(&config.home)?;
        home.write_config(&config.settings)?;
        let signals = Arc::new(Signals::default());
        let rpc = Self::rpc_of(home.path());
        let resubmit = Resubmit::start(rpc.clone()).map_err(CometError::Thread)?;
        let mut supervisor = Supervisor {
            config,
            home,
            signals: Arc::clone(&signals),
            resubmit: Arc::new(resubmit),
        };
        // What cannot be continued is found at once.
        Chain::restore(supervisor.parts(rpc.clone(), &Arc::default()))?;
        let thread = std::thread::Builder::new()
            .name("cometbft".to_owned())
            .spawn(move || {
                let run = std::panic::AssertUnwindSafe(|| supervisor.run());
                let end = match std::panic::catch_unwind(run) {
                    Ok(Err(CometError::Stopped)) => Ok(()),
                    Ok(end) => end,
                    Err(_) => Err(CometError::Panicked),
                };
                on_end(end.as_ref().copied());
                end
            })
            .map_err(CometError::Thread)?;
        Ok(Self {
            signals,
            thread: Some(thread),
        })
    }

    /// The private RPC of the CometBFT in the home `home`; it answers while the engine runs.
    #[must_use]
    pub fn rpc_of(home: &Path) -> Rpc {
        Rpc::new(
            std::path::absolute(home)
                .unwrap_or(home.to_owned())
                .join(RPC),
        )
    }

    /// Stops CometBFT, then the rest, and tells how the engine ended.
    ///
    /// # Errors
    /// Error that ended the engine before it was asked to stop.
    pub fn stop(mut self) -> Result<(), CometError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), CometError> {
        self.signals.stop();
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or(Err(CometError::Panicked)),
            None => Ok(()),
        }
    }
}

impl Drop for CometBft {
    fn drop(&mut self) {
        // How it ended was told to `on_end`.
        let _ = self.join();
    }
}

impl Passing for CometError {
    const STOPPED: Self = Self::Stopped;

    fn is_transient(&self) -> bool {
        self.may_pass()
    }
}

struct Supervisor {
    config: Config,
    home: CometHome,
    signals: Arc<Signals>,
    resubmit: Arc<Resubmit>,
}

impl Supervisor {
    fn run(&mut self) -> Result<(), CometError> {
        let mut ends = 0;
        loop {
            let since = Instant::now();
            let how = self.session()?;
            if self.signals.stopped() {
                return Ok(());
            }
            ends = if since.elapsed() >= LIVED {
                1
            } else {
                ends + 1
            };
            if ends >= ENDS_MAX {
                return Err(CometError::Ends {
                    times: ends,
                    how,
                    log: self.home.log_path(),
                    words: self.home.last_words(LAST_WORDS),
                });
            }
            tracing::warn!("CometBFT ended ({how}): it is started again");
            if !self.signals.wait_until(Instant::now() + PAUSE * ends) {
                return Ok(());
            }
        }
    }

    fn parts(&self, rpc: Rpc, over: &Arc<AtomicBool>) -> Parts {
        Parts {
            genesis: Arc::clone(&self.config.genesis),
            app: Arc::clone(&self.config.app),
            blocks: Arc::clone(&self.config.blocks),
            rpc,
            signals: Arc::clone(&self.signals),
            over: Arc::clone(over),
        }
    }

    /// One life of CometBFT; tells how it ended.
    fn session(&mut self) -> Result<String, CometError> {
        for socket in [ABCI, RPC, INSPECT] {
            self.home.unlink(socket)?;
        }
        let log = self.home.log()?;
        let over = Arc::new(AtomicBool::new(false));
        let chain = Chain::restore(self.parts(Rpc::new(self.home.at(RPC)), &over))?;
        if let Some(how) = self.prefetch(chain.height(), &log)? {
            return Ok(how);
        }
        let resubmit = Arc::clone(&self.resubmit);
        let session = Arc::new(Session {
            chain: Mutex::new(chain),
            app: Arc::clone(&self.config.app),
            queries: Arc::clone(&self.config.queries),
            committed: Box::new(move |_, left| resubmit.add(left)),
            over: Arc::clone(&over),
            failed: Mutex::new(None),
            parted: AtomicBool::new(false),
        });
        // First the listener: a CometBFT that finds none waits for three seconds.
        let listener = UnixListener::bind(self.home.at(ABCI));
        let listener = listener.map_err(|e| self.home.file(ABCI, e))?;
        let server = session.serve(listener).map_err(CometError::Thread)?;
        let home = self.home.path().to_string_lossy().into_owned();
        let child = self.child(&["start", "--home", &home], &log);
        let how = match child {
            Ok(child) => self.watch(child, &session, &log),
            Err(error) => {
                session.fail(error);
                String::new()
            }
        };
        over.store(true, Ordering::SeqCst);
        if server.join().is_err() {
            return Err(CometError::Panicked);
        }
        // A home at rest can be copied.
        for socket in [ABCI, RPC, INSPECT] {
            self.home.unlink(socket)?;
        }
        match session.take_failure() {
            Some(failure) => Err(failure),
            None => Ok(how),
        }
    }

    /// Waits until CometBFT ends, or is to end, and ends it.
    fn watch(&self, mut child: Child, session: &Session, log: &std::fs::File) -> String {
        let mut parted_since = None;
        loop {
            self.home.bound_log(log);
            if let Some(status) = child.ended() {
                return status.to_string();
            }
            if child.has_failed() {
                child.stop();
                return "its consensus failed".to_owned();
            }
            // CometBFT can outlive a connection to its application, and then does nothing any more.
            if session.parted.load(Ordering::SeqCst) {
                let since = *parted_since.get_or_insert_with(Instant::now);
                if since.elapsed() > PARTED_WAITS {
                    session.over.store(true, Ordering::SeqCst);
                    child.stop();
                    return "it had lost a connection to its application".to_owned();
                }
            }
            if session.has_failed() || !self.signals.wait_until(Instant::now() + WATCH) {
                session.over.store(true, Ordering::SeqCst);
                child.stop();
                return "stopped".to_owned();
            }
        }
    }

    fn child(&self, arguments: &[&str], log: &std::fs::File) -> Result<Child, CometError> {
        let Config {
            launcher, binary, ..
        } = &self.config;
        Child::start(launcher, binary, arguments, self.home.path(), log)
    }

    /// Fetches what CometBFT decided and this node does not have: it will ask for its execution before its RPC is up. Tells how
    /// `inspect` ended if it ended by itself.
    fn prefetch(&self, at: Height, log: &std::fs::File) -> Result<Option<String>, CometError> {
        let home = self.home.path().to_string_lossy().into_owned();
        let address = format!("unix://{INSPECT}");
        let arguments = ["inspect", "--home", &home, "--rpc.laddr", &address];
        let mut inspect = self.child(&arguments, log)?;
        let rpc = Rpc::new(self.home.at(INSPECT));
        let since = Instant::now();
        let newest = loop {
            match rpc.newest() {
                Ok(newest) => break newest,
                Err(error) if since.elapsed() > INSPECT_WAITS => {
                    return Err(CometError::Fetch { height: at, error });
                }
                Err(_) => {}
            }
            if let Some(status) = inspect.ended() {
                return Ok(Some(format!("inspect: {status}")));
            }
            if !self.signals.wait_until(Instant::now() + WATCH) {
                return Err(CometError::Stopped);
            }
        };
        if newest.unwrap_or(0) < at && at >= self.config.genesis.doc.initial_height {
            return Err(CometError::Behind {
                app: at,
                newest: newest.unwrap_or(0),
                data: self.home.at("data"),
            });
        }
        let parts = self.parts(rpc, &Arc::default());
        let known = parts.blocks.newest()?;
        let known = known.unwrap_or(parts.genesis.doc.initial_height.saturating_sub(1));
        for height in known.saturating_add(1)..=newest.unwrap_or(0) {
            if self.signals.stopped() {
                return Err(CometError::Stopped);
            }
            let block = parts.fetch(height, None)?;
            let header = Header::decode(&block.header)
                .map_err(|error| CometError::Damaged { height, error })?;
            patiently::<_, CometError>(&self.signals, || {
                Ok(parts.blocks.save_decided(&header, &block)?)
            })?;
        }
        inspect.stop();
        Ok(None)
    }
}
