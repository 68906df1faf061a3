//! Replaying a chain: every stored block again, from genesis, into a fresh store, through an enclave that checks each as
//! if it were new. The result must be the state that the node has.

use crate::app::RecoverError;
use crate::enclave::Enclave;
use crate::node::{Layout, NodeError, open_stores, with_operator};
use std::sync::Arc;
use strongroom_bridge::Transport;
use strongroom_store::{
    ContentStore, ExtraKey, Kv as _, KvLimits, Limits, LsmKv, StateStore, Version, state,
};
use strongroom_types::{Hash, Height};

/// Result of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The newest height.
    pub height: Height,
    /// The app hash after it, as replayed.
    pub app_hash: Hash,
    /// The app hash that the node's own state has at that height.
    pub stored: Hash,
}

/// Replays the blocks under `layout`, up to the height that its state has, into stores under `fresh`. The node must not
/// be running.
///
/// # Errors
/// [`NodeError`] if a block is refused, missing, or gives other roots in the enclave than in the fresh store.
pub fn replay(
    layout: &Layout,
    fresh: &std::path::Path,
    transport: Arc<dyn Transport>,
    genesis: &[u8],
    seal: Vec<u8>,
) -> Result<Replayed, NodeError> {
    let old = open_stores(layout)?;
    let broken = |text: String| NodeError::Recover(RecoverError::Broken(text));
    let Some(Version {
        height: last,
        app_hash: stored,
        ..
    }) = old.state.latest()
    else {
        return Err(broken("there is no state yet".to_owned()));
    };
    // Its trees are as large as those that are made now.
    drop(old.state);
    let kv = LsmKv::open(fresh.join("state"), state::TABLES, KvLimits::default())?;
    let state = Arc::new(StateStore::open(Arc::new(kv.clone()), Limits::default())?);
    let content = Arc::new(ContentStore::open(&fresh.join("content"))?);
    let enclave = Enclave::new(transport, Arc::clone(&state), Arc::clone(&content));
    let enclave = with_operator(enclave, layout)?;
    enclave
        .unseal(seal, genesis.to_vec(), Vec::new())
        .map_err(RecoverError::from)?;
    let first = enclave
        .init_chain(genesis.to_vec())
        .map_err(RecoverError::from)?;
    let mut app_hash = commit(&state, 0, &first.writes, first.app_hash, first.anchor)?;
    for height in 1..=last {
        let block = old
            .blocks
            .block(height)?
            .ok_or_else(|| broken(format!("block {height} is missing")))?;
        let result = enclave
            .execute_block(height, &block)
            .map_err(RecoverError::from)?;
        for code in &result.new_code {
            content.put(&code.wasm, |bytes| kv.check_room(bytes))?;
        }
        app_hash = commit(
            &state,
            height,
            &result.writes,
            result.app_hash,
            result.anchor,
        )?;
        enclave.committed(height).map_err(RecoverError::from)?;
    }
    Ok(Replayed {
        height: last,
        app_hash,
        stored,
    })
}

fn commit(
    state: &StateStore,
    height: Height,
    writes: &strongroom_types::WriteSet,
    expected: Hash,
    anchor: Vec<u8>,
) -> Result<Hash, NodeError> {
    let prepared = state.prepare(height.saturating_sub(1), height, writes)?;
    let reached = prepared.app_hash();
    if reached != expected {
        let text =
            format!("height {height}: the enclave and the fresh store reach different roots");
        return Err(NodeError::Recover(RecoverError::Broken(text)));
    }
    state.commit(prepared, &[(ExtraKey::anchor(height), anchor)])?;
    Ok(reached)
}
