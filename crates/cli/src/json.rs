//! JSON of messages, as REST prints them, read into messages of the descriptors: whatever module they are of.
//!
//! Promises: what [`strongroom_node::rest::json`] prints is read back; an unknown type or member is an error that names it. Refuses: nesting
//! deeper than any message of ours.

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
    Value as Reflected,
};
use serde_json::{Map, Value};
use strongroom_types::Address;
use strongroom_types::proto::{Any, Message as _};

/// Deeper than this nests no message of ours.
const DEPTH_MAX: usize = 32;
/// Places behind the point of a decimal.
const DECIMALS: usize = 18;
/// Forms of `strongroom.json_form`.
const ADDRESS: i32 = 1;
const DECIMAL: i32 = 2;

/// Reads the JSON of a message of this type.
pub(crate) fn message(
    pool: &DescriptorPool,
    descriptor: &MessageDescriptor,
    value: Value,
) -> anyhow::Result<DynamicMessage> {
    let name = descriptor.full_name();
    let value = prepared(pool, descriptor, value, 0)?;
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    DynamicMessage::deserialize_with_options(descriptor.clone(), value, &options)
        .map_err(|e| anyhow::anyhow!("message.json: {name}: {e}"))
}

/// Reads `{"@type": "/package.Name", …}`, a message of a transaction. Signers that are left out are `signer`.
pub(crate) fn packed(pool: &DescriptorPool, value: Value, signer: &Address) -> anyhow::Result<Any> {
    let Value::Object(mut members) = value else {
        bail!("message.json: a message is an object with a member \"@type\"");
    };
    let Some(Value::String(type_url)) = members.remove("@type") else {
        bail!(
            "message.type: a message has a member \"@type\", such as \"/cosmos.bank.v1beta1.MsgSend\""
        );
    };
    let descriptor = known(pool, &type_url)?;
    let schema = strongroom_types::schema::by_type_url(&type_url);
    let schema = schema.filter(|schema| schema.is_request);
    let schema = schema
        .with_context(|| format!("message.type: {type_url} is no message of a transaction"))?;
    for name in schema.signers {
        let field = descriptor.get_field_by_name(name);
        let single = field.filter(|f| !f.is_list() && !matches!(f.kind(), Kind::Message(_)));
        if single.is_some() && !members.contains_key(*name) {
            members.insert((*name).to_owned(), signer.to_string().into());
        }
    }
    let message = message(pool, &descriptor, Value::Object(members))?;
    Ok(Any {
        type_url,
        value: message.encode_to_vec(),
    })
}

fn known(pool: &DescriptorPool, type_url: &str) -> anyhow::Result<MessageDescriptor> {
    let name = type_url.strip_prefix('/').unwrap_or_default();
    let found = pool.get_message_by_name(name);
    found.with_context(|| format!("message.type: {type_url} is of no module of this version"))
}

/// JSON of REST as plain proto JSON.
fn prepared(
    pool: &DescriptorPool,
    descriptor: &MessageDescriptor,
    value: Value,
    depth: usize,
) -> anyhow::Result<Value> {
    ensure!(depth < DEPTH_MAX, "message.json: it nests too deep");
    let Value::Object(mut members) = value else {
        return Ok(value);
    };
    if descriptor.full_name() == "google.protobuf.Any" {
        let Some(Value::String(type_url)) = members.remove("@type") else {
            bail!("message.type: a member \"@type\" is missing");
        };
        let inner = known(pool, &type_url)?;
        let inside = prepared(pool, &inner, Value::Object(members), depth + 1)?;
        let mut whole = Map::new();
        whole.insert("@type".to_owned(), type_url.into());
        // Types with a form of their own stand under `value`.
        match inside {
            Value::Object(members) => whole.extend(members),
            other => drop(whole.insert("value".to_owned(), other)),
        }
        return Ok(Value::Object(whole));
    }
    let form = pool.get_extension_by_name("strongroom.json_form");
    for (name, member) in &mut members {
        let field = descriptor.get_field_by_name(name);
        let field = field.or_else(|| descriptor.get_field_by_json_name(name));
        let Some(field) = field else {
            bail!(
                "message.member: {} has no member {name:?}",
                descriptor.full_name()
            );
        };
        let form = form
            .as_ref()
            .map(|form| match field.options().get_extension(form).as_ref() {
                Reflected::EnumNumber(form) => *form,
                _ => 0,
            });
        *member = one(pool, &field, form.unwrap_or(0), member.take(), depth)?;
    }
    Ok(Value::Object(members))
}

fn one(
    pool: &DescriptorPool,
    field: &FieldDescriptor,
    form: i32,
    value: Value,
    depth: usize,
) -> anyhow::Result<Value> {
    match value {
        Value::Array(items) => {
            let items = items
                .into_iter()
                .map(|item| one(pool, field, form, item, depth));
            Ok(Value::Array(items.collect::<anyhow::Result<_>>()?))
        }
        Value::Object(_) => match field.kind() {
            Kind::Message(inner) if !field.is_map() => prepared(pool, &inner, value, depth + 1),
            _ => Ok(value),
        },
        Value::String(text) if form == ADDRESS && !text.is_empty() => {
            let address: Result<Address, _> = text.parse();
            let address =
                address.map_err(|e| anyhow::anyhow!("message.address: {}: {e}", field.name()))?;
            Ok(STANDARD.encode(address.as_bytes()).into())
        }
        Value::String(text) if form == DECIMAL => Ok(digits(&text).into()),
        value => Ok(value),
    }
}

/// A decimal as the integer of 10^-18 that protobuf has; what is none stays as it is.
fn digits(text: &str) -> String {
    let Some((whole, places)) = text.split_once('.') else {
        return text.to_owned();
    };
    if places.len() > DECIMALS {
        return text.to_owned();
    }
    let digits = format!("{whole}{places:0<DECIMALS$}");
    let short = digits.trim_start_matches('0');
    if short.is_empty() { "0" } else { short }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::descriptors;
    use serde_json::json;
    use strongroom_node::rest::json::Printer;
    use strongroom_types::proto::cosmos::bank::v1beta1::MsgSend;
    use strongroom_types::proto::secret::compute::v1beta1 as compute;

    fn signer() -> Address {
        Address::from_bytes(&[7; 20]).unwrap()
    }

    #[test]
    fn a_message_of_any_module_is_read_and_its_signer_may_be_left_out() {
        let pool = descriptors().unwrap();
        let send = json!({ "@type": "/cosmos.bank.v1beta1.MsgSend", "to_address": "b",
            "amount": [{ "denom": "uscrt", "amount": "5" }] });
        let any = packed(&pool, send, &signer()).unwrap();
        let message = MsgSend::decode(any.value.as_slice()).unwrap();
        assert_eq!(message.from_address, signer().to_string());
        assert_eq!(message.amount[0].amount, "5");
        // Address bytes and decimals have forms of their own.
        let other = Address::from_bytes(&[8; 20]).unwrap();
        let execute = json!({ "@type": "/secret.compute.v1beta1.MsgExecuteContract", "contract": other.to_string(), "msg": "AQ==" });
        let any = packed(&pool, execute, &signer()).unwrap();
        let message = compute::MsgExecuteContract::decode(any.value.as_slice()).unwrap();
        assert_eq!(message.sender, signer().as_bytes());
        assert_eq!(message.contract, other.as_bytes());
        let params = json!({ "@type": "/secret.compute.v1beta1.MsgUpdateParams",
            "params": { "compile_cost": "0.8", "max_contract_size": "7" } });
        let any = packed(&pool, params, &signer()).unwrap();
        let message = compute::MsgUpdateParams::decode(any.value.as_slice()).unwrap();
        assert_eq!(message.params.unwrap().compile_cost, "800000000000000000");
    }

    /// Whatever the printer prints of whatever message there is, is read back: with every field at its default, and with texts.
    #[test]
    fn what_is_printed_of_every_message_is_read_back() {
        let pool = descriptors().unwrap();
        let printer = Printer::new(pool.clone());
        let mut seen = 0;
        for service in pool.services() {
            for method in service.methods() {
                let descriptor = method.input();
                let mut whole = DynamicMessage::new(descriptor.clone());
                for field in descriptor.fields().filter(|f| !f.is_list()) {
                    match field.kind() {
                        Kind::String => whole.set_field(&field, Reflected::String("7".into())),
                        Kind::Bytes => {
                            whole.set_field(&field, Reflected::Bytes(vec![7; 20].into()))
                        }
                        Kind::Uint64 => whole.set_field(&field, Reflected::U64(u64::MAX)),
                        _ => {}
                    }
                }
                let printed = serde_json::from_str(&printer.print(&whole)).unwrap();
                let read = message(&pool, &descriptor, printed);
                let read = read.unwrap_or_else(|e| panic!("{}: {e}", descriptor.full_name()));
                assert_eq!(
                    read.encode_to_vec(),
                    whole.encode_to_vec(),
                    "{}",
                    descriptor.full_name()
                );
                seen += 1;
            }
        }
        assert!(seen > 60, "{seen}");
    }

    #[test]
    fn what_is_no_message_says_why() {
        let pool = descriptors().unwrap();
        let deep = (0..40).fold(
            json!({}),
            |inner, _| json!({ "@type": "/google.protobuf.Any", "value": inner }),
        );
        for (value, code) in [
            (json!([]), "message.json"),
            (json!({}), "message.type"),
            (
                json!({ "@type": "/cosmos.bank.v1beta1.MsgSteal" }),
                "message.type",
            ),
            (
                json!({ "@type": "/cosmos.base.v1beta1.Coin" }),
                "message.type",
            ),
            (
                json!({ "@type": "cosmos.bank.v1beta1.MsgSend" }),
                "message.type",
            ),
            (
                json!({ "@type": "/cosmos.bank.v1beta1.MsgSend", "to": "b" }),
                "message.member",
            ),
            (
                json!({ "@type": "/cosmos.bank.v1beta1.MsgSend", "amount": 5 }),
                "message.json",
            ),
            (
                json!({ "@type": "/secret.compute.v1beta1.MsgExecuteContract", "contract": "x" }),
                "message.address",
            ),
            (deep, "message."),
        ] {
            let error = packed(&pool, value.clone(), &signer())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(code), "{value}: {error}");
        }
    }
}
