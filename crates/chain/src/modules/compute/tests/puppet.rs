//! The contract that does what its message says: `contracts/puppet.wat`, which also says what it understands.

const PUPPET: &str = include_str!("../../../../../../contracts/puppet.wat");

/// What a contract answers that has nothing to say.
pub(super) const NOTHING: &str =
    r#"{"Ok":{"messages":[],"attributes":[],"events":[],"data":null}}"#;

/// The wasm; `more` is put at the end of the module.
pub(super) fn wasm(more: &str) -> Vec<u8> {
    let (module, _) = PUPPET.rsplit_once(')').unwrap();
    wat::parse_str(format!("{module}{more})")).unwrap()
}
