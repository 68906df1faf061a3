//! The way to a node's RPC: HTTP over one connection, one call after the other. What is said over it knows the SDK.
//!
//! Promises: no answer is waited for longer than [`ANSWER_WAITS`], none above [`ANSWER_BYTES_MAX`] is read.

use anyhow::{Context as _, bail};
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::http::{Request, header};
use hyper::body::{Frame, SizeHint};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::io::{IsTerminal as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use strongroom_sdk::client::{self, Transport};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a node may take to answer: it makes its own clients wait no longer for a thread.
const ANSWER_WAITS: Duration = Duration::from_secs(10);
/// The longest answer of a node: the proof of an absent key carries two whole neighbours (`proof::ics23::ENTRY_BYTES_MAX`), in base64.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// From which size on it is told on a terminal how much of a request is on its way, and in which pieces it goes.
const PIECE_BYTES: usize = 128 << 10;

/// A request on its way.
struct Upload {
    whole: Bytes,
    sent: usize,
    is_told: bool,
}

impl Upload {
    fn new(whole: Bytes) -> Self {
        let is_told = whole.len() > PIECE_BYTES && std::io::stderr().is_terminal();
        let sent = 0;
        Self {
            whole,
            sent,
            is_told,
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let end = this.sent.saturating_add(PIECE_BYTES).min(this.whole.len());
        if end == this.sent {
            return Poll::Ready(None);
        }
        let piece = this.whole.slice(this.sent..end);
        this.sent = end;
        if this.is_told {
            let (done, all) = (end >> 10, this.whole.len() >> 10);
            let _ = write!(std::io::stderr(), "\r\x1b[Ksending: {done} of {all} KiB");
            if end == this.whole.len() {
                talk!();
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole.len().saturating_sub(self.sent) as u64)
    }
}

/// A client of the node behind an RPC.
pub(crate) type Client = client::Client<Rpc>;

/// A connection to an RPC.
pub(crate) struct Rpc {
    connection: SendRequest<Body>,
    host: String,
}

impl Rpc {
    /// Connects to the RPC at `host`, a name or an address with a port.
    pub(crate) async fn connect(host: impl ToString) -> anyhow::Result<Self> {
        let host = host.to_string();
        Ok(Self {
            connection: connection(&host).await?,
            host,
        })
    }

    async fn send(&mut self, body: String) -> anyhow::Result<Vec<u8>> {
        let request = Request::post("/")
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::new(Upload::new(body.into())))?;
        // CometBFT closes connections that are idle, and some that it has answered an error on.
        if self.connection.ready().await.is_err() {
            self.connection = connection(&self.host).await?;
        }
        let sending = async {
            let answer = self.connection.send_request(request).await?;
            anyhow::Ok(to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await?)
        };
        Ok(in_time(sending).await?.to_vec())
    }
}

impl Transport for Rpc {
    async fn post(&mut self, body: String) -> Result<Vec<u8>, String> {
        let answer = self.send(body).await;
        answer.map_err(|error| crate::in_one_line(&error))
    }

    async fn pause(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Connects to the RPC at `host`, and takes the node's word.
pub(crate) async fn connect(host: impl ToString) -> anyhow::Result<Client> {
    let rpc = Rpc::connect(host).await;
    Ok(Client::new(rpc.context("the node does not answer")?))
}

async fn connection(host: &str) -> anyhow::Result<SendRequest<Body>> {
    let connecting = async {
        let stream = TcpStream::connect(host).await?;
        anyhow::Ok(handshake(TokioIo::new(stream)).await?)
    };
    let (connection, io) = in_time(connecting).await?;
    // Ends with the connection; whoever waits for an answer hears of it.
    tokio::spawn(io);
    Ok(connection)
}

async fn in_time<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    match timeout(ANSWER_WAITS, work).await {
        Ok(done) => done,
        Err(_) => bail!("it takes too long, try again"),
    }
}
