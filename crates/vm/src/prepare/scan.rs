//! Reads a module's sections, counting before allocating, and refuses what is over a limit or not of our dialect.
//! Function bodies are only collected here; `meter` reads them.

use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FuncToValidate, FuncType,
    FunctionBody, Operator, Parser, Payload, RefType, TableInit, TypeRef, ValType, ValidPayload,
    Validator, ValidatorResources,
};

use super::{FEATURES, invalid, limit, names, refused};
use crate::error::{Invalid, PrepareError};
use crate::limits;

/// A constant initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
}

/// A global variable.
pub(super) struct Global {
    pub(super) ty: ValType,
    pub(super) mutable: bool,
    pub(super) value: Constant,
}

/// An export of the original module.
pub(super) struct Export<'a> {
    pub(super) name: &'a str,
    pub(super) kind: ExternalKind,
    pub(super) index: u32,
}

/// A function body that is still to be validated.
pub(super) type Body<'a> = (FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// Everything of a module except custom sections, of which one says something to the chain.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) types: Vec<FuncType>,
    /// Module, name, type.
    pub(super) imports: Vec<(&'a str, &'a str, u32)>,
    /// Types of the module's own functions.
    pub(super) functions: Vec<u32>,
    /// Initial and maximal entries.
    pub(super) table: Option<(u64, Option<u64>)>,
    /// Initial and maximal pages, the latter lowered to our limit.
    pub(super) memory: Option<(u64, u64)>,
    pub(super) globals: Vec<Global>,
    pub(super) exports: Vec<Export<'a>>,
    /// Offset, functions.
    pub(super) elements: Vec<(i32, Vec<u32>)>,
    /// Offset, bytes.
    pub(super) data: Vec<(i32, &'a [u8])>,
    pub(super) bodies: Vec<Body<'a>>,
    /// What the first section [`MIGRATE_VERSION`] says.
    pub(super) migrate_version: Option<u64>,
}

/// The custom section in which the ordinary library writes the version of the state, in decimal digits.
const MIGRATE_VERSION: &str = "cw_migrate_version";

/// A version as the library writes it, from 1 on. What is none says nothing.
fn version(digits: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(digits).ok()?;
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

impl Header<'_> {
    /// The type of a function, imported or own.
    pub(super) fn type_of(&self, function: u32) -> Option<&FuncType> {
        let at = usize::try_from(function).ok()?;
        let ty = match self.imports.get(at) {
            Some((_, _, ty)) => ty,
            None => self.functions.get(at.checked_sub(self.imports.len())?)?,
        };
        self.types.get(usize::try_from(*ty).ok()?)
    }
}

/// Refuses a section that the parser or validator refuses.
fn bad_section(_: wasmparser::BinaryReaderError) -> PrepareError {
    invalid(Invalid::Section)
}

/// The magic number and the version of a module.
const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// Reads all sections.
pub(super) fn scan(wasm: &[u8]) -> Result<Header<'_>, PrepareError> {
    if !wasm.starts_with(HEADER) {
        return Err(invalid(Invalid::Header));
    }
    let mut header = Header::default();
    let mut validator = Validator::new_with_features(FEATURES);
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(bad_section)?;
        count(&payload)?;
        if let ValidPayload::Func(function, body) =
            validator.payload(&payload).map_err(bad_section)?
        {
            header.bodies.push((function, body));
        }
        header.take(payload)?;
    }
    header.check_segments()?;
    Ok(header)
}

/// Refuses sections with too many items before anything of them is kept.
fn count(payload: &Payload<'_>) -> Result<(), PrepareError> {
    match payload {
        Payload::TypeSection(s) => limit("", "types", s.count(), limits::TYPES_MAX),
        Payload::ImportSection(s) => limit("", "imports", s.count(), limits::IMPORTS_MAX),
        Payload::FunctionSection(s) => limit("", "functions", s.count(), limits::FUNCTIONS_MAX),
        Payload::TableSection(s) => limit("", "tables", s.count(), 1_u64),
        Payload::GlobalSection(s) => limit("", "global variables", s.count(), limits::GLOBALS_MAX),
        Payload::ExportSection(s) => limit("", "exports", s.count(), limits::EXPORTS_MAX),
        Payload::ElementSection(s) => limit(
            "",
            "element segments",
            s.count(),
            limits::ELEMENT_SEGMENTS_MAX,
        ),
        Payload::DataSection(s) => limit("", "data segments", s.count(), limits::DATA_SEGMENTS_MAX),
        Payload::MemorySection(s) if s.count() != 1 => Err(PrepareError::Memories),
        Payload::StartSection { .. } => Err(refused(
            "it has a start function, which would run at every load",
        )),
        _ => Ok(()),
    }
}

impl<'a> Header<'a> {
    fn take(&mut self, payload: Payload<'a>) -> Result<(), PrepareError> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    let ty = ty.map_err(bad_section)?;
                    limit(
                        "",
                        "parameters of a type",
                        ty.params().len(),
                        limits::PARAMS_MAX,
                    )?;
                    limit(
                        "",
                        "results of a type",
                        ty.results().len(),
                        limits::RESULTS_MAX,
                    )?;
                    ty.params()
                        .iter()
                        .chain(ty.results())
                        .try_for_each(|v| numeric(*v))?;
                    self.types.push(ty);
                }
            }
            Payload::ImportSection(section) => {
                for import in section {
                    let import = import.map_err(bad_section)?;
                    limit(
                        "",
                        "bytes of an import's name",
                        import.name.len(),
                        limits::NAME_BYTES_MAX,
                    )?;
                    limit(
                        "",
                        "bytes of an import's module",
                        import.module.len(),
                        limits::NAME_BYTES_MAX,
                    )?;
                    match import.ty {
                        TypeRef::Func(ty) => self.imports.push((import.module, import.name, ty)),
                        TypeRef::Memory(_) => return Err(PrepareError::Memories),
                        _ => {
                            let name =
                                names::quotable(&format!("{}.{}", import.module, import.name), 256);
                            let reason = " (only functions can be imported)".to_owned();
                            return Err(PrepareError::Import { name, reason });
                        }
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty.map_err(bad_section)?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table.map_err(bad_section)?;
                    limit(
                        "",
                        "table entries",
                        table.ty.initial,
                        limits::TABLE_ENTRIES_MAX,
                    )?;
                    if table.ty.element_type != RefType::FUNCREF
                        || !matches!(table.init, TableInit::RefNull)
                    {
                        return Err(refused("its table holds something else than functions"));
                    }
                    self.table = Some((table.ty.initial, table.ty.maximum));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.map_err(bad_section)?;
                    if memory.initial > limits::MEMORY_PAGES_MAX {
                        return Err(PrepareError::MemoryPages {
                            limit: limits::MEMORY_PAGES_MAX,
                        });
                    }
                    let most = memory
                        .maximum
                        .unwrap_or(limits::MEMORY_PAGES_MAX)
                        .min(limits::MEMORY_PAGES_MAX);
                    self.memory = Some((memory.initial, most));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global.map_err(bad_section)?;
                    numeric(global.ty.content_type)?;
                    let value = constant(&global.init_expr)?;
                    self.globals.push(Global {
                        ty: global.ty.content_type,
                        mutable: global.ty.mutable,
                        value,
                    });
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(bad_section)?;
                    limit(
                        "",
                        "bytes of an export's name",
                        export.name.len(),
                        limits::NAME_BYTES_MAX,
                    )?;
                    self.exports.push(Export {
                        name: export.name,
                        kind: export.kind,
                        index: export.index,
                    });
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let element = element.map_err(bad_section)?;
                    let ElementKind::Active { offset_expr, .. } = &element.kind else {
                        return Err(refused("it has a passive element segment"));
                    };
                    let ElementItems::Functions(functions) = element.items else {
                        return Err(refused("it has an element segment of expressions"));
                    };
                    let offset = constant_i32(offset_expr)?;
                    limit(
                        "",
                        "elements of a segment",
                        functions.count(),
                        limits::ELEMENTS_TOTAL_MAX,
                    )?;
                    let functions: Result<Vec<u32>, _> = functions.into_iter().collect();
                    self.elements
                        .push((offset, functions.map_err(bad_section)?));
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data.map_err(bad_section)?;
                    let DataKind::Active { offset_expr, .. } = &data.kind else {
                        return Err(refused("it has a passive data segment"));
                    };
                    self.data.push((constant_i32(offset_expr)?, data.data));
                }
            }
            Payload::CustomSection(section) => {
                if section.name() == MIGRATE_VERSION && self.migrate_version.is_none() {
                    self.migrate_version = version(section.data());
                }
            }
            Payload::CodeSectionEntry(_)
            | Payload::CodeSectionStart { .. }
            | Payload::DataCountSection { .. }
            | Payload::Version { .. }
            | Payload::End(_) => {}
            _ => return Err(refused("it has a section of a kind that we do not know")),
        }
        Ok(())
    }

    /// Segments outside memory or table would trap at every load: refused here, where someone can read why.
    fn check_segments(&self) -> Result<(), PrepareError> {
        let fits = |offset: i32, length: usize, size: u64| {
            // Offsets are unsigned; wasm writes them as signed constants.
            let end = u64::from(offset.cast_unsigned()).checked_add(u64::try_from(length).ok()?)?;
            (end <= size).then_some(())
        };
        let page = u64::try_from(limits::PAGE_BYTES).unwrap_or(u64::MAX);
        let bytes = self
            .memory
            .map_or(0, |(initial, _)| initial)
            .saturating_mul(page);
        for (offset, data) in &self.data {
            fits(*offset, data.len(), bytes)
                .ok_or_else(|| refused("it has a data segment outside its initial memory"))?;
        }
        let entries = self.table.map_or(0, |(initial, _)| initial);
        let mut total = 0_u64;
        for (offset, functions) in &self.elements {
            fits(*offset, functions.len(), entries)
                .ok_or_else(|| refused("it has an element segment outside its table"))?;
            total = total.saturating_add(u64::try_from(functions.len()).unwrap_or(u64::MAX));
        }
        limit(
            "",
            "elements of all segments",
            total,
            limits::ELEMENTS_TOTAL_MAX,
        )
    }
}

/// References as values are not of our dialect.
pub(super) fn numeric(ty: ValType) -> Result<(), PrepareError> {
    match ty {
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => Ok(()),
        _ => Err(refused(
            "it uses a value type other than i32, i64, f32, f64",
        )),
    }
}

fn constant(expr: &ConstExpr<'_>) -> Result<Constant, PrepareError> {
    let mut operators = expr.get_operators_reader();
    let first = operators.read().map_err(bad_section)?;
    let last = operators.read().map_err(bad_section)?;
    match (first, last) {
        (Operator::I32Const { value }, Operator::End) => Ok(Constant::I32(value)),
        (Operator::I64Const { value }, Operator::End) => Ok(Constant::I64(value)),
        (Operator::F32Const { value }, Operator::End) => Ok(Constant::F32(value.bits())),
        (Operator::F64Const { value }, Operator::End) => Ok(Constant::F64(value.bits())),
        _ => Err(refused(
            "it has an initial value or offset that is not a plain constant",
        )),
    }
}

fn constant_i32(expr: &ConstExpr<'_>) -> Result<i32, PrepareError> {
    match constant(expr)? {
        Constant::I32(value) => Ok(value),
        _ => Err(refused("it has an offset that is not an i32 constant")),
    }
}
