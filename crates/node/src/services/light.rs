//! `strongroom.light.v1.Service`: what a light client needs of blocks over REST, and no route of the Cosmos SDK has.
//!
//! Promises: what CometBFT's RPC says to the same question, and no more of the results of a block than a header commits to.
//! Spec: docs/spec/state.md 6.1.

use super::txs::event;
use super::{Answer, Services, decode, internal, status};
use crate::chain::query::{GrpcCode, QueryError};
use prost::Message as _;
use strongroom_proof::merkle;
use strongroom_store::blocks::{BlockResults, TxLocation};
use strongroom_types::proto::strongroom::light::v1 as pb;
use strongroom_types::proto::tendermint::types;
use strongroom_types::{DecidedBlock, ExecTxResult, Hash, Height, RawTx};

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
        let block = self.decided(height)?;
        // The next header commits to one of them; the signatures of the newest may be renewed until then.
        let commit = match height < self.newest() {
            true => self.decided(height.saturating_add(1))?.last_commit,
            false => block.commit,
        };
        let signed_header = types::SignedHeader {
            header: Some(types::Header::decode(&*block.header).map_err(internal)?),
            commit: Some(types::Commit::decode(&*commit).map_err(internal)?),
        };
        Ok(pb::CommitResponse {
            signed_header: Some(signed_header),
        })
    }

    fn proven_tx(&self, place: TxLocation) -> Result<pb::TxResponse, QueryError> {
        let missing = || internal(format!("the transaction {place:?} is missing"));
        let block = self.decided(place.height)?;
        let results = self.results(place.height)?;
        let index = usize::try_from(place.index).map_err(internal)?;
        let tx = block.txs.get(index).ok_or_else(missing)?;
        let result = results.tx_results.get(index).ok_or_else(missing)?;
        let hashes: Vec<&Hash> = block.txs.iter().map(RawTx::hash).collect();
        let (_, proof) = merkle::prove(&hashes, index).ok_or_else(missing)?;
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

    fn decided(&self, height: Height) -> Result<DecidedBlock, QueryError> {
        let block = self.blocks.block(height).map_err(internal)?;
        block.ok_or_else(|| status(GrpcCode::NotFound, format!("no block at height {height}")))
    }

    fn results(&self, height: Height) -> Result<BlockResults, QueryError> {
        let results = self.blocks.results(height).map_err(internal)?;
        results.ok_or_else(|| status(GrpcCode::NotFound, format!("no results at height {height}")))
    }
}

fn committed(result: &ExecTxResult) -> pb::CommittedResult {
    pb::CommittedResult {
        code: result.code,
        data: result.data.clone(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
    }
}
