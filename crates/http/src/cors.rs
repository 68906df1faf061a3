//! CORS: which origins, methods and request headers a browser may use. One policy lets anyone in, the other is that of
//! CometBFT's RPC.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method};

const METHODS: [&str; 3] = ["HEAD", "GET", "POST"];
const HEADERS: [&str; 5] = [
    "accept",
    "content-type",
    "origin",
    "x-requested-with",
    "x-server-time",
];
const VARY_PREFLIGHT: &str =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// Lets any origin call with `methods` and read every header: for servers that guard nothing by cookies.
pub fn allow_anyone(answer: &mut HeaderMap, methods: &'static str) {
    let any = HeaderValue::from_static("*");
    for name in [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        answer.insert(name, any.clone());
    }
    answer.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(methods),
    );
}

/// CometBFT's policy: allowed origins, each exact or with one `*`.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// None if there are no origins: then no answer has any header of CORS.
    pub fn new(origins: &[String]) -> Option<Self> {
        (!origins.is_empty()).then(|| Self {
            origins: origins.iter().map(|o| o.to_ascii_lowercase()).collect(),
        })
    }

    /// What `Access-Control-Allow-Origin` says to this origin.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.origins.iter().any(|pattern| pattern == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        let fits = |pattern: &String| match pattern.split_once('*') {
            Some((before, after)) => {
                text.len() >= before.len() + after.len()
                    && text.starts_with(before)
                    && text.ends_with(after)
            }
            None => *pattern == text,
        };
        self.origins.iter().any(fits).then(|| origin.clone())
    }

    /// The headers of the answer if the request is a preflight; its status is 204 and it has no body.
    pub fn preflight(&self, method: &Method, request: &HeaderMap) -> Option<HeaderMap> {
        let wanted = request
            .get(ACCESS_CONTROL_REQUEST_METHOD)
            .filter(|_| method == Method::OPTIONS)?;
        let mut answer = HeaderMap::new();
        answer.insert(VARY, HeaderValue::from_static(VARY_PREFLIGHT));
        let origin = request.get(ORIGIN).and_then(|origin| self.allowed(origin));
        let headers = request.get(ACCESS_CONTROL_REQUEST_HEADERS);
        let names_fit = headers.is_none_or(|names| {
            names
                .to_str()
                .is_ok_and(|names| names.split(',').all(|name| HEADERS.contains(&name.trim())))
        });
        if let Some(origin) = origin
            && names_fit
            && METHODS.iter().any(|method| wanted == method)
        {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
            if let Some(names) = headers {
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
            }
        }
        Some(answer)
    }

    /// Adds the headers of an ordinary answer.
    pub fn mark(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        if let Some(allowed) = origin.and_then(|origin| self.allowed(origin)) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        }
    }
}
