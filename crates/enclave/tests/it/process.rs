//! The enclave as a process of its own: the whole way through a real socket and a real sandbox, and how it ends.

use crate::node::Node;
use crate::user::User;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use strongroom_bridge::child::spawn;
use strongroom_bridge::{DoorError, FailureCode, HostResponse, Lane, Request, Transport as _};
use strongroom_enclave::process::{EXIT_DOOR, EXIT_HOST_GONE, EXIT_SETUP};
use strongroom_types::Address;

const BINARY: &str = env!("CARGO_BIN_EXE_strongroom-enclave");

#[test]
fn a_sandboxed_process_begins_a_chain_and_executes_blocks() {
    let (host, process) = spawn(Path::new(BINARY), &[], |how| panic!("{how}")).unwrap();
    let mut user = User::new();
    let mut node = Node::begin_behind(host, |params| user.genesis(params));
    for _ in 0..3 {
        let tx = user.send(&Address::of_module("somebody"), 5);
        let result = node.block(vec![tx]);
        assert_eq!(result.tx_results[0].code, 0, "{}", result.tx_results[0].log);
    }
    assert_eq!(node.status().committed, Some(3));
    process.stop();
}

#[test]
fn queries_that_hold_every_stream_of_a_real_process_do_not_keep_blocks_out() {
    let (host, process) = spawn(Path::new(BINARY), &[], |how| panic!("{how}")).unwrap();
    let mut user = User::new();
    let mut node = Node::begin_behind(host, |params| user.genesis(params));
    // The restarted enclave knows the roots only, so each query asks; its host keeps it waiting.
    let (host, second) = spawn(Path::new(BINARY), &[], |how| panic!("{how}")).unwrap();
    node.block(Vec::new());
    process.stop();
    node.restart_behind(host, 1).unwrap();
    node.committed(1).unwrap();
    let released = Arc::new((Mutex::new(false), Condvar::new()));
    let balance = Request::Query {
        path: String::from("/cosmos.bank.v1beta1.Query/AllBalances"),
        data: crate::lies::balance_request(&user.address),
    };
    let held: Vec<_> = (0..Lane::Query.streams_max())
        .map(|_| {
            let (door, released, query) = (
                Arc::clone(&node.door),
                Arc::clone(&released),
                balance.clone(),
            );
            std::thread::spawn(move || {
                door.call(query, &mut |_| {
                    let (flag, changed) = &*released;
                    let guard = flag.lock().unwrap();
                    drop(changed.wait_while(guard, |released| !*released).unwrap());
                    let text = String::from("let go");
                    HostResponse::Unavailable { text }
                })
            })
        })
        .collect();
    // Each of them opens its stream before it sends; with all taken, one more is refused at once, and told to come again.
    let refused = loop {
        let (door, query) = (Arc::clone(&node.door), balance.clone());
        let (said, heard) = channel();
        // A probe that comes too early takes a stream itself, and waits behind the others until they are let go.
        let text = String::from("let go");
        std::thread::spawn(move || {
            let _ = said.send(door.call(query, &mut |_| HostResponse::Unavailable {
                text: text.clone(),
            }));
        });
        if let Ok(Err(refused)) = heard.recv_timeout(Duration::from_millis(200)) {
            break refused;
        }
    };
    assert!(refused.is_transient(), "{refused}");
    for height in 2..=4 {
        let tx = user.send(&Address::of_module("somebody"), 5);
        let result = node.block(vec![tx]);
        assert_eq!((result.height, result.tx_results[0].code), (height, 0));
    }
    let waiting = held.iter().filter(|query| !query.is_finished()).count();
    assert!(waiting > Lane::Query.streams_max() / 2, "{waiting}");
    *released.0.lock().unwrap() = true;
    released.1.notify_all();
    for query in held {
        // A probe may have taken the stream of one.
        match query.join().unwrap() {
            Err(DoorError::Failed(failure)) => assert_eq!(failure.code, FailureCode::Unavailable),
            Err(busy) => assert!(busy.is_transient(), "{busy}"),
            Ok(reply) => panic!("{reply:?}"),
        }
    }
    assert_eq!(node.status().committed, Some(4));
    second.stop();
}

#[test]
fn when_the_enclave_process_dies_the_host_hears_of_it() {
    let (said, heard) = channel();
    let (host, process) =
        spawn(Path::new(BINARY), &[], move |how| said.send(how).unwrap()).unwrap();
    host.call(Request::Status, &mut |_| panic!()).unwrap();
    let killed = Command::new("kill")
        .args(["-9", &process.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let how = heard.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(how.contains("signal: 9"), "{how}");
    assert_eq!(
        host.call(Request::Status, &mut |_| panic!())
            .unwrap_err()
            .code(),
        "door.closed"
    );
}

/// Exit code and standard error of a process that gets `input` as its standard input.
fn run(input: Stdio, environment: &[(&str, &str)], after: impl FnOnce()) -> (Option<i32>, String) {
    let child = Command::new(BINARY)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    after();
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn when_the_host_dies_the_enclave_process_says_so_and_ends() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (code, said) = run(Stdio::from(OwnedFd::from(theirs)), &[], || drop(ours));
    assert_eq!(code, Some(i32::from(EXIT_HOST_GONE)));
    assert!(
        said.contains("strongroom enclave: door closed: the other end is gone"),
        "{said}"
    );
}

#[test]
fn a_host_that_speaks_nonsense_ends_the_process() {
    use std::io::Write as _;
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.write_all(&[255; 64]).unwrap();
    let (code, said) = run(Stdio::from(OwnedFd::from(theirs)), &[], || {});
    assert_eq!(code, Some(i32::from(EXIT_DOOR)));
    assert!(said.contains("bad frame"), "{said}");
}

#[test]
fn without_a_socket_or_with_an_environment_the_process_does_not_begin() {
    let (code, said) = run(Stdio::null(), &[], || {});
    assert_eq!(code, Some(i32::from(EXIT_SETUP)));
    assert!(said.contains("standard input is not a socket"), "{said}");
    if cfg!(target_os = "linux") {
        let (_ours, theirs) = UnixStream::pair().unwrap();
        let (code, said) = run(
            Stdio::from(OwnedFd::from(theirs)),
            &[("SECRET", "1")],
            || {},
        );
        assert_eq!(code, Some(i32::from(EXIT_SETUP)));
        assert!(said.contains("the environment must be empty"), "{said}");
    }
}

#[test]
fn an_executable_that_is_not_there_is_an_error() {
    let error = spawn(Path::new("/no/such/enclave"), &[], |_| {})
        .err()
        .unwrap();
    assert_eq!(error.code(), "door.spawn");
}
