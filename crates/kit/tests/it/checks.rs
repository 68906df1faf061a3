//! What `strongroom contract check` tells is what an upload tells.

use crate::contract;
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
        assert!(module.imports.iter().any(|import| import == "db_read"));
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
