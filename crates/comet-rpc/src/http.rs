//! HTTP: JSON-RPC at `/` with any verb, methods by path, the list of methods, CORS and caching headers.
//!
//! Refuses: methods that have an effect, unless the verb is GET or POST: whoever only asks (HEAD, OPTIONS) changes nothing.

use super::envelope::{
    Body as RpcBody, Id, Request as RpcRequest, RpcError, URI_ID, read_body, respond,
};
use super::list;
use super::methods::{self, Call};
use super::params::{Params, query_pairs};
use super::server::Rpc;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, ORIGIN,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method as Verb, StatusCode};
use axum::response::Response;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use strongroom_http::body::{self, BodyError};
use strongroom_http::cors::Cors;
use strongroom_http::retry;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const FOR_A_DAY: &str = "public, max-age=86400";
/// After so many bytes of answers, the calls that are left in a batch are refused.
const BATCH_ANSWER_BYTES_MAX: usize = 32 << 20;
const SERVER_TIME: HeaderName = HeaderName::from_static("x-server-time");

/// An answer before it becomes HTTP.
struct Reply {
    status: StatusCode,
    content_type: Option<&'static str>,
    cacheable: bool,
    /// After what time what was refused may be taken.
    retry_after: Option<Duration>,
    body: String,
}

impl Reply {
    fn json(status: StatusCode, body: String) -> Self {
        Self {
            status,
            content_type: Some(JSON),
            cacheable: false,
            retry_after: None,
            body,
        }
    }

    fn empty() -> Self {
        Self {
            status: StatusCode::OK,
            content_type: None,
            cacheable: false,
            retry_after: None,
            body: String::new(),
        }
    }

    fn page(host: &str) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: Some("text/html"),
            cacheable: false,
            retry_after: None,
            body: list::page(host),
        }
    }

    /// For a method with an effect, asked for by a verb that should have none.
    fn not_by_this_verb() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            content_type: Some("text/plain; charset=utf-8"),
            cacheable: false,
            retry_after: None,
            body: "transactions are broadcast by GET or POST\n".into(),
        }
    }

    fn not_found() -> Self {
        let content_type = Some("text/plain; charset=utf-8");
        Self {
            status: StatusCode::NOT_FOUND,
            content_type,
            cacheable: false,
            retry_after: None,
            body: "404 page not found\n".into(),
        }
    }
}

/// All paths but `/websocket`.
pub(super) async fn handle(server: Arc<Rpc>, request: Request) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    if let Some(headers) = server
        .cors
        .as_ref()
        .and_then(|c| c.preflight(request.method(), request.headers()))
    {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.headers_mut() = headers;
        return response;
    }
    let reply = match request.uri().path() {
        "/" | "" => at_root(&server, request).await,
        path => match path.strip_prefix('/').and_then(methods::find) {
            Some(method) => at_method(&server, method, request).await,
            None => Reply::not_found(),
        },
    };
    finish(reply, server.cors.as_ref(), origin.as_ref())
}

fn finish(reply: Reply, cors: Option<&Cors>, origin: Option<&HeaderValue>) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    if reply.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    if let Some(content_type) = reply.content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if reply.cacheable {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_A_DAY));
    }
    if let Some(again) = reply.retry_after {
        retry::after(again, headers);
        if cors.is_some() {
            let exposed = HeaderValue::from_static("Retry-After, Retry-After-Ms");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
    if reply.status == StatusCode::NOT_FOUND && reply.content_type != Some(JSON) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    if reply.status == StatusCode::BAD_REQUEST {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    headers.insert(SERVER_TIME, HeaderValue::from(now));
    if let Some(cors) = cors {
        cors.mark(origin, headers);
    }
    response
}

/// Whether this verb may call a method that has an effect.
fn may_change(verb: &Verb) -> bool {
    matches!(*verb, Verb::GET | Verb::POST)
}

fn host_of(request: &Request) -> String {
    let named = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    named
        .or(request.uri().authority().map(|a| a.as_str()))
        .unwrap_or_default()
        .to_owned()
}

async fn body_of(server: &Rpc, mut request: Request) -> Result<Bytes, RpcError> {
    let bytes_max = server.context.config.body_bytes_max;
    let read = body::read_body(&mut request, bytes_max).await;
    read.map_err(|error| {
        let why = match error {
            BodyError::Unreadable(why) => why,
            BodyError::TooSlow => "it took too long".to_owned(),
        };
        RpcError::invalid_request(format!("error reading request body: {why}"))
    })
}

async fn at_root(server: &Arc<Rpc>, request: Request) -> Reply {
    let host = host_of(&request);
    let may_change = may_change(request.method());
    let body = match body_of(server, request).await {
        Ok(body) if body.is_empty() => return Reply::page(&host),
        Ok(body) => body,
        Err(error) => return Reply::json(StatusCode::BAD_REQUEST, respond(None, Err(&error))),
    };
    let requests = match read_body(&body) {
        Ok(RpcBody::One(None)) => return Reply::empty(),
        Ok(RpcBody::One(Some(request))) => vec![request],
        Ok(RpcBody::Batch(requests)) => requests,
        Err(error) => {
            return Reply::json(
                StatusCode::INTERNAL_SERVER_ERROR,
                respond(None, Err(&error)),
            );
        }
    };
    let max = server.context.config.batch_requests_max;
    if requests.len() > max {
        let text = format!("batch request exceeds maximum ({max}) allowed number of requests");
        return Reply::json(
            StatusCode::OK,
            respond(None, Err(&RpcError::invalid_request(text))),
        );
    }
    // Read at once: parsed JSON takes many times its length.
    let calls: Vec<_> = requests
        .into_iter()
        .filter(|request| request.id.is_some())
        .map(JsonCall::read)
        .collect();
    if !may_change && calls.iter().any(JsonCall::has_effect) {
        return Reply::not_by_this_verb();
    }
    let mut answers: Vec<String> = Vec::new();
    let (mut cacheable, mut retry_after) = (true, None);
    for call in calls {
        let bytes: usize = answers.iter().map(String::len).sum();
        let answer = if bytes > BATCH_ANSWER_BYTES_MAX {
            let text =
                format!("the answers to the calls before have over {BATCH_ANSWER_BYTES_MAX} bytes");
            let refused = RpcError::internal(text);
            JsonAnswer::refused(call.id.as_ref(), &refused)
        } else {
            call.answer(server).await
        };
        cacheable &= answer.cacheable;
        retry_after = retry_after.max(answer.retry_after);
        answers.push(answer.body);
    }
    let body = match answers.as_slice() {
        [] => return Reply::empty(),
        [answer] => answer.clone(),
        answers => format!("[{}]", answers.join(",")),
    };
    Reply {
        cacheable,
        retry_after,
        ..Reply::json(StatusCode::OK, body)
    }
}

/// The answer to a call.
struct JsonAnswer {
    body: String,
    /// Whether a cache may keep it.
    cacheable: bool,
    /// See [`RpcError::retry_after`].
    retry_after: Option<Duration>,
}

impl JsonAnswer {
    fn refused(id: Option<&Id>, error: &RpcError) -> Self {
        Self {
            body: respond(id, Err(error)),
            cacheable: false,
            retry_after: error.retry_after,
        }
    }
}

/// A request whose params are read.
struct JsonCall {
    id: Option<Id>,
    call: Result<(&'static methods::Method, Params), RpcError>,
}

impl JsonCall {
    fn read(request: RpcRequest) -> Self {
        let method = methods::find(&request.method);
        let call = match method.filter(|m| !matches!(m.call, Call::WebsocketOnly)) {
            None => Err(RpcError::method_not_found()),
            Some(method) => Params::from_json(method.params, request.params.as_ref())
                .map(|params| (method, params)),
        };
        Self {
            id: request.id,
            call,
        }
    }

    fn has_effect(&self) -> bool {
        matches!(&self.call, Ok((method, _)) if method.has_effect())
    }

    async fn answer(self, server: &Arc<Rpc>) -> JsonAnswer {
        let id = self.id.as_ref();
        let (method, params) = match self.call {
            Ok(call) => call,
            Err(error) => return JsonAnswer::refused(id, &error),
        };
        let cacheable = method.is_cacheable(&params);
        match server.call(method, params).await {
            Ok(result) => JsonAnswer {
                body: respond(id, Ok(&result)),
                cacheable,
                retry_after: None,
            },
            Err(error) => JsonAnswer::refused(id, &error),
        }
    }
}

/// Answers a request.
pub(crate) async fn call_json(server: &Arc<Rpc>, request: RpcRequest) -> String {
    JsonCall::read(request).answer(server).await.body
}

async fn at_method(server: &Arc<Rpc>, method: &'static methods::Method, request: Request) -> Reply {
    let fail = |status, error: &RpcError| Reply::json(status, respond(Some(&URI_ID), Err(error)));
    if matches!(method.call, Call::WebsocketOnly) {
        return fail(StatusCode::NOT_FOUND, &RpcError::method_not_found());
    }
    if method.has_effect() && !may_change(request.method()) {
        return Reply::not_by_this_verb();
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let mut pairs = Vec::new();
    if content_type.starts_with(FORM) {
        match body_of(server, request).await {
            Ok(form) => pairs = query_pairs(&String::from_utf8_lossy(&form)),
            Err(error) => return fail(StatusCode::BAD_REQUEST, &error),
        }
    }
    pairs.extend(query_pairs(&query));
    let params = match Params::from_uri(method.params, &pairs) {
        Ok(params) => params,
        Err(error) => return fail(StatusCode::INTERNAL_SERVER_ERROR, &error),
    };
    let cacheable = method.is_cacheable(&params);
    match server.call(method, params).await {
        Ok(result) => Reply {
            cacheable,
            ..Reply::json(StatusCode::OK, respond(Some(&URI_ID), Ok(&result)))
        },
        Err(error) => Reply {
            retry_after: error.retry_after,
            ..fail(StatusCode::INTERNAL_SERVER_ERROR, &error)
        },
    }
}
