use super::*;
use base64::Engine as _;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// What a new network of CometBFT v0.38 begins with.
fn document() -> Value {
    json!({
        "genesis_time": "2026-01-02T03:04:05.678901234Z",
        "chain_id": "test-1",
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": "22020096", "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": "100000",
                "max_age_duration": "172800000000000",
                "max_bytes": "1048576",
            },
            "validator": {"pub_key_types": ["ed25519"]},
            "version": {"app": "0"},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "validators": [{
            "address": "A314C0358607A96EE5F29A5243229B5BD55BBA6D",
            "pub_key": {
                "type": "tendermint/PubKeyEd25519",
                "value": "p0jWSQcFdDFrJasNFZ0Td/nbS1KrvLplumhjzmCuxto=",
            },
            "power": "10",
            "name": "val0",
        }],
        "app_hash": "",
        "app_state": {"any": ["thing", 1]},
    })
}

fn parse(json: &Value) -> Result<GenesisDoc<Value>, GenesisError> {
    // Read from text, as a file is.
    let text = json.to_string();
    GenesisDoc::<Box<serde_json::value::RawValue>>::parse(text.as_bytes())?
        .try_map(|raw| Ok(serde_json::from_str(raw.get()).unwrap()))
}

fn changed(change: impl FnOnce(&mut Value)) -> Result<GenesisDoc<Value>, GenesisError> {
    let mut json = document();
    change(&mut json);
    parse(&json)
}

/// Code and path of a refusal.
#[track_caller]
fn refused(change: impl FnOnce(&mut Value)) -> (&'static str, String) {
    let error = changed(change).unwrap_err();
    assert!(error.to_string().starts_with(error.code()), "{error}");
    match &error {
        GenesisError::Field { field, .. } => (error.code(), field.clone()),
        GenesisError::Json { .. } => (error.code(), String::new()),
        GenesisError::TooLarge(_) => panic!("{error}"),
    }
}

#[test]
fn what_is_written_reads_as_the_same_document() {
    let read = parse(&document()).unwrap();
    assert_eq!(read.validators[0].power, 10);
    assert_eq!(
        read.validator_updates()[0].pubkey,
        read.validators[0].pubkey
    );
    assert_eq!(read.app_state, document()["app_state"]);
    let bytes = read.to_bytes().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), document());
    assert_eq!(GenesisDoc::<Value>::parse(&bytes), Ok(read));
}

#[test]
fn what_is_left_out_has_the_defaults_of_cometbft() {
    let read = |names: &[&str]| {
        changed(|json| {
            for name in names {
                json.as_object_mut().unwrap().remove(*name);
            }
        })
        .unwrap()
    };
    let whole = read(&[]);
    assert_eq!(
        read(&["initial_height", "consensus_params", "app_hash"]),
        whole
    );
    let least = read(&["validators", "app_state"]);
    assert_eq!(
        (least.validators, least.app_state),
        (Vec::new(), Value::Null)
    );
    for name in ["version", "abci"] {
        let without = |json: &mut Value| {
            let params = json["consensus_params"].as_object_mut();
            params.unwrap().remove(name);
        };
        assert_eq!(changed(without), Ok(whole.clone()));
    }
    for null in ["initial_height", "consensus_params"] {
        assert_eq!(changed(|json| json[null] = Value::Null), Ok(whole.clone()));
    }
    let zero = changed(|json| json["initial_height"] = "0".into());
    assert_eq!(zero, Ok(whole.clone()));
    let high = changed(|json| json["initial_height"] = "7".into());
    assert_eq!(high.unwrap().initial_height, 7);
    for name in ["address", "name"] {
        let without = |json: &mut Value| {
            let validator = json["validators"][0].as_object_mut();
            validator.unwrap().remove(name);
        };
        assert_eq!(
            changed(without).unwrap().validator_updates(),
            whole.validator_updates()
        );
    }
    let hash = changed(|json| json["app_hash"] = "ab".repeat(32).into());
    assert_eq!(hash.unwrap().app_hash, [0xab; 32]);
}

#[test]
fn every_member_that_is_refused_is_named_with_its_code() {
    for (member, path, value, code, field) in [
        (
            "",
            "/chain_id",
            json!("x".repeat(51)),
            "genesis.chain_id",
            "chain_id",
        ),
        ("", "/chain_id", json!(""), "genesis.chain_id", "chain_id"),
        (
            "",
            "/genesis_time",
            json!("yesterday"),
            "genesis.time",
            "genesis_time",
        ),
        (
            "",
            "/initial_height",
            json!("-1"),
            "genesis.initial_height",
            "initial_height",
        ),
        (
            "",
            "/initial_height",
            json!(u64::MAX.to_string()),
            "genesis.initial_height",
            "initial_height",
        ),
        ("", "/app_hash", json!("0"), "genesis.app_hash", "app_hash"),
        (
            "",
            "/app_hash",
            json!("00".repeat(33)),
            "genesis.app_hash",
            "app_hash",
        ),
        (
            "consensus_params.",
            "/block/max_bytes",
            json!("0"),
            "genesis.params",
            "block.max_bytes",
        ),
        (
            "consensus_params.",
            "/block/max_gas",
            json!("-2"),
            "genesis.params",
            "block.max_gas",
        ),
        (
            "consensus_params.",
            "/block/max_gas",
            json!("x"),
            "genesis.params",
            "block.max_gas",
        ),
        (
            "consensus_params.",
            "/evidence/max_age_num_blocks",
            json!("0"),
            "genesis.params",
            "evidence.max_age_num_blocks",
        ),
        (
            "consensus_params.",
            "/evidence/max_age_duration",
            json!("-1"),
            "genesis.params",
            "evidence.max_age_duration",
        ),
        (
            "consensus_params.",
            "/evidence/max_bytes",
            json!("22020097"),
            "genesis.params",
            "evidence.max_bytes",
        ),
        (
            "consensus_params.",
            "/validator/pub_key_types",
            json!(["secp256k1"]),
            "genesis.params",
            "validator.pub_key_types",
        ),
        (
            "consensus_params.",
            "/version/app",
            json!("-1"),
            "genesis.params",
            "version.app",
        ),
        (
            "consensus_params.",
            "/abci/vote_extensions_enable_height",
            json!("1"),
            "genesis.params",
            "abci.vote_extensions_enable_height",
        ),
        (
            "validators.",
            "/0/power",
            json!("0"),
            "genesis.validators",
            "power",
        ),
        (
            "validators.",
            "/0/power",
            json!("ten"),
            "genesis.validators",
            "power",
        ),
        (
            "validators.",
            "/0/address",
            json!("00"),
            "genesis.validators",
            "address",
        ),
        (
            "validators.",
            "/0/pub_key/value",
            json!("AA=="),
            "genesis.validators",
            "pub_key",
        ),
        (
            "validators.",
            "/0/pub_key/type",
            json!("x"),
            "genesis.validators",
            "pub_key",
        ),
    ] {
        let pointer = match member {
            "" => path.to_owned(),
            member => format!("/{}{path}", member.trim_end_matches('.')),
        };
        let found = refused(|json| *json.pointer_mut(&pointer).unwrap() = value.clone());
        assert_eq!(found, (code, format!("{member}{field}")), "{value}");
    }
}

#[test]
fn validators_are_neither_too_many_nor_there_twice_nor_too_powerful() {
    let with = |count: usize, power: i64| {
        changed(|json| {
            let one = json["validators"][0].clone();
            let validators = (0..count).map(|n| {
                let mut validator = one.clone();
                let mut key = [0; 32];
                key[..8].copy_from_slice(&(n as u64).to_le_bytes());
                let text = base64::engine::general_purpose::STANDARD.encode(key);
                validator["pub_key"]["value"] = text.into();
                validator["power"] = power.to_string().into();
                validator["address"] = "".into();
                validator
            });
            json["validators"] = validators.collect();
        })
    };
    let most = i64::try_from(VALIDATORS_MAX).unwrap();
    assert_eq!(
        with(VALIDATORS_MAX, 1).unwrap().validators.len(),
        VALIDATORS_MAX
    );
    let text = with(VALIDATORS_MAX + 1, 1).unwrap_err().to_string();
    assert!(text.contains("more than 1000"), "{text}");
    assert!(with(VALIDATORS_MAX, TOTAL_POWER_MAX / most).is_ok());
    assert!(with(1, TOTAL_POWER_MAX).is_ok());
    for (count, power) in [
        (1, TOTAL_POWER_MAX + 1),
        (2, TOTAL_POWER_MAX),
        (9, i64::MAX),
    ] {
        let text = with(count, power).unwrap_err().to_string();
        assert!(text.contains("the sum is above"), "{text}");
    }
    let twice = |json: &mut Value| {
        let one = json["validators"][0].clone();
        json["validators"].as_array_mut().unwrap().push(one);
    };
    assert!(changed(twice).unwrap_err().to_string().contains("twice"));
}

#[test]
fn what_is_unknown_missing_or_of_another_type_is_refused_with_its_place() {
    for pointer in [
        "",
        "/consensus_params",
        "/consensus_params/block",
        "/consensus_params/evidence",
        "/consensus_params/validator",
        "/consensus_params/version",
        "/consensus_params/abci",
        "/validators/0",
        "/validators/0/pub_key",
    ] {
        let unknown = |json: &mut Value| json.pointer_mut(pointer).unwrap()["unknown"] = 1.into();
        assert_eq!(refused(unknown).0, "genesis.json", "{pointer}");
    }
    for name in ["genesis_time", "chain_id"] {
        let missing = |json: &mut Value| drop(json.as_object_mut().unwrap().remove(name));
        assert_eq!(refused(missing).0, "genesis.json", "{name}");
    }
    assert_eq!(
        refused(|json| json["chain_id"] = 1.into()).0,
        "genesis.json"
    );
    let text = |bytes: &[u8]| {
        let parsed = GenesisDoc::<IgnoredAny>::parse(bytes);
        parsed.unwrap_err().to_string()
    };
    for (bytes, said) in [
        (
            "{\"chain_id\":",
            "genesis.json: line 1, column 12: the text ends too early",
        ),
        ("{\n a", "genesis.json: line 2, column 2: this is no JSON"),
        (
            "{\"chain_id\": \"a\", \"chain_id\": \"b\"}",
            "genesis.json: line 1, column 28: a member is missing, unknown, there twice or of another type",
        ),
    ] {
        assert!(
            text(bytes.as_bytes()).starts_with(said),
            "{}",
            text(bytes.as_bytes())
        );
    }
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    let nested = document().to_string().replace("[\"thing\",1]", &deep);
    assert!(nested.contains("[[["));
    let parsed = GenesisDoc::<Value>::parse(nested.as_bytes());
    assert!(matches!(
        parsed,
        Err(GenesisError::Json {
            fault: JsonFault::Syntax,
            ..
        })
    ));
}

#[test]
fn the_longest_document_is_read_and_a_longer_one_is_not() {
    let mut bytes = document().to_string().into_bytes();
    bytes.resize(GENESIS_BYTES_MAX, b' ');
    assert!(GenesisDoc::<IgnoredAny>::parse(&bytes).is_ok());
    bytes.push(b' ');
    let longer = GenesisDoc::<IgnoredAny>::parse(&bytes);
    assert_eq!(
        longer.unwrap_err(),
        GenesisError::TooLarge(GENESIS_BYTES_MAX + 1)
    );
}

#[test]
fn the_specification_names_every_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/chain.md");
    let document = std::fs::read_to_string(path).unwrap();
    let members = GenesisMember::ALL.map(GenesisMember::code);
    for code in members
        .into_iter()
        .chain(["genesis.too_large", "genesis.json"])
    {
        assert!(document.contains(&format!("| `{code}` |")), "{code}");
    }
}
