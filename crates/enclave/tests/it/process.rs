//! The enclave as a process of its own: the whole way through a real socket and a real sandbox, and how it ends.

use crate::node::Node;
use crate::user::User;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;
use strongroom_bridge::child::spawn;
use strongroom_bridge::{Request, Transport as _};
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
