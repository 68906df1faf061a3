//! A mark: one transaction that a block may still hold, and the file of all of an account on a chain.
//! Format: docs/book/cli.md, "The file of pending transactions".

use super::history::Block;
use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use strongroom_types::Height;

const FORMAT: &str = "strongroom-pending/v1";
/// Marks of one account on one chain. Whoever has more of them has lost sight of them.
pub(super) const MARKS_MAX: usize = 64;
/// The longest file of marks.
pub(super) const BYTES_MAX: usize = 128 << 10;

/// A transaction that a block may still hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::tx) struct Mark {
    /// Upper-case hex.
    pub(in crate::tx) txhash: String,
    pub(in crate::tx) sequence: u64,
    /// The last block that may hold it; 0: any may.
    pub(in crate::tx) timeout_height: Height,
    /// What it does, in hex ([`strongroom_sdk::client::Client::effect`]).
    pub(in crate::tx) effect: String,
    /// Whether a command waits for it, or has waited in vain.
    pub(in crate::tx) awaited: bool,
    /// Blocks of the chain that it was signed on.
    #[serde(default)]
    pub(in crate::tx) history: Vec<Block>,
}

impl Mark {
    /// Says that it may still come.
    pub(in crate::tx) fn say(&self) {
        talk!("{} ({})", self.words(), self.txhash);
    }

    /// Says that a block holds it, and that it stays marked all the same.
    pub(in crate::tx) fn say_held(&self, height: Height) {
        talk!(
            "the transaction with sequence {} is in block {height}, and stays marked until it is proven how it ended there ({})",
            self.sequence,
            self.txhash
        );
    }

    pub(in crate::tx) fn words(&self) -> String {
        let sequence = self.sequence;
        match self.timeout_height {
            0 => format!(
                "a transaction with sequence {sequence} may still be included at any height"
            ),
            height => {
                format!(
                    "a transaction with sequence {sequence} may still be included until height {height}"
                )
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    format: String,
    marks: Vec<Mark>,
}

/// The marks of a file.
pub(super) fn read(bytes: &[u8]) -> anyhow::Result<Vec<Mark>> {
    let broken = "tx.pending_file: it does not say which transactions may still be included: look whether they are in blocks, then remove it";
    let content: Content = serde_json::from_slice(bytes).context(broken)?;
    ensure!(
        content.format == FORMAT && content.marks.len() <= MARKS_MAX,
        broken
    );
    Ok(content.marks)
}

/// The file of some marks.
pub(super) fn written(marks: &[Mark]) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec_pretty(&Content {
        format: FORMAT.to_owned(),
        marks: marks.to_vec(),
    })
}
