//! The server itself: listening, limits on what runs at once, stopping gracefully.

use super::backend::RpcBackend;
use super::config::Config;
use super::envelope::RpcError;
use super::http;
use super::methods::{Answer, Call, Context, Method};
use super::params::Params;
use crate::ws;
use axum::extract::Request;
use axum::response::Response;
use core::net::SocketAddr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use strongroom_http::cors::Cors;
use strongroom_http::server::Listener;
use strongroom_http::workers::Workers;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

/// How long stopping waits for websockets.
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
    /// Places of websockets.
    pub(crate) websockets: Arc<Semaphore>,
    workers: Workers,
    waiting: Arc<Semaphore>,
}

impl Server {
    /// Calls a method: on a thread that may block, or as a task if it waits for others.
    pub(crate) async fn call(&self, method: &'static Method, params: Params) -> Answer {
        let context = self.context.clone();
        match method.call {
            Call::Does(work, function) => {
                let job = move || function(&context, &params);
                self.workers.run(work, job).await.unwrap_or_else(|error| {
                    tracing::warn!(method = method.name, %error, "an RPC method gave no answer");
                    Err(RpcError::internal(error.to_string()))
                })
            }
            Call::Checks(function) => function(context, params).await,
            // Those that wait for a block hold their transaction and a connection for long.
            Call::Waits(function) => match Arc::clone(&self.waiting).try_acquire_owned() {
                Ok(_place) => function(context, params).await,
                Err(_) => Err(RpcError::internal(
                    "too many transactions wait for their block, try again",
                )),
            },
            Call::WebsocketOnly => Err(RpcError::method_not_found()),
        }
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
        let listener = Listener::bind(address, config.listen.clone()).await?;
        let address = listener.address()?;
        let (stop, stopping) = watch::channel(false);
        let (alive, mut all_gone) = mpsc::channel(1);
        let server = Arc::new(Server {
            cors: Cors::new(&config.cors_allowed_origins),
            subscribed_clients: AtomicUsize::new(0),
            stopping: stopping.clone(),
            alive,
            websockets: Arc::new(Semaphore::new(config.websockets_max)),
            workers: Workers::new("rpc", config.workers)?,
            waiting: Arc::new(Semaphore::new(config.commits_waiting_max)),
            context: Context {
                backend,
                config: Arc::new(config),
            },
        });
        let serving = tokio::spawn(async move {
            let handle = move |request: Request| route(Arc::clone(&server), request);
            listener.serve(handle, stopping).await;
            // All requests are answered by now; what is left of the senders belongs to websockets.
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

async fn route(server: Arc<Server>, request: Request) -> Response {
    match request.uri().path() {
        "/websocket" => ws::upgrade(server, request).await,
        _ => http::handle(server, request).await,
    }
}
