//! JSON-RPC over HTTP, as CometBFT speaks it (wire.md 4.3).

use super::{Error, Request, Response, Transport, no_time};
use serde_json::{Value, json};

/// Calls a method; gives its `result`.
pub(super) async fn call(
    transport: &mut impl Transport,
    method: &str,
    params: &Value,
) -> Result<Value, Error> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let request = Request {
        path: String::new(),
        body: Some(body.to_string()),
    };
    result_in(&transport.exchange(request).await?)
}

fn result_in(response: &Response) -> Result<Value, Error> {
    let not_rpc = || match response.status {
        // Of what stands in between: a node says it in its own language.
        429 | 503 => response.busy(""),
        _ => Error::NotRpc(response.quoted()),
    };
    let mut answer = response
        .json()
        .filter(Value::is_object)
        .ok_or_else(not_rpc)?;
    let error = &answer["error"];
    // Web servers have a member of this name too: a text, or an object with their status in it.
    if error.is_object() && error["code"] != response.status {
        // The detail is what went wrong; the message is the same for all of a code.
        let texts = [&error["data"], &error["message"]];
        let mut texts = texts.into_iter().filter_map(Value::as_str);
        let text = texts.find(|text| !text.is_empty());
        let text = text.unwrap_or("an error without a text");
        return Err(match no_time(text) {
            Some(why) => response.busy(why),
            None => Error::Rpc(text.to_owned()),
        });
    }
    let result = answer.get_mut("result").map(Value::take);
    result.ok_or_else(not_rpc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &[u8]) -> Result<Value, Error> {
        result_in(&Response {
            status,
            body: body.to_vec(),
            ..Response::default()
        })
    }

    #[test]
    fn an_answer_is_its_result_or_the_most_telling_text_of_its_error() {
        assert_eq!(
            said(200, br#"{"result":{"a":1}}"#).unwrap(),
            json!({"a": 1})
        );
        let error = |body: &str| said(500, body.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            error(r#"{"error":{"code":1,"message":"Internal error","data":"tx (AB) not found"}}"#),
            "tx (AB) not found"
        );
        assert_eq!(error(r#"{"error":{"message":"Busy","data":""}}"#), "Busy");
        assert_eq!(error(r#"{"error":{}}"#), "an error without a text");
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
            br#"{"message":"Route POST:/ not found","error":"Not Found","statusCode":404}"#,
            br#"{"error":7}"#,
        ] {
            let error = said(404, body).unwrap_err();
            assert_eq!(error.code(), "client.not_rpc");
            assert!(error.to_string().chars().count() < 320 && !error.to_string().contains('\x1b'));
            for status in [429, 503] {
                assert_eq!(said(status, body).unwrap_err().code(), "client.busy");
            }
        }
        // In a node's own words, whatever its status.
        let own = br#"{"error":{"message":"Internal error","data":"no thread is free"}}"#;
        assert_eq!(said(503, own).unwrap_err().code(), "client.rpc");
        let busy = br#"{"error":{"code":-32603,"message":"Internal error","data":"the node is busy, try again"}}"#;
        assert_eq!(said(500, busy).unwrap_err().code(), "client.busy");
    }
}
