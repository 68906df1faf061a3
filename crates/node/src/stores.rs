//! Raw entries of the state, with proofs for clients: `abci_query` of `/store/NAME/key` (docs/spec/state.md 2.1 and 6).
//!
//! Promises: what is told with a proof is proven against the app hash of the header after the height that was read.
//! Refuses: lists. Whoever wants a proof passes the gate, since an old version may have to be built again for it.

use crate::chain::query::{GrpcCode, QueryError};
use crate::host::{HostChain, busy, internal};
use strongroom_comet_rpc::backend::{AbciQueryAnswer, ProofOp};
use strongroom_proof::ics23::{OP_ENTRY, OP_STORE, StoreProof};
use strongroom_store::Error;
use strongroom_types::error::sdk;
use strongroom_types::{Height, Tree, TxError};

/// What a path asks of the stores; `None` if it is about something else.
pub(crate) fn parse(path: &str) -> Option<Result<Tree, TxError>> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    let (name, what) = rest.strip_prefix("store/")?.split_once('/')?;
    let tree = Tree::ALL.into_iter().find(|tree| tree.name() == name);
    Some(match (tree, what) {
        (Some(tree), "key") => Ok(tree),
        (None, _) => Err(sdk::UNKNOWN_REQUEST.wrap(format!("no such store: {name}"))),
        _ => Err(sdk::UNKNOWN_REQUEST.wrap(format!("unexpected query path: /{what}"))),
    })
}

/// Answers a query of a raw key.
pub(crate) fn query(
    chain: &HostChain,
    tree: Tree,
    key: &[u8],
    height: Height,
    prove: bool,
) -> Result<AbciQueryAnswer, TxError> {
    if key.is_empty() {
        return Err(sdk::TX_DECODE.wrap("query cannot be zero length"));
    }
    let block = chain.block_at(height).map_err(|e| e.abci())?;
    let (value, proof) = entry(chain, tree, key, block.height, prove).map_err(|e| e.abci())?;
    let op = |kind: &str, key: &[u8], data| ProofOp {
        kind: kind.to_owned(),
        key: key.to_vec(),
        data,
    };
    let proof_ops = proof.map(|proof| {
        vec![
            op(OP_ENTRY, key, proof.entry),
            op(OP_STORE, tree.name().as_bytes(), proof.store),
        ]
    });
    Ok(AbciQueryAnswer {
        key: key.to_vec(),
        value: value.unwrap_or_default(),
        proof_ops: proof_ops.unwrap_or_default(),
        height: i64::try_from(block.height).unwrap_or(i64::MAX),
        ..AbciQueryAnswer::default()
    })
}

type Entry = (Option<Vec<u8>>, Option<StoreProof>);

fn entry(
    chain: &HostChain,
    tree: Tree,
    key: &[u8],
    height: Height,
    prove: bool,
) -> Result<Entry, QueryError> {
    if !prove {
        let view = chain.state().values(height).map_err(|e| internal(&e))?;
        return Ok((view.get(tree, key).map_err(|e| internal(&e))?, None));
    }
    let _pass = chain.gate().enter().map_err(busy)?;
    let missing = |e| match e {
        Error::NoVersion { .. } | Error::NotProvable { .. } => {
            let kept = chain.kept().provable;
            QueryError::Status {
                code: GrpcCode::FailedPrecondition,
                text: format!(
                    "height {height} has no proofs any more: ask at one of the newest {kept}"
                ),
            }
        }
        e => internal(&e),
    };
    let view = chain.state().view(height).map_err(missing)?;
    let entry = view.prove_to_clients(tree, key).map_err(missing)?;
    let proof = StoreProof::new(&entry, tree, &view.roots());
    Ok((entry.claim().1.map(<[u8]>::to_vec), Some(proof)))
}
