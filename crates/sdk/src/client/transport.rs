//! The seam between a client and the network: one request of HTTP, one answer.

use super::Error;
use crate::types::Timestamp;
use core::time::Duration;
use serde_json::Value;

/// The most of an answer in another language that is quoted, in characters.
const QUOTED_MAX: usize = 200;

/// The longest target of a request (path and query) that HTTP libraries and nodes take, in bytes: a longer one is no request, or 414. The path of the
/// node's address is part of it, and many proxies take 8 KiB only.
pub const TARGET_BYTES_MAX: usize = 65_534;

/// What a client asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// What follows the address of the node: nothing for the RPC, a path that begins with a slash, and its query, for REST.
    pub path: String,
    /// JSON to `POST`; without it the request is a `GET`.
    pub body: Option<String>,
}

/// What a server answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Status of HTTP.
    pub status: u16,
    /// Header `grpc-metadata-x-cosmos-block-height`, if there is one: the height that REST has answered at.
    pub height: Option<String>,
    /// Header `retry-after`, if there is one.
    pub retry_after: Option<String>,
    /// Header `retry-after-ms`, if there is one: the same to the millisecond, as our nodes tell it.
    pub retry_after_ms: Option<String>,
    /// The body, whatever the status.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The beginning of the body, so that a terminal can show it.
    pub(super) fn quoted(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        if text.is_empty() {
            return format!("nothing, with status {}", self.status);
        }
        let shown = text.chars().take(QUOTED_MAX);
        shown
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    }

    /// What is said of a server that has no time now. `why` are its own words.
    pub(super) fn busy(&self, why: &str) -> Error {
        let number = |header: &Option<String>, digits_max| {
            let text = header.as_deref()?.trim();
            let is_number = text.bytes().all(|b| b.is_ascii_digit());
            let is_number = is_number && (1..=digits_max).contains(&text.len());
            is_number.then(|| text.parse::<u64>().ok())?
        };
        let millis = number(&self.retry_after_ms, 8);
        let seconds = number(&self.retry_after, 5);
        let (told, again) = match (millis, seconds) {
            (Some(ms), _) => (
                format!("ask again in {ms} ms"),
                Some(Duration::from_millis(ms)),
            ),
            (None, Some(s)) => (format!("ask again in {s} s"), Some(Duration::from_secs(s))),
            (None, None) => ("ask again soon".to_owned(), None),
        };
        let why = match why {
            "" => told,
            why => format!("{why}; {told}"),
        };
        Error::Busy { why, again }
    }
}

/// A way to one node, to its RPC or its REST: the SDK's own (feature `net`) in a program, `fetch` in a browser. It bounds how long an answer is
/// waited for, and how long an answer may be.
pub trait Transport {
    /// Sends a request to the address of the node with [`Request::path`] behind it; JSON both ways.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], or what says more. An answer with a status that says so is none.
    fn exchange(&mut self, request: Request) -> impl Future<Output = Result<Response, Error>>;

    /// The time, read anew: no header that is ahead of it is believed ([`Client::trusting`](super::Client::trusting)), and by it waiting ends.
    fn now(&self) -> Timestamp;

    /// Waits for so long: a transaction is looked for again.
    fn pause(&mut self, time: Duration) -> impl Future<Output = ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_has_no_time_says_when_to_ask_again() {
        let busy = |retry_after: Option<&str>, why| {
            let retry_after = retry_after.map(str::to_owned);
            let response = Response {
                retry_after,
                ..Response::default()
            };
            response.busy(why).to_string()
        };
        assert_eq!(
            busy(Some("7"), "no thread is free"),
            "the node has no time now: no thread is free; ask again in 7 s"
        );
        let to_the_ms = |text: &str| {
            let response = Response {
                retry_after: Some("7".to_owned()),
                retry_after_ms: Some(text.to_owned()),
                ..Response::default()
            };
            response.busy("").to_string()
        };
        let told = |time| format!("the node has no time now: ask again in {time}");
        assert_eq!(to_the_ms("145"), told("145 ms"));
        for other in ["", "-5", "1e3", "999999999", "\x1b[2J"] {
            assert_eq!(to_the_ms(other), told("7 s"));
        }
        // A date of HTTP, and nothing that moves the cursor.
        for other in [
            None,
            Some(""),
            Some("Mon, 30 Nov 2026 12:00:00 GMT"),
            Some("\x1b[2J"),
        ] {
            assert_eq!(busy(other, ""), "the node has no time now: ask again soon");
        }
    }
}
