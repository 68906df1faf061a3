//! `strongroom.light.v1.Service`: what a light client needs of blocks over REST, and no route of the Cosmos SDK has.
//!
//! Promises: what CometBFT's RPC says to the same question, and no more of the results of a block than a header commits to.
//! Spec: docs/spec/state.md 6.1.

use super::txs::event;
use super::{Answer, Services, decode, internal, status};
use crate::chain::query::{GrpcCode, QueryError};
use prost::Message as _;
use strongroom_comet_rpc::backend::signed;
use strongroom_proof::comet::prove_tx;
use strongroom_proof::merkle;
use strongroom_store::blocks::{BlockResults, TxLocation};
use strongroom_types::proto::strongroom::light::v1 as pb;
use strongroom_types::proto::tendermint::types;
use strongroom_types::{ExecTxResult, Height};

impl Services {
    pub(super) fn light(&self, method: &str, request: &[u8]) -> Answer {
        match method {
            "Commit" => {
                let height = self.check_height(decode::<pb::CommitRequest>(request)?.height)?;
                self.answer(&self.commit(height)?)
            }
            "Tx" => {
                let place = self.place_of(&decode::<pb::TxRequest>(request)?.hash)?;
                self.answer(&self.proven_tx(place)?)
            }
            "Results" => {
                let height = self.check_height(decode::<pb::ResultsRequest>(request)?.height)?;
                let results = self.results(height)?.tx_results;
                self.answer(&pb::ResultsResponse {
                    height: i64::try_from(height).unwrap_or(i64::MAX),
                    txs_results: results.iter().map(committed).collect(),
                })
            }
            _ => Err(QueryError::UnknownPath),
        }
    }

    fn commit(&self, height: Height) -> Result<pb::CommitResponse, QueryError> {
        let block = signed(&self.blocks, height, self.newest()).map_err(internal)?;
        let block = block.ok_or_else(|| missing(height))?;
        let signed_header = types::SignedHeader {
            header: Some(types::Header::decode(&*block.header).map_err(internal)?),
            commit: Some(types::Commit::decode(&*block.commit).map_err(internal)?),
        };
        Ok(pb::CommitResponse {
            signed_header: Some(signed_header),
        })
    }

    fn proven_tx(&self, place: TxLocation) -> Result<pb::TxResponse, QueryError> {
        let lost = || internal(format!("the transaction {place:?} is missing"));
        let block = self.blocks.block(place.height).map_err(internal)?;
        let block = block.ok_or_else(|| missing(place.height))?;
        let results = self.results(place.height)?;
        let index = usize::try_from(place.index).map_err(internal)?;
        let tx = block.txs.get(index).ok_or_else(lost)?;
        let result = results.tx_results.get(index).ok_or_else(lost)?;
        let (_, proof) = prove_tx(&block.txs, index).ok_or_else(lost)?;
        let proof = pb::Proof {
            total: i64::try_from(proof.total).unwrap_or(i64::MAX),
            index: place.index.into(),
            leaf_hash: merkle::leaf_hash(tx.hash()).to_vec(),
            aunts: proof.aunts.iter().map(|aunt| aunt.to_vec()).collect(),
        };
        Ok(pb::TxResponse {
            hash: tx.hash_hex(),
            height: i64::try_from(place.height).unwrap_or(i64::MAX),
            index: place.index,
            tx_result: Some(pb::TxResult {
                code: result.code,
                data: result.data.clone(),
                log: result.log.clone(),
                info: result.info.clone(),
                gas_wanted: result.gas_wanted,
                gas_used: result.gas_used,
                events: result.events.iter().map(event).collect(),
                codespace: result.codespace.clone(),
            }),
            tx: tx.to_vec(),
            proof: Some(pb::TxProof { proof: Some(proof) }),
        })
    }

    fn results(&self, height: Height) -> Result<BlockResults, QueryError> {
        let results = self.blocks.results(height).map_err(internal)?;
        results.ok_or_else(|| status(GrpcCode::NotFound, format!("no results at height {height}")))
    }
}

fn missing(height: Height) -> QueryError {
    status(GrpcCode::NotFound, format!("no block at height {height}"))
}

fn committed(result: &ExecTxResult) -> pb::CommittedResult {
    pb::CommittedResult {
        code: result.code,
        data: result.data.clone(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
    }
}
