//! The routes, taken from the HTTP options of the service definitions, and how a request fills a message.

use super::body;
use percent_encoding::percent_decode_str;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MethodDescriptor,
    ReflectMessage as _, Value,
};
use strongroom_http::go;

/// Depth that a query key may reach into nested messages.
const KEY_DEPTH_MAX: usize = 4;

/// One route.
pub(crate) struct Route {
    verb: Verb,
    segments: Vec<Segment>,
    /// The full gRPC method, `/package.Service/Method`.
    pub(crate) path: String,
    pub(crate) method: MethodDescriptor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// One segment into this field.
    Field(String),
    /// All the rest into this field.
    Rest(String),
}

/// Names of fields with what the path holds for them.
pub(crate) type PathFields = Vec<(String, String)>;

/// A request that does not fit its message: gRPC 3.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadRequest(pub(crate) String);

/// All routes of a pool.
pub(crate) struct Routes(Vec<Route>);

impl Routes {
    pub(crate) fn of(pool: &DescriptorPool) -> Self {
        let Some(http) = pool.get_extension_by_name("google.api.http") else {
            return Self(Vec::new());
        };
        let mut routes = Vec::new();
        for method in pool
            .services()
            .flat_map(|s| s.methods().collect::<Vec<_>>())
        {
            let options = method.options();
            let rule = options.get_extension(&http);
            let Value::Message(rule) = rule.as_ref() else {
                continue;
            };
            for (verb, name) in [(Verb::Get, "get"), (Verb::Post, "post")] {
                let Some(pattern) = rule.get_field_by_name(name) else {
                    continue;
                };
                let Value::String(pattern) = pattern.as_ref() else {
                    continue;
                };
                if !pattern.is_empty() {
                    let path =
                        format!("/{}/{}", method.parent_service().full_name(), method.name());
                    routes.push(Route {
                        verb,
                        segments: segments(pattern),
                        path,
                        method: method.clone(),
                    });
                }
            }
        }
        Self(routes)
    }

    /// The route of a gRPC method.
    pub(crate) fn by_path(&self, path: &str) -> Option<&Route> {
        self.0.iter().find(|route| route.path == path)
    }

    /// The route of a request path with what its fields hold. Literal segments go before fields.
    pub(crate) fn find(&self, verb: Verb, path: &str) -> Option<(&Route, PathFields)> {
        let given: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        self.0
            .iter()
            .filter(|r| r.verb == verb)
            .filter_map(|r| Some((r, fields(&r.segments, &given)?)))
            .min_by_key(|(_, fields)| fields.len())
    }

    /// The route of a GET, and its request. Two routes may have one form and differ in what their field holds, as those of
    /// `bech32/{address_bytes}` and `bech32/{address_string}`: that one is meant which the request fits.
    pub(crate) fn of_query(
        &self,
        path: &str,
        query: &str,
    ) -> Option<Result<(&Route, DynamicMessage), BadRequest>> {
        let (first, fields) = self.find(Verb::Get, path)?;
        let refused = match first.request_of_query(&fields, query) {
            Ok(request) => return Some(Ok((first, request))),
            Err(refused) => refused,
        };
        let given: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let others = self
            .0
            .iter()
            .filter(|r| r.verb == Verb::Get && r.path != first.path);
        let mut others = others.filter_map(|route| {
            let held = self::fields(&route.segments, &given)?;
            let alike = held.len() == fields.len();
            let request = route
                .request_of_query(&held, query)
                .ok()
                .filter(|_| alike)?;
            Some((route, request))
        });
        Some(others.next().ok_or(refused))
    }
}

fn segments(pattern: &str) -> Vec<Segment> {
    let one = |s: &str| match s.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
        Some(name) => match name.strip_suffix("=**") {
            Some(name) => Segment::Rest(name.to_owned()),
            None => Segment::Field(name.to_owned()),
        },
        None => Segment::Literal(s.to_owned()),
    };
    pattern
        .trim_start_matches('/')
        .split('/')
        .map(one)
        .collect()
}

fn fields(segments: &[Segment], given: &[&str]) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = given;
    for segment in segments {
        match segment {
            Segment::Rest(name) => {
                found.push((name.clone(), decoded(&rest.join("/"))?));
                return (!rest.is_empty()).then_some(found);
            }
            Segment::Literal(literal) if Some(&literal.as_str()) == rest.first() => {}
            Segment::Field(name) => {
                let value = decoded(rest.first()?)?;
                if value.is_empty() {
                    return None;
                }
                found.push((name.clone(), value));
            }
            Segment::Literal(_) => return None,
        }
        rest = rest.get(1..)?;
    }
    rest.is_empty().then_some(found)
}

fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

impl Route {
    /// The request message of a GET: path fields, then the query string. Keys that no field has are left alone.
    pub(crate) fn request_of_query(
        &self,
        fields: &[(String, String)],
        query: &str,
    ) -> Result<DynamicMessage, BadRequest> {
        let mut message = DynamicMessage::new(self.method.input());
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            put(&mut message, &key, &value)?;
        }
        // The path wins over the query string: clients repeat a path field there.
        for (name, value) in fields {
            let field = message.descriptor().get_field_by_name(name);
            if let Some(field) = field {
                message.clear_field(&field);
            }
            put(&mut message, name, value)?;
        }
        Ok(message)
    }

    /// The request message of a POST: the body as JSON, names in either case, unknown members left alone.
    pub(crate) fn request_of_body(&self, body: &[u8]) -> Result<DynamicMessage, BadRequest> {
        let bad = |e: serde_json::Error| BadRequest(e.to_string());
        let mut json: serde_json::Value = serde_json::from_slice(body).map_err(bad)?;
        body::as_go_reads(&mut json, &self.method.input());
        let options = DeserializeOptions::new().deny_unknown_fields(false);
        DynamicMessage::deserialize_with_options(self.method.input(), json, &options).map_err(bad)
    }
}

/// Sets the field that `key` names (`a.b` reaches into messages, either case); lists grow by one.
fn put(message: &mut DynamicMessage, key: &str, text: &str) -> Result<(), BadRequest> {
    let mut names: Vec<&str> = key.split('.').collect();
    let Some(last) = names.pop() else {
        return Ok(());
    };
    if names.len() > KEY_DEPTH_MAX {
        return Ok(());
    }
    let mut at = message;
    for name in names {
        let Some(field) = field(at, name) else {
            return Ok(());
        };
        if !matches!(field.kind(), Kind::Message(_)) || field.is_list() || field.is_map() {
            return Ok(());
        }
        match at.get_field_mut(&field) {
            Value::Message(inner) => at = inner,
            _ => return Ok(()),
        }
    }
    let Some(field) = field(at, last) else {
        return Ok(());
    };
    if field.is_map() || matches!(field.kind(), Kind::Message(_)) {
        return Ok(());
    }
    let value = scalar(&field, text)?;
    if field.is_list() {
        if let Value::List(list) = at.get_field_mut(&field) {
            list.push(value);
        }
    } else {
        at.set_field(&field, value);
    }
    Ok(())
}

fn field(message: &DynamicMessage, name: &str) -> Option<FieldDescriptor> {
    let descriptor = message.descriptor();
    descriptor
        .get_field_by_name(name)
        .or_else(|| descriptor.get_field_by_json_name(name))
}

fn scalar(field: &FieldDescriptor, text: &str) -> Result<Value, BadRequest> {
    let bad = || {
        BadRequest(format!(
            "type mismatch, parameter: {}, error: invalid value",
            field.name()
        ))
    };
    let int = || go::int(text).ok_or_else(bad);
    let uint = || go::uint(text).ok_or_else(bad);
    let short = |n: i64| i32::try_from(n).map_err(|_| bad());
    Ok(match field.kind() {
        Kind::String => Value::String(text.to_owned()),
        Kind::Bool => Value::Bool(go::bool(text).ok_or_else(bad)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(uint()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(int()?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::try_from(uint()?).map_err(|_| bad())?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(short(int()?)?),
        Kind::Bytes => Value::Bytes(go::base64_of_query(text).ok_or_else(bad)?.into()),
        Kind::Enum(e) => Value::EnumNumber(match e.get_value_by_name(text) {
            Some(value) => value.number(),
            None => short(int()?)?,
        }),
        Kind::Float | Kind::Double | Kind::Message(_) => return Err(bad()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_types::proto::FILE_DESCRIPTOR_SET;

    fn routes() -> Routes {
        Routes::of(&DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap())
    }

    #[test]
    fn a_literal_segment_goes_before_a_field() {
        let routes = routes();
        let (route, fields) = routes
            .find(Verb::Get, "/cosmos/base/tendermint/v1beta1/blocks/latest")
            .unwrap();
        assert_eq!(route.method.name(), "GetLatestBlock");
        assert!(fields.is_empty());
        let (route, fields) = routes
            .find(Verb::Get, "//cosmos/base/tendermint/v1beta1/blocks/7")
            .unwrap();
        assert_eq!(route.method.name(), "GetBlockByHeight");
        assert_eq!(fields, [("height".to_owned(), "7".to_owned())]);
        assert!(routes.find(Verb::Get, "/reg/tx-key").is_none());
    }

    #[test]
    fn a_label_may_be_percent_encoded_and_a_query_may_hold_bytes_in_either_alphabet() {
        let routes = routes();
        let (_, fields) = routes
            .find(Verb::Get, "/compute/v1beta1/contract_address/my%20label")
            .unwrap();
        assert_eq!(fields, [("label".to_owned(), "my label".to_owned())]);
        for query in [
            "query=%2B%2F8%3D",
            "query=-_8",
            "query=-_8=&contract_address=other",
            "query=+/8=&x=1",
        ] {
            let (route, fields) = routes
                .find(Verb::Get, "/compute/v1beta1/query/secret1abc")
                .unwrap();
            let message = route.request_of_query(&fields, query).unwrap();
            assert_eq!(
                message.get_field_by_name("query").unwrap().as_ref(),
                &Value::Bytes(vec![0xfb, 0xff].into()),
                "{query}"
            );
            assert_eq!(
                message
                    .get_field_by_name("contract_address")
                    .unwrap()
                    .as_ref(),
                &Value::String("secret1abc".to_owned())
            );
        }
    }

    #[test]
    fn nested_and_repeated_keys_reach_their_fields_and_bad_numbers_are_refused() {
        let routes = routes();
        let (route, fields) = routes.find(Verb::Get, "/cosmos/tx/v1beta1/txs").unwrap();
        let message = route
            .request_of_query(
                &fields,
                "events=a%3D1&events=b%3D2&pagination.limit=5&unknown=x&",
            )
            .unwrap();
        let events = message.get_field_by_name("events").unwrap();
        assert_eq!(events.as_list().unwrap().len(), 2);
        let page = message.get_field_by_name("pagination").unwrap();
        let limit = page
            .as_message()
            .unwrap()
            .get_field_by_name("limit")
            .unwrap()
            .as_u64();
        assert_eq!(limit, Some(5));
        assert!(route.request_of_query(&fields, "limit=many").is_err());
    }

    #[test]
    fn what_go_takes_in_a_query_string_is_taken_and_nothing_else() {
        let routes = routes();
        let page = |query: &str| {
            let path = "/cosmos/bank/v1beta1/supply";
            let (route, fields) = routes.find(Verb::Get, path).unwrap();
            let message = route.request_of_query(&fields, query)?;
            let page = message
                .get_field_by_name("pagination")
                .unwrap()
                .into_owned();
            Ok::<_, BadRequest>(page.as_message().unwrap().clone())
        };
        let field = |query: &str, name: &str| {
            let page = page(query)?;
            Ok::<_, BadRequest>(page.get_field_by_name(name).unwrap().into_owned())
        };
        for (text, value) in [
            ("1", true),
            ("t", true),
            ("T", true),
            ("TRUE", true),
            ("true", true),
            ("True", true),
            ("0", false),
            ("f", false),
            ("F", false),
            ("FALSE", false),
            ("false", false),
            ("False", false),
        ] {
            for name in ["count_total", "reverse"] {
                let query = format!("pagination.{name}={text}");
                assert_eq!(field(&query, name), Ok(Value::Bool(value)), "{query}");
            }
        }
        for query in [
            "pagination.key=%2B%2F%0A8%3D",
            "pagination.key=-_%0D%0A8",
            "pagination.key=%2B%2F9%3D",
        ] {
            let key = Value::Bytes(vec![0xfb, 0xff].into());
            assert_eq!(field(query, "key"), Ok(key), "{query}");
        }
        for (text, value) in [("1_0", 10), ("0x10", 16), ("010", 8)] {
            let query = format!("pagination.limit={text}");
            assert_eq!(field(&query, "limit"), Ok(Value::U64(value)), "{query}");
        }
        for query in [
            "pagination.limit=-1",
            "pagination.limit=%2B1",
            "pagination.limit=1.0",
            "pagination.limit=",
            "pagination.reverse=yes",
            "pagination.key=%25",
        ] {
            assert!(page(query).is_err(), "{query}");
        }
    }

    #[test]
    fn bytes_in_a_body_may_be_broken_into_lines_wherever_they_stand() {
        let routes = routes();
        let request = |path: &str, body: &str| {
            let (route, _) = routes.find(Verb::Post, path).unwrap();
            route.request_of_body(body.as_bytes())
        };
        let path = "/cosmos/tx/v1beta1/simulate";
        for bytes in ["+/8=", "+/\\n8=", "+/\\r\\n8=\\n", "+/9="] {
            let message = request(path, &format!("{{\"tx_bytes\":\"{bytes}\"}}")).unwrap();
            let read = message.get_field_by_name("tx_bytes").unwrap().into_owned();
            assert_eq!(read, Value::Bytes(vec![0xfb, 0xff].into()), "{bytes}");
        }
        let nested = |bytes: &str| {
            let any =
                format!("{{\"@type\":\"/cosmos.crypto.secp256k1.PubKey\",\"key\":\"{bytes}\"}}");
            let body = format!(
                "{{\"tx\":{{\"authInfo\":{{\"signer_infos\":[{{\"public_key\":{any}}}]}},\"signatures\":[\"{bytes}\"]}}}}"
            );
            request(path, &body)
        };
        assert_eq!(nested("+/\\n8=").unwrap(), nested("+/8=").unwrap());
        assert!(nested("+/\\t8=").is_err());
        assert!(request(path, "{} x").is_err());
    }

    #[test]
    fn a_body_is_read_with_names_in_either_case_and_enums_by_name_or_number() {
        let routes = routes();
        for body in [
            r#"{"txBytes":"AQ==","mode":"BROADCAST_MODE_SYNC"}"#,
            r#"{"tx_bytes":"AQ==","mode":2,"sequences":["1"]}"#,
        ] {
            let (route, _) = routes.find(Verb::Post, "/cosmos/tx/v1beta1/txs").unwrap();
            let message = route.request_of_body(body.as_bytes()).unwrap();
            assert_eq!(
                message
                    .get_field_by_name("tx_bytes")
                    .unwrap()
                    .as_bytes()
                    .unwrap()
                    .as_ref(),
                [1]
            );
            assert_eq!(
                message.get_field_by_name("mode").unwrap().as_enum_number(),
                Some(2)
            );
        }
        let (route, _) = routes.find(Verb::Post, "/cosmos/tx/v1beta1/txs").unwrap();
        assert!(route.request_of_body(b"{").is_err());
    }
}
