//! What is compiled: bounds of time and memory, as nothing can stop the compiler. None of it is consensus: a module that is refused goes on
//! with the interpreter. Measured in docs/adr/0021-a-fast-tier.md; "seen" as in [`crate::limits`].

mod code;

use wasmparser::{ElementItems, Parser, Payload, ValidPayload, Validator, ValidatorResources};
use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody};

use super::tier;
use crate::error::EngineError;
use crate::limits;
use crate::prepare::{FEATURES, Prepared};

/// Bytes of a contract's stack: as many times more than our own count as the interpreter's, so that it is never reached.
pub(super) const STACK_BYTES: usize =
    (limits::STACK_SLOTS_MAX as usize) * size_of::<u64>() * limits::ENGINE_STACK_FACTOR;
/// Bytes behind it for what the host does on the same stack: taking orders.
pub(super) const HOST_STACK_BYTES: usize = 1 << 20;

/// Weight of a module ([`Prepared::weight`]): a contract of 2 MiB has less.
const WEIGHT_MAX: usize = 12 << 20;
/// Functions of its own: each has a frame, tables and, where it can be called from outside, more code. Seen: 680.
const FUNCTIONS_MAX: usize = 5_000;
/// Entries of element segments: for each function in them the *optimising* compiler writes a way in. Seen: 193.
const ELEMENTS_MAX: u64 = 1_000;
/// Types of functions, and their parameters and results together: the same for each type. Seen: below 150.
const TYPES_MAX: u64 = 500;
const VALUES_OF_TYPES_MAX: u64 = 3_000;
/// Values on the operand stack, added up over all operators: at many of them the compiler looks at all of them.
const HEIGHTS_MAX: u64 = 30_000_000;
/// Machine code beside a byte of it for each byte of weight. Contracts have half of that.
pub(crate) const CODE_SLACK_BYTES: usize = 128 << 10;
/// How much more code than a module may have it may look to give before it is compiled: the guess is no promise.
const GUESS_FACTOR: usize = 2;

fn refused(what: &str) -> EngineError {
    tier(format_args!("too much to compile: {what}"))
}

/// Refuses what would take long to compile.
pub(super) fn check(prepared: &Prepared) -> Result<(), EngineError> {
    if prepared.weight() > WEIGHT_MAX {
        return Err(refused("weight"));
    }
    if prepared.functions() > FUNCTIONS_MAX {
        return Err(refused("functions"));
    }
    // It was validated by `prepare`: errors of the parser are ours.
    let broken = |e: wasmparser::BinaryReaderError| tier(e.message());
    let mut validator = Validator::new_with_features(FEATURES);
    let mut allocations = FuncValidatorAllocations::default();
    let (mut heights, mut code) = (0_u64, 0_u64);
    let code_max = GUESS_FACTOR.saturating_mul(code_max(prepared));
    let code_max = u64::try_from(code_max).unwrap_or(u64::MAX);
    for payload in Parser::new(0).parse_all(prepared.wasm()) {
        let payload = payload.map_err(broken)?;
        match &payload {
            Payload::TypeSection(types) => {
                let (mut count, mut values) = (0_u64, 0_u64);
                for ty in types.clone().into_iter_err_on_gc_types() {
                    let ty = ty.map_err(broken)?;
                    let of_it = ty.params().len().saturating_add(ty.results().len());
                    count = count.saturating_add(1);
                    values = values.saturating_add(u64::try_from(of_it).unwrap_or(u64::MAX));
                }
                if count > TYPES_MAX || values > VALUES_OF_TYPES_MAX {
                    return Err(refused("types"));
                }
            }
            Payload::ElementSection(segments) => {
                let mut count = 0_u64;
                for segment in segments.clone() {
                    if let ElementItems::Functions(items) = segment.map_err(broken)?.items {
                        count = count.saturating_add(items.count().into());
                    }
                }
                if count > ELEMENTS_MAX {
                    return Err(refused("elements"));
                }
            }
            _ => {}
        }
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(broken)? {
            allocations =
                add(function, &body, allocations, &mut heights, &mut code).map_err(broken)?;
            if heights > HEIGHTS_MAX {
                return Err(refused("values on the operand stack"));
            }
            if code > code_max {
                return Err(refused("it would give too much code"));
            }
        }
    }
    Ok(())
}

/// Adds what a function has.
fn add(
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    allocations: FuncValidatorAllocations,
    heights: &mut u64,
    code: &mut u64,
) -> Result<FuncValidatorAllocations, wasmparser::BinaryReaderError> {
    let mut validator = function.into_validator(allocations);
    validator.read_locals(&mut body.get_binary_reader())?;
    for operator in body.get_operators_reader()?.into_iter_with_offsets() {
        let (operator, offset) = operator?;
        *code = code.saturating_add(code::guess(&validator, &operator));
        validator.op(offset, &operator)?;
        *heights = heights.saturating_add(validator.operand_stack_height().into());
    }
    Ok(validator.into_allocations())
}

/// Bytes of machine code that a module may have: the cache counts as many.
fn code_max(prepared: &Prepared) -> usize {
    prepared.weight().saturating_add(CODE_SLACK_BYTES)
}

/// Refuses code that is larger than what it is worth.
pub(super) fn check_code(prepared: &Prepared, bytes: usize) -> Result<(), EngineError> {
    if bytes > code_max(prepared) {
        return Err(refused("it gave too much code"));
    }
    Ok(())
}
