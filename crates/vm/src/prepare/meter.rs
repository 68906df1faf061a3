//! Validates a function, holds it against the limits and plans what to insert: where gas is charged, and how much.
//!
//! **What is charged.** Each executed operator costs its [`gas::price`]; a pass through the head of a `loop` costs once
//! more each time. A function that ends normally has paid exactly the sum, and what `stack` charges for deep frames. A function that traps has paid for the whole
//! of each segment it entered.
//!
//! **Where.** A *segment* is a set of operators that run equally often: it is charged once, where it is entered. New
//! segments begin at function entry, at a loop's head, in each arm of an `if`, behind `br_if`, and behind the `end` of
//! a block that a branch reaches. They merge: code behind a block runs as often as the code before it unless a branch
//! (or `return`) leaves the block for further out, so it joins the segment before the block; and code behind an `end`
//! that nobody branches to joins the segment that runs into it.
//!
//! **Where it is looked at.** Gas may go below zero between two checks. It is checked where code can repeat: at the entry
//! of functions, at the head of loops, in bulk operators, in every import, and at the end. So what runs beyond
//! the limit is at most one pass through one function without its loops, and nothing of it can be seen.

use wasmparser::{
    FuncValidator, FuncValidatorAllocations, FunctionBody, Operator, ValType, ValidatorResources,
};

use super::fusion::Fusion;
use super::scan::{Body, numeric};
use super::{limit, refused};
use crate::error::{Invalid, PrepareError};
use crate::{gas, limits};

/// What to do before the operator at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Insert {
    /// Charge the cost of this segment.
    Charge(usize),
    /// The same, and stop if that was more than there is.
    ChargeAndCheck(usize),
    /// Charge for the bytes of a copy or fill, whose count is on top of the stack.
    Bulk,
    /// Replace this `memory.grow` of so many bytes by a call of ours, which charges for the pages, grows, and answers the same.
    Grow(usize),
    /// Replace this `return` by a branch out of this many blocks.
    Return(u32),
    /// Write `i32.const 0, i32.or`: the `i32` on top of the stack is computed once more, to the same value, and an optimisation of
    /// wasmi's that is wrong does not apply (ADR 10).
    RecomputeI32,
    /// The same for an `i64`.
    RecomputeI64,
}

/// The plan for one function.
pub(super) struct Plan {
    /// Offsets into the module, ascending, with what to insert there.
    pub(super) inserts: Vec<(usize, Insert)>,
    /// The cost of each segment, in wasm gas.
    pub(super) costs: Vec<u64>,
    /// Where the operators begin.
    pub(super) code_start: usize,
    /// Slots of its frame.
    pub(super) slots: u32,
    /// Whether the frame is counted: it calls something, or is too large for the margin of the stack.
    pub(super) counted: bool,
    /// Its result types.
    pub(super) results: Vec<ValType>,
}

/// Sums over all functions of a module.
#[derive(Default)]
pub(super) struct Totals {
    params: usize,
    locals: usize,
    /// Targets of branch tables: a byte each in wasm, a multiple of that in engines.
    pub(super) targets: usize,
}

/// Validates and plans one function. `allocations` are reused from function to function.
pub(super) fn plan(
    body: Body<'_>,
    params: &[ValType],
    results: &[ValType],
    totals: &mut Totals,
    allocations: FuncValidatorAllocations,
) -> Result<(Plan, FuncValidatorAllocations), PrepareError> {
    let (function, body) = body;
    let broken = |_| super::invalid(Invalid::Code);
    limit(
        "",
        "bytes of a function",
        body.range().len(),
        limits::BODY_BYTES_MAX,
    )?;
    let locals = locals(&body)?;
    totals.params = totals.params.saturating_add(params.len());
    totals.locals = totals.locals.saturating_add(locals);
    limit(
        "",
        "parameters of all functions",
        totals.params,
        limits::PARAMS_TOTAL_MAX,
    )?;
    limit(
        "",
        "locals of all functions",
        totals.locals,
        limits::LOCALS_TOTAL_MAX,
    )?;

    let mut validator = function.into_validator(allocations);
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader).map_err(broken)?;
    let code_start = reader.original_position();
    let mut operators = body.get_operators_reader().map_err(broken)?;
    let slots = params.len().saturating_add(locals);
    let entry = gas::LOCAL.saturating_mul(u64::try_from(slots).unwrap_or(u64::MAX));
    let mut meter = Meter::new(code_start, entry);
    let mut operands = 0;
    while !operators.eof() {
        let offset = operators.original_position();
        let operator = operators.read().map_err(broken)?;
        accept(&operator)?;
        if let Operator::BrTable { targets } = &operator {
            totals.targets = totals
                .targets
                .saturating_add(usize::try_from(targets.len()).unwrap_or(usize::MAX));
        }
        validator.op(offset, &operator).map_err(broken)?;
        refuse_block_parameters(&operator, &validator)?;
        operands = operands.max(validator.operand_stack_height());
        limit(
            "",
            "values on the operand stack",
            operands,
            limits::OPERANDS_MAX,
        )?;
        meter.step(&operator, offset, operators.original_position())?;
    }
    validator
        .finish(operators.original_position())
        .map_err(broken)?;
    let slots = u32::try_from(slots)
        .unwrap_or(u32::MAX)
        .saturating_add(operands)
        .saturating_add(limits::FRAME_SLOTS);
    let plan = Plan {
        inserts: meter.inserts,
        costs: meter.costs,
        code_start,
        slots,
        counted: meter.calls || slots > limits::UNCOUNTED_SLOTS_MAX,
        results: results.to_vec(),
    };
    Ok((plan, validator.into_allocations()))
}

/// The number of declared locals.
fn locals(body: &FunctionBody<'_>) -> Result<usize, PrepareError> {
    let broken = |_| super::invalid(Invalid::Code);
    let mut locals = 0_usize;
    for group in body.get_locals_reader().map_err(broken)? {
        let (count, ty) = group.map_err(broken)?;
        numeric(ty)?;
        locals = locals.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
        limit("", "locals of a function", locals, limits::LOCALS_MAX)?;
    }
    Ok(locals)
}

/// Refuses a block that takes values from the stack. wasmi 2.0.0 takes the first of a loop's for a local that lies below it, and
/// loses a local below those of nested blocks, so the function goes on with another number (ADR 10). Compilers of contracts write
/// no such blocks.
fn refuse_block_parameters(
    operator: &Operator<'_>,
    validator: &FuncValidator<ValidatorResources>,
) -> Result<(), PrepareError> {
    let (Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }) = operator else {
        return Ok(());
    };
    // The operator has been validated: what stands above the new frame's floor are its parameters.
    let floor = validator.get_control_frame(0).map(|frame| frame.height);
    if floor == usize::try_from(validator.operand_stack_height()).ok() {
        return Ok(());
    }
    Err(refused("it has a block with parameters"))
}

/// Refuses operators that are valid and not of our dialect.
fn accept(operator: &Operator<'_>) -> Result<(), PrepareError> {
    match operator {
        Operator::BrTable { targets } => limit(
            "",
            "targets of a br_table",
            targets.len(),
            limits::BR_TABLE_TARGETS_MAX,
        ),
        Operator::TypedSelect { ty } => numeric(*ty),
        _ => Ok(()),
    }?;
    match gas::price(operator) {
        Some(_) => Ok(()),
        None => Err(refused(format!("it uses {}", foreign(operator)))),
    }
}

/// What an operator that is valid and not of our dialect is called, by the specification of WebAssembly.
fn foreign(operator: &Operator<'_>) -> &'static str {
    match operator {
        Operator::MemoryInit { .. } => "the instruction memory.init",
        Operator::DataDrop { .. } => "the instruction data.drop",
        Operator::TableInit { .. } => "the instruction table.init",
        Operator::ElemDrop { .. } => "the instruction elem.drop",
        Operator::TableCopy { .. } => "the instruction table.copy",
        Operator::TableGet { .. } => "the instruction table.get",
        Operator::TableSet { .. } => "the instruction table.set",
        Operator::TableGrow { .. } => "the instruction table.grow",
        Operator::TableSize { .. } => "the instruction table.size",
        Operator::TableFill { .. } => "the instruction table.fill",
        Operator::RefNull { .. } => "the instruction ref.null",
        Operator::RefIsNull => "the instruction ref.is_null",
        Operator::RefFunc { .. } => "the instruction ref.func",
        _ => "an instruction that is not of our dialect",
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Loop,
    If,
    Else,
}

/// An open block.
struct Frame {
    kind: Kind,
    /// The segment that led here.
    before: usize,
    /// Whether the block can be entered at all.
    live: bool,
    /// Whether the first arm of an `if … else` runs into its end.
    then_live: bool,
    /// Whether a branch reaches its end.
    reached: bool,
    /// The outermost frame that a branch within it goes to.
    outermost: usize,
}

struct Meter {
    inserts: Vec<(usize, Insert)>,
    costs: Vec<u64>,
    frames: Vec<Frame>,
    segment: usize,
    live: bool,
    calls: bool,
    fusion: Fusion,
}

impl Meter {
    fn new(start: usize, entry_cost: u64) -> Self {
        let function = Frame {
            kind: Kind::Block,
            before: 0,
            live: true,
            then_live: false,
            reached: false,
            outermost: usize::MAX,
        };
        Self {
            inserts: vec![(start, Insert::ChargeAndCheck(0))],
            costs: vec![entry_cost],
            frames: vec![function],
            segment: 0,
            live: true,
            calls: false,
            fusion: Fusion::default(),
        }
    }

    /// Adds to the current segment.
    fn charge(&mut self, cost: u64) {
        if let Some(sum) = self.costs.get_mut(self.segment) {
            *sum = sum.saturating_add(cost);
        }
    }

    /// Begins a segment before the operator at `offset`.
    fn open(&mut self, offset: usize, insert: fn(usize) -> Insert) {
        self.segment = self.costs.len();
        self.costs.push(0);
        self.inserts.push((offset, insert(self.segment)));
    }

    fn enter(&mut self, kind: Kind) -> Result<(), PrepareError> {
        let frame = Frame {
            kind,
            before: self.segment,
            live: self.live,
            then_live: false,
            reached: false,
            outermost: usize::MAX,
        };
        self.frames.push(frame);
        // The function itself is a frame too.
        limit(
            "",
            "nesting of blocks",
            self.frames.len().saturating_sub(1),
            limits::NESTING_MAX,
        )
    }

    /// Notes a branch out of `depth` blocks.
    fn branch(&mut self, depth: u32) {
        let depth = usize::try_from(depth).unwrap_or(usize::MAX);
        // The validator has seen this depth before us; a deeper one would be the function's own.
        let target = self.frames.len().saturating_sub(1).saturating_sub(depth);
        if let Some(frame) = self.frames.get_mut(target) {
            frame.reached = true;
        }
        if let Some(top) = self.frames.last_mut() {
            top.outermost = top.outermost.min(target);
        }
    }

    fn step(
        &mut self,
        operator: &Operator<'_>,
        offset: usize,
        next: usize,
    ) -> Result<(), PrepareError> {
        if self.live {
            // A loop's price is paid at its head, inside it.
            if !matches!(operator, Operator::Loop { .. }) {
                self.charge(gas::price(operator).unwrap_or(u64::MAX));
            }
        }
        match operator {
            Operator::Block { .. } => self.enter(Kind::Block)?,
            Operator::Loop { .. } => {
                self.enter(Kind::Loop)?;
                if self.live {
                    self.open(next, Insert::ChargeAndCheck);
                    self.charge(gas::price(operator).unwrap_or(u64::MAX));
                }
            }
            Operator::If { .. } => {
                self.enter(Kind::If)?;
                if self.live {
                    self.open(next, Insert::Charge);
                }
            }
            Operator::Else => {
                let live = self.live;
                if let Some(frame) = self.frames.last_mut() {
                    frame.then_live = live;
                    frame.kind = Kind::Else;
                    self.live = frame.live;
                }
                if self.live {
                    self.open(next, Insert::Charge);
                }
            }
            Operator::End => self.leave(next),
            // What cannot run costs nothing and reaches nothing.
            _ if !self.live => {}
            Operator::Br { relative_depth } => {
                self.branch(*relative_depth);
                self.live = false;
            }
            Operator::BrIf { relative_depth } => {
                self.branch(*relative_depth);
                self.open(next, Insert::Charge);
            }
            Operator::BrTable { targets } => {
                for depth in targets.targets() {
                    self.branch(depth.map_err(|_| super::invalid(Invalid::Code))?);
                }
                self.branch(targets.default());
                self.live = false;
            }
            Operator::Return => {
                let depth = u32::try_from(self.frames.len().saturating_sub(1)).unwrap_or(u32::MAX);
                self.branch(depth);
                self.inserts.push((offset, Insert::Return(depth)));
                self.live = false;
            }
            Operator::Unreachable => self.live = false,
            Operator::Call { .. } | Operator::CallIndirect { .. } => self.calls = true,
            Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } => {
                self.inserts.push((offset, Insert::Bulk))
            }
            Operator::MemoryGrow { .. } => {
                let length = next.saturating_sub(offset);
                self.inserts.push((offset, Insert::Grow(length)));
            }
            _ => {}
        }
        if self.live {
            self.inserts
                .extend(self.fusion.avoid(operator).map(|insert| (offset, insert)));
        }
        self.fusion.push(operator);
        Ok(())
    }

    fn leave(&mut self, next: usize) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        let index = self.frames.len();
        if let Some(parent) = self.frames.last_mut() {
            parent.outermost = parent.outermost.min(frame.outermost);
        }
        let through = match frame.kind {
            Kind::Block => self.live || frame.reached,
            Kind::Loop => self.live,
            Kind::If => true,
            Kind::Else => self.live || frame.then_live || frame.reached,
        };
        self.live = frame.live && through;
        if !self.live {
            return;
        }
        let contained = frame.outermost >= index;
        let straight = match frame.kind {
            Kind::Block => !frame.reached,
            Kind::Loop => true,
            Kind::If | Kind::Else => false,
        };
        if contained {
            self.segment = frame.before;
        } else if !straight {
            self.open(next, Insert::Charge);
        }
    }
}
