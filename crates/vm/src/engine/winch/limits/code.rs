//! How much machine code an operator gives, about: from modules that repeat one of them (x86-64, docs/adr/0021-a-fast-tier.md). What grows is
//! the values that calls and branches carry: two bytes of wasm may move two hundred.

use wasmparser::{
    BlockType, FrameKind, FuncValidator, Operator, ValidatorResources, WasmModuleResources,
};

type Function = FuncValidator<ValidatorResources>;

/// Bytes to bring a value to its place.
const VALUE: u64 = 12;

/// Bytes of code for the operator that comes next.
pub(super) fn guess(function: &Function, operator: &Operator<'_>) -> u64 {
    use Operator as O;
    match operator {
        O::Call { function_index } => {
            let ty = function.resources().type_index_of_function(*function_index);
            carrying(16, ty.map_or(0, |ty| values_of(function, ty)))
        }
        O::CallIndirect { type_index, .. } => carrying(100, values_of(function, *type_index)),
        O::Br { relative_depth } | O::BrIf { relative_depth } => {
            carrying(16, values_to(function, *relative_depth))
        }
        O::BrTable { targets } => {
            let all = targets.targets().chain([Ok(targets.default())]).flatten();
            all.map(|depth| carrying(8, values_to(function, depth)))
                .fold(16, u64::saturating_add)
        }
        O::Return => {
            let outermost = function.control_stack_height().saturating_sub(1);
            carrying(16, values_to(function, outermost))
        }
        O::End | O::Else => carrying(4, values_to(function, 0)),
        plain => plain_bytes(plain),
    }
}

fn carrying(bytes: u64, values: u64) -> u64 {
    values.saturating_mul(VALUE).saturating_add(bytes)
}

fn length(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Parameters and results of a type.
fn values_of(function: &Function, ty: u32) -> u64 {
    let ty = function.resources().sub_type_at(ty);
    let ty = ty.map(wasmparser::SubType::unwrap_func);
    ty.map_or(0, |ty| {
        length(ty.params().len()).saturating_add(length(ty.results().len()))
    })
}

/// What a branch to a block carries.
fn values_to(function: &Function, depth: u32) -> u64 {
    let frame = usize::try_from(depth)
        .ok()
        .and_then(|depth| function.get_control_frame(depth));
    let Some(frame) = frame else { return 0 };
    match frame.block_type {
        // Blocks have no parameters: upload refuses them.
        _ if frame.kind == FrameKind::Loop => 0,
        BlockType::Empty => 0,
        BlockType::Type(_) => 1,
        BlockType::FuncType(ty) => {
            let ty = function.resources().sub_type_at(ty);
            ty.map_or(0, |ty| length(ty.unwrap_func().results().len()))
        }
    }
}

/// Operators that carry nothing.
fn plain_bytes(operator: &Operator<'_>) -> u64 {
    use Operator as O;
    match operator {
        O::Nop | O::Drop | O::Block { .. } | O::Loop { .. } => 0,
        O::LocalGet { .. } | O::GlobalGet { .. } => 4,
        O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryGrow { .. } => 250,
        O::I32DivS | O::I32DivU | O::I32RemS | O::I32RemU => 30,
        O::I64DivS | O::I64DivU | O::I64RemS | O::I64RemU => 30,
        O::F32Min | O::F32Max | O::F64Min | O::F64Max => 60,
        O::I32TruncF32S | O::I32TruncF32U | O::I32TruncF64S | O::I32TruncF64U => 95,
        O::I64TruncF32S | O::I64TruncF32U | O::I64TruncF64S | O::I64TruncF64U => 95,
        O::I32TruncSatF32S | O::I32TruncSatF32U | O::I32TruncSatF64S | O::I32TruncSatF64U => 100,
        O::I64TruncSatF32S | O::I64TruncSatF32U | O::I64TruncSatF64S | O::I64TruncSatF64U => 110,
        O::F32ConvertI32U | O::F32ConvertI64U | O::F64ConvertI32U | O::F64ConvertI64U => 50,
        O::F32Add | O::F32Sub | O::F32Mul | O::F32Div | O::F32Sqrt => 28,
        O::F64Add | O::F64Sub | O::F64Mul | O::F64Div | O::F64Sqrt => 28,
        O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest => 28,
        O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest => 28,
        O::F32Eq | O::F32Ne | O::F32Lt | O::F32Gt | O::F32Le | O::F32Ge | O::F32Copysign => 32,
        O::F64Eq | O::F64Ne | O::F64Lt | O::F64Gt | O::F64Le | O::F64Ge | O::F64Copysign => 36,
        O::I32Store { .. } | O::I64Store { .. } | O::F32Store { .. } | O::F64Store { .. } => 16,
        O::Unreachable => 16,
        _ => 10,
    }
}
