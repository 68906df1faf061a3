//! CORS: which origins, methods and request headers a browser may use. One policy lets anyone in, the other is that of
//! CometBFT's RPC.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method};

/// Whose page a request of a browser comes from.
const FETCH_SITE: &str = "sec-fetch-site";
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

/// Which origins a server lets in that guards nothing by cookies: all of them, or those that are named.
#[derive(Clone, Debug)]
pub struct Origins(Option<Cors>);

impl Origins {
    /// `*` among them lets anyone in; none of them nobody.
    #[must_use]
    pub fn new(origins: &[String]) -> Self {
        let anyone = origins.iter().any(|origin| origin == "*");
        let named = Cors {
            origins: origins.iter().map(|o| o.to_ascii_lowercase()).collect(),
        };
        Self((!anyone).then_some(named))
    }

    /// Whether a request is answered at all. CORS alone has a browser hide the answer from a page, after the request has had its effect; so a page of
    /// another origin is refused. Browsers name no origin with some requests (an image, say), but tell whose page they come from.
    #[must_use]
    pub fn admit(&self, request: &HeaderMap) -> bool {
        let Some(named) = &self.0 else {
            return true;
        };
        match (request.get(ORIGIN), request.get(FETCH_SITE)) {
            (Some(origin), _) => named.allowed(origin).is_some(),
            (None, Some(site)) => site == "same-origin" || site == "none",
            // No browser.
            (None, None) => true,
        }
    }

    /// Adds what a browser wants to know, also before it asks: these methods, every header.
    pub fn mark(
        &self,
        origin: Option<&HeaderValue>,
        answer: &mut HeaderMap,
        methods: &'static str,
    ) {
        let Some(named) = &self.0 else {
            return allow_anyone(answer, methods);
        };
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        if let Some(allowed) = origin.and_then(|origin| named.allowed(origin)) {
            allow_anyone(answer, methods);
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_that_are_not_named_are_told_nothing() {
        let says = |origins: &[&str], origin: Option<&'static str>| {
            let origins: Vec<String> = origins.iter().map(|&o| o.to_owned()).collect();
            let mut answer = HeaderMap::new();
            let origin = origin.map(HeaderValue::from_static);
            Origins::new(&origins).mark(origin.as_ref(), &mut answer, "GET");
            let said = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN);
            said.map(|value| value.to_str().unwrap_or_default().to_owned())
        };
        let (mine, other) = ("http://localhost:3000", "http://evil.org");
        assert_eq!(says(&["*"], Some(other)).as_deref(), Some("*"));
        assert_eq!(says(&[mine], Some(mine)).as_deref(), Some(mine));
        assert_eq!(
            says(&["http://localhost:*"], Some(mine)).as_deref(),
            Some(mine)
        );
        assert_eq!(says(&[mine], Some(other)), None);
        assert_eq!(says(&[mine], None), None);
        assert_eq!(says(&[], Some(mine)), None);
    }

    #[test]
    fn pages_of_other_origins_are_refused_whatever_they_ask_with() {
        let admits = |origins: &[&str], headers: &[(&'static str, &'static str)]| {
            let origins: Vec<String> = origins.iter().map(|&o| o.to_owned()).collect();
            let headers = headers.iter().map(|&(name, value)| {
                let name = axum::http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            Origins::new(&origins).admit(&headers.collect())
        };
        let mine = ["http://localhost:3000"];
        let evil = ("origin", "http://evil.org");
        assert!(admits(&mine, &[]));
        assert!(admits(
            &mine,
            &[
                ("origin", "http://localhost:3000"),
                (FETCH_SITE, "cross-site")
            ]
        ));
        assert!(admits(&mine, &[(FETCH_SITE, "none")]));
        assert!(admits(&mine, &[(FETCH_SITE, "same-origin")]));
        for bad in [
            &[evil][..],
            &[evil, (FETCH_SITE, "none")],
            &[("origin", "null")],
            &[(FETCH_SITE, "cross-site")],
            &[(FETCH_SITE, "same-site")],
        ] {
            assert!(!admits(&mine, bad), "{bad:?}");
            assert!(admits(&["*"], bad), "{bad:?}");
        }
    }
}
