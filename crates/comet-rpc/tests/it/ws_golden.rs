//! Every recorded websocket conversation: frames as JSON, in order per subscription.

use crate::chain::{Golden, golden};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use strongroom_comet_rpc::Config;
use strongroom_comet_rpc::mempool::Limits;
use strongroom_http::Server;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(10);

/// Events of the consensus engine's steps: nothing of ours decides by rounds, so they are not offered.
const NOT_OFFERED: [&str; 5] = ["RoundState", "NewRound", "CompleteProposal", "Vote", "Lock"];

fn is_offered(frame: &Value) -> bool {
    let kind = frame["result"]["data"]["type"].as_str().unwrap_or_default();
    !NOT_OFFERED
        .iter()
        .any(|step| kind == format!("tendermint/event/{step}"))
}

/// The height that an event is of; a set update has none in it, but only height 10 updates the set.
fn height_of(frame: &Value) -> Option<u64> {
    let value = &frame["result"]["data"]["value"];
    let places = [
        &value["block"]["header"]["height"],
        &value["header"]["height"],
        &value["TxResult"]["height"],
        &value["height"],
    ];
    let named = places
        .iter()
        .find_map(|place| place.as_str())
        .map(|height| height.parse().unwrap());
    named.or(value.get("validator_updates").map(|_| 10))
}

/// Texts in `data` quote Go, except those that clients read.
fn normalise(frame: &mut Value) {
    let read = [
        "not found",
        "must be less than or equal to",
        "already subscribed",
    ];
    if let Some(error) = frame.get_mut("error").and_then(Value::as_object_mut) {
        let data = error
            .get("data")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !read.iter().any(|text| data.contains(text)) {
            error.remove("data");
        }
    }
}

fn parse(text: &str) -> Value {
    let mut frame: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    normalise(&mut frame);
    frame
}

/// A conversation being played.
struct Play {
    backend: Arc<Golden>,
    server: Server,
    socket: Socket,
    /// What came and was not expected yet, by id.
    inbox: HashMap<String, VecDeque<Value>>,
}

impl Play {
    async fn start(height: u64, config: Config) -> Self {
        let backend = Golden::new("single", 1, height, Limits::default());
        let server = backend.serve(config).await;
        let socket = connect(&server).await;
        Self {
            backend,
            server,
            socket,
            inbox: HashMap::new(),
        }
    }

    /// The next frame of `id`, waiting for it if need be.
    async fn next_of(&mut self, id: &str) -> Value {
        loop {
            if let Some(frame) = self.inbox.get_mut(id).and_then(VecDeque::pop_front) {
                return frame;
            }
            let message = timeout(PATIENCE, self.socket.next()).await;
            match message.unwrap_or_else(|_| panic!("no frame with id {id}")) {
                Some(Ok(Message::Text(text))) => {
                    let frame = parse(&text);
                    self.inbox
                        .entry(frame["id"].to_string())
                        .or_default()
                        .push_back(frame);
                }
                Some(Ok(_)) => {}
                other => panic!("waiting for id {id}: {other:?}"),
            }
        }
    }

    async fn expect(&mut self, text: &str) {
        let expected = parse(text);
        if let Some(height) = height_of(&expected) {
            for height in self.backend.published() + 1..=height {
                self.backend.publish_recorded(height);
            }
        }
        if is_offered(&expected) {
            let got = self.next_of(&expected["id"].to_string()).await;
            assert_eq!(got, expected, "\ngot {got}\nexpected {expected}");
        }
    }

    async fn play(&mut self, file: &str) {
        let recorded = golden(&format!("single/ws/{file}.json"));
        for frame in recorded["frames"].as_array().unwrap() {
            let from_client = frame["from"] == "client";
            let text = frame["data"].as_str().unwrap_or_default().to_owned();
            match (from_client, frame["opcode"].as_u64().unwrap()) {
                (true, 1) => self.socket.send(Message::Text(text.into())).await.unwrap(),
                (true, 2) => self
                    .socket
                    .send(Message::Binary(text.into_bytes().into()))
                    .await
                    .unwrap(),
                (true, 9) => self
                    .socket
                    .send(Message::Ping(text.into_bytes().into()))
                    .await
                    .unwrap(),
                (true, 8) => self.socket.close(None).await.unwrap(),
                (false, 1) => self.expect(&text).await,
                // Pings of the node come by the clock; `an_idle_socket_is_pinged` waits for one.
                (false, 9) => {}
                (false, 10) => {
                    let pong = timeout(PATIENCE, self.socket.next())
                        .await
                        .unwrap()
                        .unwrap()
                        .unwrap();
                    assert_eq!(pong, Message::Pong(text.into_bytes().into()));
                }
                (false, 8) => {
                    let close = timeout(PATIENCE, self.socket.next()).await.unwrap();
                    assert!(
                        matches!(close, None | Some(Ok(Message::Close(_)))),
                        "{close:?}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
        let left: Vec<_> = self.inbox.values().flatten().collect();
        assert!(left.is_empty(), "frames that nobody expected: {left:?}");
    }
}

async fn connect(server: &Server) -> Socket {
    connect_async(format!("ws://{}/websocket", server.address()))
        .await
        .unwrap()
        .0
}

/// `max_subscriptions_per_client` of the recorded node.
fn recorded_config() -> Config {
    Config {
        subscriptions_per_client_max: 5,
        ..Config::default()
    }
}

async fn check(file: &str, height: u64) {
    let mut play = Play::start(height, recorded_config()).await;
    play.play(file).await;
    play.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_calls_ids_unsubscribing_and_closing_are_as_recorded() {
    check("errors", 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn block_and_transaction_events_are_as_recorded() {
    check("events", 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_with_conditions_are_as_recorded() {
    check("tx_conditions", 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_validator_set_are_as_recorded() {
    check("steps", 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_to_steps_are_accepted_and_stay_silent() {
    check("more_steps", 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_subscription_is_refused_as_recorded() {
    check("limits", 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_over_the_limit_are_refused_as_recorded() {
    // The recorded node counted its own indexer as a client: its limit of 2 left room for one.
    let config = Config {
        subscription_clients_max: 1,
        ..recorded_config()
    };
    let mut play = Play::start(9, config).await;
    play.play("client_1_of_2").await;
    let second = connect(&play.server).await;
    let first = std::mem::replace(&mut play.socket, second);
    play.play("client_2_of_2").await;
    play.socket = connect(&play.server).await;
    play.play("client_3_of_2").await;
    // A place is free again when its client has gone.
    drop(first);
    for attempt in 0.. {
        let call = r#"{"id":1,"method":"subscribe","params":{"query":"tm.event='Tx'"}}"#;
        play.socket.send(Message::Text(call.into())).await.unwrap();
        if play.next_of("1").await["result"].is_object() {
            break;
        }
        assert!(attempt < 500, "the place never became free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    play.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_are_told_when_the_node_stops() {
    let recorded = golden("single/ws/node_stops.json");
    let frames: Vec<&str> = recorded["frames"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|frame| frame["data"].as_str())
        .collect();
    let mut play = Play::start(1, recorded_config()).await;
    play.socket
        .send(Message::Text(frames[0].into()))
        .await
        .unwrap();
    assert_eq!(play.next_of("0").await, parse(frames[1]));
    let stopping = tokio::spawn(play.server.stop());
    let told = timeout(PATIENCE, play.socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    // The whole text: clients read it.
    assert_eq!(told.into_text().unwrap().as_str(), frames[2]);
    assert!(matches!(
        timeout(PATIENCE, play.socket.next()).await.unwrap(),
        Some(Ok(Message::Close(_)))
    ));
    let _ = timeout(PATIENCE, play.socket.next()).await.unwrap();
    timeout(PATIENCE, stopping)
        .await
        .expect("stopping ends")
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_socket_is_pinged_and_a_dead_one_is_closed() {
    let (ping_every, silence_max) = (Duration::from_millis(30), Duration::from_millis(200));
    let mut play = Play::start(
        1,
        Config {
            ping_every,
            silence_max,
            ..recorded_config()
        },
    )
    .await;
    for _ in 0..20 {
        // Reading answers the ping, so this client lives on.
        let ping = timeout(PATIENCE, play.socket.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(ping, Message::Ping(Vec::new().into()));
    }
    // This one reads nothing and so answers nothing.
    let mut silent = connect(&play.server).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let mut ended = false;
    for _ in 0..100 {
        match timeout(PATIENCE, silent.next()).await.unwrap() {
            Some(Ok(_)) => {}
            _ => {
                ended = true;
                break;
            }
        }
    }
    assert!(ended, "a silent socket is closed");
    drop(play.socket);
    play.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_ends_the_connection() {
    let mut play = Play::start(
        1,
        Config {
            body_bytes_max: 1_000,
            ..recorded_config()
        },
    )
    .await;
    play.socket
        .send(Message::Text("x".repeat(1_001).into()))
        .await
        .unwrap();
    let end = timeout(PATIENCE, play.socket.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(Message::Text(_)))), "{end:?}");
    play.server.stop().await;
}
