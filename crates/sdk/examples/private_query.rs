//! Asks a contract, privately: `cargo run -p strongroom-sdk --example private_query -- 127.0.0.1:26657 secret1… '{"get_count":{}}'`.
//! With the address of the node's REST (127.0.0.1:1317) it is the same.
//!
//! A transport is a few lines over whatever moves bytes: here a plain socket, which blocks.

use serde_json::Value;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use strongroom_sdk::client::{self, Client, Request, Response, Transport};
use strongroom_types::Timestamp;

/// How long the node may take, and how much it may say.
const ANSWER_WAITS: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 16 << 20;

struct Socket(String);

impl Transport for Socket {
    async fn exchange(&mut self, request: Request) -> Result<Response, client::Error> {
        let answer = self.asked(&request);
        answer.map_err(|error| client::Error::NoAnswer(error.to_string()))
    }

    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since.unwrap_or_default().as_nanos();
        Timestamp::from_nanos_total(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    async fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl Socket {
    fn asked(&self, request: &Request) -> std::io::Result<Response> {
        let mut stream = TcpStream::connect(&self.0)?;
        stream.set_read_timeout(Some(ANSWER_WAITS))?;
        let verb = if request.body.is_some() {
            "POST"
        } else {
            "GET"
        };
        let path = if request.path.is_empty() {
            "/"
        } else {
            &request.path
        };
        let body = request.body.as_deref().unwrap_or_default();
        let (host, length) = (&self.0, body.len());
        // HTTP 1.0: the answer ends with the connection, and comes in one piece.
        write!(
            stream,
            "{verb} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let body = answer.split_off(end.map_or(answer.len(), |end| end + 4));
        // `HTTP/1.0 200 OK` comes first.
        let head = String::from_utf8_lossy(&answer);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            let line = lines.find(|(of, _)| of.eq_ignore_ascii_case(name));
            line.map(|(_, value)| value.trim().to_owned())
        };
        Ok(Response {
            status: status.unwrap_or_default(),
            height: header("grpc-metadata-x-cosmos-block-height"),
            retry_after: header("retry-after"),
            retry_after_ms: header("retry-after-ms"),
            body,
        })
    }
}

async fn private_query(
    node: String,
    contract: &str,
    query: &Value,
) -> Result<Value, Box<dyn Error>> {
    let mut client = Client::new(Socket(node));
    let contract = contract.parse()?;
    Ok(client.query_contract(&contract, query).await?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(node), Some(contract), Some(query)) = (words.next(), words.next(), words.next())
    else {
        return Err("private_query HOST:PORT CONTRACT QUERY".into());
    };
    let query = serde_json::from_str(&query)?;
    // Nothing waits but the socket, which blocks: it is ready at once. A program with a runtime awaits it there.
    let mut work = pin!(private_query(node, &contract, &query));
    let mut context = Context::from_waker(Waker::noop());
    let answer = loop {
        if let Poll::Ready(answer) = work.as_mut().poll(&mut context) {
            break answer?;
        }
    };
    println!("{answer}");
    Ok(())
}
