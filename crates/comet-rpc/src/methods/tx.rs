//! A transaction by its hash, and the proof that a block has it.

use super::{Answer, Context, answer, missing, within_limit};
use crate::encode::results::TxResultJson;
use crate::envelope::RpcError;
use crate::json::{Base64, Str, UpperHex};
use crate::params::Params;
use serde::Serialize;
use strongroom_proof::comet::prove_tx;
use strongroom_proof::merkle;
use strongroom_store::blocks::{BlockResults, Position};
use strongroom_types::{DecidedBlock, Height, RawTx};

/// A transaction with its result.
#[derive(Serialize)]
pub(super) struct TxAnswer {
    hash: UpperHex,
    height: Str<Height>,
    index: u32,
    tx_result: TxResultJson,
    tx: Base64,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<TxProof>,
}

#[derive(Serialize)]
struct TxProof {
    root_hash: UpperHex,
    data: Base64,
    proof: Proof,
}

#[derive(Serialize)]
struct Proof {
    total: Str<u64>,
    index: Str<u32>,
    leaf_hash: Base64,
    aunts: Vec<Base64>,
}

impl TxAnswer {
    pub(super) fn at(context: &Context, at: Position, prove: bool) -> Result<Self, RpcError> {
        Self::of(&Loaded::new(context, at.height)?, at, prove)
    }

    fn of(block: &Loaded, at: Position, prove: bool) -> Result<Self, RpcError> {
        let place = usize::try_from(at.index).unwrap_or(usize::MAX);
        let (Some(tx), Some(result)) = (
            block.block.txs.get(place),
            block.results.tx_results.get(place),
        ) else {
            return Err(missing("transaction", at.height));
        };
        Ok(Self {
            hash: UpperHex(tx.hash().to_vec()),
            height: Str(at.height),
            index: at.index,
            tx_result: result.into(),
            tx: Base64(tx.to_vec()),
            proof: prove
                .then(|| proof_of(&block.block, at.index, tx))
                .flatten(),
        })
    }

    /// The answers of a page, each block read once.
    pub(super) fn page(
        context: &Context,
        positions: &[Position],
        prove: bool,
    ) -> Result<Vec<Self>, RpcError> {
        let mut answers = Vec::with_capacity(positions.len());
        let mut bytes = 0usize;
        for of_block in positions.chunk_by(|a, b| a.height == b.height) {
            let Some(first) = of_block.first() else {
                continue;
            };
            let loaded = Loaded::new(context, first.height)?;
            for &at in of_block {
                let answer = Self::of(&loaded, at, prove)?;
                bytes = bytes.saturating_add(answer.tx.0.len());
                within_limit(bytes)?;
                answers.push(answer);
            }
        }
        Ok(answers)
    }
}

/// A block with its results.
struct Loaded {
    block: DecidedBlock,
    results: BlockResults,
}

impl Loaded {
    fn new(context: &Context, height: Height) -> Result<Self, RpcError> {
        let blocks = &context.backend.blocks;
        match (blocks.block(height)?, blocks.results(height)?) {
            (Some(block), Some(results)) => Ok(Self { block, results }),
            _ => Err(missing("block", height)),
        }
    }
}

pub(super) fn tx(context: &Context, params: &Params) -> Answer {
    let hash = params.bytes("hash");
    if hash.is_empty() {
        return Err(RpcError::internal("transaction hash cannot be empty"));
    }
    let (blocks, published) = (&context.backend.blocks, context.backend.published_height());
    let place = match hash.try_into() {
        Ok(hash) => blocks.tx_location(&hash, published)?,
        Err(_) => None,
    };
    match place {
        Some(place) => {
            let at = Position {
                height: place.height,
                index: place.index,
            };
            answer(&TxAnswer::at(context, at, params.bool("prove"))?)
        }
        None => Err(RpcError::internal(format!(
            "tx ({}) not found",
            hex::encode_upper(hash)
        ))),
    }
}

/// The tree over the hashes of a block's transactions (a leaf holds the hash of its transaction).
fn proof_of(block: &DecidedBlock, index: u32, tx: &RawTx) -> Option<TxProof> {
    let (root, proof) = prove_tx(&block.txs, usize::try_from(index).ok()?)?;
    Some(TxProof {
        root_hash: UpperHex(root.to_vec()),
        data: Base64(tx.to_vec()),
        proof: Proof {
            total: Str(proof.total),
            index: Str(index),
            leaf_hash: Base64(merkle::leaf_hash(tx.hash()).to_vec()),
            aunts: proof
                .aunts
                .iter()
                .map(|aunt| Base64(aunt.to_vec()))
                .collect(),
        },
    })
}
