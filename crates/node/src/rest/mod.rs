//! REST on port 1317: the services' methods over HTTP and JSON, as the gateway of the Cosmos SDK serves them
//! (wire.md section 3).
//!
//! Promises: a request that is too long, malformed or unknown gets an error body and changes nothing; every error is
//! JSON with `code`, `message`, `details`; leading slashes are collapsed; any origin may call.

mod body;
pub mod json;
mod routes;
#[cfg(test)]
mod tests;

use crate::chain::query::{GrpcCode, QueryError};
use crate::services::{BROADCAST_TX, Services};
use axum::body::{Body, Bytes};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use json::Printer;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use routes::{BadRequest, PathFields, Route, Routes, Verb};
use std::io;
use std::sync::Arc;
use strongroom_http::body::{BodyError, read_body};
use strongroom_http::gate::AGAIN;
use strongroom_http::workers::{Progress, SIMULATIONS_MAX, Work, WorkError, Workers};
use strongroom_http::{Server, Settings, cors, retry};
use strongroom_types::proto::FILE_DESCRIPTOR_SET;
use tokio::net::TcpListener;

/// The longest request body in bytes: the largest upload in base64.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Threads that work on requests, beside those for whole blocks; more requests wait.
const WORKERS: usize = 14;
// What may take long has threads while simulations are in the enclave.
const _: () = assert!(SIMULATIONS_MAX < WORKERS / 2);
const HEIGHT: &str = "x-cosmos-block-height";
const METHODS: &str = "GET, POST, OPTIONS";
const HEIGHT_ANSWER: HeaderName = HeaderName::from_static("grpc-metadata-x-cosmos-block-height");

struct Gateway {
    services: Services,
    routes: Routes,
    printer: Printer,
    workers: Workers,
    origins: cors::Origins,
}

/// Serves on a bound address until the server is stopped.
///
/// # Errors
/// If the system gives no threads, or the descriptors cannot be read (which a test excludes).
pub fn serve(
    services: Services,
    tcp: TcpListener,
    settings: Settings,
    origins: &[String],
) -> io::Result<Server> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).map_err(io::Error::other)?;
    let gateway = Arc::new(Gateway {
        services,
        routes: Routes::of(&pool),
        printer: Printer::new(pool),
        workers: Workers::new("rest", WORKERS)?,
        origins: cors::Origins::new(origins),
    });
    let handle = move |request| Arc::clone(&gateway).handle(request);
    Server::start(tcp, settings, handle)
}

impl Gateway {
    async fn handle(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut answer = match self.origins.admit(request.headers()) {
            true => Arc::clone(&self).respond(request).await,
            false => response(StatusCode::FORBIDDEN, String::new(), None),
        };
        self.origins
            .mark(origin.as_ref(), answer.headers_mut(), METHODS);
        answer
    }

    async fn respond(self: Arc<Self>, mut request: Request<Body>) -> Response<Body> {
        if request.method() == Method::OPTIONS {
            return response(StatusCode::NO_CONTENT, String::new(), None);
        }
        let body = match read_body(&mut request, BODY_BYTES_MAX).await {
            Ok(body) => body,
            Err(BodyError::Unreadable(_)) => {
                let text = format!("request body longer than {BODY_BYTES_MAX} bytes");
                return error(&QueryError::invalid_argument(text));
            }
            Err(BodyError::TooSlow) => {
                return unavailable("the request body came too slowly, try again");
            }
        };
        let (parts, _) = request.into_parts();
        let gateway = Arc::clone(&self);
        // Queries read disk and may run contracts: not on the threads that serve connections.
        let work = self
            .route(&parts.method, &parts.uri)
            .map_or(Work::Light, |(_, route, _)| Services::work(&route.path));
        let step = move || {
            let begun = gateway.begin(&parts.method, &parts.uri, &parts.headers, &body);
            Progress::of(begun)
        };
        let ran = self.workers.run_all(work, step).await;
        let answer = match ran {
            Ok(Ok(Step::Done(height, json))) => Ok((height, json)),
            Ok(Ok(Step::Broadcast(request))) => {
                return self.broadcast(request).await.unwrap_or_else(|e| error(&e));
            }
            Ok(Err(e)) => Err(e),
            Err(busy @ WorkError::Busy) => return unavailable(&busy.to_string()),
            Err(failed) => Err(QueryError::Status {
                code: GrpcCode::Internal,
                text: failed.to_string(),
            }),
        };
        match answer {
            Ok((height, json)) => response(StatusCode::OK, json, Some(height)),
            Err(e) => error(&e),
        }
    }

    /// Waits for CheckTx without holding a thread.
    async fn broadcast(&self, request: Vec<u8>) -> Result<Response<Body>, QueryError> {
        let told = self.services.broadcast(&request).await?;
        let route = self.routes.by_path(BROADCAST_TX);
        let json = self.print(route.ok_or(QueryError::UnknownPath)?, &told.answer)?;
        let mut response = response(StatusCode::OK, json, Some(told.height));
        if let Some(again) = told.retry_after {
            retry::after(again, response.headers_mut());
        }
        Ok(response)
    }

    fn print(&self, route: &Route, answer: &[u8]) -> Result<String, QueryError> {
        let message = DynamicMessage::decode(route.method.output(), answer);
        let message = message.map_err(|e| QueryError::Status {
            code: GrpcCode::Internal,
            text: e.to_string(),
        })?;
        Ok(self.printer.print(&message))
    }

    fn route(&self, method: &Method, uri: &Uri) -> Option<(Verb, &Route, PathFields)> {
        let verb = match *method {
            Method::GET => Verb::Get,
            Method::POST => Verb::Post,
            _ => return None,
        };
        let (route, fields) = self.routes.find(verb, uri.path())?;
        Some((verb, route, fields))
    }

    fn begin(
        self: Arc<Self>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Progress<Result<Step, QueryError>>, QueryError> {
        let (verb, route, _) = self.route(method, uri).ok_or(QueryError::UnknownPath)?;
        let query = uri.query().unwrap_or_default();
        let request = match verb {
            Verb::Get => self.routes.of_query(uri.path(), query),
            Verb::Post => Some(route.request_of_body(body).map(|request| (route, request))),
        };
        let request = request.ok_or(QueryError::UnknownPath)?;
        let (route, request) =
            request.map_err(|BadRequest(text)| QueryError::invalid_argument(text))?;
        let request = request.encode_to_vec();
        if route.path == BROADCAST_TX {
            return Ok(Progress::Done(Ok(Step::Broadcast(request))));
        }
        let path = route.path.clone();
        let called = self.services.call(&path, &request, height(headers)?);
        Ok(called.map(move |answer| {
            let (height, answer) = answer?;
            let route = self.routes.by_path(&path).ok_or(QueryError::UnknownPath)?;
            Ok(Step::Done(height, self.print(route, &answer)?))
        }))
    }
}

/// Progress of a request on a thread.
enum Step {
    /// Height and printed answer.
    Done(u64, String),
    /// A transaction to broadcast; that waits for its turn.
    Broadcast(Vec<u8>),
}

/// gRPC 14: the same request may succeed later.
fn unavailable(text: &str) -> Response<Body> {
    error(&QueryError::Status {
        code: GrpcCode::Unavailable,
        text: text.to_owned(),
    })
}

/// The height that a request asks for; 0 for the newest.
fn height(headers: &HeaderMap) -> Result<u64, QueryError> {
    let Some(value) = headers.get(HEIGHT) else {
        return Ok(0);
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        QueryError::invalid_argument(format!("invalid height header {HEIGHT}: {text}"))
    })
}

fn error(e: &QueryError) -> Response<Body> {
    let (code, message) = e.grpc();
    let body = serde_json::json!({ "code": code.number(), "message": message, "details": [] });
    let status = StatusCode::from_u16(code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = response(status, body.to_string(), None);
    if matches!(code, GrpcCode::Unavailable | GrpcCode::ResourceExhausted) {
        retry::after(AGAIN, response.headers_mut());
    }
    response
}

fn response(status: StatusCode, body: String, height: Option<u64>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    if let Some(height) = height {
        response
            .headers_mut()
            .insert(HEIGHT_ANSWER, HeaderValue::from(height));
    }
    response
}
