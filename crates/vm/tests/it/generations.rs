//! The two generations: which function an entry point is, what it takes, and the imports of the older one.

use strongroom_vm::{
    Argument, CallMode, Entry, Generation, Prepared, Step, Trap, VmFault, prepare,
};

use crate::harness::{MapHost, PLAIN_V010, PLENTY, contract, contract_v010, instance};

fn prepared(wat: &str) -> Prepared {
    prepare(&wat::parse_str(wat).expect("the test's wat is sound")).expect("accepted")
}

fn start(prepared: &Prepared, entry: Entry, args: &[&[u8]]) -> Result<Vec<u8>, Trap> {
    let mut instance = instance(prepared, CallMode::Execute);
    let step = instance.start(entry, args, PLENTY, &mut MapHost::default());
    match step.expect("no fault") {
        Step::Done(outcome) => outcome.result,
        Step::Query(_) => panic!("no query"),
    }
}

#[test]
fn entry_points_have_the_names_and_arguments_of_the_protocol() {
    use Argument::{Env, Info, Msg};
    let of = |entry: Entry, generation| {
        let export = entry.export(generation)?;
        assert_eq!(
            Entry::by_name(export.name, generation),
            Some((entry, export))
        );
        Some((export.name, export.args.to_vec()))
    };
    let v010 = |entry| of(entry, Generation::V010);
    let v1 = |entry| of(entry, Generation::V1);
    assert_eq!(v010(Entry::Instantiate), Some(("init", vec![Env, Msg])));
    assert_eq!(v010(Entry::Execute), Some(("handle", vec![Env, Msg])));
    assert_eq!(v010(Entry::Query), Some(("query", vec![Msg])));
    assert_eq!(v010(Entry::Migrate), Some(("migrate", vec![Env, Msg])));
    assert_eq!(
        v1(Entry::Instantiate),
        Some(("instantiate", vec![Env, Info, Msg]))
    );
    assert_eq!(v1(Entry::Execute), Some(("execute", vec![Env, Info, Msg])));
    assert_eq!(v1(Entry::Query), Some(("query", vec![Env, Msg])));
    for (entry, name) in [
        (Entry::Migrate, "migrate"),
        (Entry::Reply, "reply"),
        (Entry::Sudo, "sudo"),
        (Entry::IbcChannelOpen, "ibc_channel_open"),
        (Entry::IbcChannelConnect, "ibc_channel_connect"),
        (Entry::IbcChannelClose, "ibc_channel_close"),
        (Entry::IbcPacketReceive, "ibc_packet_receive"),
        (Entry::IbcPacketAck, "ibc_packet_ack"),
        (Entry::IbcPacketTimeout, "ibc_packet_timeout"),
    ] {
        assert_eq!(v1(entry), Some((name, vec![Env, Msg])));
        if entry != Entry::Migrate {
            assert_eq!(v010(entry), None, "{name}");
        }
    }
}

/// A v0.10 contract that tells by its first byte which function ran, and gives the last argument behind it.
fn telling() -> Prepared {
    let tell = |name: &str, params: usize| {
        let letter = name.as_bytes()[0];
        format!(
            r#"(func (export "{name}") (param {}) (result i32)
                (i32.store8 (i32.load (local.get {last})) (i32.const {letter})) (local.get {last}))"#,
            "i32 ".repeat(params),
            last = params - 1,
        )
    };
    let functions = [
        tell("init", 2),
        tell("handle", 2),
        tell("query", 1),
        tell("migrate", 2),
    ];
    prepared(&contract_v010("", &functions.concat()))
}

#[test]
fn a_v010_contract_runs_its_own_entry_points() {
    let prepared = telling();
    assert_eq!(prepared.info().generation, Generation::V010);
    for (entry, args, result) in [
        (Entry::Instantiate, &[&b"env"[..], b"m1"][..], b"i1"),
        (Entry::Execute, &[b"env", b"m2"], b"h2"),
        (Entry::Query, &[b"m3"], b"q3"),
        (Entry::Migrate, &[b"env", b"m4"], b"m4"),
    ] {
        assert_eq!(start(&prepared, entry, args), Ok(result.to_vec()));
        let mut more = args.to_vec();
        more.push(b"more");
        let step = instance(&prepared, CallMode::Execute).start(
            entry,
            &more,
            PLENTY,
            &mut MapHost::default(),
        );
        assert!(matches!(step, Err(VmFault::Misuse(_))), "{entry:?}");
    }
}

#[test]
fn a_v010_contract_has_no_reply_and_no_sudo_whatever_it_exports() {
    let more = r#"(func (export "reply") (param i32 i32) (result i32) (local.get 1))
        (func (export "sudo") (param i32 i32) (result i32) (local.get 1))"#;
    let prepared = prepared(&contract_v010("", &format!("{PLAIN_V010}{more}")));
    for entry in [Entry::Reply, Entry::Sudo, Entry::IbcPacketReceive] {
        let result = start(&prepared, entry, &[b"env", b"msg"]);
        assert_eq!(result, Err(Trap::MissingFunction));
    }
}

#[test]
fn functions_with_names_of_the_other_generation_are_the_contracts_own() {
    // Of any signature, and not exported to the engine.
    let v010 = format!(
        r#"{PLAIN_V010} (func (export "execute") (param i64)) (func (export "instantiate"))"#
    );
    let v010 = prepared(&contract_v010("", &v010));
    let entries = [Entry::Instantiate, Entry::Execute, Entry::Query];
    assert_eq!(v010.info().entries, entries);
    let v1 = r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
        (func (export "init") (param i64)) (func (export "handle"))"#;
    let v1 = prepared(&contract("", v1));
    assert_eq!(v1.info().entries, [Entry::Instantiate]);
    for (prepared, foreign) in [
        (&v010, ["execute", "instantiate"]),
        (&v1, ["init", "handle"]),
    ] {
        let text = String::from_utf8_lossy(prepared.wasm()).into_owned();
        for name in foreign {
            assert!(!text.contains(&format!("{name}\0")), "{name}");
        }
    }
}

#[test]
fn a_v010_contract_gets_no_random_even_if_it_asks() {
    let asks = r#"(func (export "requires_random"))"#;
    let v010 = prepared(&contract_v010("", &format!("{PLAIN_V010}{asks}")));
    assert_eq!(v010.info().features, ["random"]);
    assert!(!v010.info().requires_random());
}

/// A v0.10 contract whose `handle` calls `import` with its message and a region of 90 bytes; the result is that region, or the
/// region with the error.
fn converting(import: &str) -> Prepared {
    let imports = format!(
        r#"(import "env" "{import}" (func $convert (param i32 i32) (result i32)))
           (import "env" "debug_print" (func $print (param i32)))"#
    );
    let handle = r#"
        (func (export "init") (param i32 i32) (result i32) (local.get 1))
        (func (export "query") (param i32) (result i32) (local.get 0))
        (func (export "handle") (param i32 i32) (result i32) (local $dest i32) (local $error i32)
            (call $print (local.get 1))
            (local.set $dest (call $allocate (i32.const 90)))
            (local.set $error (call $convert (local.get 1) (local.get $dest)))
            (select (local.get $error) (local.get $dest) (local.get $error)))"#;
    prepared(&contract_v010(&imports, handle))
}

#[test]
fn v010_contracts_convert_addresses_under_their_own_names() {
    let address = strongroom_types::Address::from_bytes(&[7; 20]).unwrap();
    let human = format!("  {address} ");
    let convert = |import: &str, message: &[u8]| {
        start(&converting(import), Entry::Execute, &[b"env", message]).unwrap()
    };
    let canonicalize = |message: &[u8]| convert("canonicalize_address", message);
    assert_eq!(canonicalize(human.as_bytes()), [7; 20]);
    assert_eq!(canonicalize(b" "), b"input is empty");
    assert_eq!(canonicalize(b"cosmos1"), b"invalid length");
    let humanize = |message: &[u8]| convert("humanize_address", message);
    assert_eq!(humanize(&[7; 20]), address.to_string().as_bytes());
    assert_eq!(humanize(b""), b"Input is empty");
}

#[test]
fn a_migrate_with_three_parameters_is_told_who_migrates() {
    let migrate = |params: usize| {
        let functions = format!(
            r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
            (func (export "migrate") (param {}) (result i32) (local.get {}))"#,
            "i32 ".repeat(params),
            params.saturating_sub(1),
        );
        prepare(&wat::parse_str(contract("", &functions)).unwrap())
    };
    let two = migrate(2).unwrap();
    assert!(!two.info().migrate_info);
    let args: &[&[u8]] = &[b"env", b"msg"];
    assert_eq!(start(&two, Entry::Migrate, args), Ok(b"msg".to_vec()));
    let three = migrate(3).unwrap();
    assert!(three.info().migrate_info);
    let export = three.info().export(Entry::Migrate).unwrap();
    assert_eq!(
        export.args,
        [Argument::Env, Argument::Msg, Argument::MigrateInfo]
    );
    let args: &[&[u8]] = &[b"env", b"msg", b"info"];
    assert_eq!(start(&three, Entry::Migrate, args), Ok(b"info".to_vec()));
    for params in [0, 1, 4] {
        let refused = migrate(params).unwrap_err().to_string();
        assert!(refused.contains("migrate"), "{refused}");
    }
    // The older interface has no such form.
    let v010 = contract_v010(
        "",
        &format!(
            r#"{PLAIN_V010} (func (export "migrate") (param i32 i32 i32) (result i32) (local.get 2))"#
        ),
    );
    assert!(prepare(&wat::parse_str(v010).unwrap()).is_err());
}

#[test]
fn the_version_of_the_state_is_what_the_librarys_section_says_in_digits() {
    let version = |sections: &[(&str, &[u8])]| {
        let plain =
            r#"(func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))"#;
        let mut wasm = wat::parse_str(contract("", plain)).unwrap();
        for (name, data) in sections {
            let section = wasm_encoder::CustomSection {
                name: (*name).into(),
                data: (*data).into(),
            };
            wasm.push(wasm_encoder::SectionId::Custom.into());
            wasm_encoder::Encode::encode(&section, &mut wasm);
        }
        prepare(&wasm).unwrap().info().migrate_version
    };
    let name = "cw_migrate_version";
    let most = u64::MAX.to_string();
    assert_eq!(version(&[]), None);
    assert_eq!(version(&[("another", b"7")]), None);
    assert_eq!(version(&[(name, b"1")]), Some(1));
    assert_eq!(version(&[(name, most.as_bytes())]), Some(u64::MAX));
    assert_eq!(version(&[(name, b"42"), (name, b"43")]), Some(42));
    let over = format!("{most}0");
    for bad in [
        &b""[..],
        b"0",
        b"-1",
        b"+1",
        b"01",
        b" 1",
        b"1\n",
        b"x",
        b"\xff",
        over.as_bytes(),
    ] {
        assert_eq!(version(&[(name, bad)]), None, "{bad:?}");
    }
}
