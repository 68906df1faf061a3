//! The table of docs/spec/door.md and the code say the same.

use std::collections::BTreeMap;
use strongroom_bridge::spec::{FROM_ENCLAVE, FROM_HOST, Spec};

/// (direction, name) → (wire bytes, limit) of every row whose first cell is a direction.
fn rows(document: &str) -> BTreeMap<(String, String), (String, String)> {
    document
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line
                .trim()
                .trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect();
            let [
                direction @ ("host → enclave" | "enclave → host"),
                name,
                wire,
                _,
                _,
                limit,
                ..,
            ] = cells.as_slice()
            else {
                return None;
            };
            let key = ((*direction).to_owned(), name.trim_matches('`').to_owned());
            Some((key, ((*wire).to_owned(), limit.replace(',', ""))))
        })
        .collect()
}

#[test]
fn every_message_is_in_the_document_with_its_limit_and_no_other_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/door.md");
    let document = rows(&std::fs::read_to_string(path).unwrap());
    let mut code = BTreeMap::new();
    let mut add = |direction: &str, specs: &[&Spec]| {
        for spec in specs {
            let key = (direction.to_owned(), spec.name.to_owned());
            code.insert(
                key,
                (
                    format!("{} {}", spec.half, spec.kind),
                    spec.limit.to_string(),
                ),
            );
        }
    };
    add("host → enclave", &FROM_HOST);
    add("enclave → host", &FROM_ENCLAVE);
    assert_eq!(document, code);
}

#[test]
fn the_document_names_the_limits_of_frames() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/door.md");
    let document = std::fs::read_to_string(path).unwrap().replace(',', "");
    for limit in [
        strongroom_bridge::frame::FRAME_BYTES_MAX,
        strongroom_bridge::stream::EXECUTION_STREAMS_MAX,
        strongroom_bridge::stream::QUERY_STREAMS_MAX,
        strongroom_bridge::spec::EXCEPTIONS_MAX,
    ] {
        assert!(
            document.contains(&format!("| {limit} |")),
            "{limit} is not in the document"
        );
    }
}

#[test]
fn the_document_says_which_failures_stop_the_enclave() {
    use strongroom_bridge::FailureCode;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/door.md");
    let document = std::fs::read_to_string(path).unwrap();
    let row = document
        .lines()
        .find(|line| line.starts_with("| `enclave."))
        .unwrap();
    let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
    for (cell, stops) in [(cells[0], false), (cells[1], true)] {
        let named: Vec<&str> = cell
            .split(',')
            .map(|code| code.trim().trim_matches('`'))
            .collect();
        let ours = FailureCode::ALL
            .iter()
            .filter(|code| code.stops() == stops)
            .map(|code| code.name());
        assert_eq!(named, ours.collect::<Vec<_>>());
    }
}
