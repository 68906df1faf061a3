//! Why the engine ends, or does not start.

use super::binary::BinaryError;
use super::rpc::RpcError;
use crate::state::StateError;
use crate::{AppError, BlocksError};
use std::io;
use std::path::PathBuf;
use strongroom_proof::comet::DecodeError;
use strongroom_types::Height;

/// Why the engine ended, or did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CometError {
    /// There is no CometBFT to run.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// The application cannot go on.
    #[error(transparent)]
    App(#[from] AppError),
    /// Decided blocks cannot be kept or read.
    #[error(transparent)]
    Blocks(#[from] BlocksError),
    /// The chain does not go together: a decided block, an outcome or a stored state.
    #[error(transparent)]
    State(#[from] StateError),
    /// CometBFT does not tell a block that it decided.
    #[error("the block {height} cannot be had from CometBFT: {error}")]
    Fetch {
        /// Its height.
        height: Height,
        /// Why.
        error: RpcError,
    },
    /// CometBFT's block is not the one whose hash it gave.
    #[error("CometBFT executes another block {0} than its RPC tells")]
    OtherBlock(Height),
    /// A block that CometBFT told cannot be read.
    #[error("the block {height} of CometBFT cannot be read: {error}")]
    Damaged {
        /// Its height.
        height: Height,
        /// What is wrong.
        error: DecodeError,
    },
    /// A request out of order: CometBFT and this node are not at the same place.
    #[error("engine.order: {0}")]
    Order(String),
    /// The application's height or app hash is not that of the engine state that it kept.
    #[error("the application is not where its stored engine state says")]
    AppElsewhere,
    /// The stored engine state belongs to another genesis.
    #[error("the stored chain has another genesis")]
    OtherGenesis,
    /// A file of CometBFT's home cannot be written, or a socket not be made.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The names of sockets have little room.
    #[error(
        "engine.home_path: the home {0} has too long a path for sockets: at most {max} bytes",
        max = super::home::HOME_BYTES_MAX
    )]
    HomePath(PathBuf),
    /// A process cannot be started.
    #[error("{program} cannot be started: {error}")]
    Start {
        /// Which.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// CometBFT ends as soon as it is started, every time.
    #[error(
        "engine.cometbft_ends: CometBFT ended {times} times in a row ({how}). Its own words are in {log}:\n{words}"
    )]
    Ends {
        /// How often.
        times: u32,
        /// How it ended last.
        how: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        words: String,
    },
    /// CometBFT's stores were lost, or set back.
    #[error(
        "engine.cometbft_behind: this node has executed {app} blocks, and CometBFT has {newest}: its stores were lost or set back. Remove \
         everything in {data} but priv_validator_state.json, and start again: the chain is fetched anew"
    )]
    Behind {
        /// The application's height.
        app: Height,
        /// CometBFT's; 0 for none.
        newest: Height,
        /// Where the stores lie.
        data: PathBuf,
    },
    /// It was asked to stop while it waited.
    #[error("stopped while waiting")]
    Stopped,
    /// The thread cannot be started.
    #[error("the engine's thread cannot be started: {0}")]
    Thread(io::Error),
    /// The engine or the application panicked: a broken invariant.
    #[error("a thread of the engine panicked")]
    Panicked,
}

impl CometError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Binary(_) => "engine.cometbft",
            Self::App(_) => "engine.app",
            Self::Blocks(_) => "engine.blocks",
            Self::State(e) => e.code(),
            Self::Fetch { .. } => "engine.fetch",
            Self::OtherBlock(_) => "engine.other_block",
            Self::Damaged { .. } => "engine.damaged",
            Self::Order(_) => "engine.order",
            Self::AppElsewhere => "engine.app_elsewhere",
            Self::OtherGenesis => "engine.other_genesis",
            Self::File { .. } => "engine.file",
            Self::HomePath(_) => "engine.home_path",
            Self::Start { .. } => "engine.start",
            Self::Ends { .. } => "engine.cometbft_ends",
            Self::Behind { .. } => "engine.cometbft_behind",
            Self::Stopped => "engine.stopped",
            Self::Thread(_) => "engine.thread",
            Self::Panicked => "engine.panicked",
        }
    }

    /// Whether the same call may succeed later: the machine is short of room, nothing is broken.
    #[must_use]
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::App(e) => e.is_transient(),
            Self::Blocks(e) => e.is_transient(),
            _ => false,
        }
    }
}
