//! The version that heads every message is a hash of the messages themselves: whoever changes one must change it, and is told how.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use strongroom_bridge::frame::Frame;
use strongroom_bridge::lane::{self, Lanes};
use strongroom_bridge::link::{Link, in_process};
use strongroom_bridge::message::{
    BlockResult, ChainResult, EnclaveRequest, Failure, FailureCode, FromEnclave, FromHost, Hint,
    HostResponse, Joining, Message, NewCode, Proven, PublicKeys, QueryResult, Reply, Request,
    Share, Status, TxAt, VERSION,
};
use strongroom_bridge::spec;
use strongroom_bridge::transport::{Host, Transport as _};
use strongroom_types::consensus::{
    AbciParams, BlockParams, ConsensusParams, ConsensusParamsUpdate, EvidenceParams,
    ValidatorParams, VersionParams,
};
use strongroom_types::{
    Attribute, DecidedBlock, Event, ExecTxResult, RawTx, Tree, ValidatorUpdate, WriteSet, sha256,
};

fn text(word: &str) -> String {
    word.to_owned()
}

/// Members differ, so that exchanged ones are seen.
fn from_host() -> Vec<FromHost> {
    let entry = Proven {
        value: Some(vec![1, 2]),
        proof: vec![3],
    };
    let block = DecidedBlock {
        header: vec![4],
        commit: vec![5, 6],
        txs: RawTx::list(["seven", "eight"]),
        last_commit: vec![9],
        evidence: vec![10, 11],
    };
    let requests = [
        Request::BootstrapBegin,
        Request::BootstrapSeal { genesis: vec![12] },
        Request::Unseal {
            seal: vec![13],
            genesis: vec![14, 15],
            anchors: vec![vec![16], vec![]],
        },
        Request::InitChain { genesis: vec![17] },
        Request::ExecuteBlock {
            block,
            hints: vec![Hint {
                tree: Tree::Contract,
                key: vec![18],
                entry: entry.clone(),
            }],
            exceptions: vec![[19; 32]],
        },
        Request::Committed { height: 20 },
        Request::Query {
            path: text("path"),
            data: vec![21],
        },
        Request::Simulate { tx: vec![22] },
        Request::Attest { nonce: [23; 32] },
        Request::Status,
        Request::JoinBegin {
            genesis: vec![28],
            operator: [29; 20],
            node_key: [30; 32],
            consensus_key: [31; 32],
        },
        Request::JoinOpen {
            genesis: vec![32],
            one_time: vec![33, 34],
            light_blocks: vec![vec![35], vec![36, 37]],
            share: Share {
                entry: vec![38],
                store: vec![39, 40],
            },
        },
        Request::BootstrapAttest {
            chain_id: text("chain"),
            node_key: [41; 32],
            consensus_key: [42; 32],
        },
    ];
    let answers = [
        HostResponse::Proven(entry),
        HostResponse::Paths(vec![vec![24], vec![25, 26]]),
        HostResponse::Code(Some(vec![27])),
        HostResponse::Unavailable { text: text("why") },
    ];
    let requests = requests.into_iter().map(FromHost::Request);
    requests
        .chain(answers.into_iter().map(FromHost::Response))
        .collect()
}

fn params() -> ConsensusParams {
    ConsensusParams {
        block: BlockParams {
            max_bytes: 1,
            max_gas: 2,
        },
        evidence: EvidenceParams {
            max_age_num_blocks: 3,
            max_age_duration_ns: 4,
            max_bytes: 5,
        },
        validator: ValidatorParams {
            pub_key_types: vec![text("kind")],
        },
        version: VersionParams { app: 6 },
        abci: AbciParams {
            vote_extensions_enable_height: 7,
        },
    }
}

fn writes() -> WriteSet {
    let key = |tree, byte| (tree, vec![byte]);
    WriteSet(
        [
            (key(Tree::Native, 1), Some(vec![2])),
            (key(Tree::Ibc, 3), None),
        ]
        .into(),
    )
}

fn event() -> Event {
    Event {
        kind: text("kind"),
        attributes: vec![Attribute {
            key: text("key"),
            value: text("value"),
            index: true,
        }],
    }
}

fn failure() -> Failure {
    Failure {
        code: FailureCode::Proof,
        text: text("text"),
        tx: Some(TxAt {
            height: 1,
            index: 2,
            hash: [3; 32],
        }),
    }
}

fn chain() -> ChainResult {
    ChainResult {
        genesis_hash: [1; 32],
        initial_height: 2,
        app_hash: [3; 32],
        roots: vec![(Tree::Native, [4; 32])],
        writes: writes(),
        validators: vec![ValidatorUpdate {
            pubkey: [5; 32],
            power: 6,
        }],
        consensus_params: params(),
        anchor: vec![7],
    }
}

fn block() -> BlockResult {
    let of = params();
    BlockResult {
        height: 1,
        header_hash: [2; 32],
        app_hash: [3; 32],
        roots: vec![(Tree::Contract, [4; 32])],
        results_hash: [5; 32],
        writes: writes(),
        tx_results: vec![ExecTxResult {
            code: 6,
            data: vec![7],
            log: text("log"),
            info: text("info"),
            gas_wanted: 8,
            gas_used: 9,
            events: vec![event()],
            codespace: text("sdk"),
        }],
        events: vec![event()],
        validator_updates: vec![ValidatorUpdate {
            pubkey: [10; 32],
            power: 11,
        }],
        consensus_param_updates: Some(ConsensusParamsUpdate {
            block: Some(of.block),
            evidence: Some(of.evidence),
            validator: Some(of.validator),
            version: Some(of.version),
            abci: Some(of.abci),
        }),
        new_code: vec![NewCode {
            hash: [12; 32],
            wasm: vec![13],
        }],
        anchor: vec![14],
    }
}

fn from_enclave() -> Vec<FromEnclave> {
    let keys = PublicKeys {
        io: [1; 32],
        exchange: [2; 32],
    };
    let status = Status {
        keys: Some(keys.clone()),
        genesis_hash: Some([3; 32]),
        executed: Some(4),
        committed: Some(5),
        stopped: Some(failure()),
        tree_bytes: 6,
    };
    let asks = [
        EnclaveRequest::Get {
            height: 1,
            tree: Tree::Native,
            key: vec![2],
        },
        EnclaveRequest::GetForWrite {
            height: 3,
            paths: vec![(Tree::Contract, [4; 32])],
        },
        EnclaveRequest::GetCode { hash: [5; 32] },
    ];
    let replies = [
        Reply::Begun(keys),
        Reply::Sealed { seal: vec![1] },
        Reply::Status(status),
        Reply::Chain(Box::new(chain())),
        Reply::Block(Box::new(block())),
        Reply::Published { height: 1 },
        Reply::Query(QueryResult {
            height: 1,
            outcome: Ok(vec![2]),
        }),
        Reply::Query(QueryResult {
            height: 1,
            outcome: Err(vec![2]),
        }),
        Reply::Evidence { evidence: vec![1] },
        Reply::Failed(failure()),
        Reply::Joining(Joining {
            one_time_key: [1; 32],
            enclave_version: 2,
            evidence: vec![3],
            one_time: vec![4, 5],
        }),
        Reply::Joined {
            seal: vec![1],
            possession: [2; 32],
        },
    ];
    let asks = asks.into_iter().map(FromEnclave::Request);
    asks.chain(replies.into_iter().map(FromEnclave::Reply))
        .collect()
}

/// The bodies of all examples, and the names of their kinds.
fn bodies<M: Message>(messages: Vec<M>) -> (Vec<u8>, BTreeSet<&'static str>) {
    let names = messages.iter().map(|m| m.spec().name).collect();
    let bodies = messages
        .iter()
        .flat_map(|m| m.encode().unwrap().split_off(VERSION.len()))
        .collect();
    (bodies, names)
}

#[test]
fn the_version_is_the_hash_of_an_example_of_every_message() {
    let names = |specs: &[&spec::Spec]| specs.iter().map(|s| s.name).collect::<BTreeSet<_>>();
    let (host, of_host) = bodies(from_host());
    let (enclave, of_enclave) = bodies(from_enclave());
    assert_eq!(of_host, names(&spec::FROM_HOST), "an example of each");
    assert_eq!(of_enclave, names(&spec::FROM_ENCLAVE), "an example of each");
    let codes: Vec<u8> = FailureCode::ALL.iter().map(|code| *code as u8).collect();
    let limits: Vec<u8> = spec::FROM_HOST
        .iter()
        .chain(&spec::FROM_ENCLAVE)
        .flat_map(|s| (s.limit as u64).to_le_bytes())
        .collect();
    let hash = sha256(&[host, enclave, codes, limits].concat());
    assert_eq!(
        VERSION,
        hash[..4],
        "the messages have changed: bridge::message::VERSION must be {:?}",
        &hash[..4]
    );
}

fn strange_frame() -> Frame {
    Frame {
        stream: 1,
        more: false,
        chunk: vec![1, 2, 3, 4, 0, 9],
    }
}

#[test]
fn an_enclave_that_hears_a_host_of_another_build_says_so_and_tells_it_its_own_version() {
    let (mut host, enclave) = in_process();
    let serving = std::thread::spawn(move || {
        lane::serve(
            enclave,
            |_, _| panic!("nothing can be asked"),
            |_, _| panic!("nothing can be asked"),
            |_, _| panic!("nothing can be asked"),
            Lanes {
                query: 1,
                simulation: 1,
            },
        )
    });
    host.sink.send(strange_frame()).unwrap();
    let heard = host.source.receive().unwrap();
    assert_eq!(heard.chunk[..4], VERSION);
    let error = serving.join().unwrap();
    assert_eq!(error.code(), "door.version");
    assert!(error.to_string().contains("01020304 there"), "{error}");
}

#[test]
fn a_host_whose_enclave_is_of_another_build_says_so_to_every_call() {
    let (host, mut enclave) = in_process();
    let host = Host::new(host).unwrap();
    let (told, done) = channel();
    let other = std::thread::spawn(move || {
        enclave.source.receive().unwrap();
        enclave.sink.send(strange_frame()).unwrap();
        done.recv().unwrap();
    });
    for _ in 0..2 {
        let error = host
            .call(Request::Status, &mut |_| panic!("nothing is asked"))
            .unwrap_err();
        assert_eq!(error.code(), "door.version");
    }
    told.send(()).unwrap();
    other.join().unwrap();
}

#[test]
fn a_host_in_the_middle_of_a_long_message_hears_that_the_enclave_is_of_another_build() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let host = Host::new(Link::over(ours).unwrap()).unwrap();
    let mut enclave = Link::over(theirs).unwrap();
    let other = std::thread::spawn(move || {
        // The first of several frames is refused, as `serve` does it.
        enclave.source.receive().unwrap();
        enclave.sink.send(strange_frame()).unwrap();
    });
    let genesis = vec![7; 8 << 20];
    for request in [Request::InitChain { genesis }, Request::Status] {
        let error = host.call(request, &mut |_| panic!("nothing is asked"));
        assert_eq!(error.unwrap_err().code(), "door.version");
    }
    other.join().unwrap();
}
