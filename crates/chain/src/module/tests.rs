//! The table against the descriptors, the orders, the names.

use super::*;
use crate::modules::{BEGIN_BLOCK, END_BLOCK, INIT_GENESIS, accounts};
use crate::types::proto::FILE_DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};
use std::collections::BTreeSet;

/// Methods that a listed service has and no module handles yet. Whoever builds one takes it off.
const NOT_BUILT: &[&str] = &[
    "cosmos.bank.v1beta1.Msg.UpdateParams",
    "cosmos.bank.v1beta1.Msg.SetSendEnabled",
    "secret.compute.v1beta1.Msg.UpgradeProposalPassed",
    "secret.compute.v1beta1.Msg.UpdateMachineWhitelistProposal",
    "secret.compute.v1beta1.Msg.UpdateMachineWhitelist",
    "secret.compute.v1beta1.Query.EcallRecord",
    "secret.compute.v1beta1.Query.EcallRecords",
    "secret.compute.v1beta1.Query.NetworkPubkey",
    "secret.compute.v1beta1.Query.EncryptedSeed",
    "secret.compute.v1beta1.Query.BlockTraces",
    "secret.compute.v1beta1.Query.MachineIDProof",
    "secret.compute.v1beta1.Query.AnalyzeCode",
    "secret.compute.v1beta1.Query.BlockCreateResults",
];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
}

/// The services of the packages of which the table has a handler.
fn listed(pool: &DescriptorPool) -> Vec<ServiceDescriptor> {
    let messages = MODULES.iter().flat_map(|m| m.messages).map(|m| m.package);
    let queries = MODULES.iter().flat_map(|m| m.queries);
    let queries = queries.map(|q| q.service.strip_suffix(".Query").unwrap());
    let packages: BTreeSet<&str> = messages.chain(queries).collect();
    let services = pool.services();
    services
        .filter(|s| packages.contains(s.package_name()))
        .collect()
}

/// The types of the handler of a method, if it has one.
fn handled(method: &MethodDescriptor) -> Option<(String, String)> {
    let service = method.parent_service();
    if service.name() == "Msg" {
        let handler = message(&format!("/{}", method.input().full_name()))?;
        let request = format!("{}.{}", handler.package, handler.name);
        return Some((request, (handler.response)()));
    }
    query(service.full_name(), method.name()).map(|q| (q.types)())
}

#[test]
fn every_method_of_a_listed_service_has_a_handler_with_its_types_or_is_named_as_not_built() {
    let pool = pool();
    let mut missing = Vec::new();
    for method in listed(&pool).iter().flat_map(ServiceDescriptor::methods) {
        let types = (
            method.input().full_name().to_owned(),
            method.output().full_name().to_owned(),
        );
        match handled(&method) {
            Some(handled) => assert_eq!(handled, types, "{}", method.full_name()),
            None => missing.push(method.full_name().to_owned()),
        }
    }
    missing.sort_unstable();
    let mut not_built = NOT_BUILT.to_vec();
    not_built.sort_unstable();
    assert_eq!(missing, not_built);
}

#[test]
fn every_handler_is_one_of_a_method_and_none_is_there_twice() {
    let pool = pool();
    let services = listed(&pool);
    let methods = || services.iter().flat_map(ServiceDescriptor::methods);
    let mut seen = BTreeSet::new();
    for handler in MODULES.iter().flat_map(|m| m.messages) {
        let name = format!("{}.{}", handler.package, handler.name);
        assert!(methods().any(|m| m.input().full_name() == name), "{name}");
        assert!(seen.insert(name.clone()), "{name}");
    }
    for handler in MODULES.iter().flat_map(|m| m.queries) {
        let name = format!("{}.{}", handler.service, handler.method);
        assert!(methods().any(|m| m.full_name() == name), "{name}");
        assert!(seen.insert(name.clone()), "{name}");
    }
    assert!(seen.len() > 30, "{}", seen.len());
}

#[test]
fn the_order_lists_name_each_module_once() {
    let sorted = |names: &[&'static str]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names
    };
    let table: Vec<&str> = MODULES.iter().map(|m| m.name).collect();
    for order in [INIT_GENESIS, BEGIN_BLOCK, END_BLOCK] {
        assert_eq!(sorted(order), sorted(&table));
    }
    assert_eq!(
        sorted(&table).windows(2).find(|pair| pair[0] == pair[1]),
        None
    );
}

#[test]
fn no_name_of_a_collection_is_the_beginning_of_another() {
    let mut names: Vec<&str> = MODULES
        .iter()
        .flat_map(|m| m.collections)
        .copied()
        .collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        assert!(!pair[1].starts_with(pair[0]), "{pair:?}");
    }
    for module in MODULES {
        let own = format!("{}/", module.name);
        for name in module.collections {
            assert!(name.starts_with(&own), "{name} of {}", module.name);
        }
    }
}

#[test]
fn no_error_code_is_registered_twice_and_none_is_zero() {
    let mut codes: Vec<(&str, u32)> = errors().map(|e| (e.codespace, e.code)).collect();
    codes.sort_unstable();
    assert!(codes.iter().all(|(_, code)| *code > 0));
    assert_eq!(codes.windows(2).find(|pair| pair[0] == pair[1]), None);
}

#[test]
fn no_account_and_no_part_of_genesis_belongs_to_two_modules() {
    let mut names: Vec<&str> = accounts::all().map(|a| a.name).collect();
    names.sort_unstable();
    assert_eq!(names.windows(2).find(|pair| pair[0] == pair[1]), None);
    let mut keys: Vec<&str> = genesis_parts().map(|part| part.key).collect();
    keys.sort_unstable();
    assert_eq!(keys.windows(2).find(|pair| pair[0] == pair[1]), None);
}

/// Files that may name modules: the table, and what the tests stand on.
const WIRING: &[&str] = &[
    "modules/mod.rs",
    "testing/group.rs",
    "testing/mod.rs",
    "query/lists.rs",
];

/// The lines of a file that are no tests of it.
fn without_tests(source: &str) -> &str {
    let end = source.find("#[cfg(test)]\nmod tests {");
    source.get(..end.unwrap_or(source.len())).unwrap()
}

fn sources(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(&root).unwrap();
        let name = name.to_str().unwrap().replace('\\', "/");
        if path.is_dir() {
            sources(&path, found);
        } else if !name.contains("tests") {
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// What follows each `modules::`, whatever stands in braces taken apart one level deep.
fn named(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("modules::") {
        let rest = source.get(at..).unwrap().strip_prefix("modules::").unwrap();
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split_once('}').map_or(list, |(list, _)| list);
                found.extend(list.split(',').map(|item| item.trim().to_owned()));
            }
            None => found.push(rest.split(';').next().unwrap().to_owned()),
        }
    }
    found
}

/// A new module touches its folder, its protos and `modules/mod.rs`: the core names none, and one module reaches another
/// through its keeper only.
#[test]
fn the_core_names_no_module_and_a_module_reaches_another_through_its_keeper() {
    let mut files = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&root, &mut files);
    assert!(files.len() > 40, "{}", files.len());
    let modules: Vec<&str> = MODULES.iter().map(|m| m.name).collect();
    let mut broken = Vec::new();
    for (file, source) in files
        .iter()
        .filter(|(file, _)| !WIRING.contains(&file.as_str()))
    {
        let own = file
            .strip_prefix("modules/")
            .and_then(|f| f.split('/').next());
        let code: String = without_tests(source)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(|line| format!("{line}\n"))
            .collect();
        for path in named(&code) {
            let (head, rest) = path.split_once("::").unwrap_or((&path, ""));
            let head = head.trim();
            if modules.contains(&head) && own != Some(head) && (own.is_none() || !rest.is_empty()) {
                broken.push(format!("{file} names {path}"));
            }
        }
        for other in modules.iter().filter(|m| own.is_some() && own != Some(**m)) {
            for (at, _) in code.match_indices(&format!("{other}::")) {
                let before = code.get(..at).unwrap().chars().next_back();
                let rest = code.get(at..).unwrap().split_once("::").unwrap().1;
                let is_path =
                    before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.' || c == ':');
                if !is_path && !rest.starts_with("keeper::") {
                    let line = rest.lines().next().unwrap();
                    broken.push(format!("{file} reaches {other}::{line}"));
                }
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
