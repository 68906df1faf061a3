//! The envelope of JSON-RPC 2.0 as CometBFT reads and writes it.
//!
//! Promises: an id is echoed with its type; member names in any case; a missing or null id is a notification.
//! Refuses: ids of other types than text and number, batches over the limit.

use super::json::to_json;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// An id as the caller gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// A number; fractions were cut off.
    Number(i64),
    /// A text.
    Text(String),
}

/// The id with which URI calls are answered.
pub const URI_ID: Id = Id::Number(-1);

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `None`: a notification, which gets no answer.
    pub id: Option<Id>,
    /// Empty if there was none.
    pub method: String,
    /// As they came; `None` if they were left out.
    pub params: Option<Value>,
}

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RpcError {
    /// See the constructors.
    pub code: i32,
    /// One text per code.
    pub message: &'static str,
    /// The detail; left out if empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// After what time the same call may succeed, if it may: HTTP says so in headers.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl RpcError {
    /// The request is no JSON or no request.
    pub fn parse(data: impl Into<String>) -> Self {
        Self {
            code: -32700,
            message: "Parse error. Invalid JSON",
            data: data.into(),
            retry_after: None,
        }
    }

    /// The request cannot be read or is too many.
    pub fn invalid_request(data: impl Into<String>) -> Self {
        Self {
            code: -32600,
            message: "Invalid Request",
            data: data.into(),
            retry_after: None,
        }
    }

    /// There is no such method.
    #[must_use]
    pub fn method_not_found() -> Self {
        Self {
            code: -32601,
            message: "Method not found",
            data: String::new(),
            retry_after: None,
        }
    }

    /// The params do not fit the method.
    pub fn invalid_params(data: impl Into<String>) -> Self {
        Self {
            code: -32602,
            message: "Invalid params",
            data: data.into(),
            retry_after: None,
        }
    }

    /// The method says no.
    pub fn internal(data: impl Into<String>) -> Self {
        Self {
            code: -32603,
            message: "Internal error",
            data: data.into(),
            retry_after: None,
        }
    }

    /// The method says no, and when to try again if that helps.
    pub fn for_now(data: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..Self::internal(data)
        }
    }

    /// A subscription ended (websocket only).
    pub fn server(data: impl Into<String>) -> Self {
        Self {
            code: -32000,
            message: "Server error",
            data: data.into(),
            retry_after: None,
        }
    }
}

/// An answer: an id, if there is one to echo, and a printed result or an error.
pub fn respond(id: Option<&Id>, outcome: Result<&str, &RpcError>) -> String {
    let id = id
        .map(|id| format!("\"id\":{},", to_json(id)))
        .unwrap_or_default();
    match outcome {
        Ok(result) => format!("{{\"jsonrpc\":\"2.0\",{id}\"result\":{result}}}"),
        Err(error) => format!("{{\"jsonrpc\":\"2.0\",{id}\"error\":{}}}", to_json(error)),
    }
}

/// Content of a request's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One request, or nothing at all (`null`).
    One(Option<Request>),
    /// A list of requests.
    Batch(Vec<Request>),
}

/// Reads a body: one request or a batch.
///
/// # Errors
/// A parse error if it is neither.
pub fn read_body(body: &[u8]) -> Result<Body, RpcError> {
    let value: Value = serde_json::from_slice(body).map_err(|e| not_a_request(&e.to_string()))?;
    match value {
        Value::Array(list) => Ok(Body::Batch(
            list.into_iter()
                .map(read_member)
                .collect::<Result<_, _>>()?,
        )),
        value => Ok(Body::One(read_request(value)?)),
    }
}

/// Reads one request; no batches (websocket).
///
/// # Errors
/// A parse error if it is none.
pub fn read_one(text: &[u8]) -> Result<Option<Request>, RpcError> {
    read_request(serde_json::from_slice(text).map_err(|e| not_a_request(&e.to_string()))?)
}

fn not_a_request(why: &str) -> RpcError {
    RpcError::parse(format!("error unmarshaling request: {why}"))
}

/// In a batch `null` is a request without members, that is, a notification.
fn read_member(value: Value) -> Result<Request, RpcError> {
    Ok(read_request(value)?.unwrap_or(Request {
        id: None,
        method: String::new(),
        params: None,
    }))
}

fn read_request(value: Value) -> Result<Option<Request>, RpcError> {
    let mut members = match value {
        Value::Null => return Ok(None),
        Value::Object(members) => members,
        _ => return Err(not_a_request("a request is an object")),
    };
    let id = match take(&mut members, "id") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Id::Text(text)),
        // Numbers travel as doubles there, and lose what a double loses.
        Some(Value::Number(number)) => {
            #[allow(clippy::cast_possible_truncation)]
            let whole = number.as_f64().unwrap_or(0.0) as i64;
            Some(Id::Number(whole))
        }
        Some(other) => {
            return Err(not_a_request(&format!(
                "json-rpc ID ({other}) is of unknown type"
            )));
        }
    };
    let method = match take(&mut members, "method") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(method)) => method,
        Some(_) => return Err(not_a_request("method is a text")),
    };
    let params = take(&mut members, "params");
    Ok(Some(Request { id, method, params }))
}

/// A member by its name, in any case; the exact spelling first.
fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = members.remove(name) {
        return Some(value);
    }
    let spelled = members
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()?;
    members.remove(&spelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id_of(body: &str) -> Option<Id> {
        match read_body(body.as_bytes()).unwrap() {
            Body::One(request) => request.unwrap().id,
            Body::Batch(_) => panic!("a batch"),
        }
    }

    #[test]
    fn ids_keep_their_type_and_lose_their_fraction() {
        assert_eq!(
            id_of(r#"{"id":"12","method":"health"}"#),
            Some(Id::Text("12".into()))
        );
        assert_eq!(
            id_of(r#"{"ID":1.9,"METHOD":"health"}"#),
            Some(Id::Number(1))
        );
        assert_eq!(
            id_of(r#"{"id":123456789012345678}"#),
            Some(Id::Number(123_456_789_012_345_680))
        );
        assert_eq!(id_of(r#"{"id":null}"#), None);
        for bad in [
            r#"{"id":true}"#,
            r#"{"id":[1]}"#,
            r#"{"id":{}}"#,
            r#"{"id":1,"method":5}"#,
            "5",
            "[1]",
            "{}x",
            "",
        ] {
            assert_eq!(read_body(bad.as_bytes()).unwrap_err().code, -32700, "{bad}");
        }
    }

    #[test]
    fn websocket_takes_no_batches() {
        assert_eq!(
            read_one(br#"[{"id":1,"method":"health"}]"#)
                .unwrap_err()
                .code,
            -32700
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_body(&bytes);
            let _ = read_one(&bytes);
        }

        #[test]
        fn any_json_like_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9a-z.eE+-]{0,60}") {
            let _ = read_body(text.as_bytes());
        }

        #[test]
        fn deep_nesting_is_refused_without_harm(depth in 1usize..5000) {
            let _ = read_body(&vec![b'['; depth]);
            let _ = read_body("{\"id\":".repeat(depth).as_bytes());
        }

        #[test]
        fn an_id_is_echoed_as_it_came(text in "\\PC{0,20}", number in -1_000_000_000i64..1_000_000_000) {
            for id in [Value::from(text.clone()), Value::from(number)] {
                let body = serde_json::json!({"id": id, "method": "m"}).to_string();
                let Body::One(Some(request)) = read_body(body.as_bytes()).unwrap() else { panic!() };
                let answer: Value = serde_json::from_str(&respond(request.id.as_ref(), Ok("{}"))).unwrap();
                prop_assert_eq!(&answer["id"], &id);
            }
        }
    }
}
