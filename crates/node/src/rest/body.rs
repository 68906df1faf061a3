//! JSON bodies of requests as Go reads them: bytes may be broken into lines, or have bits to spare.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::Value;
use strongroom_http::go;

/// Writes the bytes of `json`, which is to be a `message`, in the one way that the reader of messages takes. What is no
/// base64 stays as it is, for the reader to refuse. The depth is that of the JSON, which its parser bounds.
pub(crate) fn as_go_reads(json: &mut Value, message: &MessageDescriptor) {
    let Value::Object(members) = json else {
        return;
    };
    let named = (message.full_name() == "google.protobuf.Any")
        .then(|| members.get("@type")?.as_str()?.rsplit('/').next())
        .flatten()
        .and_then(|name| message.parent_pool().get_message_by_name(name));
    let message = named.as_ref().unwrap_or(message);
    for (name, value) in members {
        let field = message
            .get_field_by_json_name(name)
            .or_else(|| message.get_field_by_name(name));
        if let Some(field) = field {
            match value {
                Value::Array(items) => items.iter_mut().for_each(|v| one(v, &field.kind())),
                value => one(value, &field.kind()),
            }
        }
    }
}

fn one(value: &mut Value, kind: &Kind) {
    match (kind, &mut *value) {
        (Kind::Bytes, Value::String(text)) => {
            if let Ok(bytes) = go::base64(text) {
                *text = STANDARD.encode(bytes);
            }
        }
        (Kind::Message(message), value) => as_go_reads(value, message),
        _ => {}
    }
}
