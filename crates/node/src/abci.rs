//! The node as the application behind CometBFT and its RPC: Info, CheckTx, and Query with the full gRPC method as path, an
//! encoded request in, an encoded response out (wire.md 4.2), or with the path of a store and a raw key (`stores`).

use crate::host::busy;
use crate::services::Services;
use crate::stores;
use strongroom_comet_rpc::backend::{AbciInfo, AbciQueryAnswer, Application};
use strongroom_comet_rpc::mempool::CheckKind;
use strongroom_consensus::Queries;
use strongroom_http::workers::{Progress, Work};
use strongroom_proof::comet::raw::abci as pb;
use strongroom_proof::comet::raw::crypto;
use strongroom_store::blocks::{BlockStore, BlockStoreError};
use strongroom_types::error::sdk;
use strongroom_types::{ExecTxResult, Height, TxError};

/// The application's name.
const NAME: &str = "strongroom";
/// The method whose answer is this one: asked for itself it would go as deep as the request is long.
const ITSELF: &str = "/cosmos.base.tendermint.v1beta1.Service/ABCIQuery";

impl Application for Services {
    fn info(&self) -> Result<AbciInfo, BlockStoreError> {
        let height = self.newest();
        let results = self.blocks.results(height)?;
        Ok(AbciInfo {
            data: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            app_version: app_version(&self.blocks, height)?,
            last_block_height: height,
            last_block_app_hash: results.map(|r| r.app_hash).unwrap_or_default(),
        })
    }

    fn query(
        &self,
        path: &str,
        data: &[u8],
        height: i64,
        prove: bool,
    ) -> Progress<AbciQueryAnswer> {
        query(self, path, data, height, prove)
    }
}

impl Queries for Services {
    fn info(&self) -> pb::ResponseInfo {
        // A store that cannot be read stops the node where it matters; the version is only told.
        let info = Application::info(self).ok();
        pb::ResponseInfo {
            data: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            app_version: info.map(|i| i.app_version).unwrap_or_default(),
            ..pb::ResponseInfo::default()
        }
    }

    fn check_tx(&self, tx: &[u8], again: bool) -> ExecTxResult {
        let kind = if again {
            CheckKind::Recheck
        } else {
            CheckKind::New
        };
        // CometBFT gives nothing to a block before the one ahead of it is committed.
        self.chain.check_in_share(tx, kind)
    }

    fn query(&self, request: pb::RequestQuery) -> pb::ResponseQuery {
        let pb::RequestQuery {
            path,
            data,
            height,
            prove,
        } = request;
        let answer = query(self, &path, &data, height, prove).finish();
        let ops = answer.proof_ops.into_iter().map(|op| crypto::ProofOp {
            r#type: op.kind,
            key: op.key,
            data: op.data,
        });
        let ops: Vec<_> = ops.collect();
        pb::ResponseQuery {
            code: answer.code,
            log: answer.log,
            info: answer.info,
            index: answer.index,
            key: answer.key.into(),
            value: answer.value.into(),
            proof_ops: (!ops.is_empty()).then_some(crypto::ProofOps { ops }),
            height: answer.height,
            codespace: answer.codespace,
        }
    }
}

/// The version of the application that the parameters set for the block after `height`.
pub(crate) fn app_version(blocks: &BlockStore, height: Height) -> Result<u64, BlockStoreError> {
    let params = blocks.consensus_params(height.saturating_add(1))?;
    Ok(params.map(|params| params.version.app).unwrap_or_default())
}

/// Answers a query of CometBFT's RPC. Errors are in the answer, in the face that the RPC shows.
pub(crate) fn query(
    services: &Services,
    path: &str,
    data: &[u8],
    height: i64,
    prove: bool,
) -> Progress<AbciQueryAnswer> {
    let failed = move |error: TxError| AbciQueryAnswer {
        code: error.code,
        codespace: error.codespace,
        log: error.text,
        height,
        ..AbciQueryAnswer::default()
    };
    let Ok(wanted) = u64::try_from(height) else {
        let text = "cannot query with height < 0; please provide a valid height";
        return Progress::Done(failed(sdk::INVALID_REQUEST.wrap(text)));
    };
    if path == ITSELF {
        let error = sdk::INVALID_REQUEST.wrap("a query cannot ask for a query");
        return Progress::Done(failed(error));
    }
    if let Some(tree) = stores::parse(path) {
        let answer =
            tree.and_then(|tree| stores::query(&services.chain, tree, data, wanted, prove));
        return Progress::Done(answer.unwrap_or_else(failed));
    }
    // Asked for directly, whole blocks have few places among the threads (`workers`); from here they pass the gate.
    let pass = match Services::work(path) {
        Work::WholeBlock => services.chain.gate().enter().map(Some).map_err(busy),
        Work::Light | Work::Long | Work::Simulation => Ok(None),
    };
    let answer = Progress::of(pass.map(|_pass| services.call(path, data, wanted)));
    answer.map(move |answer| match answer {
        Ok((height, value)) => AbciQueryAnswer {
            value,
            height: i64::try_from(height).unwrap_or(i64::MAX),
            ..AbciQueryAnswer::default()
        },
        Err(e) => failed(e.abci()),
    })
}
