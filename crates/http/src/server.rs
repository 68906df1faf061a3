//! A server: starting, listening, conversing, stopping. RPC with its websockets, REST and faucet are three of them.
//!
//! Promises: so many connections at once and no more, the next ones wait in the kernel's queue; a peer that is slow to
//! send or to read, or silent, loses its place within the deadlines of [`Settings`]; what all connections hold in memory
//! is within one [`Budget`]; running out of descriptors never ends a server; stopping answers what is under way.
//! Refuses: heads over [`HEAD_BYTES_MAX`] or with more than [`HEADERS_MAX`] headers.

use crate::budget::{Budget, Meter};
use crate::connection::Connection;
use crate::settings::{HEAD_BYTES_MAX, HEADERS_MAX, Settings};
use crate::unread::Rate;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use core::convert::Infallible;
use core::net::SocketAddr;
use core::pin::pin;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// How long stopping waits for requests under way, and then for connections that go on after their answer.
const STOP_WAITS: Duration = Duration::from_secs(5);
/// How long accepting rests after the system refused a connection: something has to be closed first.
const ACCEPT_RESTS: Duration = Duration::from_millis(100);

/// A running server. Dropped, it stops without anybody waiting for it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Answers whoever connects with what `handle` gives, until [`Server::stop`]. Needs a tokio runtime. The [`Peer`] of a
    /// request is among its extensions.
    ///
    /// # Errors
    /// If the system does not say what is bound.
    pub fn start<H, F>(tcp: TcpListener, settings: Settings, handle: H) -> io::Result<Self>
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let address = tcp.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(serve(tcp, Arc::new(settings), handle, stopping));
        Ok(Self {
            address,
            stop,
            serving,
        })
    }

    /// Address on which it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, tells the peers that go on, finishes what is under way, and returns.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.serving.await;
    }
}

/// Whom a request came from. A handler that goes on after its answer (a websocket) keeps it: it is told there when the
/// server stops, which waits for it, and what it holds in memory counts.
#[derive(Clone, Debug)]
pub struct Peer {
    pub(crate) settings: Arc<Settings>,
    meter: Arc<Meter>,
    stopping: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
}

impl Peer {
    /// What was received so far is dealt with: its room is free again.
    pub fn clear(&self) {
        self.meter.clear();
    }

    /// Room for an answer of so many bytes, when there is some; it is free again when dropped.
    pub async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.settings.budget.room(bytes).await
    }

    /// The same, if there is room now.
    #[must_use]
    pub fn room_now(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.settings.budget.room_now(bytes)
    }

    /// Returns when the server stops.
    pub async fn stopped(&self) {
        wait_for(self.stopping.clone()).await;
    }
}

/// Returns when the server stops.
async fn wait_for(mut stopping: watch::Receiver<bool>) {
    // An error means that the handle is gone: that stops the server, too.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

async fn serve<H, F>(
    tcp: TcpListener,
    settings: Arc<Settings>,
    handle: H,
    stopping: watch::Receiver<bool>,
) where
    H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(settings.connections_max));
    let rate = Rate {
        waits: settings.answer_waits,
        bytes_per_second: settings.answer_bytes_per_second_min,
    };
    let (alive, mut all_gone) = mpsc::channel(1);
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let stream = accept(&tcp).await;
            while connections.try_join_next().is_some() {}
            let peer = Peer {
                settings: Arc::clone(&settings),
                meter: Arc::new(Meter::new(settings.budget.clone())),
                stopping: stopping.clone(),
                _alive: alive.clone(),
            };
            let connection = Connection::new(stream, Arc::clone(&peer.meter), rate, place);
            connections.spawn(converse(connection, peer, handle.clone()));
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
    connections.shutdown().await;
    drop((handle, alive));
    // All requests are answered by now; the peers that are left went on.
    let _ = timeout(STOP_WAITS, all_gone.recv()).await;
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

async fn converse<H, F>(connection: Connection, peer: Peer, handle: H)
where
    H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let of_requests = peer.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let peer = of_requests.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        let answer = handle(request);
        async move {
            let answer = within(&peer.settings.budget, answer.await).await;
            peer.clear();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(peer.settings.head_waits)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // An error says that the peer is gone, or was too slow: there is nobody to tell.
        _ = connection.as_mut() => {}
        () = peer.stopped() => {
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
    let mut busy = Response::new(Body::from(
        "too many answers wait to be read, and this one is lost: what was asked may be done, try again\n",
    ));
    *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    for name in [header::ACCESS_CONTROL_ALLOW_ORIGIN, header::VARY] {
        if let Some(value) = parts.headers.get(&name) {
            busy.headers_mut().insert(name, value.clone());
        }
    }
    busy
}
