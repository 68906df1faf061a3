//! What cosmwasm-vm needs of a module: an exported memory.

use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};

/// The same module with it; all else stays as it is.
pub(crate) fn for_cosmwasm_vm(wasm: &[u8]) -> Vec<u8> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.expect("a sound module");
        match &payload {
            Payload::ExportSection(section) => {
                let mut exports = ExportSection::new();
                let mut memory = false;
                for export in section.clone() {
                    let export = export.expect("sound");
                    let kind = match export.kind {
                        ExternalKind::Func => ExportKind::Func,
                        ExternalKind::Memory => ExportKind::Memory,
                        ExternalKind::Global => ExportKind::Global,
                        ExternalKind::Table => ExportKind::Table,
                        _ => panic!("no such export"),
                    };
                    memory |= kind == ExportKind::Memory;
                    exports.export(export.name, kind, export.index);
                }
                if !memory {
                    exports.export("memory", ExportKind::Memory, 0);
                }
                module.section(&exports);
            }
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    module.section(&RawSection {
                        id,
                        data: &wasm[range],
                    });
                }
            }
        }
    }
    module.finish()
}
