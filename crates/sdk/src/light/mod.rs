//! Values of the state, proven: from a genesis or a trusted header to what stands under a key, over a node that is not trusted.
//!
//! Circle: client. Promises: what [`value`] answers follows from the trusted point by [`strongroom_proof`]'s checks, whatever the node
//! says. Refuses: to move bytes. The caller asks the node ([`Call`] is a call of CometBFT's RPC; [`crate::client::Client`] makes it), or a
//! [`Recording`] of what was asked before: then nothing is asked at all, and the same answers are checked again.
//!
//! Rules: docs/spec/state.md 2.1 and 6.

mod headers;
mod inclusion;
mod json;
mod recording;

#[cfg(test)]
mod tests;

pub use headers::Headers;
pub use inclusion::{Inclusion, included, result};
pub use recording::{RECORDING_BYTES_MAX, Recording, RecordingError};
pub use strongroom_proof::light::skipping::{Clock, LightBlock, Path, Terms, TrustLevel, Trusted};

use crate::types::genesis::{GenesisDoc, GenesisError};
use crate::types::{Hash, Height, Tree};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom_proof::comet::ValidatorSet;
use strongroom_proof::comet::validators::VALIDATORS_MAX;
use strongroom_proof::ics23::{OP_ENTRY, OP_STORE, StoreProof};
use strongroom_proof::light::skipping::Bisection;
use strongroom_proof::light::{Genesis, LightError};

/// Validators that a node tells in one answer.
const VALIDATORS_PAGE: usize = 100;

/// A call of a node's RPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Method, e.g. `commit`.
    pub method: &'static str,
    /// Parameters as JSON-RPC takes them in POST.
    pub params: Value,
}

/// Why nothing is proven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The node could not be asked, or answered with an error.
    #[error("{0}")]
    Node(String),
    /// An answer has not the form of CometBFT's.
    #[error("the answer to {method} has a bad {field}")]
    Form {
        /// What was asked.
        method: &'static str,
        /// Where its answer is wrong.
        field: &'static str,
    },
    /// The genesis file is none.
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// The header does not follow from the trusted one.
    #[error("header: {0}")]
    Light(#[from] LightError),
    /// The value is not what the node says.
    #[error("proof: {0}")]
    Proof(#[from] strongroom_proof::Error),
    /// There is no header yet that commits to the state that was asked for.
    #[error(
        "the chain has no header yet that commits to height {0}: ask again after the next block"
    )]
    TooNew(Height),
}

impl Error {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Node(_) => "verify.node",
            Self::Form { .. } => "verify.form",
            Self::Genesis(e) => e.code(),
            Self::Light(e) => e.code(),
            Self::Proof(e) => e.code(),
            Self::TooNew(_) => "verify.too_new",
        }
    }
}

/// The trusted point of a genesis file: who has the right file trusts its first validators.
///
/// # Errors
/// [`Error::Genesis`]; [`Error::Light`] for validators that make no set.
pub fn genesis(bytes: &[u8]) -> Result<Trusted, Error> {
    let document = GenesisDoc::<serde::de::IgnoredAny>::parse(bytes)?;
    let validators = ValidatorSet::from_updates(&document.validator_updates());
    let genesis = Genesis::new(&document, validators.map_err(LightError::from)?);
    Ok(Trusted::genesis(&genesis)?)
}

/// The trusted point of a header whose hash is known from somewhere else. The hash names the chain, too.
///
/// # Errors
/// As [`light_block`]; [`LightError::CommitBlockId`] if the node has another header there.
pub async fn header(
    height: Height,
    hash: &Hash,
    ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<Trusted, Error> {
    let block = light_block(height, ask).await?;
    Ok(Trusted::header(&block.header.chain_id, hash, &block)?)
}

/// Header, commit and validators at a height, as the node tells them. Nothing is checked but the form.
///
/// # Errors
/// [`Error::Node`], [`Error::Form`].
pub async fn light_block(
    height: Height,
    mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<LightBlock, Error> {
    let at = height.to_string();
    let commit = asked(&mut ask, "commit", json!({ "height": at })).await?;
    let (header, commit) = json::signed_header(&commit)?;
    let mut validators = Vec::new();
    for page in 1..=VALIDATORS_MAX.div_ceil(VALIDATORS_PAGE) {
        let (page, per_page) = (page.to_string(), VALIDATORS_PAGE.to_string());
        let params = json!({ "height": at, "page": page, "per_page": per_page });
        let (total, more) = json::validators(&asked(&mut ask, "validators", params).await?)?;
        let ended = more.is_empty();
        validators.extend(more);
        if ended || validators.len() >= total {
            break;
        }
    }
    Ok(LightBlock {
        header,
        commit,
        validators: ValidatorSet::new(validators).map_err(LightError::from)?,
    })
}

/// From a trusted point to the header at `target`: the header, and the blocks on the way there.
///
/// # Errors
/// As [`Bisection`] and [`light_block`].
pub async fn follow(
    trusted: &Trusted,
    target: Height,
    terms: &Terms,
    mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<Path, Error> {
    let mut way = Bisection::new(trusted, target, terms);
    while let Some(height) = way.wanted()? {
        way.take(light_block(height, &mut ask).await?)?;
    }
    Ok(way.path())
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Tree.
    pub tree: Tree,
    /// Raw key.
    pub key: Vec<u8>,
    /// The state after the block at this height; `None`: the newest state that a header commits to.
    pub height: Option<Height>,
}

/// What is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Height of the state that it is from.
    pub height: Height,
    /// The value; `None` = there is none.
    pub value: Option<Vec<u8>>,
    /// The proof, for whoever checks it again under [`Path::end`].
    pub proof: StoreProof,
    /// The way to the header above, which commits to that state.
    pub path: Path,
}

/// Asks for a value, and checks it down from `trusted`.
///
/// # Errors
/// [`Error::TooNew`], and whatever check fails.
pub async fn value(
    trusted: &Trusted,
    terms: &Terms,
    question: &Question,
    mut ask: impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<Answer, Error> {
    let (height, above) = above(question, &mut ask).await?;
    let path = follow(trusted, above, terms, &mut ask).await?;
    let (value, proof) = value_under(&path.end, height, question, &mut ask).await?;
    Ok(Answer {
        height,
        value,
        proof,
        path,
    })
}

/// The height of the state that is asked for, and that of the header which commits to it.
async fn above(
    question: &Question,
    ask: &mut impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<(Height, Height), Error> {
    let newest = json::newest(&asked(ask, "status", json!({})).await?)?;
    let height = question.height.unwrap_or(newest.saturating_sub(1));
    let above = height.saturating_add(1);
    if height == 0 || above > newest {
        return Err(Error::TooNew(height));
    }
    Ok((height, above))
}

/// The value in the state after the block at `height`, checked under the header above it.
async fn value_under(
    header: &Trusted,
    height: Height,
    question: &Question,
    ask: &mut impl AsyncFnMut(&Call) -> Result<Value, String>,
) -> Result<(Option<Vec<u8>>, StoreProof), Error> {
    let params = json!({
        "path": format!("/store/{}/key", question.tree.name()),
        "data": hex::encode(&question.key),
        "height": height.to_string(),
        "prove": true,
    });
    let (value, proof) = proven(&asked(ask, "abci_query", params).await?)?;
    let (tree, key) = (question.tree, question.key.as_slice());
    header.verify(tree, key, value.as_deref(), &proof)?;
    Ok((value, proof))
}

async fn asked(
    ask: &mut impl AsyncFnMut(&Call) -> Result<Value, String>,
    method: &'static str,
    params: Value,
) -> Result<Value, Error> {
    ask(&Call { method, params }).await.map_err(Error::Node)
}

/// Value and proof in an answer to `abci_query`.
fn proven(answer: &Value) -> Result<(Option<Vec<u8>>, StoreProof), Error> {
    let response = &answer["response"];
    let bad = |field| Error::Form {
        method: "abci_query",
        field,
    };
    if response["code"] != 0 {
        let log = response["log"].as_str().unwrap_or_default();
        return Err(Error::Node(log.to_owned()));
    }
    let ops = response["proofOps"]["ops"].as_array();
    let [entry, store] = ops.map(Vec::as_slice).unwrap_or_default() else {
        return Err(bad("proofOps"));
    };
    let data = |op: &Value, kind: &str| {
        let data = op["data"].as_str().filter(|_| op["type"] == kind);
        data.and_then(|data| STANDARD.decode(data).ok())
            .ok_or(bad("proofOps"))
    };
    let proof = StoreProof {
        entry: data(entry, OP_ENTRY)?,
        store: data(store, OP_STORE)?,
    };
    // An absent value and an empty one look alike here: the proof tells.
    let claim = strongroom_proof::ics23::Entry::decode(&proof.entry)?;
    let told = response["value"].as_str().unwrap_or_default();
    let told = STANDARD.decode(told).map_err(|_| bad("value"))?;
    let value = claim.claim().1.map(<[u8]>::to_vec);
    if value.as_deref().unwrap_or_default() != told {
        return Err(strongroom_proof::Error::Value.into());
    }
    Ok((value, proof))
}
