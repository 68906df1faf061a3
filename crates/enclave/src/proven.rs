//! Proven state: the only way in which the state machine reads. What is known is read from the tree; what is not is asked
//! from the host, verified against the tree's own root, and only then seen by anyone. Spec: docs/spec/state.md.
//!
//! Hints are verified exactly like answers. A hint that fails is a failed check, not something to skip: an honest host
//! proves against the version that the enclave stands on, so a bad hint means that host and enclave disagree.

use crate::failure::failure;
use std::cell::RefCell;
use strongroom_bridge::lane::Asker;
use strongroom_bridge::message::Hint;
use strongroom_bridge::spec::PATHS_MAX;
use strongroom_bridge::{Answer, Ask, Failure, FailureCode};
use strongroom_chain::{Bytes, CodeRead, Fault, StateRead};
use strongroom_proof::tree::Proof;
use strongroom_proof::{PartialForest, Read};
use strongroom_types::{Hash, Height, Tree, WriteSet, sha256};

/// Rounds of `get_for_write` for one block. Each opens at least one level of 256.
const WRITE_ROUNDS_MAX: usize = 512;
/// Bytes of a key that an error shows.
const SHOWN_KEY_BYTES: usize = 40;

/// The state at one height, for one block or one query.
pub(crate) struct Proven<'a> {
    forest: RefCell<PartialForest>,
    asker: &'a Asker<'a>,
    height: Height,
    /// The first failure: `chain` hands faults through as text, the code is kept here.
    failed: RefCell<Option<Failure>>,
}

impl<'a> Proven<'a> {
    /// Reads of `forest`, which is the state at `height`; what it does not know is asked through `asker`.
    pub(crate) fn new(forest: PartialForest, height: Height, asker: &'a Asker<'a>) -> Self {
        Self {
            forest: RefCell::new(forest),
            asker,
            height,
            failed: RefCell::new(None),
        }
    }

    /// Takes what the host offers unasked.
    ///
    /// # Errors
    /// The first hint that is not proven.
    pub(crate) fn absorb_hints(&self, hints: Vec<Hint>) -> Result<(), Failure> {
        for hint in hints {
            self.absorb(
                "hint",
                hint.tree,
                &hint.key,
                hint.entry.value.as_deref(),
                &hint.entry.proof,
            )?;
        }
        Ok(())
    }

    /// Makes sure that `writes` can be applied: asks for every path that they touch and the tree does not know.
    ///
    /// # Errors
    /// What the host gave that is not proven.
    pub(crate) fn prepare_writes(&self, writes: &WriteSet) -> Result<(), Failure> {
        for _ in 0..WRITE_ROUNDS_MAX {
            let missing = self.forest.borrow().missing(writes);
            if missing.is_empty() {
                return Ok(());
            }
            for paths in missing.chunks(PATHS_MAX) {
                self.ask_paths(paths)?;
            }
        }
        Err(failure(
            FailureCode::Broken,
            "paths of the write set are still missing after every answer",
        ))
    }

    /// The tree with all that was proven on the way.
    pub(crate) fn into_forest(self) -> PartialForest {
        self.forest.into_inner()
    }

    /// The failure behind a fault of the state machine.
    pub(crate) fn failure_of(&self, fault: &Fault) -> Failure {
        let code = match fault {
            Fault::State(_) => FailureCode::Proof,
            Fault::Content(_) => FailureCode::Content,
            _ => FailureCode::Broken,
        };
        self.failed
            .borrow()
            .clone()
            .unwrap_or_else(|| failure(code, fault))
    }

    fn fail(&self, failure: Failure) -> Failure {
        self.failed.borrow_mut().get_or_insert(failure).clone()
    }

    fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        match self.asker.ask(ask) {
            Ok(Answer::Unavailable { text }) => Err(failure(FailureCode::Unavailable, text)),
            Ok(answer) => Ok(answer),
            Err(e) => Err(failure(FailureCode::Unavailable, e)),
        }
    }

    fn ask_value(&self, tree: Tree, key: &[u8]) -> Result<(), Failure> {
        match self.ask(Ask::Get {
            height: self.height,
            tree,
            key: key.to_vec(),
        })? {
            Answer::Proven(entry) => {
                self.absorb("get", tree, key, entry.value.as_deref(), &entry.proof)
            }
            _ => Err(failure(
                FailureCode::Answer,
                "get was answered with something else",
            )),
        }
    }

    fn absorb(
        &self,
        what: &str,
        tree: Tree,
        key: &[u8],
        value: Option<&[u8]>,
        proof: &[u8],
    ) -> Result<(), Failure> {
        let refused = |e| {
            let (tree, key) = (tree.name(), shown(key));
            failure(
                FailureCode::Proof,
                format!("{what} {tree} {key} at height {}: {e}", self.height),
            )
        };
        let proof = Proof::decode(proof).map_err(refused)?;
        self.forest
            .borrow_mut()
            .absorb(tree, key, value, &proof)
            .map_err(refused)
    }

    fn ask_paths(&self, paths: &[(Tree, Hash)]) -> Result<(), Failure> {
        let answer = self.ask(Ask::GetForWrite {
            height: self.height,
            paths: paths.to_vec(),
        })?;
        let Answer::Paths(proofs) = answer else {
            return Err(failure(
                FailureCode::Answer,
                "get_for_write was answered with something else",
            ));
        };
        if proofs.len() != paths.len() {
            return Err(failure(
                FailureCode::Answer,
                "get_for_write was answered with another number of proofs",
            ));
        }
        for ((tree, key_hash), proof) in paths.iter().zip(&proofs) {
            let refused = |e| {
                let (tree, key) = (tree.name(), shown(key_hash));
                failure(
                    FailureCode::Proof,
                    format!("get_for_write {tree} {key} at height {}: {e}", self.height),
                )
            };
            let proof = Proof::decode(proof).map_err(refused)?;
            self.forest
                .borrow_mut()
                .absorb_path(*tree, key_hash, &proof)
                .map_err(refused)?;
        }
        Ok(())
    }

    fn known(&self, tree: Tree, key: &[u8]) -> Option<Option<Bytes>> {
        match self.forest.borrow().read(tree, key) {
            Read::Value(value) => Some(Some(value)),
            Read::Absent => Some(None),
            Read::Unknown => None,
        }
    }
}

impl StateRead for Proven<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        if let Some(known) = self.known(tree, key) {
            return Ok(known);
        }
        self.ask_value(tree, key)
            .map_err(|f| Fault::State(self.fail(f).text))?;
        self.known(tree, key)
            .ok_or_else(|| Fault::Broken(String::from("a proven key is still unknown")))
    }
}

impl CodeRead for Proven<'_> {
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault> {
        let wasm = match self.ask(Ask::GetCode { hash: *hash }) {
            Ok(Answer::Code(Some(wasm))) if sha256(&wasm) == *hash => return Ok(Bytes::from(wasm)),
            Ok(Answer::Code(Some(_))) => failure(FailureCode::Content, "other bytes"),
            Ok(Answer::Code(None)) => {
                failure(FailureCode::Unavailable, "the host does not have it")
            }
            Ok(_) => failure(
                FailureCode::Answer,
                "get_code was answered with something else",
            ),
            Err(failure) => failure,
        };
        let text = format!("code {}: {}", shown(hash), wasm.text);
        Err(Fault::Content(self.fail(Failure { text, ..wasm }).text))
    }
}

/// A key in hex, cut where it gets long. Keys of contract data are pseudorandom: they tell nothing.
fn shown(key: &[u8]) -> String {
    use core::fmt::Write as _;
    let mut out = String::new();
    for byte in key.iter().take(SHOWN_KEY_BYTES) {
        let _ = write!(out, "{byte:02x}");
    }
    if key.len() > SHOWN_KEY_BYTES {
        out.push('…');
    }
    out
}
