//! The faucet over a real RPC and mempool. The chain behind them knows one account and in which order it signs.

use super::*;
use axum::http::HeaderMap;
use std::sync::Mutex as StdMutex;
use strongroom_comet_rpc::backend::{AbciInfo, AbciQueryAnswer, NodeInfo};
use strongroom_comet_rpc::check_queue::CheckQueue;
use strongroom_comet_rpc::event_bus::EventBus;
use strongroom_comet_rpc::mempool::{CheckKind, Checked, Checker, Limits, Mempool};
use strongroom_comet_rpc::{Application, Backend, Config};
use strongroom_http::workers::Progress;
use strongroom_sdk::local;
use strongroom_store::blocks::{BlockStore, BlockStoreError};
use strongroom_types::proto::Message as _;
use strongroom_types::proto::cosmos::auth::v1beta1::BaseAccount;
use strongroom_types::proto::cosmos::auth::v1beta1::{
    QueryAccountInfoRequest, QueryAccountInfoResponse,
};
use strongroom_types::proto::cosmos::tx::v1beta1::{AuthInfo, TxRaw};
use strongroom_types::{ExecTxResult, Height};
use tokio::sync::watch;

const NUMBER: u64 = 7;

/// The account's sequences: committed, and with what waits.
#[derive(Default)]
struct Sequences {
    committed: u64,
    pending: u64,
}

#[derive(Clone, Default)]
struct Chain(Arc<StdMutex<Sequences>>);

fn sequence_of(tx: &[u8]) -> u64 {
    let raw = TxRaw::decode(tx).unwrap();
    AuthInfo::decode(raw.auth_info_bytes.as_slice())
        .unwrap()
        .signer_infos[0]
        .sequence
}

impl Checker for Chain {
    fn check_tx(&self, tx: &[u8], _: CheckKind, _: Height) -> Option<Checked> {
        let mut sequences = self.0.lock().unwrap();
        if sequence_of(tx) != sequences.pending {
            let refused = ExecTxResult {
                code: 32,
                codespace: "sdk".to_owned(),
                log: "account sequence mismatch".to_owned(),
                ..ExecTxResult::default()
            };
            return Some(refused.into());
        }
        sequences.pending += 1;
        Some(Checked::default())
    }
}

impl Application for Chain {
    fn info(&self) -> Result<AbciInfo, BlockStoreError> {
        unreachable!("the faucet does not ask")
    }

    fn query(&self, path: &str, data: &[u8], height: i64, _: bool) -> Progress<AbciQueryAnswer> {
        assert_eq!(path, "/cosmos.auth.v1beta1.Query/AccountInfo");
        let request = QueryAccountInfoRequest::decode(data).unwrap();
        let account = BaseAccount {
            address: request.address,
            account_number: NUMBER,
            sequence: self.0.lock().unwrap().committed,
            ..BaseAccount::default()
        };
        Progress::Done(AbciQueryAnswer {
            value: QueryAccountInfoResponse {
                info: Some(account),
            }
            .encode_to_vec(),
            height,
            ..AbciQueryAnswer::default()
        })
    }
}

struct Network {
    chain: Chain,
    mempool: Arc<Mempool>,
    rpc: Server,
    faucet: Arc<Faucet>,
    _directory: tempfile::TempDir,
}

async fn network() -> Network {
    network_of(Limits::default()).await
}

async fn network_of(limits: Limits) -> Network {
    let directory = tempfile::tempdir().unwrap();
    let chain = Chain::default();
    let mempool = Arc::new(Mempool::new(limits, Arc::new(chain.clone())));
    let backend = Backend {
        app: Arc::new(chain.clone()),
        blocks: Arc::new(BlockStore::open(directory.path()).unwrap()),
        published: watch::channel(0).1,
        checks: CheckQueue::new(Arc::clone(&mempool)).unwrap(),
        events: EventBus::default(),
        gate: Arc::default(),
        node: NodeInfo {
            id: String::new(),
            listen_addr: String::new(),
            network: "test-1".to_owned(),
            version: String::new(),
            moniker: String::new(),
            app_version: 0,
            rpc_address: String::new(),
            validator: [0; 32],
        },
        genesis: "{}".to_owned(),
    };
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rpc = strongroom_comet_rpc::serve(backend, Config::default(), tcp).unwrap();
    let account = Account::from_mnemonic(local::account("a").unwrap().mnemonic).unwrap();
    Network {
        faucet: Arc::new(Faucet::new(
            account,
            "test-1".to_owned(),
            GasPrice::default(),
            rpc.address(),
        )),
        chain,
        mempool,
        rpc,
        _directory: directory,
    }
}

impl Network {
    async fn ask(&self, method: Method, name: &str) -> (u16, serde_json::Value) {
        let (status, _, body) = self.ask_all(method, name).await;
        (status, body)
    }

    async fn ask_all(&self, method: Method, name: &str) -> (u16, HeaderMap, serde_json::Value) {
        let to = local::account(name).unwrap().address;
        let request = Request::builder()
            .method(method)
            .uri(format!("/faucet?address={to}"));
        let request = request.body(Body::empty()).unwrap();
        let response = answer(
            Arc::clone(&self.faucet),
            cors::Origins::new(&["*".to_owned()]),
            request,
        )
        .await;
        let any = &response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN];
        assert_eq!(any, "*");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        (status, headers, body)
    }

    async fn pays(&self, name: &str) {
        let (status, body) = self.ask(Method::GET, name).await;
        assert_eq!(status, 200, "{body}");
        let hash = body["txhash"].as_str().unwrap().to_owned();
        let hashes = self.mempool.peek(100);
        let mut hashes = hashes
            .iter()
            .map(|tx| hex::encode_upper(strongroom_types::sha256(tx)));
        assert!(
            hashes.any(|waiting| waiting == hash),
            "it waits for a block"
        );
    }

    fn sequences(&self) -> Vec<u64> {
        self.mempool
            .peek(100)
            .iter()
            .map(|tx| sequence_of(tx))
            .collect()
    }
}

#[test]
fn the_table_of_limits_says_how_long_a_payment_waits() {
    let table = include_str!("../../../../docs/spec/serving.md");
    let seconds = TURN_WAITS.as_secs();
    let row =
        format!("| payment of the faucet that waits for those before it, seconds | {seconds} |");
    assert!(table.contains(&row), "{row}");
}

#[tokio::test]
async fn payments_that_are_asked_for_at_once_follow_each_other() {
    let network = network().await;
    tokio::join!(network.pays("b"), network.pays("c"), network.pays("d"));
    assert_eq!(network.sequences(), [0, 1, 2]);
    network.rpc.stop().await;
}

#[tokio::test]
async fn a_faucet_that_counted_too_far_goes_on_where_the_chain_is() {
    let network = network().await;
    network.pays("b").await;
    network.pays("c").await;
    // The second one was lost with the mempool of a node that was started again.
    *network.chain.0.lock().unwrap() = Sequences {
        committed: 1,
        pending: 1,
    };
    network.pays("d").await;
    assert_eq!(network.sequences(), [0, 1, 1]);
    network.rpc.stop().await;
}

#[tokio::test]
async fn only_get_and_post_pay() {
    let network = network().await;
    for (method, status) in [
        (Method::HEAD, 405),
        (Method::OPTIONS, 204),
        (Method::PUT, 405),
        (Method::DELETE, 405),
        (Method::PATCH, 405),
    ] {
        assert_eq!(network.ask(method.clone(), "b").await.0, status, "{method}");
    }
    assert_eq!(network.mempool.size().txs, 0);
    assert_eq!(network.ask(Method::POST, "b").await.0, 200);
    network.pays("d").await;
    assert_eq!(network.sequences(), [0, 1]);
    network.rpc.stop().await;
}

#[tokio::test]
async fn a_payment_of_which_the_answer_was_lost_makes_the_next_wait_for_its_block() {
    let network = network().await;
    // One waits that the faucet knows nothing of.
    network.chain.0.lock().unwrap().pending = 1;
    let (status, headers, body) = network.ask_all(Method::GET, "b").await;
    let error = &body["error"];
    assert_eq!((status, error), (503, &"account sequence mismatch".into()));
    assert_eq!(headers["retry-after"], "1");
    network.chain.0.lock().unwrap().committed = 1;
    network.pays("b").await;
    assert_eq!(network.sequences(), [1]);
    network.rpc.stop().await;
}

#[tokio::test]
async fn a_payment_waits_for_those_before_it_for_so_long_and_is_told_to_come_again() {
    let mut network = network().await;
    Arc::get_mut(&mut network.faucet).unwrap().turn_waits = Duration::from_millis(10);
    let turn = network.faucet.next.lock().await;
    let (status, headers, body) = network.ask_all(Method::GET, "b").await;
    let error = &body["error"];
    assert_eq!(
        (status, error),
        (503, &"the faucet is busy, try again".into())
    );
    assert_eq!(headers["retry-after"], "1");
    drop(turn);
    network.pays("b").await;
    network.rpc.stop().await;
}

#[tokio::test]
async fn a_node_that_is_gone_is_told_to_who_asks() {
    let network = network().await;
    let Network { rpc, faucet, .. } = network;
    rpc.stop().await;
    let to = local::account("b").unwrap().address;
    let error = faucet.pay(to).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("does not answer"),
        "{error:#}"
    );
}

#[tokio::test]
async fn a_mempool_without_room_is_told_with_the_time_to_ask_again_and_the_next_payment_is_made() {
    let network = network_of(Limits {
        txs_max: 1,
        ..Limits::default()
    })
    .await;
    network.pays("b").await;
    let (status, headers, body) = network.ask_all(Method::GET, "c").await;
    assert_eq!(status, 503, "{body}");
    assert_eq!(
        (&headers["retry-after"], &headers["retry-after-ms"]),
        (&"1".parse().unwrap(), &"1000".parse().unwrap())
    );
    let error = body["error"].as_str().unwrap();
    assert!(error.starts_with("mempool is full"), "{error}");
    let waiting = network.mempool.peek(1);
    network
        .mempool
        .block_committed(0, waiting.iter().map(|tx| (tx, true)), |left| {
            vec![true; left.len()]
        });
    network.chain.0.lock().unwrap().committed = 1;
    network.pays("c").await;
    assert_eq!(network.sequences(), [1]);
    network.rpc.stop().await;
}
