//! Limits of listener, RPC and websocket that no recording reaches: who holds something back, and who is served meanwhile.

use crate::chain::Golden;
use futures_util::{SinkExt as _, StreamExt as _};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use strongroom_comet_rpc::Config;
use strongroom_comet_rpc::event_bus::LAG_BLOCKS_MAX;
use strongroom_comet_rpc::mempool::Limits;
use strongroom_http::Server;
use strongroom_http::budget::{Budget, OWN_BYTES};
use strongroom_http::settings::{HEAD_BYTES_MAX, HEADERS_MAX, Settings};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

/// How long anything here may take: far beyond every deadline that these tests set.
const PATIENCE: Duration = Duration::from_secs(120);
/// A deadline that is soon over.
const SOON: Duration = Duration::from_millis(300);
/// A deadline that never comes.
const NEVER: Duration = Duration::from_secs(3_600);

/// No deadline ends anything, unless the test sets one.
fn patient(connections_max: usize) -> Settings {
    Settings {
        connections_max,
        head_waits: NEVER,
        body_waits: NEVER,
        answer_waits: NEVER,
        answer_bytes_per_second_min: 1,
        budget: Budget::default(),
    }
}

async fn start(config: Config) -> Server {
    start_with(config).await.1
}

async fn start_with(config: Config) -> (Arc<Golden>, Server) {
    let backend = Golden::new("single", 1, 2, Limits::default());
    let server = backend.serve(config).await;
    (backend, server)
}

fn listening(listen: Settings) -> Config {
    Config {
        listen,
        ..Config::default()
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Everything that the server says until it closes.
fn rest_of(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let began = Instant::now();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        began.elapsed() < PATIENCE,
        "the server did not close after: {text}"
    );
    text
}

fn is_served(address: SocketAddr) {
    let mut stream = connect(address);
    stream.write_all(REQUEST).unwrap();
    assert!(rest_of(stream).starts_with("HTTP/1.1 200 OK"));
}

fn is_not_served_yet(stream: &mut TcpStream) {
    stream.write_all(REQUEST).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(stream.read(&mut [0; 1]).is_err(), "nobody answers yet");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

fn post(body_len: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {body_len}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_send_half_a_head_or_nothing_or_rest_too_long_lose_their_places() {
    let server = start(listening(Settings {
        head_waits: SOON,
        ..patient(3)
    }))
    .await;
    let address = server.address();
    let (silent, mut half, mut resting) = (connect(address), connect(address), connect(address));
    half.write_all(&REQUEST[..10]).unwrap();
    resting
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    is_served(address);
    assert_eq!(rest_of(silent), "");
    assert!(!rest_of(half).contains("200 OK"));
    assert!(rest_of(resting).starts_with("HTTP/1.1 200 OK"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    let server = start(listening(Settings {
        head_waits: SOON,
        ..patient(1)
    }))
    .await;
    let mut slow = connect(server.address());
    let began = Instant::now();
    let cut_off = REQUEST.iter().cycle().any(|byte| {
        std::thread::sleep(Duration::from_millis(50));
        assert!(began.elapsed() < PATIENCE);
        // Never an empty line.
        slow.write_all(&[byte.max(&b'a').to_owned()]).is_err()
    });
    assert!(cut_off);
    is_served(server.address());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_answered_and_frees_the_place() {
    let server = start(listening(Settings {
        body_waits: SOON,
        ..patient(1)
    }))
    .await;
    let mut half = connect(server.address());
    half.write_all(post(100).as_bytes()).unwrap();
    half.write_all(b"{").unwrap();
    let answer = rest_of(half);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("it took too long"), "{answer}");
    is_served(server.address());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_bodies_fill_the_pool_only_and_hold_up_no_small_request() {
    let budget = Budget::new(4 * OWN_BYTES, 0);
    let settings = Settings {
        body_waits: Duration::from_secs(2),
        budget,
        ..patient(100)
    };
    let server = start(listening(settings)).await;
    let address = server.address();
    let abusers: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = connect(address);
            stream.write_all(post(3_000_000).as_bytes()).unwrap();
            stream.set_nonblocking(true).unwrap();
            // As much as the server takes, and then its own buffers.
            while stream.write(&[b' '; 4096]).is_ok_and(|sent| sent > 0) {}
            stream
        })
        .collect();
    is_served(address);
    // A large request waits for the pool, and finds room when the abusers are gone.
    let call = r#"{"id":1,"method":"health"}"#.to_owned() + &" ".repeat(400_000);
    let large = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        loop {
            let mut stream = connect(address);
            let _ = stream.write_all(
                post(call.len())
                    .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            );
            let _ = stream.write_all(call.as_bytes());
            if rest_of(stream).contains(r#""result":{}"#) {
                return;
            }
            assert!(began.elapsed() < 3 * PATIENCE, "never served");
        }
    });
    large.await.unwrap();
    drop(abusers);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_limit_wait_for_a_place() {
    let server = start(listening(patient(1))).await;
    let first = connect(server.address());
    let mut second = connect(server.address());
    is_not_served_yet(&mut second);
    drop(first);
    assert!(rest_of(second).starts_with("HTTP/1.1 200 OK"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_does_not_read_its_answers_loses_its_place() {
    let server = start(listening(Settings {
        answer_waits: SOON,
        answer_bytes_per_second_min: 1 << 30,
        ..patient(1)
    }))
    .await;
    let mut deaf = connect(server.address());
    deaf.set_nonblocking(true).unwrap();
    // Each answer has kilobytes. When the kernel's buffers are full, the server reads no more requests either.
    let ask = b"GET /block_results?height=1 HTTP/1.1\r\nHost: x\r\n\r\n";
    let (began, mut last) = (Instant::now(), Instant::now());
    while last.elapsed() < 3 * SOON {
        assert!(began.elapsed() < PATIENCE, "the buffers never fill");
        let written = deaf.write(ask).unwrap_or(0);
        if written > 0 {
            last = Instant::now();
        } else {
            // Cut off already, or no room.
            std::thread::sleep(SOON / 30);
        }
    }
    let mut honest = connect(server.address());
    honest.write_all(REQUEST).unwrap();
    assert!(rest_of(honest).starts_with("HTTP/1.1 200 OK"));
    server.stop().await;
}

/// A server that waits five seconds (a slow machine needs some to print the answer), or longer for who takes a megabyte a
/// second; and the path of a block of 16 MiB.
async fn start_with_a_large_answer() -> (Server, String) {
    let (backend, server) = start_with(listening(Settings {
        answer_waits: Duration::from_secs(5),
        answer_bytes_per_second_min: 1 << 20,
        ..patient(1)
    }))
    .await;
    let result = strongroom_types::ExecTxResult::default();
    backend.make_blocks(21, &vec![b'x'; LARGE], &result);
    (server, "/block?height=21".to_owned())
}

const LARGE: usize = 16 << 20;

/// Asks, and reads so much at a time. Gives what came, and whether it was all.
fn read_slowly(address: SocketAddr, path: &str, piece: usize, rests: Duration) -> (usize, bool) {
    let mut stream = connect(address);
    let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let (mut piece, mut bytes, began) = (vec![0; piece], 0, Instant::now());
    let mut end = [0; 2];
    loop {
        assert!(began.elapsed() < 2 * PATIENCE, "neither read nor cut off");
        match stream.read(&mut piece) {
            Ok(0) => return (bytes, end == *b"}}" || end == *b"}\n"),
            Err(_) => return (bytes, false),
            Ok(read) => {
                bytes += read;
                for byte in &piece[..read] {
                    end = [end[1], *byte];
                }
            }
        }
        std::thread::sleep(rests);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_a_large_answer_gets_it_whole() {
    let (server, path) = start_with_a_large_answer().await;
    let (address, began) = (server.address(), Instant::now());
    let rests = Duration::from_millis(20);
    let reading = move || read_slowly(address, &path, 64 << 10, rests);
    let (bytes, is_whole) = tokio::task::spawn_blocking(reading).await.unwrap();
    assert!(is_whole && bytes > LARGE, "{bytes} bytes");
    assert!(began.elapsed() > Duration::from_secs(6), "it was slow");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_a_byte_now_and_then_loses_its_place() {
    let (server, path) = start_with_a_large_answer().await;
    let address = server.address();
    let trickling =
        std::thread::spawn(move || read_slowly(address, &path, 1, Duration::from_millis(100)));
    std::thread::sleep(SOON);
    // The only place: it becomes free when the trickling one is cut off, long before it has read all.
    is_served(address);
    server.stop().await;
    drop(trickling);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_long_or_have_too_many_headers_are_refused() {
    let server = start(listening(patient(2))).await;
    let long = format!(
        "GET /health HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(2 * HEAD_BYTES_MAX)
    );
    let many = format!(
        "GET /health HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X: y\r\n".repeat(HEADERS_MAX + 1)
    );
    for head in [long, many] {
        let mut stream = connect(server.address());
        let _ = stream.write_all(head.as_bytes());
        let answer = rest_of(stream);
        // The rest of a long head may reset the connection before the answer is read.
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
        is_served(server.address());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_all_at_once_on_a_connection_are_answered_one_by_one() {
    const COUNT: usize = 500;
    let server = start(listening(patient(1))).await;
    let mut stream = connect(server.address());
    let one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(COUNT - 1);
    let mut sender = stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        sender.write_all(one.as_bytes()).unwrap();
        sender.write_all(REQUEST).unwrap();
    });
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    sending.join().unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), COUNT);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_too_many_calls_is_refused_whole() {
    let server = start(Config {
        batch_requests_max: 3,
        ..Config::default()
    })
    .await;
    for (calls, results) in [(3, 3), (4, 0)] {
        let call = r#"{"id":1,"method":"health"}"#;
        let body = format!("[{}]", vec![call; calls].join(","));
        let mut stream = connect(server.address());
        let head = post(body.len()).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).unwrap();
        let answer = rest_of(stream);
        assert_eq!(
            answer.matches(r#""result":{}"#).count(),
            results,
            "{answer}"
        );
        assert_eq!(
            answer.contains("batch request exceeds maximum (3)"),
            results == 0
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_over_the_limit_are_not_waited_for() {
    let config = Config {
        commits_waiting_max: 2,
        broadcast_tx_commit_timeout: NEVER,
        ..Config::default()
    };
    let server = start(config).await;
    let ask = |number: usize| {
        let mut stream = connect(server.address());
        let target = format!("/broadcast_tx_commit?tx=%22set%20a{number}%201%22");
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut waiting = vec![ask(0), ask(1)];
    // Two wait for a block that never comes. They came first, but nobody knows when they are seen.
    let began = Instant::now();
    for number in 2.. {
        assert!(began.elapsed() < PATIENCE, "nobody is refused");
        let next = ask(number);
        next.set_read_timeout(Some(SOON)).unwrap();
        let mut text = String::new();
        if (&next).read_to_string(&mut text).is_ok() {
            assert!(
                text.contains("too many transactions wait for their block, try again"),
                "{text}"
            );
            break;
        }
        waiting.push(next);
    }
    is_served(server.address());
    drop(waiting);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_over_the_limit_are_refused_and_plain_requests_are_not() {
    let server = start(Config {
        websockets_max: 2,
        ..Config::default()
    })
    .await;
    let url = format!("ws://{}/websocket", server.address());
    let (first, _second) = (
        connect_async(&url).await.unwrap().0,
        connect_async(&url).await.unwrap(),
    );
    match connect_async(&url).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    is_served(server.address());
    drop(first);
    let began = Instant::now();
    while connect_async(&url).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "the place never became free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_does_not_read_is_cut_off_and_the_others_miss_nothing() {
    let (backend, server) = start_with(Config::default()).await;
    let url = format!("ws://{}/websocket", server.address());
    let subscribe = r#"{"id":"all","method":"subscribe","params":{"query":"tm.event='NewBlock'"}}"#;
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let (mut socket, _) = connect_async(&url).await.unwrap();
        socket.send(Message::Text(subscribe.into())).await.unwrap();
        let taken = socket.next().await.unwrap().unwrap();
        assert_eq!(
            taken.to_text().unwrap(),
            r#"{"jsonrpc":"2.0","id":"all","result":{}}"#
        );
        sockets.push(socket);
    }
    let (mut slow, mut quick) = (sockets.remove(0), sockets.remove(0));
    // Blocks of a megabyte: a few fill the sockets, and the bytes that may wait are less than the blocks that may.
    let tx = vec![b'x'; 1 << 20];
    let result = strongroom_types::ExecTxResult::default();
    let blocks = 60;
    assert!(blocks < LAG_BLOCKS_MAX as u64);
    for height in 21..21 + blocks {
        backend.make_blocks(height, &tx, &result);
        let frame = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Message::Text(text) = quick.next().await.unwrap().unwrap()
                    && text.contains(&format!("\"height\":\"{height}\""))
                {
                    return text;
                }
            }
        });
        let frame = frame.await.unwrap();
        assert!(frame.starts_with(
            r#"{"jsonrpc":"2.0","id":"all","result":{"query":"tm.event='NewBlock'","#
        ));
        assert!(frame.len() > 1 << 20);
    }
    // The slow one reads at last: a few blocks, and then why there are no more.
    let mut seen = 0;
    let ended = tokio::time::timeout(PATIENCE, async {
        while let Some(Ok(message)) = slow.next().await {
            match message {
                Message::Text(text) if text.contains("\"error\"") => return Some(text),
                Message::Text(_) => seen += 1,
                _ => {}
            }
        }
        None
    });
    let ended = ended.await.expect("an end");
    assert!(seen < blocks, "{seen} frames");
    // Or the connection was closed, if it did not read a frame for too long.
    if let Some(text) = ended {
        assert!(text.contains(
            "subscription was canceled (reason: client is not pulling messages fast enough)"
        ));
        assert!(
            text.starts_with(r#"{"jsonrpc":"2.0","id":"all","error""#),
            "{text}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_carry_the_id_that_was_given_whatever_its_type_and_null_is_a_notification() {
    let (backend, server) = start_with(Config::default()).await;
    let (mut socket, _) = connect_async(format!("ws://{}/websocket", server.address()))
        .await
        .unwrap();
    let ids = [r#""text""#, r#""7""#, "7", "0", "-1", r#""""#];
    for (at, id) in ids.iter().enumerate() {
        let query = [
            "tm.event='NewBlockHeader'",
            "tm.event CONTAINS 'NewBlockHeader'",
            "tm.event CONTAINS 'BlockHeader'",
            "tm.event CONTAINS 'NewBlockHeade'",
            "tm.event CONTAINS 'BlockHeade'",
            "tm.event CONTAINS 'lockHeader'",
        ][at];
        let call = serde_json::json!({"jsonrpc": "2.0", "method": "subscribe", "params": {"query": query}, "id": serde_json::from_str::<serde_json::Value>(id).unwrap()});
        socket
            .send(Message::Text(call.to_string().into()))
            .await
            .unwrap();
        let taken = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert_eq!(
            taken.as_str(),
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
        );
    }
    // As the recorded engine: no answer, no subscription.
    for notification in [r#""id":null,"#, ""] {
        let call = format!(
            r#"{{{notification}"method":"subscribe","params":{{"query":"tm.event='NewBlockEvents'"}}}}"#
        );
        socket.send(Message::Text(call.into())).await.unwrap();
    }
    // Its answer comes after whatever the notifications did.
    socket
        .send(Message::Text(r#"{"id":"after","method":"health"}"#.into()))
        .await
        .unwrap();
    let after = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert_eq!(
        after.as_str(),
        r#"{"jsonrpc":"2.0","id":"after","result":{}}"#
    );
    backend.publish_recorded(3);
    for id in ids {
        let event = tokio::time::timeout(PATIENCE, socket.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let event = event.into_text().unwrap();
        let head = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"query":"tm.event"#);
        assert!(event.starts_with(&head), "{event}");
    }
    socket
        .send(Message::Text(r#"{"id":1,"method":"health"}"#.into()))
        .await
        .unwrap();
    let last = tokio::time::timeout(PATIENCE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(
        last.to_text().unwrap(),
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        "no other event came"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_frees_the_port_and_does_not_wait_for_idle_connections() {
    let server = start(Config::default()).await;
    let address = server.address();
    let _idle = connect(address);
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(
        TcpStream::connect(address).is_err(),
        "nobody listens any more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_that_should_change_nothing_broadcasts_nothing() {
    let (backend, server) = start_with(Config::default()).await;
    let ask = |head: &str, body: &str| {
        let mut stream = connect(server.address());
        let length = body.len();
        let text = format!(
            "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(text.as_bytes()).unwrap();
        rest_of(stream)
    };
    for verb in ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH"] {
        for method in ["async", "sync", "commit"] {
            let target = format!("{verb} /broadcast_tx_{method}?tx=%22set%20a%201%22");
            let body = format!(
                r#"[{{"id":1,"method":"health"}},{{"id":2,"method":"broadcast_tx_{method}","params":{{"tx":"c2V0IGEgMQ=="}}}}]"#
            );
            for answer in [ask(&target, ""), ask(&format!("{verb} /"), &body)] {
                assert!(
                    answer.starts_with("HTTP/1.1 405"),
                    "{verb} {method}: {answer}"
                );
                assert!(
                    answer.to_lowercase().contains("allow: get, post"),
                    "{answer}"
                );
            }
        }
        assert!(
            ask(&format!("{verb} /health"), "").starts_with("HTTP/1.1 200"),
            "{verb}"
        );
    }
    assert_eq!(backend.mempool.size().txs, 0);
    let sent = ask("GET /broadcast_tx_sync?tx=%22set%20a1%201%22", "");
    assert!(sent.starts_with("HTTP/1.1 200"), "{sent}");
    assert_eq!(backend.mempool.size().txs, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_pieces_of_one_byte_is_read_whole_and_refused_above_the_limit() {
    let config = Config {
        body_bytes_max: 1_000,
        ..Config::default()
    };
    let server = start(config).await;
    let ask = |bytes: usize| {
        let mut body = r#"{"id":1,"method":"health","params":{}"#.to_owned();
        body += &" ".repeat(bytes - body.len() - 1);
        body.push('}');
        let mut text =
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                .to_owned();
        for byte in body.chars() {
            text += &format!("1\r\n{byte}\r\n");
        }
        text += "0\r\n\r\n";
        let mut stream = connect(server.address());
        stream.write_all(text.as_bytes()).unwrap();
        rest_of(stream)
    };
    assert!(ask(1_000).starts_with("HTTP/1.1 200"), "{}", ask(1_000));
    assert!(ask(1_001).starts_with("HTTP/1.1 400"), "{}", ask(1_001));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mempool_is_an_error_that_says_when_to_try_again_and_no_other_error_does() {
    let limits = Limits {
        txs_max: 1,
        ..Limits::default()
    };
    let backend = Golden::new("single", 1, 2, limits);
    let server = backend.serve(listening(patient(20))).await;
    let ask = |path: &str| {
        let mut stream = connect(server.address());
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        rest_of(stream).to_lowercase()
    };
    let retry = "retry-after: 1\r\nretry-after-ms: 1000\r\n";
    let taken = ask("/broadcast_tx_sync?tx=%22set%20a%20b%22");
    assert!(taken.contains("\"code\":0"), "{taken}");
    assert!(!taken.contains(retry), "{taken}");
    for method in ["sync", "async", "commit"] {
        let full = ask(&format!("/broadcast_tx_{method}?tx=%22set%20c%20d%22"));
        assert!(full.starts_with("http/1.1 500 "), "{full}");
        assert!(full.contains(retry), "{full}");
        let words = "mempool is full: number of txs 1 (max: 1)";
        assert!(full.contains(words), "{full}");
    }
    // In a batch as well, whatever else is in it.
    let call = |method: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}");
    let full = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"broadcast_tx_sync\",\"params\":{\"tx\":\"c2V0IGUgZg==\"}}";
    for (body, is) in [
        (format!("[{},{full}]", call("health")), true),
        (full.to_owned(), true),
        (call("health"), false),
        (call("nothing"), false),
    ] {
        let mut stream = connect(server.address());
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let answer = rest_of(stream).to_lowercase();
        assert!(answer.starts_with("http/1.1 200 "), "{answer}");
        assert_eq!(answer.contains(retry), is, "{answer}");
    }
    server.stop().await;
}
