//! What `strongroom contract check` tells is what an upload tells.

use crate::contract;
use strongroom_kit::check::{FILE_BYTES_MAX, IMPORTS_TOLD_MAX, Imported, NAME_TOLD_MAX};
use strongroom_kit::{Network, check};

#[test]
fn a_good_file_is_shown_with_its_imports_its_generation_and_its_gas() {
    for (name, generation, stock, bytes_min) in [
        ("token", "V1", false, 100_000),
        ("token_v010", "V010", false, 50_000),
        ("cw20_base", "V1", true, 50_000),
    ] {
        let file = contract(name);
        let report = check(&file);
        let mut net = Network::new();
        let alice = net.user("alice");
        let code = net.store(&alice, &file).unwrap();
        let module = report
            .module
            .unwrap_or_else(|| panic!("{name}: {:?}", report.upload));
        assert_eq!((module.hash, module.bytes), (code.hash, file.len()));
        assert_eq!(
            (format!("{:?}", module.generation).as_str(), module.stock),
            (generation, stock),
            "{name}"
        );
        assert!(
            module.bytes > bytes_min && module.weight > module.bytes && module.load_gas == 20_000
        );
        let reads = |import: &Imported| import.name == "db_read" && import.known;
        assert!(report.imports.iter().any(reads));
        assert!(module.entry_points.contains(&"query"));
        assert_eq!(module.tells_panics, generation == "V1");
        // 0.8 gas for each byte, and 10 for each byte of the transaction.
        assert!(report.upload.is_ok_and(|gas| gas > 10 * file.len() as u64));
    }
    let random = check(&contract("token")).module.unwrap();
    assert_eq!(random.capabilities, ["random"]);
}

#[test]
fn a_bad_file_is_refused_with_the_words_of_the_chain() {
    let module = |text: &str| wasm(text);
    for (file, says) in [
        (
            b"no wasm at all".to_vec(),
            "does not begin with the eight bytes of a wasm module",
        ),
        (Vec::new(), ""),
        (module(""), "is not CosmWasm v0.10 or v1"),
        (b"\x1f\x8b\x08 and then rubbish".to_vec(), ""),
        (vec![0; 3 << 20], ""),
    ] {
        let report = check(&file);
        let refused = report.upload.unwrap_err();
        assert!(refused.text.contains(says), "{refused}");
        assert!(report.module.is_none());
        let mut net = Network::new();
        let alice = net.user("alice");
        let by_chain = net.store(&alice, &file).unwrap_err();
        assert_eq!(
            (by_chain.codespace, by_chain.code, by_chain.text),
            (refused.codespace, refused.code, refused.text)
        );
    }
}

/// The eight bytes of an empty module, and what follows them.
fn wasm(rest: &str) -> Vec<u8> {
    [b"\0asm\x01\0\0\0", rest.as_bytes()].concat()
}

#[test]
fn a_refused_file_still_shows_what_it_imports_and_a_zipped_one_is_looked_into() {
    let text = r#"(module (import "env" "db_read" (func (param i32) (result i32)))
        (import "env" "no_such" (func)) (import "wasi" "exit" (func)))"#;
    let report = check(&wat::parse_str(text).unwrap());
    let imports: Vec<_> = report
        .imports
        .iter()
        .map(|i| (i.name.as_str(), i.known))
        .collect();
    assert_eq!(
        imports,
        [("db_read", true), ("no_such", false), ("wasi.exit", false)]
    );
    assert!(report.upload.is_err() && report.module.is_none());
    let plain = contract("counter");
    let mut zipped = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    zipped.extend(miniz_oxide::deflate::compress_to_vec(&plain, 6));
    zipped.extend(crc32(&plain).to_le_bytes());
    zipped.extend((plain.len() as u32).to_le_bytes());
    let report = check(&zipped);
    let module = report
        .module
        .unwrap_or_else(|| panic!("{:?}", report.upload));
    assert_eq!(
        (report.file_bytes, module.bytes),
        (zipped.len(), plain.len())
    );
    assert!(!report.imports.is_empty());
}

/// As gzip has it at its end.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[test]
fn a_function_that_is_at_fault_is_named_with_the_reason() {
    let puppet = include_str!("../../../../contracts/puppet.wat");
    let (module, _) = puppet.rsplit_once(')').unwrap();
    let wasm = |more: &str| wat::parse_str(format!("{module}{more})")).unwrap();
    assert!(check(&wasm("")).upload.is_ok());
    for (function, reason) in [
        (
            "(func $sneaky (drop (v128.const i64x2 0 0)))",
            "an instruction that is not of our dialect",
        ),
        (
            "(func $sneaky (result i64) (i32.const 0))",
            "the code is malformed or not valid",
        ),
    ] {
        let refused = check(&wasm(function)).upload.unwrap_err();
        let named = refused.text.contains("sneaky") && refused.text.contains(reason);
        assert!(named, "{refused}");
    }
}

/// A module with so many imports, each of a name of so many bytes.
fn with_imports(count: usize, name_bytes: usize) -> Vec<u8> {
    let leb = |mut n: usize| {
        let mut bytes = Vec::new();
        while n > 0x7f {
            bytes.push(u8::try_from(n & 0x7f).unwrap() | 0x80);
            n >>= 7;
        }
        bytes.push(u8::try_from(n).unwrap());
        bytes
    };
    let name = [leb(name_bytes), vec![b'x'; name_bytes]].concat();
    // Of the module "", a function of type 0.
    let import = [vec![0], name, vec![0, 0]].concat();
    let section = [leb(count), import.repeat(count)].concat();
    [
        b"\0asm\x01\0\0\0\x02",
        leb(section.len()).as_slice(),
        &section,
    ]
    .concat()
}

#[test]
fn what_is_too_much_for_the_chain_is_no_more_work_for_who_asks() {
    for (count, name_bytes) in [
        (3_000_000, 0),
        (150, 90_000),
        (10_000_000, 0),
        (1, 40_000_000),
    ] {
        let file = with_imports(count, name_bytes);
        let report = check(&file);
        assert_eq!(report.file_bytes, file.len());
        assert!(report.upload.is_err() && report.module.is_none());
        assert!(report.imports.len() <= IMPORTS_TOLD_MAX, "{count}");
        let named = report.imports.iter();
        assert!(
            named
                .clone()
                .all(|import| import.name.len() <= NAME_TOLD_MAX)
        );
        assert_eq!(named.len() > 0, file.len() <= FILE_BYTES_MAX, "{count}");
    }
}
