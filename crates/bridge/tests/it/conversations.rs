//! Streams, lanes, limits and endings, over channels and over a socket pair.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use strongroom_bridge::lane::{self, HostClient as _, LaneClient, Lanes};
use strongroom_bridge::link::{Link, in_process};
use strongroom_bridge::message::{PublicKeys, QueryResult, Status};
use strongroom_bridge::{
    DoorError, EnclaveRequest, Host, HostResponse, Lane, Proven, Reply, Request, Transport,
};
use strongroom_types::Tree;

const LANES: usize = 2;
/// What takes so long does not come.
const WAITS: Duration = Duration::from_secs(60);

fn lanes() -> Lanes {
    Lanes {
        query: LANES,
        simulation: 1,
    }
}

/// An enclave that asks for what a query names, and blocks in `execute` until told.
fn start(link: Link, go: Receiver<()>) -> std::thread::JoinHandle<DoorError> {
    let execution = move |request: Request, _: &LaneClient<'_>| match request {
        Request::BootstrapBegin => Reply::Begun(PublicKeys {
            io: [1; 32],
            exchange: [2; 32],
        }),
        Request::InitChain { genesis } => Reply::Sealed {
            seal: genesis[..10].to_vec(),
        },
        Request::BootstrapSeal { genesis } => {
            go.recv().unwrap();
            Reply::Sealed { seal: genesis }
        }
        _ => panic!("a lane that panics"),
    };
    let acknowledge = |request: Request, _: &LaneClient<'_>| match request {
        Request::Committed { height } => Reply::Published { height },
        _ => panic!("a block is not acknowledged"),
    };
    let query = |request: Request, host: &LaneClient<'_>| match request {
        Request::Query { data, .. } | Request::Simulate { tx: data } => {
            let mut all = Vec::new();
            for key in data {
                let ask = EnclaveRequest::Get {
                    height: 7,
                    tree: Tree::Native,
                    key: vec![key],
                };
                match host.request(ask).unwrap() {
                    HostResponse::Proven(Proven { value, .. }) => all.extend(value.unwrap()),
                    other => {
                        let outcome = Err(format!("{other:?}").into_bytes());
                        return Reply::Query(QueryResult { height: 7, outcome });
                    }
                }
            }
            Reply::Query(QueryResult {
                height: 7,
                outcome: Ok(all),
            })
        }
        _ => Reply::Status(Status::default()),
    };
    std::thread::spawn(move || lane::serve(link, execution, acknowledge, query, lanes()))
}

/// What keeps the execution lane at work until it is told to go on.
fn block(number: u8) -> Request {
    Request::BootstrapSeal {
        genesis: vec![number],
    }
}

fn no_asks(_: EnclaveRequest) -> HostResponse {
    panic!("nothing to ask")
}

fn double(ask: EnclaveRequest) -> HostResponse {
    match ask {
        EnclaveRequest::Get { key, .. } => HostResponse::Proven(Proven {
            value: Some(vec![key[0].wrapping_mul(2)]),
            proof: vec![0; 700],
        }),
        _ => HostResponse::Unavailable {
            text: String::from("no"),
        },
    }
}

fn query(bytes: Vec<u8>) -> Request {
    Request::Query {
        path: String::from("/q"),
        data: bytes,
    }
}

fn answer(bytes: Vec<u8>) -> Reply {
    Reply::Query(QueryResult {
        height: 7,
        outcome: Ok(bytes),
    })
}

struct Pair {
    host: Arc<Host>,
    go: Sender<()>,
    enclave: std::thread::JoinHandle<DoorError>,
}

fn pairs() -> Vec<Pair> {
    let (a, b) = UnixStream::pair().unwrap();
    [
        in_process(),
        (Link::over(a).unwrap(), Link::over(b).unwrap()),
    ]
    .into_iter()
    .map(|(ours, theirs)| {
        let (go, wait) = channel();
        Pair {
            host: Arc::new(Host::new(ours).unwrap()),
            go,
            enclave: start(theirs, wait),
        }
    })
    .collect()
}

#[test]
fn a_request_asks_its_host_and_gets_its_reply() {
    for pair in pairs() {
        assert_eq!(
            pair.host.call(query(vec![1, 2, 3]), &mut double),
            Ok(answer(vec![2, 4, 6]))
        );
        let keys = pair.host.call(Request::BootstrapBegin, &mut no_asks);
        assert_eq!(
            keys,
            Ok(Reply::Begun(PublicKeys {
                io: [1; 32],
                exchange: [2; 32]
            }))
        );
    }
}

#[test]
fn a_message_of_many_frames_arrives() {
    for pair in pairs() {
        let genesis = vec![9; 5 << 20];
        let reply = pair.host.call(Request::InitChain { genesis }, &mut no_asks);
        assert_eq!(reply, Ok(Reply::Sealed { seal: vec![9; 10] }));
    }
}

#[test]
fn a_query_does_not_wait_for_a_block() {
    for pair in pairs() {
        let host = Arc::clone(&pair.host);
        let block = std::thread::spawn(move || host.call(block(3), &mut no_asks));
        assert_eq!(
            pair.host.call(query(vec![5]), &mut double),
            Ok(answer(vec![10]))
        );
        // Nor does the word that the block before it is durable.
        let durable = pair
            .host
            .call(Request::Committed { height: 2 }, &mut no_asks);
        assert_eq!(durable, Ok(Reply::Published { height: 2 }));
        assert!(!block.is_finished());
        pair.go.send(()).unwrap();
        assert_eq!(block.join().unwrap(), Ok(Reply::Sealed { seal: vec![3] }));
    }
}

#[test]
fn many_threads_converse_at_once_and_nobody_gets_anothers_answer() {
    for pair in pairs() {
        std::thread::scope(|scope| {
            for n in 0..8u8 {
                let host = &pair.host;
                scope.spawn(move || {
                    for round in 0..50u8 {
                        let asked = vec![n, round, n.wrapping_add(round)];
                        let expected = asked.iter().map(|b| b.wrapping_mul(2)).collect();
                        assert_eq!(host.call(query(asked), &mut double), Ok(answer(expected)));
                    }
                });
            }
        });
    }
}

/// What lets a call go on, and the call.
type Held = (
    Sender<()>,
    std::thread::JoinHandle<Result<Reply, DoorError>>,
);

/// A call that has reached its asks, and told so, or waits in the enclave, until it is told to go on.
fn held(pair: &Pair, request: Request, asked: &Sender<Sender<()>>) -> Held {
    let (release, wait) = channel();
    let (host, asked, own) = (Arc::clone(&pair.host), asked.clone(), release.clone());
    let call = std::thread::spawn(move || {
        host.call(request, &mut |ask| {
            asked.send(own.clone()).unwrap();
            wait.recv().unwrap();
            double(ask)
        })
    });
    (release, call)
}

/// The end of the first of these calls that ends, which is taken out.
fn ended(calls: &mut Vec<Held>) -> Result<Reply, DoorError> {
    let until = Instant::now() + WAITS;
    loop {
        if let Some(n) = calls.iter().position(|(_, call)| call.is_finished()) {
            return calls.swap_remove(n).1.join().unwrap();
        }
        assert!(Instant::now() < until, "no call ends");
        std::thread::yield_now();
    }
}

#[test]
fn queries_that_use_up_every_stream_do_not_keep_a_block_out() {
    for pair in pairs() {
        let (asked, at_work) = channel();
        let mut calls = Vec::new();
        // One caller more than there are streams: exactly one of them is told to come again.
        for _ in 0..=Lane::Query.streams_max() {
            calls.push(held(&pair, query(vec![1]), &asked));
        }
        for _ in 0..LANES {
            at_work.recv_timeout(WAITS).unwrap();
        }
        let error = ended(&mut calls).unwrap_err();
        assert_eq!(error.code(), "door.busy");
        assert!(error.is_transient());
        for height in 0..5 {
            pair.go.send(()).unwrap();
            let block = pair.host.call(block(height), &mut no_asks);
            assert_eq!(block, Ok(Reply::Sealed { seal: vec![height] }));
            let genesis = vec![9; 5 << 20];
            let long = pair.host.call(Request::InitChain { genesis }, &mut no_asks);
            assert_eq!(long, Ok(Reply::Sealed { seal: vec![9; 10] }));
        }
        for (release, _) in &calls {
            release.send(()).unwrap();
        }
        for (_, call) in calls {
            assert_eq!(call.join().unwrap(), Ok(answer(vec![2])));
        }
        // All streams are free again.
        assert_eq!(
            pair.host.call(query(vec![5]), &mut double),
            Ok(answer(vec![10]))
        );
    }
}

#[test]
fn simulations_keep_no_query_waiting_and_queries_no_simulation() {
    let simulation = || Request::Simulate { tx: vec![1] };
    for pair in pairs() {
        for (many, of, one) in [
            (query(vec![1]), LANES, simulation()),
            (simulation(), 1, query(vec![1])),
        ] {
            // One more than there are streams: when it is refused, all others are in the enclave, many for each lane.
            let (asked, at_work) = channel();
            let calls = 0..=Lane::Query.streams_max();
            let mut calls: Vec<_> = calls.map(|_| held(&pair, many.clone(), &asked)).collect();
            assert!(ended(&mut calls).unwrap_err().is_transient());
            // A stream becomes free, and the lane takes the next.
            at_work.recv_timeout(WAITS).unwrap().send(()).unwrap();
            assert_eq!(ended(&mut calls), Ok(answer(vec![2])));
            for _ in 0..of {
                at_work.recv_timeout(WAITS).unwrap();
            }
            // In a thread of its own: without a lane it would wait for ever.
            let (tell, told) = channel();
            let host = Arc::clone(&pair.host);
            std::thread::spawn(move || {
                let _ = tell.send(host.call(one, &mut double));
            });
            assert_eq!(told.recv_timeout(WAITS), Ok(Ok(answer(vec![2]))));
            for (release, _) in &calls {
                release.send(()).unwrap();
            }
            for (_, call) in calls {
                assert_eq!(call.join().unwrap(), Ok(answer(vec![2])));
            }
        }
    }
}

#[test]
fn long_messages_of_many_queries_at_once_take_turns_and_all_arrive() {
    for pair in pairs() {
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let mut long = |_: EnclaveRequest| {
                        HostResponse::Proven(Proven {
                            value: Some(vec![3; 3 << 20]),
                            proof: Vec::new(),
                        })
                    };
                    let reply = pair.host.call(query(vec![1]), &mut long);
                    assert!(reply == Ok(answer(vec![3; 3 << 20])));
                });
            }
        });
    }
}

#[test]
fn the_host_keeps_one_end_of_the_execution_lane_busy_no_further_than_its_streams() {
    for pair in pairs() {
        let calls: Vec<_> = (0..8)
            .map(|height| {
                let host = Arc::clone(&pair.host);
                std::thread::spawn(move || host.call(block(height), &mut no_asks))
            })
            .collect();
        for _ in 0..8 {
            pair.go.send(()).unwrap();
        }
        let (mut served, mut busy) = (0, 0);
        for call in calls {
            match call.join().unwrap() {
                Ok(_) => served += 1,
                Err(e) if e.is_transient() => busy += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(served + busy, 8);
        assert!(served >= Lane::Execution.streams_max());
    }
}

#[test]
fn a_message_above_its_limit_never_leaves_and_the_door_stays_open() {
    for pair in pairs() {
        let error = pair
            .host
            .call(query(vec![0; 5 << 20]), &mut double)
            .unwrap_err();
        assert_eq!(error.code(), "door.too_large");
        let mut long = |_: EnclaveRequest| {
            HostResponse::Proven(Proven {
                value: Some(vec![0; 9 << 20]),
                proof: Vec::new(),
            })
        };
        let Ok(Reply::Query(result)) = pair.host.call(query(vec![1]), &mut long) else {
            panic!()
        };
        assert!(
            String::from_utf8(result.outcome.unwrap_err())
                .unwrap()
                .contains("proven of more than")
        );
        assert_eq!(
            pair.host.call(query(vec![5]), &mut double),
            Ok(answer(vec![10]))
        );
    }
}

#[test]
fn when_the_enclave_goes_every_call_ends_with_an_error() {
    for pair in pairs() {
        // Any other execution request makes the test's execution lane panic.
        let request = Request::Unseal {
            seal: Vec::new(),
            genesis: Vec::new(),
            anchors: Vec::new(),
        };
        assert_eq!(
            pair.host.call(request, &mut no_asks).unwrap_err().code(),
            "door.closed"
        );
        assert_eq!(
            pair.host
                .call(query(vec![5]), &mut double)
                .unwrap_err()
                .code(),
            "door.closed"
        );
        assert!(pair.host.closed().is_some());
    }
}

#[test]
fn when_the_host_goes_the_enclave_says_so() {
    for pair in pairs() {
        drop(pair.host);
        assert_eq!(pair.enclave.join().unwrap().code(), "door.closed");
    }
}

#[test]
fn a_host_that_leaves_a_conversation_half_way_closes_the_door() {
    for pair in pairs() {
        let host = Arc::clone(&pair.host);
        let left = std::thread::spawn(move || {
            host.call(query(vec![5]), &mut |_| panic!("the callback fails"))
        });
        assert!(left.join().is_err());
        assert_eq!(pair.enclave.join().unwrap().code(), "door.closed");
    }
}

#[test]
fn a_host_that_speaks_out_of_turn_or_nonsense_is_cut_off() {
    use strongroom_bridge::frame::Frame;
    use strongroom_bridge::message::{FromHost, Message as _, VERSION};
    let unasked = FromHost::Response(HostResponse::Code(None))
        .encode()
        .unwrap();
    let request = FromHost::Request(query(vec![5])).encode().unwrap();
    // A stream of the query lanes cannot carry it.
    let block = FromHost::Request(Request::Committed { height: 1 })
        .encode()
        .unwrap();
    let twice = FromHost::Request(Request::Status).encode().unwrap();
    for (messages, code) in [
        (vec![unasked], "door.turn"),
        (vec![request, twice], "door.turn"),
        (vec![block], "door.turn"),
        (vec![[&VERSION[..], &[0, 99]].concat()], "door.message"),
        (vec![vec![9, 0]], "door.message"),
    ] {
        let (mut ours, theirs) = in_process();
        let (_go, wait) = channel();
        let enclave = start(theirs, wait);
        for chunk in messages {
            ours.sink
                .send(Frame {
                    stream: 1,
                    more: false,
                    chunk,
                })
                .unwrap();
        }
        assert_eq!(enclave.join().unwrap().code(), code);
    }
}
