//! How a refusal names a function: by its name section or export, else by its index. Only read when something is
//! refused, and never trusted: what is quoted is short and printable.

use wasmparser::{ExternalKind, KnownCustom, Name, Parser, Payload};

use crate::limits::QUOTED_BYTES_MAX;

/// `text` with everything but printable ASCII (and `"`, `\`) replaced by `?`, at most `max` bytes.
pub(super) fn quotable(text: &str, max: usize) -> String {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ';
    text.chars()
        .take(max)
        .map(|c| if plain(c) { c } else { '?' })
        .collect()
}

/// `function "name" (#index): `, or `function #index: ` where the module tells no name.
pub(super) fn function_label(wasm: &[u8], index: u32) -> String {
    match name_of(wasm, index) {
        Some(name) => format!(
            "function \"{}\" (#{index}): ",
            quotable(&name, QUOTED_BYTES_MAX)
        ),
        None => format!("function #{index}: "),
    }
}

fn name_of(wasm: &[u8], index: u32) -> Option<String> {
    let mut exported = None;
    for payload in Parser::new(0).parse_all(wasm) {
        // A broken module has no names beyond the break.
        let Ok(payload) = payload else { break };
        match payload {
            Payload::ExportSection(exports) => {
                let found = exports
                    .into_iter()
                    .map_while(Result::ok)
                    .find(|e| e.kind == ExternalKind::Func && e.index == index);
                exported = found.map(|e| e.name.to_owned());
            }
            Payload::CustomSection(custom) => {
                let KnownCustom::Name(subsections) = custom.as_known() else {
                    continue;
                };
                for subsection in subsections.into_iter().map_while(Result::ok) {
                    let Name::Function(names) = subsection else {
                        continue;
                    };
                    if let Some(n) = names
                        .into_iter()
                        .map_while(Result::ok)
                        .find(|n| n.index == index)
                    {
                        return Some(n.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    exported
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_section_wins_over_the_export_and_the_index_is_last() {
        let wasm =
            wat::parse_str(r#"(module (func $inner) (func (export "out")) (func))"#).unwrap();
        assert_eq!(function_label(&wasm, 0), "function \"inner\" (#0): ");
        assert_eq!(function_label(&wasm, 1), "function \"out\" (#1): ");
        assert_eq!(function_label(&wasm, 2), "function #2: ");
    }

    #[test]
    fn hostile_names_are_quoted_short_and_printable() {
        assert_eq!(quotable("a\"b\\c\nd\u{202e}é", 100), "a?b?c?d??");
        assert_eq!(
            quotable(&"x".repeat(500), QUOTED_BYTES_MAX).len(),
            QUOTED_BYTES_MAX
        );
    }
}
