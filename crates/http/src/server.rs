//! The listener of every server: RPC with its websockets, REST, faucet.
//!
//! Promises: so many connections at once and no more, the next ones wait in the kernel's queue; a peer that is slow to
//! send or to read, or silent, loses its place within the deadlines of [`Settings`]; what all connections hold in memory
//! is within one [`Budget`]; running out of descriptors never ends a server.
//! Refuses: heads over [`HEAD_BYTES_MAX`] or with more than [`HEADERS_MAX`] headers; to start where the system gives too
//! few descriptors.

use crate::budget::{Budget, Meter};
use crate::connection::Connection;
use crate::unread::Rate;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use core::convert::Infallible;
use core::net::SocketAddr;
use core::pin::pin;
use futures_util::StreamExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The longest head of a request in bytes. CometBFT takes a million; the longest that clients send is a query in the
/// target of a GET, and every silent connection may hold this much.
pub const HEAD_BYTES_MAX: usize = 256 * 1024;
/// The most headers of a request.
pub const HEADERS_MAX: usize = 100;
/// How long a request's head may take, and how long a connection may rest between two requests: CometBFT's time.
pub const HEAD_WAITS: Duration = Duration::from_secs(10);
/// How long a request's body may take: the largest upload over a thin line.
pub const BODY_WAITS: Duration = Duration::from_secs(20);
/// How long an answer, or a frame of a websocket, may lie there while its peer takes nothing.
pub const ANSWER_WAITS: Duration = Duration::from_secs(20);
/// How fast a peer has to take an answer that it does not take at once: a thin line of a megabit. So the largest page,
/// 32 MiB, holds its place in the pool for less than five minutes.
pub const ANSWER_BYTES_PER_SECOND_MIN: u64 = 128 * 1024;
/// How long stopping waits for requests under way.
const STOP_WAITS: Duration = Duration::from_secs(5);
/// How long accepting rests after the system refused a connection: something has to be closed first.
const ACCEPT_RESTS: Duration = Duration::from_millis(100);

/// Descriptors that stay free for the stores, keys and the enclave: two databases with at most 64 open files each, their
/// journals and compactions, and as much again.
pub const RESERVED_DESCRIPTORS: u64 = 256;
/// The most connections of all servers.
pub const CONNECTIONS_MAX: usize = 1024;
/// A node with fewer connections than this serves nobody well.
pub const CONNECTIONS_MIN: usize = 64;

/// How a server listens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most open connections.
    pub connections_max: usize,
    /// See [`HEAD_WAITS`].
    pub head_waits: Duration,
    /// See [`BODY_WAITS`].
    pub body_waits: Duration,
    /// See [`ANSWER_WAITS`].
    pub answer_waits: Duration,
    /// See [`ANSWER_BYTES_PER_SECOND_MIN`].
    pub answer_bytes_per_second_min: u64,
    /// Shared with the other servers.
    pub budget: Budget,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX / 2,
            head_waits: HEAD_WAITS,
            body_waits: BODY_WAITS,
            answer_waits: ANSWER_WAITS,
            answer_bytes_per_second_min: ANSWER_BYTES_PER_SECOND_MIN,
            budget: Budget::default(),
        }
    }
}

/// The connections of each server. The shares add up to what the system gives, so that no server takes another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Of the RPC: half, for its websockets stay open.
    pub rpc: usize,
    /// Of REST.
    pub rest: usize,
    /// Of the faucet: an eighth.
    pub faucet: usize,
}

/// The system gives too few descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process may open {given} files (RLIMIT_NOFILE), and a node needs {needed}: raise the limit, e.g. `ulimit -n 1280`"
)]
pub struct TooFewDescriptors {
    /// What it gives.
    pub given: u64,
    /// What a node needs at least.
    pub needed: u64,
}

impl Shares {
    /// Of what this process may open.
    ///
    /// # Errors
    /// [`TooFewDescriptors`]
    pub fn of_process() -> Result<Self, TooFewDescriptors> {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        Self::of(limit.current.unwrap_or(u64::MAX))
    }

    /// Of `given` descriptors.
    ///
    /// # Errors
    /// [`TooFewDescriptors`]
    pub fn of(given: u64) -> Result<Self, TooFewDescriptors> {
        let free =
            usize::try_from(given.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(usize::MAX);
        if free < CONNECTIONS_MIN {
            let needed = RESERVED_DESCRIPTORS.saturating_add(CONNECTIONS_MIN as u64);
            return Err(TooFewDescriptors { given, needed });
        }
        let all = free.min(CONNECTIONS_MAX);
        let (rpc, faucet) = (all / 2, all / 8);
        let rest = all.saturating_sub(rpc).saturating_sub(faucet);
        Ok(Self { rpc, rest, faucet })
    }
}

/// A bound address that is not served yet.
pub struct Listener {
    tcp: TcpListener,
    settings: Settings,
}

/// Why a body was not read.
pub enum BodyError {
    /// It did not arrive in time, or the pool had no room for it in that time.
    TooSlow,
    /// It is too long, or its connection broke.
    Unreadable(String),
}

impl Listener {
    /// Binds `address` (port 0: any free one).
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn bind(address: SocketAddr, settings: Settings) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        Ok(Self { tcp, settings })
    }

    /// What was bound.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stopping` becomes true and the requests under way are answered. Dropped, it ends at once.
    pub async fn serve<H, F>(self, handle: H, stopping: watch::Receiver<bool>)
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let Self { tcp, settings } = self;
        let places = Arc::new(Semaphore::new(settings.connections_max));
        let rate = Rate {
            waits: settings.answer_waits,
            bytes_per_second: settings.answer_bytes_per_second_min,
        };
        let mut connections = JoinSet::new();
        let accepting = async {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                    return;
                };
                let stream = accept(&tcp).await;
                while connections.try_join_next().is_some() {}
                let meter = Arc::new(Meter::new(settings.budget.clone()));
                let connection = Connection::new(stream, Arc::clone(&meter), rate, place);
                let (settings, handle) = (settings.clone(), handle.clone());
                let stopped = wait_for(stopping.clone());
                connections.spawn(converse(connection, meter, settings, handle, stopped));
            }
        };
        tokio::select! {
            () = accepting => {}
            () = wait_for(stopping.clone()) => {}
        }
        drop(tcp);
        let _ = timeout(STOP_WAITS, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
    }
}

/// The next connection. Whatever goes wrong, the next one may be better.
async fn accept(tcp: &TcpListener) -> TcpStream {
    loop {
        match tcp.accept().await {
            Ok((stream, _)) => {
                // Answers are whole when they are written; waiting for more only delays them.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted now");
                sleep(ACCEPT_RESTS).await;
            }
        }
    }
}

async fn converse<H, F>(
    connection: Connection,
    meter: Arc<Meter>,
    settings: Settings,
    handle: H,
    stopped: impl Future<Output = ()>,
) where
    H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let budget = settings.budget.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (meter, budget) = (Arc::clone(&meter), budget.clone());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Arc::clone(&meter));
        let answer = handle(request);
        async move {
            let answer = within(&budget, answer.await).await;
            meter.clear();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_waits)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // An error says that the peer is gone, or was too slow: there is nobody to tell.
        _ = connection.as_mut() => {}
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// The answer, in the pool until the peer has read it; if there is no room, a short one that says so.
async fn within(budget: &Budget, answer: Response<Body>) -> Response<Body> {
    let (parts, body) = answer.into_parts();
    // Bodies are whole: this neither waits nor copies.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if let Some(held) = budget.hold(bytes) {
        return Response::from_parts(parts, Body::from(held));
    }
    let mut busy = Response::new(Body::from("too many answers wait to be read, try again\n"));
    *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    for name in [header::ACCESS_CONTROL_ALLOW_ORIGIN, header::VARY] {
        if let Some(value) = parts.headers.get(&name) {
            busy.headers_mut().insert(name, value.clone());
        }
    }
    busy
}

/// The whole body of a request, if it is within `bytes_max` and comes in time.
pub async fn read_body(body: Body, bytes_max: usize, waits: Duration) -> Result<Bytes, BodyError> {
    match timeout(waits, collect(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(why)) => Err(BodyError::Unreadable(why)),
        Err(_) => Err(BodyError::TooSlow),
    }
}

/// Copied together as it comes: a list of its pieces would hold many times the bytes of a body in pieces of one byte.
async fn collect(body: Body, bytes_max: usize) -> Result<Bytes, String> {
    let mut whole = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| error.to_string())?;
        if piece.len() > bytes_max.saturating_sub(whole.len()) {
            return Err("length limit exceeded".to_owned());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// Returns when the server stops.
pub async fn wait_for(mut stopping: watch::Receiver<bool>) {
    // An error means that the handle is gone: that stops the server, too.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_what_the_system_gives_beyond_the_reserve() {
        for (given, all) in [(320, 64), (1024, 768), (u64::MAX, CONNECTIONS_MAX)] {
            let Shares { rpc, rest, faucet } = Shares::of(given).unwrap();
            assert_eq!(rpc + rest + faucet, all);
            assert!(faucet >= 8 && faucet < rest && rest < rpc);
        }
        let few = Shares::of(319).unwrap_err();
        assert_eq!((few.given, few.needed), (319, 320));
        assert!(few.to_string().contains("ulimit -n"));
    }
}
