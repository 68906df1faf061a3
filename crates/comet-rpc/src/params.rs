//! Params of methods: from JSON (by name or by place) and from a URI or form.
//!
//! JSON: 64-bit integers only as text, bytes in base64 (hex for two params). URI: integers bare or quoted, text quoted,
//! bytes `0x…` or quoted raw text, bare booleans. Unknown names are ignored, missing ones have the zero value.

use super::envelope::RpcError;
use serde_json::Value;
use std::collections::BTreeMap;
use strongroom_http::go;

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit integer.
    Int,
    /// `true` or `false`.
    Bool,
    /// Text.
    Text,
    /// Bytes, base64 in JSON.
    Bytes,
    /// Bytes, hex in JSON.
    Hex,
    /// A JSON object.
    Json,
}

/// A param of a method.
pub type Param = (&'static str, Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Arg {
    Int(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Json(Value),
}

/// The params of a call, checked against the method's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<&'static str, Arg>);

impl Params {
    /// An integer, `None` if it was missing or null.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Arg::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// A boolean, false if it was missing.
    #[must_use]
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Arg::Bool(true)))
    }

    /// A text, empty if it was missing.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Arg::Text(value)) => value,
            _ => "",
        }
    }

    /// Bytes, empty if they were missing.
    #[must_use]
    pub fn bytes(&self, name: &str) -> &[u8] {
        match self.0.get(name) {
            Some(Arg::Bytes(value)) => value,
            _ => &[],
        }
    }

    /// An object, `None` if it was missing or null.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<&Value> {
        match self.0.get(name) {
            Some(Arg::Json(value)) => Some(value),
            _ => None,
        }
    }

    /// From the `params` of a JSON request.
    ///
    /// # Errors
    /// Invalid params.
    pub fn from_json(list: &[Param], params: Option<&Value>) -> Result<Self, RpcError> {
        let mut args = BTreeMap::new();
        let mut put = |(name, kind): Param, value: &Value| -> Result<(), RpcError> {
            if let Some(arg) = json_arg(kind, value).map_err(|e| bad("json", &e))? {
                args.insert(name, arg);
            }
            Ok(())
        };
        match params {
            None | Some(Value::Null) => {}
            Some(Value::Object(members)) => {
                for &param in list {
                    if let Some(value) = members.get(param.0) {
                        put(param, value)?;
                    }
                }
            }
            Some(Value::Array(values)) => {
                if values.len() != list.len() && !values.is_empty() {
                    let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
                    let (want, got) = (list.len(), values.len());
                    return Err(bad(
                        "json",
                        &format!("expected {want} parameters ({names:?}), got {got}"),
                    ));
                }
                for (&param, value) in list.iter().zip(values) {
                    put(param, value)?;
                }
            }
            Some(_) => {
                return Err(bad(
                    "json",
                    "unknown type for JSON params. Expected map or array",
                ));
            }
        }
        Ok(Self(args))
    }

    /// From the pairs of a URI query or a form; the first pair of a name counts.
    ///
    /// # Errors
    /// Invalid params.
    pub fn from_uri(list: &[Param], pairs: &[(String, String)]) -> Result<Self, RpcError> {
        let mut args = BTreeMap::new();
        for &(name, kind) in list {
            let text = pairs
                .iter()
                .find(|(key, _)| key == name)
                .map_or("", |(_, value)| value.as_str());
            if !text.is_empty()
                && let Some(arg) = uri_arg(kind, text).map_err(|e| bad("http", &e))?
            {
                args.insert(name, arg);
            }
        }
        Ok(Self(args))
    }
}

fn bad(source: &str, why: &str) -> RpcError {
    RpcError::invalid_params(format!(
        "error converting {source} params to arguments: {why}"
    ))
}

/// `None` for null: the zero value.
fn json_arg(kind: Kind, value: &Value) -> Result<Option<Arg>, String> {
    match (kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Int, Value::String(text)) => int(text).map(Some),
        (Kind::Int, other) => Err(format!(
            "invalid 64-bit integer encoding {:?}, expected string",
            other.to_string()
        )),
        (Kind::Bool, Value::Bool(value)) => Ok(Some(Arg::Bool(*value))),
        (Kind::Text, Value::String(text)) => Ok(Some(Arg::Text(text.clone()))),
        (Kind::Bytes, Value::String(text)) => go::base64(text)
            .map(|bytes| Some(Arg::Bytes(bytes)))
            .map_err(|e| format!("illegal base64 data: {e}")),
        (Kind::Hex, Value::String(text)) => hex::decode(text)
            .map(|bytes| Some(Arg::Bytes(bytes)))
            .map_err(|e| format!("encoding/hex: {e}")),
        (Kind::Json, Value::Object(_)) => Ok(Some(Arg::Json(value.clone()))),
        (Kind::Json, _) => Err("expected an object".into()),
        (Kind::Bool, _) => Err("expected a boolean".into()),
        (Kind::Text | Kind::Bytes | Kind::Hex, _) => Err("expected a string".into()),
    }
}

/// A decimal integer without plus or leading zeros.
fn int(text: &str) -> Result<Arg, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = digits == "0" || (!digits.starts_with('0') && !digits.is_empty());
    match text.parse() {
        Ok(value) if canonical && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Arg::Int(value)),
        _ => Err(format!("invalid 64-bit integer {text:?}")),
    }
}

fn uri_arg(kind: Kind, text: &str) -> Result<Option<Arg>, String> {
    if kind == Kind::Int
        && text
            .strip_prefix('-')
            .unwrap_or(text)
            .bytes()
            .all(|b| b.is_ascii_digit())
    {
        return int(text).map(Some);
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let bytes = hex::decode(digits).map_err(|e| format!("encoding/hex: {e}"))?;
        return match kind {
            Kind::Bytes | Kind::Hex => Ok(Some(Arg::Bytes(bytes))),
            Kind::Text => Ok(Some(Arg::Text(
                String::from_utf8_lossy(&bytes).into_owned(),
            ))),
            Kind::Int | Kind::Bool | Kind::Json => {
                Err("got a hex string arg, but expected another type".into())
            }
        };
    }
    let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match (kind, &value) {
        (Kind::Bytes | Kind::Hex, Value::String(raw)) => {
            Ok(Some(Arg::Bytes(raw.clone().into_bytes())))
        }
        _ => json_arg(kind, &value),
    }
}

/// The pairs of a URI query or of a form. A pair with a broken escape is dropped, as are bytes that are no UTF-8.
#[must_use]
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((unescape(name)?, unescape(value)?))
    };
    query
        .split('&')
        .filter(|part| !part.is_empty() && !part.contains(';'))
        .filter_map(pair)
        .collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &[Param] = &[
        ("height", Kind::Int),
        ("prove", Kind::Bool),
        ("query", Kind::Text),
        ("tx", Kind::Bytes),
        ("data", Kind::Hex),
    ];

    fn uri(query: &str) -> Result<Params, RpcError> {
        Params::from_uri(LIST, &query_pairs(query))
    }

    #[test]
    fn a_uri_takes_integers_bare_or_quoted() {
        for good in ["height=3", "height=%223%22", "height=3&height=4"] {
            assert_eq!(uri(good).unwrap().int("height"), Some(3), "{good}");
        }
        for none in ["", "height=", "height=%zz", "hight=3", "height=null"] {
            assert_eq!(uri(none).unwrap().int("height"), None, "{none}");
        }
        for bad in [
            "height=0x3",
            "height=1.5",
            "height=+3",
            "height=%22abc%22",
            "height=007",
            "height=-",
        ] {
            assert_eq!(uri(bad).unwrap_err().code, -32602, "{bad}");
        }
    }

    #[test]
    fn a_uri_takes_bytes_in_hex_or_as_raw_text() {
        assert_eq!(uri("tx=0x0aFf").unwrap().bytes("tx"), [0x0a, 0xff]);
        assert_eq!(uri("tx=%22set%20z%201%22").unwrap().bytes("tx"), b"set z 1");
        assert_eq!(uri("data=%226e%22").unwrap().bytes("data"), b"6e");
        assert_eq!(uri("query=0x74782e").unwrap().text("query"), "tx.");
        for bad in [
            "tx=c2V0",
            "tx=0x123",
            "query=tx.height=3",
            "query=%27x%27",
            "prove=1",
            "prove=%22true%22",
        ] {
            assert_eq!(uri(bad).unwrap_err().code, -32602, "{bad}");
        }
    }

    #[test]
    fn json_takes_integers_only_as_text() {
        let json = |text: &str| Params::from_json(LIST, Some(&serde_json::from_str(text).unwrap()));
        assert_eq!(
            json(r#"{"height":"3","nothing":1}"#).unwrap().int("height"),
            Some(3)
        );
        assert_eq!(json(r#"{"height":null}"#).unwrap().int("height"), None);
        assert_eq!(
            json(r#"["3",true,"q","YQ==","61"]"#).unwrap().bytes("tx"),
            b"a"
        );
        assert_eq!(
            json(r#"["3",true,"q","YQ==","61"]"#).unwrap().bytes("data"),
            b"a"
        );
        for broken in [r#"{"tx":"Y\nQ==\r\n"}"#, r#"{"tx":"YR=="}"#] {
            assert_eq!(json(broken).unwrap().bytes("tx"), b"a", "{broken}");
        }
        for bad in [
            r#"{"height":3}"#,
            r#"{"height":{}}"#,
            r#"{"height":"99999999999999999999"}"#,
            r#"{"prove":"true"}"#,
            r#"{"tx":5}"#,
            r#"{"tx":"%%%"}"#,
            r#"{"data":"0x61"}"#,
            r#"["3"]"#,
            "3",
            "\"x\"",
        ] {
            assert_eq!(json(bad).unwrap_err().code, -32602, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_query_string_is_read_or_refused(text in "\\PC{0,60}", name in "height|tx|data|prove|query") {
            let _ = uri(&text);
            let _ = uri(&format!("{name}={text}"));
        }

        #[test]
        fn any_value_is_read_or_refused(text in "[0-9a-fx\"-]{0,20}") {
            for name in ["height", "tx", "data", "prove", "query"] {
                let _ = uri(&format!("{name}={text}"));
                let _ = Params::from_json(LIST, Some(&serde_json::json!({ name: text })));
            }
        }
    }
}
