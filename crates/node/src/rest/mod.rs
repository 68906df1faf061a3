//! REST on port 1317: the services' methods over HTTP and JSON, as the gateway of the Cosmos SDK serves them
//! (wire.md section 3).
//!
//! Promises: a request that is too long, malformed or unknown gets an error body and changes nothing; every error is
//! JSON with `code`, `message`, `details`; leading slashes are collapsed; any origin may call.

mod json;
mod routes;

use crate::chain::query::{GrpcCode, QueryError};
use crate::services::Services;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
use json::Printer;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use routes::{BadRequest, Routes, Verb};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use strongroom_types::proto::FILE_DESCRIPTOR_SET;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// The longest request body in bytes: the largest upload in base64.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Requests that are worked on at one time; more wait.
const REQUESTS_MAX: usize = 64;
const HEIGHT: &str = "x-cosmos-block-height";
const HEIGHT_ANSWER: HeaderName = HeaderName::from_static("grpc-metadata-x-cosmos-block-height");

struct Gateway {
    services: Services,
    routes: Routes,
    printer: Printer,
    running: Semaphore,
}

/// Serves until `stopping` becomes true. Gives the address that was bound, and the running server.
///
/// # Errors
/// If the address cannot be bound, or the descriptors cannot be read (which a test excludes).
pub async fn serve(
    services: Services,
    address: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).map_err(io::Error::other)?;
    let gateway = Arc::new(Gateway {
        services,
        routes: Routes::of(&pool),
        printer: Printer::new(pool),
        running: Semaphore::new(REQUESTS_MAX),
    });
    let app = Router::new().fallback(move |request: Request<Body>| {
        let gateway = Arc::clone(&gateway);
        async move { gateway.handle(request).await }
    });
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let stop = async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, app)
            .with_graceful_shutdown(stop)
            .await
        {
            tracing::error!(%error, "REST ended");
        }
    });
    Ok((bound, task))
}

impl Gateway {
    async fn handle(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::OPTIONS {
            return with_cors(response(StatusCode::NO_CONTENT, String::new(), None));
        }
        let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
            let text = format!("request body longer than {BODY_BYTES_MAX} bytes");
            return with_cors(error(&QueryError::invalid_argument(text)));
        };
        let Ok(_permit) = self.running.acquire().await else {
            return with_cors(error(&QueryError::UnknownPath));
        };
        let gateway = Arc::clone(&self);
        // Queries read disk and may run contracts: not on the threads that serve connections.
        let work = tokio::task::spawn_blocking(move || {
            gateway.answer(&parts.method, &parts.uri, &parts.headers, &body)
        });
        with_cors(match work.await {
            Ok(Ok((height, json))) => response(StatusCode::OK, json, Some(height)),
            Ok(Err(e)) => error(&e),
            Err(_) => error(&QueryError::Status {
                code: GrpcCode::Internal,
                text: "the method failed".into(),
            }),
        })
    }

    fn answer(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(u64, String), QueryError> {
        let verb = match *method {
            Method::GET => Verb::Get,
            Method::POST => Verb::Post,
            _ => return Err(QueryError::UnknownPath),
        };
        let (route, fields) = self
            .routes
            .find(verb, uri.path())
            .ok_or(QueryError::UnknownPath)?;
        let request = match verb {
            Verb::Get => route.request_of_query(&fields, uri.query().unwrap_or_default()),
            Verb::Post => route.request_of_body(body),
        }
        .map_err(|BadRequest(text)| QueryError::invalid_argument(text))?;
        let (height, answer) =
            self.services
                .call(&route.path, &request.encode_to_vec(), height(headers)?)?;
        let message =
            DynamicMessage::decode(route.method.output(), answer.as_slice()).map_err(|e| {
                QueryError::Status {
                    code: GrpcCode::Internal,
                    text: e.to_string(),
                }
            })?;
        Ok((height, self.printer.print(&message)))
    }
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
    response(status, body.to_string(), None)
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

/// Any origin may call: nothing here is guarded by cookies.
fn with_cors(mut response: Response<Body>) -> Response<Body> {
    let any = HeaderValue::from_static("*");
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        response.headers_mut().insert(name, any.clone());
    }
    let methods = HeaderValue::from_static("GET, POST, OPTIONS");
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    response
}
