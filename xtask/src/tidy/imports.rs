//! Who may import whom (ARCHITECTURE.md): a row allows its names and whatever those may import. Only normal
//! dependencies count; tests may use anything.

use std::collections::BTreeSet;

use serde_json::Value;

const PREFIX: &str = "strongroom-";
/// The crates of the house and what each may import directly.
const TABLE: [(&str, &[&str]); 18] = [
    ("types", &[]),
    ("crypto", &["types"]),
    ("proof", &["types", "crypto"]),
    ("attest", &["types", "crypto"]),
    ("vm", &["types", "crypto"]),
    ("chain", &["types", "crypto", "attest", "vm"]),
    ("bridge", &["types"]),
    ("enclave", &["chain", "proof", "bridge"]),
    ("store", &["types", "proof"]),
    ("consensus", &["types", "crypto", "proof", "store", "chain"]),
    ("http", &[]),
    ("comet-rpc", &["http", "store", "proof", "types"]),
    (
        "node",
        &["comet-rpc", "consensus", "store", "bridge", "chain"],
    ),
    ("sdk", &["types", "crypto", "proof", "attest"]),
    ("kit", &["chain", "sdk"]),
    // The enclave for one call: the binary re-executes itself as the enclave process.
    ("cli", &["sdk", "node", "enclave", "kit"]),
    ("testkit", &["cli"]),
    ("testdata", &[]),
];
/// Packages that are tools and may import anything.
const TOOLS: [&str; 4] = ["xtask", "benches", "fuzz-decoders", "fuzz-modules"];

/// Every import that the table does not allow, and every crate that it does not know.
pub(super) fn broken(metadata: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let packages = metadata["packages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if packages.is_empty() {
        broken.push("cargo metadata names no packages".to_string());
    }
    for package in packages {
        let name = short_name(package["name"].as_str().unwrap_or_default());
        if TOOLS.contains(&name) {
            continue;
        }
        let Some(allowed) = allowed(name) else {
            broken.push(format!("{name}: not in the table of the import rule"));
            continue;
        };
        for import in imports(package) {
            if !allowed.contains(import) {
                broken.push(format!("{name} must not import {import}"));
            }
        }
    }
    broken
}

/// The short name of a package; the binary's package is the crate `cli`.
fn short_name(package: &str) -> &str {
    if package == "strongroom" {
        "cli"
    } else {
        package.strip_prefix(PREFIX).unwrap_or(package)
    }
}

/// The crates of ours among a package's normal dependencies.
fn imports(package: &Value) -> Vec<&str> {
    let dependencies = package["dependencies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let normal = dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null());
    let names = normal.filter_map(|dependency| dependency["name"].as_str());
    names
        .filter(|name| name.starts_with(PREFIX) || *name == "strongroom")
        .map(short_name)
        .collect()
}

/// Everything that a crate may import, or nothing if the table does not know it.
fn allowed(name: &str) -> Option<BTreeSet<&'static str>> {
    let (_, direct) = TABLE.iter().find(|(krate, _)| *krate == name)?;
    let mut all = BTreeSet::new();
    for import in *direct {
        all.insert(*import);
        all.extend(allowed(import)?);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, imports: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<Value> = imports
            .iter()
            .map(|(name, kind)| json!({ "name": name, "kind": kind }))
            .collect();
        json!({ "packages": [{ "name": name, "dependencies": dependencies }] })
    }

    #[test]
    fn an_import_upwards_is_named() {
        let wrong = package(
            "strongroom-types",
            &[("strongroom-chain", None), ("serde", None)],
        );
        assert_eq!(broken(&wrong), ["types must not import chain"]);
    }

    #[test]
    fn what_an_allowed_crate_may_import_is_allowed_too() {
        let right = package(
            "strongroom-enclave",
            &[("strongroom-types", None), ("strongroom-vm", None)],
        );
        assert!(broken(&right).is_empty());
        let wrong = package("strongroom-node", &[("strongroom-enclave", None)]);
        assert_eq!(broken(&wrong), ["node must not import enclave"]);
    }

    #[test]
    fn tests_may_import_anything() {
        let right = package("strongroom-types", &[("strongroom-testkit", Some("dev"))]);
        assert!(broken(&right).is_empty());
    }

    #[test]
    fn an_unknown_crate_and_an_empty_answer_are_errors() {
        assert_eq!(broken(&package("strongroom-attic", &[])).len(), 1);
        assert_eq!(broken(&json!({})).len(), 1);
    }

    #[test]
    fn the_table_has_no_holes() {
        for (name, _) in TABLE {
            assert!(allowed(name).is_some(), "{name}");
        }
    }
}
