//! A contract that keeps the last message it was sent and answers queries with it.

/// Where the contract keeps it.
const REPLY: &str = r#"{\"ok\":{\"messages\":[],\"attributes\":[],\"events\":[],\"data\":null}}"#;

/// The wasm.
pub(crate) fn wasm() -> Vec<u8> {
    let length = REPLY.replace('\\', "").len();
    wat::parse_str(format!(
        r#"(module
        (import "env" "db_read" (func $db_read (param i32) (result i32)))
        (import "env" "db_write" (func $db_write (param i32 i32)))
        (memory 2)
        (data (i32.const 1024) "{REPLY}")
        (data (i32.const 2048) "last")
        (global $top (mut i32) (i32.const 4096))
        (func (export "interface_version_8"))
        (func (export "deallocate") (param i32))
        (func $region (param $offset i32) (param $length i32) (result i32)
            (local $r i32)
            (local.set $r (global.get $top))
            (global.set $top (i32.add (global.get $top) (i32.const 16)))
            (i32.store (local.get $r) (local.get $offset))
            (i32.store offset=4 (local.get $r) (local.get $length))
            (i32.store offset=8 (local.get $r) (local.get $length))
            (local.get $r))
        (func (export "allocate") (param $length i32) (result i32)
            (local $at i32)
            (local.set $at (global.get $top))
            (global.set $top (i32.add (i32.add (global.get $top) (local.get $length)) (i32.const 16)))
            (call $region (local.get $at) (local.get $length)))
        (func $keep (param $env i32) (param $info i32) (param $msg i32) (result i32)
            (call $db_write (call $region (i32.const 2048) (i32.const 4)) (local.get $msg))
            (call $region (i32.const 1024) (i32.const {length})))
        (export "instantiate" (func $keep))
        (export "execute" (func $keep))
        (func (export "query") (param $env i32) (param $msg i32) (result i32)
            (call $db_read (call $region (i32.const 2048) (i32.const 4))))
        )"#
    ))
    .unwrap()
}

/// A message that the contract keeps, and that is then a query's answer of these bytes.
pub(crate) fn message(base64: &str) -> Vec<u8> {
    format!(r#"{{"ok":"{base64}"}}"#).into_bytes()
}
