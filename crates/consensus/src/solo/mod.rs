//! Solo: one validator that decides alone, with real CometBFT v0.38 headers, commits and hashes, so that the same
//! light client runs over its blocks as over a network's.
//!
//! Two layers. [`Proposer`] is pure: state, key and given times in, decided blocks out; tests, benches and the
//! in-process test chain use it directly. [`Solo`] is the engine around it: a thread, a clock, a store.
//!
//! **Time.** A block's time is the time of the precommit before it. To keep it fresh, the precommit of H - 1 is signed
//! again with the present time when H is proposed: same block, later time, which no rule forbids. So a decided block
//! carries the *seen* commit of its own height, and the next one the final commit of that height in `last_commit`;
//! whoever serves commits prefers the latter, as CometBFT does (`canonical`).
//!
//! **Order.** For every height: propose, sign, save the decided block (synced), execute, commit, write the signer's
//! state. The last two happen on a thread of their own while the next block is proposed, saved and executed, and no further: two
//! commits follow each other, and the engine ends only after the last one. After a crash the blocks above the application's height, two
//! at most, are executed from the store.
//! Spec: architecture, section 5; byte for byte against recorded blocks in the tests.

mod commits;
mod engine;
mod pace;
mod propose;

pub use engine::{BlockTiming, EngineConfig, EngineError, REPLAY_WAITS, Solo, TxNotifier};
pub use propose::{Content, Proposer, block_time, room_for_txs};

#[cfg(test)]
pub(crate) mod tests;
