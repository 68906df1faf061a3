//! The contract that does what its message says: `contracts/puppet.wat`, which also says what it understands.

const PUPPET: &str = include_str!("../../../../../../contracts/puppet.wat");

/// What a contract answers that has nothing to say.
pub(super) const NOTHING: &str =
    r#"{"Ok":{"messages":[],"attributes":[],"events":[],"data":null}}"#;

/// What it keeps under `last` for `s`.
pub(super) const SEEN: &str = r#"{"Ok":"c2Vlbg=="}"#;

/// The wasm; `more` is put at the end of the module.
pub(super) fn wasm(more: &str) -> Vec<u8> {
    let (module, _) = PUPPET.rsplit_once(')').unwrap();
    wat::parse_str(format!("{module}{more})")).unwrap()
}

/// The same contract without `reply`.
pub(super) fn wasm_without_reply() -> Vec<u8> {
    wat::parse_str(PUPPET.replace(r#"(export "reply")"#, "")).unwrap()
}

/// What a v0.10 contract answers that has nothing to say.
pub(super) const NOTHING_V010: &str = r#"{"Ok":{"messages":[],"log":[],"data":null}}"#;

/// The same contract as one of v0.10.
pub(super) fn wasm_v010() -> Vec<u8> {
    let length = |text: &str| format!("(i32.const {})", text.len());
    let escaped = |text: &str| text.replace('"', r#"\""#);
    let changes = [
        ("interface_version_8".into(), "cosmwasm_vm_version_3".into()),
        (escaped(NOTHING), escaped(NOTHING_V010)),
        (length(NOTHING), length(NOTHING_V010)),
        (
            r#"(export "instantiate" (func $act))"#.into(),
            r#"(func $two (param $env i32) (param $msg i32) (result i32)
                (call $act (local.get $env) (i32.const 0) (local.get $msg)))
            (export "init" (func $two))"#
                .into(),
        ),
        (
            r#"(export "execute" (func $act))"#.into(),
            r#"(export "handle" (func $two))"#.into(),
        ),
        (
            r#"(func (export "query") (param $env i32) (param $msg i32)"#.into(),
            r#"(func (export "query") (param $msg i32)"#.into(),
        ),
    ];
    let changes: Vec<(String, String)> = changes.into();
    let changes: Vec<(&str, &str)> = changes
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    changed(&changes)
}

/// The wasm of the same text with some of its lines changed, each of which stands there once.
pub(super) fn changed(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut text = PUPPET.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    wat::parse_str(text).unwrap()
}

/// The same contract with a `migrate` that keeps what it is told beside its message under `env`.
pub(super) fn telling_of_migrations() -> Vec<u8> {
    let plain = r#"(export "migrate" (func $as_told))"#;
    let telling = r#"(func (export "migrate") (param $env i32) (param $msg i32) (param $info i32) (result i32)
        (call $write (call $environment) (local.get $info))
        (local.get $msg))"#;
    assert_eq!(PUPPET.matches(plain).count(), 1);
    wat::parse_str(PUPPET.replace(plain, telling)).unwrap()
}

/// A contract whose panics tell `env`; `more` as in [`wasm`].
pub(super) fn wasm_that_shows_env(more: &str) -> Vec<u8> {
    let import = r#"(module (import "env" "abort" (func $abort (param i32)))"#;
    let text = PUPPET.replacen("(module", import, 1);
    let text = text.replace("(unreachable)", "(call $abort (local.get $env))");
    let (module, _) = text.rsplit_once(')').unwrap();
    wat::parse_str(format!("{module}{more})")).unwrap()
}

/// The wasm with more imports.
pub(super) fn importing(imports: &str) -> Vec<u8> {
    wat::parse_str(PUPPET.replacen("(module", &format!("(module {imports}"), 1)).unwrap()
}
