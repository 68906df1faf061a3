//! What REST says when the enclave cannot answer.

use super::*;
use crate::chain::BlockInfo;
use crate::chain::tx::GasPrice;
use crate::enclave::Enclave;
use crate::host::HostChain;
use crate::pool::tests::answering;
use crate::pool::{CometPool, Pool};
use strongroom_bridge::message::{
    EnclaveRequest, Failure, HostResponse, Reply, Request as DoorRequest,
};
use strongroom_bridge::{DoorError, FailureCode, Transport};
use strongroom_comet_rpc::backend::NodeInfo;
use strongroom_comet_rpc::check_queue::CheckQueue;
use strongroom_comet_rpc::mempool::{Limits as MempoolLimits, Mempool};
use strongroom_consensus::cometbft::Rpc;
use strongroom_store::blocks::{BlockMeta, BlockStore};
use strongroom_store::state::TABLES;
use strongroom_store::{ContentStore, History, KvLimits, Limits, LsmKv, StateStore};
use strongroom_types::{DecidedBlock, RawTx, Timestamp};

/// An enclave whose every call ends like this.
struct Ends(DoorError);

impl Transport for Ends {
    fn call(
        &self,
        _: DoorRequest,
        _: &mut dyn FnMut(EnclaveRequest) -> HostResponse,
    ) -> Result<Reply, DoorError> {
        Err(self.0.clone())
    }
}

fn gateway(home: &std::path::Path, error: DoorError) -> Arc<Gateway> {
    gateway_with(home, error, Limits::default(), GasPrice::default())
}

fn gateway_with(
    home: &std::path::Path,
    error: DoorError,
    limits: Limits,
    min_gas_price: GasPrice,
) -> Arc<Gateway> {
    gateway_of(home, error, limits, min_gas_price, MempoolLimits::default())
}

fn gateway_of(
    home: &std::path::Path,
    error: DoorError,
    limits: Limits,
    min_gas_price: GasPrice,
    waiting: MempoolLimits,
) -> Arc<Gateway> {
    let kv = LsmKv::open(home.join("state"), TABLES, KvLimits::default()).unwrap();
    let state = Arc::new(StateStore::open(Arc::new(kv), limits).unwrap());
    let content = Arc::new(ContentStore::open(&home.join("content")).unwrap());
    let blocks = Arc::new(BlockStore::open(&home.join("blocks")).unwrap());
    let enclave = Enclave::new(
        Arc::new(Ends(error)),
        Arc::clone(&state),
        Arc::clone(&content),
    );
    let head = BlockInfo {
        chain_id: "test-1".to_owned(),
        genesis_hash: [0; 32],
        height: 0,
        time: Timestamp::default(),
        header_hash: [0; 32],
        version_app: 0,
        misbehavior: Vec::new(),
    };
    let chain = Arc::new(HostChain::new(
        state,
        content,
        Arc::clone(&blocks),
        enclave,
        min_gas_price,
        head,
    ));
    let mempool = Arc::new(Mempool::new(waiting, chain.clone()));
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    Arc::new(Gateway {
        origins: cors::Origins::new(&["*".to_owned()]),
        services: Services {
            chain,
            blocks,
            pool: Pool::Own(CheckQueue::new(mempool).unwrap()),
            info: Arc::new(NodeInfo {
                id: String::new(),
                listen_addr: String::new(),
                network: String::new(),
                version: String::new(),
                moniker: String::new(),
                app_version: 0,
                rpc_address: String::new(),
                validator: [0; 32],
            }),
        },
        routes: Routes::of(&pool),
        printer: Printer::new(pool),
        workers: Workers::new("test", 2).unwrap(),
    })
}

#[tokio::test]
async fn a_busy_enclave_is_429_so_that_clients_ask_again_and_a_lost_one_is_not() {
    let lost = Failure {
        code: FailureCode::Broken,
        text: "an invariant does not hold".into(),
        tx: None,
    };
    for (error, status, code) in [
        (DoorError::Busy("all lanes are taken"), 429, 8),
        (DoorError::Short("no descriptors".into()), 429, 8),
        (DoorError::Closed("the process died".into()), 500, 13),
        (DoorError::Failed(lost), 500, 13),
    ] {
        let home = tempfile::tempdir().unwrap();
        let target =
            "/compute/v1beta1/query/secret1fc3fzy78ttp0lwuujw7e52rhspxn8uj52zfyne?query=e30%3D";
        let request = Request::get(target).body(Body::empty()).unwrap();
        let answer = gateway(home.path(), error.clone()).handle(request).await;
        assert_eq!(answer.status().as_u16(), status, "{error}");
        let again = answer.headers().get("retry-after");
        assert_eq!(again.is_some(), status == 429, "{error}");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], code, "{error}");
        let asks_again = body["message"].as_str().unwrap().ends_with("try again");
        assert_eq!(asks_again, status == 429, "{error}");
    }
}

async fn get(gateway: &Arc<Gateway>, target: &str) -> serde_json::Value {
    let request = Request::get(target).body(Body::empty()).unwrap();
    let answer = Arc::clone(gateway).handle(request).await;
    assert_eq!(answer.status().as_u16(), 200, "{target}");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    serde_json::from_slice(&body.unwrap()).unwrap()
}

#[tokio::test]
async fn a_node_says_what_it_takes_and_keeps() {
    let price = GasPrice {
        amount_e18: 500_000_000_000_000_000,
        denom: "uscrt".to_owned(),
    };
    for (history, keep_recent, interval) in [(History::All, "0", "0"), (History::None, "42", "1")] {
        let home = tempfile::tempdir().unwrap();
        let limits = Limits {
            provable: 42,
            history,
        };
        let lost = DoorError::Closed("not asked".into());
        let gateway = gateway_with(home.path(), lost, limits, price.clone());
        let expected = serde_json::json!({
            "minimum_gas_price": "0.500000000000000000uscrt",
            "pruning_keep_recent": keep_recent,
            "pruning_interval": interval,
            "halt_height": "0",
        });
        let config = get(&gateway, "/cosmos/base/node/v1beta1/config").await;
        assert_eq!(config, expected);
    }
}

#[tokio::test]
async fn a_node_is_syncing_while_decided_blocks_wait_for_more_than_the_one_that_is_made() {
    let home = tempfile::tempdir().unwrap();
    let gateway = gateway(home.path(), DoorError::Closed("not asked".into()));
    for (decided, syncing) in [(0, false), (1, false), (2, true)] {
        if decided > 0 {
            let meta = BlockMeta {
                height: decided,
                hash: [0; 32],
                parts_total: 1,
                parts_hash: [0; 32],
                size: 0,
                txs: 0,
                header: Vec::new(),
            };
            let block = DecidedBlock::default();
            gateway.services.blocks.save_decided(&meta, &block).unwrap();
        }
        let answer = get(&gateway, "/cosmos/base/tendermint/v1beta1/syncing").await;
        assert_eq!(
            answer,
            serde_json::json!({ "syncing": syncing }),
            "{decided}"
        );
    }
}

#[tokio::test]
async fn a_full_mempool_says_when_to_try_again_and_no_other_answer_does() {
    // No room; room, and a state that cannot be read; and too long.
    for (txs_max, tx_bytes_max, code, retry) in [
        (0, 9, 20, Some("1")),
        (1, 9, 20, Some("1")),
        (1, 1, 21, None),
    ] {
        let home = tempfile::tempdir().unwrap();
        let waiting = MempoolLimits {
            txs_max,
            tx_bytes_max,
            ..MempoolLimits::default()
        };
        let gateway = gateway_of(
            home.path(),
            DoorError::Busy("unused"),
            Limits::default(),
            GasPrice::default(),
            waiting,
        );
        let body = r#"{"tx_bytes":"AAAA","mode":"BROADCAST_MODE_SYNC"}"#;
        let request = Request::post("/cosmos/tx/v1beta1/txs").body(Body::from(body));
        let answer = gateway.handle(request.unwrap()).await;
        assert_eq!(answer.status().as_u16(), 200);
        for (header, unit) in [("retry-after", ""), ("retry-after-ms", "000")] {
            let told = answer.headers().get(header);
            let told = told.map(|v| v.to_str().unwrap().to_owned());
            assert_eq!(told, retry.map(|seconds| format!("{seconds}{unit}")));
        }
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(body["tx_response"]["code"], code, "{body}");
    }
}

#[tokio::test]
async fn a_transaction_whose_answer_is_lost_is_told_by_its_hash_and_not_as_refused() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("comet");
    // The connection ends after the request; asked again, CometBFT has no room.
    answering(
        &socket,
        &[None, Some(r#"{"error":{"data":"mempool is full"}}"#)],
    );
    let mut gateway = gateway(home.path(), DoorError::Busy("unused"));
    let comet = CometPool::new(Rpc::new(socket)).unwrap();
    Arc::get_mut(&mut gateway).unwrap().services.pool = Pool::Comet(comet);
    let body = r#"{"tx_bytes":"AAAA","mode":"BROADCAST_MODE_SYNC"}"#;
    let request = Request::post("/cosmos/tx/v1beta1/txs").body(Body::from(body));
    let answer = gateway.handle(request.unwrap()).await;
    // Of 503, 429 and code 20 clients think that nothing was done.
    assert_eq!(answer.status().as_u16(), 500);
    assert!(!answer.headers().contains_key("retry-after"));
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let hash = RawTx::from(vec![0; 3]).hash_hex();
    let told = format!("the answer to transaction {hash} is lost");
    assert!(
        body["message"].as_str().unwrap().starts_with(&told),
        "{body}"
    );
    assert_eq!(body["code"], 2);
}
