//! `ProvenState`: the only way in which the state machine reads. What is known is read from the tree; what is not is asked
//! from the host, verified against the tree's own root, and only then seen by anyone. Spec: docs/spec/state.md.
//!
//! Hints are verified exactly like answers. A hint that fails is a failed check, not something to skip: an honest host
//! proves against the version that the enclave stands on, so a bad hint means that host and enclave disagree.

use crate::failure::failure;
use crate::shared::TREE_BYTES_MAX;
use std::cell::{Cell, RefCell};
use strongroom_bridge::lane::HostClient;
use strongroom_bridge::message::Hint;
use strongroom_bridge::spec::PATHS_MAX;
use strongroom_bridge::{EnclaveRequest, Failure, FailureCode, HostResponse};
use strongroom_chain::{Bytes, CodeRead, Fault, StateRead};
use strongroom_proof::tree::Proof;
use strongroom_proof::{PartialForest, Read};
use strongroom_types::{Hash, Height, Tree, WriteSet, sha256};

/// Rounds of `get_for_write` for one block. Each opens at least one level of 256, or names a leaf of which only the place was held.
const WRITE_ROUNDS_MAX: usize = 512;
/// Bytes of a key that an error shows.
const SHOWN_KEY_BYTES: usize = 40;

/// The state at one height, for one block or one query.
pub(crate) struct ProvenState<'a> {
    forest: RefCell<PartialForest>,
    host: &'a dyn HostClient,
    height: Height,
    /// Bytes above which what was read longest ago is forgotten.
    bytes_max: usize,
    /// Whether the host was asked for a value: then a query has learned something, and a block hardly ever knows all that it writes.
    asked: Cell<bool>,
    /// The first failure: `chain` hands faults through as text, the code is kept here.
    failed: RefCell<Option<Failure>>,
}

impl<'a> ProvenState<'a> {
    /// Reads of `forest`, which is the state at `height`; what it does not know is asked through `host`.
    pub(crate) fn new(forest: PartialForest, height: Height, host: &'a dyn HostClient) -> Self {
        Self {
            forest: RefCell::new(forest),
            host,
            height,
            bytes_max: TREE_BYTES_MAX,
            asked: Cell::new(false),
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

    /// Applies `writes`. Where the tree does not know a path that they touch, it asks for all of those and applies them once more.
    ///
    /// # Errors
    /// Error for an answer of the host that is not proven.
    pub(crate) fn apply(&self, writes: &WriteSet) -> Result<(), Failure> {
        self.forest.borrow_mut().evict(self.bytes_max);
        // Mostly all of it is known. Where it is not, this changes nothing. Where the block had to ask, it hardly ever is.
        if !self.asked.get() && self.forest.borrow_mut().apply(writes).is_ok() {
            return Ok(());
        }
        for _ in 0..WRITE_ROUNDS_MAX {
            let missing = self.forest.borrow().missing(writes);
            for paths in missing.chunks(PATHS_MAX) {
                self.ask_paths(paths)?;
            }
            let applied = self.forest.borrow_mut().apply(writes);
            match applied {
                Ok(_) => return Ok(()),
                Err(e) if missing.is_empty() => return Err(failure(FailureCode::Broken, e)),
                Err(_) => {}
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

    /// The same, if the host had to be asked for any of it.
    pub(crate) fn into_learned(self) -> Option<PartialForest> {
        let asked = self.asked.get();
        asked.then(|| self.into_forest())
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

    fn ask(&self, ask: EnclaveRequest) -> Result<HostResponse, Failure> {
        match self.host.request(ask) {
            Ok(HostResponse::Unavailable { text }) => Err(failure(FailureCode::Unavailable, text)),
            Ok(answer) => Ok(answer),
            Err(e) => Err(failure(FailureCode::Unavailable, e)),
        }
    }

    fn ask_value(&self, tree: Tree, key: &[u8]) -> Result<(), Failure> {
        self.asked.set(true);
        match self.ask(EnclaveRequest::Get {
            height: self.height,
            tree,
            key: key.to_vec(),
        })? {
            HostResponse::Proven(entry) => {
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
        let answer = self.ask(EnclaveRequest::GetForWrite {
            height: self.height,
            paths: paths.to_vec(),
        })?;
        let HostResponse::Paths(proofs) = answer else {
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

impl StateRead for ProvenState<'_> {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        if let Some(known) = self.known(tree, key) {
            return Ok(known);
        }
        // A block or query reads as much as its gas buys, but holds no more than this: what goes is proven again where it
        // is read again, so results do not depend on it.
        self.forest.borrow_mut().evict(self.bytes_max);
        self.ask_value(tree, key)
            .map_err(|f| Fault::State(self.fail(f).text))?;
        self.known(tree, key)
            .ok_or_else(|| Fault::Broken(String::from("a proven key is still unknown")))
    }

    fn shared(&self) -> Option<Box<dyn StateRead + Sync + '_>> {
        Some(Box::new(Known(self.forest.borrow().clone())))
    }
}

/// What is proven by now, for other threads: nobody is asked for more.
struct Known(PartialForest);

impl StateRead for Known {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.0.read(tree, key) {
            Read::Value(value) => Ok(Some(value)),
            Read::Absent => Ok(None),
            Read::Unknown => Err(Fault::State(String::from("not here"))),
        }
    }
}

impl CodeRead for ProvenState<'_> {
    fn code(&self, hash: &Hash) -> Result<Bytes, Fault> {
        let wasm = match self.ask(EnclaveRequest::GetCode { hash: *hash }) {
            Ok(HostResponse::Code(Some(wasm))) if sha256(&wasm) == *hash => {
                return Ok(Bytes::from(wasm));
            }
            Ok(HostResponse::Code(Some(_))) => failure(FailureCode::Content, "other bytes"),
            Ok(HostResponse::Code(None)) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::Published;
    use std::sync::Arc;
    use strongroom_bridge::DoorError;
    use strongroom_bridge::message::Proven as Entry;
    use strongroom_chain::BlockInfo;
    use strongroom_store::state::TABLES;
    use strongroom_store::{KvLimits, Limits, LsmKv, StateStore};

    const ROWS: u32 = 2_000;
    const BYTES_MAX: usize = 256 << 10;
    /// One answer and the nodes of its path.
    const ONE_READ: usize = 16 << 10;

    struct Host {
        store: StateStore,
        asked: Cell<usize>,
        /// The version that it answers from, whatever it is asked for.
        version: Cell<Height>,
    }

    impl HostClient for Host {
        fn request(&self, ask: EnclaveRequest) -> Result<HostResponse, DoorError> {
            self.asked.set(self.asked.get() + 1);
            let view = self.store.view(self.version.get()).unwrap();
            Ok(match ask {
                EnclaveRequest::Get { tree, key, .. } => {
                    let (value, proof) = view.prove(tree, &key).unwrap();
                    let proof = proof.encode();
                    HostResponse::Proven(Entry { value, proof })
                }
                EnclaveRequest::GetForWrite { paths, .. } => {
                    let proofs = paths.iter().map(|(t, k)| view.prove_path(*t, k).unwrap());
                    HostResponse::Paths(proofs.map(|p| p.encode()).collect())
                }
                EnclaveRequest::GetCode { .. } => HostResponse::Code(None),
            })
        }
    }

    fn key(n: u32) -> Vec<u8> {
        n.to_be_bytes().to_vec()
    }

    fn value(n: u32) -> Vec<u8> {
        vec![n as u8; 1_000]
    }

    fn host(directory: &std::path::Path) -> (Host, PartialForest) {
        host_of(directory, (0..ROWS).map(|n| (key(n), value(n))))
    }

    fn host_of(
        directory: &std::path::Path,
        rows: impl Iterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> (Host, PartialForest) {
        let kv = LsmKv::open(directory, TABLES, KvLimits::default()).unwrap();
        let store = StateStore::open(Arc::new(kv), Limits::default()).unwrap();
        let rows = rows.map(|(key, value)| ((Tree::Contract, key), Some(value)));
        let prepared = store.prepare(0, 0, &WriteSet(rows.collect())).unwrap();
        let (roots, app_hash) = (prepared.roots(), prepared.app_hash());
        store.commit(prepared, &[]).unwrap();
        let host = Host {
            store,
            asked: Cell::new(0),
            version: Cell::new(0),
        };
        (host, PartialForest::blind(&roots, &app_hash).unwrap())
    }

    /// What was forgotten is asked for again in the middle of a block: then the host has its second chance to lie.
    #[test]
    fn a_host_that_turns_to_another_state_after_eviction_is_caught_and_nothing_of_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let (host, forest) = host(directory.path());
        // Everything has changed there, every third is gone, and there are new ones.
        let rows = (0..2 * ROWS).map(|n| {
            let value = (n >= ROWS || n % 3 > 0).then(|| value(n + 1));
            ((Tree::Contract, key(n)), value)
        });
        let later = host.store.prepare(0, 1, &WriteSet(rows.collect())).unwrap();
        host.store.commit(later, &[]).unwrap();
        for again in [0, 1, 2, ROWS + 5] {
            host.version.set(0);
            let mut proven = ProvenState::new(forest.clone(), 0, &host);
            proven.bytes_max = BYTES_MAX;
            let honest = proven.get(Tree::Contract, &key(again)).unwrap();
            for n in 10..ROWS {
                proven.get(Tree::Contract, &key(n)).unwrap();
            }
            let held = proven.known(Tree::Contract, &key(again));
            assert_eq!(held, None, "{again} was never forgotten");
            host.version.set(1);
            let fault = proven.get(Tree::Contract, &key(again)).unwrap_err();
            assert_eq!(proven.failure_of(&fault).code, FailureCode::Proof);
            let held = proven.known(Tree::Contract, &key(again));
            assert_eq!(held, None, "{again}: a lie is held for known");
            // Paths for the write set come from the same host.
            let writes = WriteSet([((Tree::Contract, key(again)), None)].into());
            let refused = proven.apply(&writes).unwrap_err();
            assert_eq!(refused.code, FailureCode::Proof);
            host.version.set(0);
            assert_eq!(proven.get(Tree::Contract, &key(again)), Ok(honest));
        }
    }

    #[test]
    fn other_threads_read_what_is_proven_and_ask_the_host_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (host, forest) = host(directory.path());
        let proven = ProvenState::new(forest, 0, &host);
        let before = proven.shared().unwrap();
        let (there, absent) = (key(5), key(ROWS + 5));
        for key in [&there, &absent] {
            proven.get(Tree::Contract, key).unwrap();
        }
        let asked = host.asked.get();
        let shared = proven.shared().unwrap();
        let read = |state: &(dyn StateRead + Sync), key: &[u8]| {
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| state.get(Tree::Contract, key));
                thread.join().unwrap()
            })
        };
        assert_eq!(
            read(&*shared, &there).unwrap().as_deref(),
            Some(&value(5)[..])
        );
        assert_eq!(read(&*shared, &absent), Ok(None));
        assert!(read(&*shared, &key(6)).is_err());
        // It is what was known when it was made.
        assert!(read(&*before, &there).is_err());
        assert_eq!(host.asked.get(), asked);
    }

    #[test]
    fn what_a_block_reads_is_never_held_above_the_limit_and_its_results_do_not_depend_on_it() {
        let directory = tempfile::tempdir().unwrap();
        let (host, forest) = host(directory.path());
        let mut after = Vec::new();
        for bytes_max in [BYTES_MAX, usize::MAX] {
            host.asked.set(0);
            let mut proven = ProvenState::new(forest.clone(), 0, &host);
            proven.bytes_max = bytes_max;
            let mut most = 0;
            // Twice all, so that what was forgotten is read again; and some that are not there.
            for n in (0..ROWS).chain(0..ROWS) {
                let found = proven.get(Tree::Contract, &key(n)).unwrap().unwrap();
                assert_eq!(&*found, value(n));
                assert_eq!(proven.get(Tree::Contract, &key(n + ROWS)), Ok(None));
                most = most.max(proven.forest.borrow().bytes());
            }
            if bytes_max == BYTES_MAX {
                assert!(most <= BYTES_MAX + ONE_READ, "{most}");
                assert!(host.asked.get() > 2 * ROWS as usize);
            } else {
                assert!(most > 8 * BYTES_MAX, "{most}: the limit was never reached");
            }
            // Writes far more than what is held.
            let changes = (0..ROWS).map(|n| {
                let value = (n % 3 > 0).then(|| value(n + 1));
                ((Tree::Contract, key(n)), value)
            });
            let writes = WriteSet(changes.collect());
            proven.apply(&writes).unwrap();
            after.push(proven.into_forest().app_hash());
        }
        assert_eq!(after[0], after[1]);
    }

    fn published(forest: PartialForest) -> Published {
        let block = BlockInfo {
            chain_id: String::from("test"),
            genesis_hash: [0; 32],
            height: 0,
            time: strongroom_types::Timestamp::default(),
            header_hash: [0; 32],
            version_app: 0,
            misbehavior: Vec::new(),
        };
        Published::new(block, [0; 32], None, forest)
    }

    /// Reads `keys` as one query does; answers how often the host was asked.
    fn query(published: &Published, host: &Host, keys: &[u32]) -> usize {
        let before = host.asked.get();
        let (forest, pinned) = published.pin();
        let proven = ProvenState::new(forest, 0, host);
        for n in keys {
            proven.get(Tree::Contract, &key(*n)).unwrap();
        }
        let learned = proven.into_learned();
        assert_eq!(learned.is_some(), host.asked.get() > before);
        if let Some(forest) = learned {
            published.learn(pinned, forest);
        }
        host.asked.get() - before
    }

    #[test]
    fn what_a_query_learned_is_kept_also_where_less_is_held_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let (host, forest) = host_of(directory.path(), (0..2).map(|n| (key(n), value(n))));
        let published = published(forest);
        assert_eq!(query(&published, &host, &[0]), 1);
        let before = published.pin().0;
        let unknown = |n: &u32| before.read(Tree::Contract, &key(*n)) == Read::Unknown;
        let absent = (2..).find(unknown).unwrap();
        assert_eq!(query(&published, &host, &[absent]), 1);
        assert_eq!(query(&published, &host, &[0, absent]), 0);
        let after = published.pin().0.bytes();
        assert!(after < before.bytes(), "both leaves lie in one page now");
    }

    #[test]
    fn of_queries_side_by_side_the_one_that_holds_less_undoes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (host, forest) = host(directory.path());
        let published = published(forest);
        let (slow, pinned) = published.pin();
        let slow = ProvenState::new(slow, 0, &host);
        slow.get(Tree::Contract, &key(0)).unwrap();
        assert_eq!(query(&published, &host, &[1, 2, 3]), 3);
        published.learn(pinned, slow.into_learned().unwrap());
        assert_eq!(query(&published, &host, &[1, 2, 3]), 0);
        assert_eq!(query(&published, &host, &[0]), 1);
        assert_eq!(query(&published, &host, &[0, 1, 2, 3]), 0);
    }

    #[test]
    fn what_queries_learn_at_the_limit_is_not_asked_for_twice() {
        const LARGE: u32 = 31;
        let directory = tempfile::tempdir().unwrap();
        let large = (0..LARGE).map(|n| (key(ROWS + n), vec![n as u8; 1 << 20]));
        let small = (0..ROWS).map(|n| (key(n), value(n)));
        let (host, forest) = host_of(directory.path(), small.chain(large));
        let proven = ProvenState::new(forest, 0, &host);
        let mut keys = (ROWS..ROWS + LARGE).chain(0..ROWS);
        let (full, next) = loop {
            let (before, n) = (proven.forest.borrow().clone(), keys.next().unwrap());
            proven.get(Tree::Contract, &key(n)).unwrap();
            if proven.forest.borrow().bytes() > TREE_BYTES_MAX {
                break (before, n);
            }
        };
        assert!(next < ROWS);
        for keys in [&[next][..], &[next, ROWS - 1, ROWS - 2]] {
            let published = published(full.clone());
            assert_eq!(query(&published, &host, keys), keys.len());
            assert_eq!(query(&published, &host, keys), 0);
            assert!(published.pin().0.bytes() <= TREE_BYTES_MAX);
        }
    }
}
