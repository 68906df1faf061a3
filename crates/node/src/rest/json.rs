//! The gateway's JSON: proto names, zero values always printed, 64-bit integers as text, fields in the order of the
//! definition (wire.md 3.1). What differs from plain proto JSON is said by the field option `strongroom.json_form`.

use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, EnumDescriptor, ExtensionDescriptor,
    FieldDescriptor, Kind, ReflectMessage as _, Value,
};
use strongroom_types::{Address, Timestamp};

/// Forms of a field, numbers of `strongroom.JsonForm`.
mod form {
    pub(super) const ADDRESS: i32 = 1;
    pub(super) const DECIMAL: i32 = 2;
    pub(super) const NULL_WHEN_EMPTY: i32 = 3;
}

/// Decimal places of a `LegacyDec`.
const DECIMALS: usize = 18;
/// Messages nested deeper than this are not printed: no answer of ours comes near.
const DEPTH_MAX: usize = 64;

/// Prints messages of one pool.
pub struct Printer {
    pool: DescriptorPool,
    form: Option<ExtensionDescriptor>,
}

impl Printer {
    /// A printer for the messages of `pool`.
    #[must_use]
    pub fn new(pool: DescriptorPool) -> Self {
        let form = pool.get_extension_by_name("strongroom.json_form");
        Self { pool, form }
    }

    /// The JSON of a message.
    #[must_use]
    pub fn print(&self, message: &DynamicMessage) -> String {
        let mut out = String::new();
        self.message(&mut out, message, 0);
        out
    }

    fn message(&self, out: &mut String, message: &DynamicMessage, depth: usize) {
        if depth > DEPTH_MAX {
            return out.push_str("null");
        }
        match message.descriptor().full_name() {
            "google.protobuf.Any" => self.any(out, message, depth),
            "google.protobuf.Timestamp" => {
                let (seconds, nanos) = seconds_and_nanos(message);
                let time = Timestamp {
                    seconds,
                    nanos: u32::try_from(nanos).unwrap_or(0),
                };
                text(out, &grouped(&time.to_string()));
            }
            "google.protobuf.Duration" => text(out, &duration(seconds_and_nanos(message))),
            _ => {
                out.push('{');
                self.fields(out, message, depth, true);
                out.push('}');
            }
        }
    }

    fn fields(&self, out: &mut String, message: &DynamicMessage, depth: usize, mut first: bool) {
        for field in message.descriptor().fields() {
            let set = message.has_field(&field);
            // Of a oneof only the member that is set is printed.
            if !set && field.containing_oneof().is_some_and(|o| !o.is_synthetic()) {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            text(out, field.name());
            out.push(':');
            let is_message = matches!(field.kind(), Kind::Message(_));
            if !set && is_message && field.cardinality() != Cardinality::Repeated {
                out.push_str("null");
            } else {
                self.value(out, &field, &message.get_field(&field), depth + 1);
            }
        }
    }

    /// The content of an `Any` with its type first. A type that nobody knows prints its bytes.
    fn any(&self, out: &mut String, message: &DynamicMessage, depth: usize) {
        let url = string_field(message, "type_url");
        let value = match message.get_field_by_name("value").as_deref() {
            Some(Value::Bytes(bytes)) => bytes.clone(),
            _ => Default::default(),
        };
        out.push_str("{\"@type\":");
        text(out, &url);
        let name = url.rsplit('/').next().unwrap_or_default();
        let known = self
            .pool
            .get_message_by_name(name)
            .and_then(|d| DynamicMessage::decode(d, value.clone()).ok());
        match known {
            Some(inner) => self.fields(out, &inner, depth + 1, false),
            None => {
                out.push_str(",\"value\":");
                text(out, &base64(&value));
            }
        }
        out.push('}');
    }

    fn value(&self, out: &mut String, field: &FieldDescriptor, value: &Value, depth: usize) {
        match value {
            Value::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.value(out, field, item, depth);
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    text(out, format!("{key:?}").trim_matches('"'));
                    out.push(':');
                    self.value(out, field, value, depth);
                }
                out.push('}');
            }
            Value::Message(message) => self.message(out, message, depth),
            Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Value::I32(n) => out.push_str(&n.to_string()),
            Value::U32(n) => out.push_str(&n.to_string()),
            Value::I64(n) => text(out, &n.to_string()),
            Value::U64(n) => text(out, &n.to_string()),
            Value::F32(n) => out.push_str(&n.to_string()),
            Value::F64(n) => out.push_str(&n.to_string()),
            Value::EnumNumber(n) => match field.kind() {
                Kind::Enum(e) => enumerator(out, &e, *n),
                _ => out.push_str(&n.to_string()),
            },
            Value::String(s) => match self.form(field) {
                form::DECIMAL => text(out, &decimal(s)),
                _ => text(out, s),
            },
            Value::Bytes(bytes) => match self.form(field) {
                form::ADDRESS => text(out, &address(bytes)),
                form::NULL_WHEN_EMPTY if bytes.is_empty() => out.push_str("null"),
                _ => text(out, &base64(bytes)),
            },
        }
    }

    fn form(&self, field: &FieldDescriptor) -> i32 {
        let Some(extension) = &self.form else {
            return 0;
        };
        match field.options().get_extension(extension).as_ref() {
            Value::EnumNumber(n) => *n,
            _ => 0,
        }
    }
}

fn enumerator(out: &mut String, e: &EnumDescriptor, number: i32) {
    match e.get_value(number) {
        Some(value) => text(out, value.name()),
        None => out.push_str(&number.to_string()),
    }
}

/// JSON text, escaped.
fn text(out: &mut String, s: &str) {
    // Text always serialises.
    out.push_str(&serde_json::to_string(s).unwrap_or_default());
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Bech32 of an address; empty prints empty; bytes that are no address print as hex.
fn address(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    Address::from_bytes(bytes).map_or_else(|_| hex::encode(bytes), |a| a.to_string())
}

/// An integer of 10^-18 with its point.
fn decimal(digits: &str) -> String {
    if digits.contains('.') || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.to_owned();
    }
    let padded = format!("{digits:0>width$}", width = DECIMALS + 1);
    let (whole, places) = padded.split_at(padded.len() - DECIMALS);
    format!("{whole}.{places}")
}

/// Fractions of a second in groups of three digits, as proto JSON prints them.
fn grouped(rfc3339: &str) -> String {
    let Some((head, fraction)) = rfc3339.trim_end_matches('Z').split_once('.') else {
        return rfc3339.to_owned();
    };
    let width = fraction.len().div_ceil(3) * 3;
    format!("{head}.{fraction:0<width$}Z")
}

fn duration((seconds, nanos): (i64, i32)) -> String {
    if nanos == 0 {
        return format!("{seconds}s");
    }
    let fraction = format!("{:09}", nanos.unsigned_abs());
    format!("{seconds}.{}s", fraction.trim_end_matches('0'))
}

fn seconds_and_nanos(message: &DynamicMessage) -> (i64, i32) {
    let seconds = match message.get_field_by_name("seconds").as_deref() {
        Some(Value::I64(n)) => *n,
        _ => 0,
    };
    let nanos = match message.get_field_by_name("nanos").as_deref() {
        Some(Value::I32(n)) => *n,
        _ => 0,
    };
    (seconds, nanos)
}

fn string_field(message: &DynamicMessage, name: &str) -> String {
    match message.get_field_by_name(name).as_deref() {
        Some(Value::String(s)) => s.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use strongroom_types::proto::cosmos::base::v1beta1::Coin;
    use strongroom_types::proto::secret::compute::v1beta1 as compute;
    use strongroom_types::proto::{self, FILE_DESCRIPTOR_SET, Name};

    fn printed<M: Message + Name>(message: &M) -> String {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let descriptor = pool.get_message_by_name(&M::full_name()).unwrap();
        let message =
            DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).unwrap();
        Printer::new(pool).print(&message)
    }

    #[test]
    fn a_contract_message_shows_addresses_as_text_and_an_empty_signature_as_null() {
        let message = compute::MsgExecuteContract {
            sender: vec![0x11; 20],
            contract: vec![0x22; 20],
            msg: b"abc".to_vec(),
            sent_funds: vec![Coin {
                denom: "uscrt".into(),
                amount: "5".into(),
            }],
            ..Default::default()
        };
        let (a, b) = (
            Address::from_bytes(&[0x11; 20]).unwrap(),
            Address::from_bytes(&[0x22; 20]).unwrap(),
        );
        assert_eq!(
            printed(&message),
            format!(
                "{{\"sender\":\"{a}\",\"contract\":\"{b}\",\"msg\":\"YWJj\",\"callback_code_hash\":\"\",\
                 \"sent_funds\":[{{\"denom\":\"uscrt\",\"amount\":\"5\"}}],\"callback_sig\":null}}"
            )
        );
    }

    #[test]
    fn zero_values_print_and_missing_messages_are_null() {
        assert_eq!(
            printed(&compute::ContractInfo {
                code_id: 1,
                ..Default::default()
            }),
            "{\"code_id\":\"1\",\"creator\":\"\",\"label\":\"\",\"created\":null,\"ibc_port_id\":\"\",\
             \"admin\":\"\",\"admin_proof\":null,\"require_governance\":false}"
        );
    }

    #[test]
    fn decimals_print_with_their_point() {
        let params = compute::Params {
            compile_cost: "800000000000000000".into(),
            max_contract_size: 7,
        };
        assert_eq!(
            printed(&params),
            "{\"compile_cost\":\"0.800000000000000000\",\"max_contract_size\":\"7\"}"
        );
    }

    #[test]
    fn an_any_shows_its_type_first_and_unknown_types_do_not_fail() {
        let coin = Coin {
            denom: "uscrt".into(),
            amount: "5".into(),
        };
        let known = proto::Any {
            type_url: "/cosmos.base.v1beta1.Coin".into(),
            value: coin.encode_to_vec(),
        };
        let unknown = proto::Any {
            type_url: "/not.Known".into(),
            value: vec![1],
        };
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let descriptor = pool.get_message_by_name("google.protobuf.Any").unwrap();
        let print = |any: &proto::Any| {
            let any =
                DynamicMessage::decode(descriptor.clone(), any.encode_to_vec().as_slice()).unwrap();
            Printer::new(pool.clone()).print(&any)
        };
        assert_eq!(
            print(&known),
            "{\"@type\":\"/cosmos.base.v1beta1.Coin\",\"denom\":\"uscrt\",\"amount\":\"5\"}"
        );
        assert_eq!(
            print(&unknown),
            "{\"@type\":\"/not.Known\",\"value\":\"AQ==\"}"
        );
    }

    #[test]
    fn times_keep_their_digits_in_groups_of_three() {
        assert_eq!(
            grouped("2026-01-02T03:04:05.6789Z"),
            "2026-01-02T03:04:05.678900Z"
        );
        assert_eq!(grouped("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z");
        assert_eq!(duration((90, 0)), "90s");
        assert_eq!(duration((1, 500_000_000)), "1.5s");
    }
}
