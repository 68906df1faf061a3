//! Serving the RPC: what its connections share, and the limits on what runs at once.

use super::backend::Backend;
use super::config::Config;
use super::envelope::RpcError;
use super::http;
use super::methods::{Answer, Call, Context, Method};
use super::params::Params;
use crate::ws;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use strongroom_http::Server;
use strongroom_http::cors::{Cors, Origins};
use strongroom_http::workers::{Work, WorkError, Workers};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// State that all connections share.
pub(crate) struct Rpc {
    pub(crate) context: Context,
    pub(crate) cors: Option<Cors>,
    /// Whose pages are answered.
    origins: Origins,
    /// Websockets that have a subscription.
    pub(crate) subscribed_clients: AtomicUsize,
    /// Places of websockets.
    pub(crate) websockets: Arc<Semaphore>,
    workers: Workers,
    waiting: Arc<Semaphore>,
}

impl Rpc {
    /// Calls a method: on a thread that may block, or as a task if it waits for others.
    pub(crate) async fn call(&self, method: &'static Method, params: Params) -> Answer {
        let context = self.context.clone();
        let no_answer = |error: WorkError| {
            tracing::warn!(method = method.name, %error, "an RPC method gave no answer");
            Err(error.into())
        };
        match method.call {
            Call::Does(work, function) => {
                let job = move || function(&context, &params);
                self.workers.run(work, job).await.unwrap_or_else(no_answer)
            }
            Call::Begins(function) => {
                let job = move || function(&context, &params);
                let ran = self.workers.run_all(Work::Long, job).await;
                ran.unwrap_or_else(no_answer)
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

/// Serves the RPC on a bound address until the server is stopped. Needs a tokio runtime.
///
/// # Errors
/// If the system gives no threads.
pub fn serve(backend: Backend, config: Config, tcp: TcpListener) -> io::Result<Server> {
    let settings = config.listen.clone();
    let rpc = Arc::new(Rpc {
        cors: Cors::new(&config.cors_allowed_origins),
        origins: match config.refuse_other_origins {
            true => Origins::new(&config.cors_allowed_origins),
            false => Origins::new(&["*".to_owned()]),
        },
        subscribed_clients: AtomicUsize::new(0),
        websockets: Arc::new(Semaphore::new(config.websockets_max)),
        workers: Workers::new("rpc", config.workers)?,
        waiting: Arc::new(Semaphore::new(config.commits_waiting_max)),
        context: Context {
            backend: Arc::new(backend),
            config: Arc::new(config),
        },
    });
    Server::start(tcp, settings, move |request| {
        route(Arc::clone(&rpc), request)
    })
}

async fn route(rpc: Arc<Rpc>, request: Request) -> Response {
    if !rpc.origins.admit(request.headers()) {
        let mut refused = Response::new(Body::empty());
        *refused.status_mut() = StatusCode::FORBIDDEN;
        return refused;
    }
    match request.uri().path() {
        "/websocket" => ws::upgrade(rpc, request).await,
        _ => http::handle(rpc, request).await,
    }
}
