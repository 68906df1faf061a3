//! `cosmos.base.tendermint.v1beta1.Service`: blocks, validators, who this node is.

use super::{Answer, Services, decode, internal, places, status};
use crate::chain::query::{GrpcCode, QueryError};
use crate::pool::Pool;
use prost::Message as _;
use strongroom_comet_rpc::backend::{AbciQueryAnswer, catching_up};
use strongroom_http::workers::Progress;
use strongroom_store::blocks::Validator;
use strongroom_types::Height;
use strongroom_types::proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use strongroom_types::proto::cosmos::base::tendermint::v1beta1 as pb;
use strongroom_types::proto::cosmos::crypto::ed25519;
use strongroom_types::proto::tendermint::{p2p, types};
use strongroom_types::proto::{Any, pack};

/// The bech32 prefix of consensus addresses.
const CONSENSUS_PREFIX: &str = "secretvalcons";

/// A block in the three forms that answers are made of.
pub(super) struct BlockView {
    pub(super) id: types::BlockId,
    pub(super) block: types::Block,
}

impl Services {
    pub(super) fn blocks(&self, method: &str, request: &[u8]) -> Answer {
        match method {
            "GetLatestBlock" => {
                let (block_id, block, sdk_block) = self.block_responses(self.newest())?;
                self.answer(&pb::GetLatestBlockResponse {
                    block_id,
                    block,
                    sdk_block,
                })
            }
            "GetBlockByHeight" => {
                let height =
                    self.check_height(decode::<pb::GetBlockByHeightRequest>(request)?.height)?;
                let (block_id, block, sdk_block) = self.block_responses(height)?;
                self.answer(&pb::GetBlockByHeightResponse {
                    block_id,
                    block,
                    sdk_block,
                })
            }
            "GetSyncing" => {
                let syncing = match &self.pool {
                    Pool::Own(_) => catching_up(&self.blocks, self.newest()).map_err(internal)?,
                    // While it is being started, it is not there yet.
                    Pool::Comet(pool) => pool.rpc().catching_up().unwrap_or(true),
                };
                self.answer(&pb::GetSyncingResponse { syncing })
            }
            "GetNodeInfo" => self.answer(&self.node_info()),
            "GetLatestValidatorSet" => {
                let request: pb::GetLatestValidatorSetRequest = decode(request)?;
                let height = self.newest();
                let (validators, pagination) = self.validators(height, request.pagination)?;
                let block_height = signed(height);
                self.answer(&pb::GetLatestValidatorSetResponse {
                    block_height,
                    validators,
                    pagination,
                })
            }
            "GetValidatorSetByHeight" => {
                let request: pb::GetValidatorSetByHeightRequest = decode(request)?;
                let height = self.check_height(request.height)?;
                let (validators, pagination) = self.validators(height, request.pagination)?;
                let block_height = signed(height);
                self.answer(&pb::GetValidatorSetByHeightResponse {
                    block_height,
                    validators,
                    pagination,
                })
            }
            _ => Err(QueryError::UnknownPath),
        }
    }

    /// A height at which there is a block that clients may see.
    pub(super) fn check_height(&self, height: i64) -> Result<Height, QueryError> {
        let newest = self.newest();
        match u64::try_from(height) {
            Ok(height) if height >= 1 && height <= newest => Ok(height),
            Ok(height) if height > newest => Err(status(
                GrpcCode::InvalidArgument,
                "requested block height is bigger then the chain length",
            )),
            _ => Err(status(
                GrpcCode::InvalidArgument,
                "height must be greater than 0",
            )),
        }
    }

    pub(super) fn shown(&self, height: Height) -> Result<BlockView, QueryError> {
        let missing = || status(GrpcCode::NotFound, format!("no block at height {height}"));
        let meta = self
            .blocks
            .meta(height)
            .map_err(internal)?
            .ok_or_else(missing)?;
        let block = self
            .blocks
            .block(height)
            .map_err(internal)?
            .ok_or_else(missing)?;
        Ok(BlockView {
            id: types::BlockId {
                hash: meta.hash.to_vec(),
                part_set_header: Some(types::PartSetHeader {
                    total: meta.parts_total,
                    hash: meta.parts_hash.to_vec(),
                }),
            },
            block: types::Block {
                header: Some(types::Header::decode(&*block.header).map_err(internal)?),
                data: Some(types::Data {
                    txs: block.txs.iter().map(|tx| tx.to_vec()).collect(),
                }),
                evidence: Some(types::EvidenceList::decode(&*block.evidence).map_err(internal)?),
                last_commit: Some(types::Commit::decode(&*block.last_commit).map_err(internal)?),
            },
        })
    }

    #[allow(clippy::type_complexity)]
    fn block_responses(
        &self,
        height: Height,
    ) -> Result<
        (
            Option<types::BlockId>,
            Option<types::Block>,
            Option<pb::Block>,
        ),
        QueryError,
    > {
        let BlockView { id, block } = self.shown(height)?;
        let sdk = pb::Block {
            header: block.header.clone().map(sdk_header),
            data: block.data.clone(),
            evidence: block.evidence.clone(),
            last_commit: block.last_commit.clone(),
        };
        Ok((Some(id), Some(block), Some(sdk)))
    }

    fn node_info(&self) -> pb::GetNodeInfoResponse {
        let info = &self.info;
        let version = env!("CARGO_PKG_VERSION");
        pb::GetNodeInfoResponse {
            default_node_info: Some(p2p::DefaultNodeInfo {
                // The protocols of CometBFT v0.38, and no channels: an engine without peers has none.
                protocol_version: Some(p2p::ProtocolVersion {
                    p2p: 8,
                    block: 11,
                    app: info.app_version,
                }),
                default_node_id: info.id.clone(),
                listen_addr: info.listen_addr.clone(),
                network: info.network.clone(),
                version: info.version.clone(),
                channels: Vec::new(),
                moniker: info.moniker.clone(),
                other: Some(p2p::DefaultNodeInfoOther {
                    // Every transaction is indexed, whatever is set.
                    tx_index: "on".to_owned(),
                    rpc_address: info.rpc_address.clone(),
                }),
            }),
            application_version: Some(pb::VersionInfo {
                name: "strongroom".to_owned(),
                app_name: "strongroom".to_owned(),
                version: version.to_owned(),
                // Clients that look at it choose their dialect of the SDK by it.
                cosmos_sdk_version: "v0.50.14".to_owned(),
                ..pb::VersionInfo::default()
            }),
        }
    }

    fn validators(
        &self,
        height: Height,
        page: Option<PageRequest>,
    ) -> Result<(Vec<pb::Validator>, Option<PageResponse>), QueryError> {
        let set = self
            .blocks
            .validators(height)
            .map_err(internal)?
            .unwrap_or_default();
        let (places, page) = places(page, set.len())?;
        let shown = places
            .into_iter()
            .filter_map(|place| set.get(place).cloned())
            .map(validator)
            .collect::<Result<_, _>>()?;
        Ok((shown, Some(page)))
    }

    pub(super) fn abci_query(&self, request: &pb::AbciQueryRequest) -> Progress<Answer> {
        let answer = crate::abci::query(
            self,
            &request.path,
            &request.data,
            request.height,
            request.prove,
        );
        let services = self.clone();
        answer.map(move |answer| services.answer(&printed(answer)))
    }
}

fn printed(answer: AbciQueryAnswer) -> pb::AbciQueryResponse {
    let ops = answer.proof_ops.into_iter().map(|op| pb::ProofOp {
        r#type: op.kind,
        key: op.key,
        data: op.data,
    });
    let ops: Vec<pb::ProofOp> = ops.collect();
    pb::AbciQueryResponse {
        code: answer.code,
        log: answer.log,
        info: answer.info,
        index: answer.index,
        key: answer.key,
        value: answer.value,
        proof_ops: (!ops.is_empty()).then_some(pb::ProofOps { ops }),
        height: answer.height,
        codespace: answer.codespace,
    }
}

fn signed(height: Height) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

fn validator(v: Validator) -> Result<pb::Validator, QueryError> {
    let pub_key: Any = pack(&ed25519::PubKey {
        key: v.pubkey.to_vec(),
    });
    Ok(pb::Validator {
        address: consensus_address(&v.address),
        pub_key: Some(pub_key),
        voting_power: v.power,
        proposer_priority: v.proposer_priority,
    })
}

/// Bech32 of a consensus address; other bytes give no text.
fn consensus_address(bytes: &[u8]) -> String {
    bech32::Hrp::parse(CONSENSUS_PREFIX)
        .ok()
        .and_then(|hrp| bech32::encode::<bech32::Bech32>(hrp, bytes).ok())
        .unwrap_or_default()
}

fn sdk_header(h: types::Header) -> pb::Header {
    pb::Header {
        version: h.version,
        chain_id: h.chain_id,
        height: h.height,
        time: h.time,
        last_block_id: h.last_block_id,
        last_commit_hash: h.last_commit_hash,
        data_hash: h.data_hash,
        validators_hash: h.validators_hash,
        next_validators_hash: h.next_validators_hash,
        consensus_hash: h.consensus_hash,
        app_hash: h.app_hash,
        last_results_hash: h.last_results_hash,
        evidence_hash: h.evidence_hash,
        proposer_address: consensus_address(&h.proposer_address),
    }
}
