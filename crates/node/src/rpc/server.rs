//! The server itself: listening, limits on what runs at once, stopping gracefully.

use super::backend::RpcBackend;
use super::config::Config;
use super::cors::Cors;
use super::envelope::RpcError;
use super::methods::{Answer, Call, Context, Method};
use super::params::Params;
use super::{http, listener};
use crate::ws;
use axum::Router;
use axum::routing::any;
use core::net::SocketAddr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

/// How long stopping waits for websockets and requests under way.
const STOP_WAITS: Duration = Duration::from_secs(5);

/// What all connections share.
pub(crate) struct Server {
    pub(crate) context: Context,
    pub(crate) cors: Option<Cors>,
    /// Websockets that have a subscription.
    pub(crate) subscribed_clients: AtomicUsize,
    /// True once the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Held by everything that stopping has to wait for.
    pub(crate) alive: mpsc::Sender<()>,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Server {
    /// Runs a method on a thread that may block.
    pub(crate) async fn call(&self, method: &'static Method, params: Params) -> Answer {
        let (function, permit) = match method.call {
            Call::Now(function) => (
                function,
                Arc::clone(&self.running).acquire_owned().await.ok(),
            ),
            // Those that wait for a block would take the place of all others.
            Call::Waits(function) => match Arc::clone(&self.waiting).try_acquire_owned() {
                Ok(permit) => (function, Some(permit)),
                Err(_) => {
                    return Err(RpcError::internal(
                        "too many transactions wait for their block",
                    ));
                }
            },
            Call::WebsocketOnly => return Err(RpcError::method_not_found()),
        };
        let context = self.context.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            function(&context, &params)
        });
        answer.await.unwrap_or_else(|error| {
            tracing::error!(method = method.name, %error, "an RPC method failed");
            Err(RpcError::internal("the method failed"))
        })
    }
}

/// A running server.
#[derive(Debug)]
pub struct RpcServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl RpcServer {
    /// Listens on `address` (port 0: any free one) and serves until [`RpcServer::stop`]. Needs a tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(
        backend: Arc<dyn RpcBackend>,
        config: Config,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let (alive, mut all_gone) = mpsc::channel(1);
        let server = Arc::new(Server {
            cors: Cors::new(&config.cors_allowed_origins),
            subscribed_clients: AtomicUsize::new(0),
            stopping: stopping.clone(),
            alive,
            running: Arc::new(Semaphore::new(config.requests_at_once_max)),
            waiting: Arc::new(Semaphore::new(config.commits_waiting_max)),
            context: Context {
                backend,
                config: Arc::new(config),
            },
        });
        let listener = {
            let config = &server.context.config;
            listener::Limited::new(listener, config.connections_max, config.idle_max)
        };
        let routes = Router::new()
            .route("/websocket", any(ws::upgrade))
            .fallback(http::handle)
            .with_state(server);
        let serving = tokio::spawn(async move {
            let stopped = wait_for(stopping.clone());
            let serve = axum::serve(listener, routes).with_graceful_shutdown(stopped);
            tokio::select! {
                served = serve => {
                    if let Err(error) = served {
                        tracing::error!(%error, "the RPC server failed");
                    }
                }
                () = async { wait_for(stopping).await; tokio::time::sleep(STOP_WAITS).await } => {}
            }
            // All routes are gone by now; what is left of the senders belongs to websockets.
            let _ = tokio::time::timeout(STOP_WAITS, all_gone.recv()).await;
        });
        Ok(Self {
            address,
            stop,
            serving,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, tells the websockets, finishes what is under way, and returns.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.serving.await;
    }
}

/// Returns when the server stops.
pub(crate) async fn wait_for(mut stopping: watch::Receiver<bool>) {
    // An error means that the handle is gone: that stops the server, too.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
