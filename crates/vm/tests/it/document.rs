//! `docs/spec/gas.md` says what the code does.

use std::collections::BTreeMap;

use strongroom_vm::{gas, limits};

const DOCUMENT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/spec/gas.md"
));

/// First and second column of every table row whose second column is a number.
fn rows() -> BTreeMap<String, u64> {
    let row = |line: &str| {
        let mut columns = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((columns.next()?.to_owned(), columns.next()?.parse().ok()?))
    };
    DOCUMENT.lines().filter_map(row).collect()
}

#[test]
fn the_document_has_every_price_of_the_code_and_no_other() {
    let mut rows = rows();
    for (name, price) in gas::TABLE {
        assert_eq!(rows.remove(name), Some(price), "{name}");
    }
    let limits = [
        ("module bytes", limits::MODULE_BYTES_MAX as u64),
        ("imports", limits::IMPORTS_MAX as u64),
        ("types", limits::TYPES_MAX as u64),
        ("functions", limits::FUNCTIONS_MAX as u64),
        ("table entries", limits::TABLE_ENTRIES_MAX),
        ("parameters of a function", limits::PARAMS_MAX as u64),
        (
            "parameters of all functions",
            limits::PARAMS_TOTAL_MAX as u64,
        ),
        ("results of a function", limits::RESULTS_MAX as u64),
        ("locals of a function", limits::LOCALS_MAX as u64),
        ("locals of all functions", limits::LOCALS_TOTAL_MAX as u64),
        ("body bytes", limits::BODY_BYTES_MAX as u64),
        ("br_table targets", limits::BR_TABLE_TARGETS_MAX.into()),
        ("nesting", limits::NESTING_MAX as u64),
        ("operands", limits::OPERANDS_MAX.into()),
        ("globals", limits::GLOBALS_MAX as u64),
        ("exports", limits::EXPORTS_MAX as u64),
        ("memory pages", limits::MEMORY_PAGES_MAX),
        ("stack slots", limits::STACK_SLOTS_MAX.into()),
    ];
    for (name, limit) in limits {
        assert_eq!(rows.remove(name), Some(limit), "{name}");
    }
    assert_eq!(
        rows,
        BTreeMap::new(),
        "rows without a counterpart in the code"
    );
}
