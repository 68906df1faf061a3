//! Limits of the RPC server that no recording reaches.

use crate::chain::Golden;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use strongroom_node::mempool::Limits;
use strongroom_node::rpc::{Config, RpcServer};

async fn start(config: Config) -> RpcServer {
    let backend = Golden::new("single", 1, 2, Limits::default());
    RpcServer::start(backend, config, "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap()
}

fn connect(server: &RpcServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_moves_is_closed() {
    let config = Config {
        idle_max: Duration::from_millis(100),
        ..Config::default()
    };
    let server = start(config).await;
    let mut stream = connect(&server);
    // Half a request, then nothing.
    stream.write_all(&REQUEST[..10]).unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(began.elapsed() < Duration::from_secs(5));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_limit_wait_for_a_place() {
    let config = Config {
        connections_max: 1,
        ..Config::default()
    };
    let server = start(config).await;
    let first = connect(&server);
    let mut second = connect(&server);
    second.write_all(REQUEST).unwrap();
    second
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(second.read(&mut [0; 1]).is_err(), "nobody answers yet");
    drop(first);
    second
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    assert!(answer(second).starts_with("HTTP/1.1 200 OK"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_frees_the_port_and_does_not_wait_for_idle_connections() {
    let server = start(Config::default()).await;
    let address = server.address();
    let _idle = connect(&server);
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(
        TcpStream::connect(address).is_err(),
        "nobody listens any more"
    );
}
