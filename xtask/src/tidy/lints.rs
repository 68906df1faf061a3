//! Trusted crates keep their lints: whoever removes one from a `lib.rs` is noticed.

use anyhow::{Context, Result};

use crate::command::root;

/// Crates that may see plaintext.
pub(crate) const TRUSTED: [&str; 8] = [
    "types", "crypto", "proof", "attest", "vm", "chain", "bridge", "enclave",
];
/// Denied in what ships of them; `unsafe_code` is denied for the whole workspace.
const LINTS: [&str; 8] = [
    "unwrap_used",
    "expect_used",
    "arithmetic_side_effects",
    "cast_possible_truncation",
    "float_arithmetic",
    "indexing_slicing",
    "disallowed_types",
    "disallowed_methods",
];

/// Every trusted crate without one of the lints.
pub(super) fn broken() -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for name in TRUSTED {
        let file = format!("crates/{name}/src/lib.rs");
        let source = std::fs::read_to_string(root().join(&file)).context(file.clone())?;
        broken.extend(missing(&source).map(|lint| format!("{file}: does not deny clippy::{lint}")));
    }
    Ok(broken)
}

fn missing(source: &str) -> impl Iterator<Item = &'static str> {
    let start = source.find("deny(").unwrap_or(source.len());
    let block = source[start..].split(")]").next().unwrap_or_default();
    LINTS
        .into_iter()
        .filter(|lint| !block.contains(&format!("clippy::{lint}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_dropped_a_lint_is_found() {
        let all: Vec<String> = LINTS.iter().map(|lint| format!("clippy::{lint}")).collect();
        let source = |lints: &[String]| {
            let deny = lints.join(",\n");
            format!("//! clippy::unwrap_used\n#![cfg_attr(not(test), deny({deny}))]\nmod a;")
        };
        assert_eq!(missing(&source(&all)).count(), 0);
        assert!(missing(&source(&all[1..])).eq(["unwrap_used"]));
        assert_eq!(missing("mod a;").count(), LINTS.len());
    }
}
