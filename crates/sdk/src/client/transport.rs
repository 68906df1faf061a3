//! The seam between a client and the network, and the JSON-RPC that goes through it (wire.md 4.3).

use super::Error;
use crate::types::Timestamp;
use core::time::Duration;
use serde_json::{Value, json};

/// The most of an answer that is no JSON-RPC that is quoted, in characters.
const QUOTED_MAX: usize = 200;

/// A way to the RPC of one node: the SDK's own (feature `net`) in a program, `fetch` in a browser. It bounds how long an answer is waited for, and
/// how long an answer may be.
pub trait Transport {
    /// Posts a JSON-RPC request to the root of the RPC; gives the body of the answer, whatever its HTTP status.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], or what says more.
    fn post(&mut self, body: String) -> impl Future<Output = Result<Vec<u8>, Error>>;

    /// The time, read anew: no header that is ahead of it is believed ([`Client::trusting`](super::Client::trusting)), and by it waiting ends.
    fn now(&self) -> Timestamp;

    /// Waits for so long: a transaction is looked for again.
    fn pause(&mut self, time: Duration) -> impl Future<Output = ()>;
}

/// Calls a method; gives its `result`.
pub(super) async fn call(
    transport: &mut impl Transport,
    method: &str,
    params: &Value,
) -> Result<Value, Error> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    result_in(&transport.post(body.to_string()).await?)
}

fn result_in(body: &[u8]) -> Result<Value, Error> {
    let parsed: Result<Value, _> = serde_json::from_slice(body);
    let not_rpc = || {
        let text = String::from_utf8_lossy(body);
        let shown = text.chars().take(QUOTED_MAX);
        let shown = shown.map(|c| if c.is_control() { ' ' } else { c });
        Error::NotRpc(shown.collect())
    };
    let mut answer = parsed.ok().filter(Value::is_object).ok_or_else(not_rpc)?;
    let error = &answer["error"];
    if !error.is_null() {
        // The detail is what went wrong; the message is the same for all of a code.
        let texts = [&error["data"], &error["message"]];
        let mut texts = texts.into_iter().filter_map(Value::as_str);
        let text = texts.find(|text| !text.is_empty());
        return Err(Error::Rpc(
            text.unwrap_or("an error without a text").to_owned(),
        ));
    }
    let result = answer.get_mut("result").map(Value::take);
    result.ok_or_else(not_rpc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_result_or_the_most_telling_text_of_its_error() {
        assert_eq!(
            result_in(br#"{"result":{"a":1}}"#).unwrap(),
            json!({"a": 1})
        );
        let error = |body: &str| result_in(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            error(r#"{"error":{"code":1,"message":"Internal error","data":"tx (AB) not found"}}"#),
            "tx (AB) not found"
        );
        assert_eq!(error(r#"{"error":{"message":"Busy","data":""}}"#), "Busy");
        assert_eq!(error(r#"{"error":7}"#), "an error without a text");
    }

    #[test]
    fn what_speaks_another_language_is_quoted_in_short_and_cannot_move_the_cursor() {
        let page = format!("<html>\x1b[2J{}", "x".repeat(1_000));
        for body in [
            page.as_bytes(),
            b"",
            b"[1]",
            b"\xff\xfe",
            b"{\"amount\":\"1\"}",
        ] {
            let error = result_in(body).unwrap_err();
            assert_eq!(error.code(), "client.not_rpc");
            assert!(error.to_string().chars().count() < 320 && !error.to_string().contains('\x1b'));
        }
    }
}
