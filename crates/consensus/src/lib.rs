//! Engines behind one seam: Solo, one validator in this process, with CometBFT v0.38 headers, commits and hashes; and
//! CometBFT itself, as a supervised child process (host).
//!
//! Circles: host. What an engine decides is believed by nobody: the enclave checks every block again.
//!
//! Map: [`app`] the seam that the node implements · [`genesis`] the file a chain begins with · [`state`] what an
//! engine knows of the chain between two blocks · [`solo`] one validator, without a network · [`cometbft`] a network · [`privval`] its key, and
//! what it signed last · [`blocks`] where decided blocks lie · [`clock`] the seam for time.
//!
//! Promises: a block is on disk, whole and synced, before it is executed; the validator never signs two blocks of one
//! height; an engine that cannot go on ends with an error, it never skips; one that is only short of room waits.
//! Refuses: to know what transactions mean.

pub mod app;
pub mod blocks;
pub mod clock;
pub mod cometbft;
pub mod genesis;
mod patience;
pub mod privval;
pub mod solo;
pub mod state;

pub use app::{AppError, Application, FinalizeBlock, Info, InitChain};
pub use blocks::{Blocks, BlocksError, MemoryBlocks, block_meta};
pub use clock::{Clock, ShiftedClock, SystemClock, TestClock};
pub use cometbft::{CometBft, CometError, Queries};
pub use genesis::GenesisFile;
pub use privval::{NodeKey, Signer};
pub use solo::{BlockTiming, EngineError, Proposer, Solo};
pub use state::ChainState;
