//! Which operators wasmi 2.0.0 would fuse wrongly, by what was pushed before them (ADR 10).
//!
//! Promises: none of its known mistakes is reached. Errs to the safe side: what is not known for sure is rewritten.

use wasmparser::Operator;

use super::meter::Insert;

/// The top of the stack after an operator, as far as fusions depend on it. An operator that pushes nothing is rated by the instruction
/// that wasmi wrote last, which is what a fusion looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pushed {
    Local(u32),
    Zero,
    /// A constant other than zero.
    NonZero,
    /// A comparison that is neither equality nor inequality.
    Comparison,
    /// The result of another operator behind which wasmi's last instruction is no `i32` comparison with zero.
    Computed,
    /// Perhaps such a comparison: one itself, or an operator for which wasmi writes no instruction (`i64.extend_i32_u`,
    /// shifts by zero, some `select`s, ends of loops).
    Unknown,
}

/// The largest offset for which wasmi 2.0.0 can encode a store whose address and value are one register.
const SAME_REGISTER_OFFSET_MAX: u64 = 65_535;

/// What the last operators of a function pushed.
pub(super) struct Fusion {
    /// By the last two, the last one first.
    pushed: [Pushed; 2],
}

impl Default for Fusion {
    fn default() -> Self {
        Self {
            pushed: [Pushed::Unknown; 2],
        }
    }
}

impl Fusion {
    /// What to write before `operator`, so that it is not fused wrongly.
    pub(super) fn avoid(&self, operator: &Operator<'_>) -> Option<Insert> {
        use Operator as O;
        match operator {
            O::I32Store { memarg } | O::I32Store8 { memarg } | O::I32Store16 { memarg } => {
                (memarg.offset > SAME_REGISTER_OFFSET_MAX && self.maybe_same())
                    .then_some(Insert::RecomputeI32)
            }
            // `i32.wrap_i64` keeps the register of its operand, though it writes an instruction: the address may be in the same register again.
            O::I64Store { memarg }
            | O::I64Store8 { memarg }
            | O::I64Store16 { memarg }
            | O::I64Store32 { memarg } => (memarg.offset > SAME_REGISTER_OFFSET_MAX
                && self.maybe_same_wide())
            .then_some(Insert::RecomputeI64),
            // It takes an `i32` comparison with zero out of the condition if that is the last instruction, and then looks at
            // another value: a `select` that gives the wrong one.
            O::Select | O::TypedSelect { .. } => {
                (self.pushed[0] == Pushed::Unknown).then_some(Insert::RecomputeI32)
            }
            _ => None,
        }
    }

    /// Notes that `operator` comes next.
    pub(super) fn push(&mut self, operator: &Operator<'_>) {
        self.pushed = [self.pushed_by(operator), self.pushed[0]];
    }

    fn pushed_by(&self, operator: &Operator<'_>) -> Pushed {
        use Operator as O;
        let [last, before] = self.pushed;
        match operator {
            O::LocalGet { local_index } => Pushed::Local(*local_index),
            O::I32Const { value: 0 } | O::I64Const { value: 0 } => Pushed::Zero,
            O::I32Const { .. } | O::I64Const { .. } => Pushed::NonZero,
            O::I32Eq | O::I32Ne | O::I64Eq | O::I64Ne if last == Pushed::NonZero => {
                Pushed::Computed
            }
            // A comparison of `i64` is one of `i32` only if it was joined with one below it.
            O::I64Eqz if last != Pushed::Unknown => Pushed::Computed,
            O::I64Eq | O::I64Ne if matches!(last, Pushed::Local(_)) => Pushed::Computed,
            O::I64Eq | O::I64Ne if last == Pushed::Zero && before != Pushed::Unknown => {
                Pushed::Computed
            }
            _ if compares_otherwise(operator) => Pushed::Comparison,
            _ if computes(operator) => Pushed::Computed,
            _ => Pushed::Unknown,
        }
    }

    /// Whether address and value on top of the stack may be the same local.
    fn maybe_same(&self) -> bool {
        match self.pushed {
            [Pushed::Zero | Pushed::NonZero | Pushed::Comparison, _]
            | [
                Pushed::Local(_),
                Pushed::Zero | Pushed::NonZero | Pushed::Comparison,
            ] => false,
            [Pushed::Local(value), Pushed::Local(address)] => value == address,
            _ => true,
        }
    }

    /// Whether the `i64` on top of the stack may be in the register of the address below it. Two locals may share one: a
    /// local that was set to the wrapped other is not moved.
    fn maybe_same_wide(&self) -> bool {
        !matches!(
            self.pushed,
            [Pushed::Zero | Pushed::NonZero, _]
                | [Pushed::Local(_), Pushed::Zero | Pushed::NonZero]
        )
    }
}

fn compares_otherwise(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::I32LtS
            | O::I32LtU
            | O::I32GtS
            | O::I32GtU
            | O::I32LeS
            | O::I32LeU
            | O::I32GeS
            | O::I32GeU
            | O::I64LtS
            | O::I64LtU
            | O::I64GtS
            | O::I64GtU
            | O::I64LeS
            | O::I64LeU
            | O::I64GeS
            | O::I64GeU
    )
}

/// Operators for which wasmi always writes an instruction of their own, unless it knows the result. Two write none, and are safe for another
/// reason: a call without results leaves no comparison that could still be fused (wasmi spills the register and forgets its last
/// instruction), and `local.tee` of what `local.get` gave has a local for its operand.
fn computes(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::LocalTee { .. }
            | O::GlobalGet { .. }
            | O::Call { .. }
            | O::CallIndirect { .. }
            | O::MemorySize { .. }
            | O::I32Load { .. }
            | O::I32Load8S { .. }
            | O::I32Load8U { .. }
            | O::I32Load16S { .. }
            | O::I32Load16U { .. }
            | O::I64Load { .. }
            | O::I64Load8S { .. }
            | O::I64Load8U { .. }
            | O::I64Load16S { .. }
            | O::I64Load16U { .. }
            | O::I64Load32S { .. }
            | O::I64Load32U { .. }
            | O::I32Clz
            | O::I32Ctz
            | O::I32Popcnt
            | O::I32Add
            | O::I32Sub
            | O::I32Mul
            | O::I32And
            | O::I32Or
            | O::I32Xor
            | O::I32WrapI64
            | O::I32Extend8S
            | O::I32Extend16S
            | O::I64Clz
            | O::I64Ctz
            | O::I64Popcnt
            | O::I64Add
            | O::I64Sub
            | O::I64Mul
            | O::I64And
            | O::I64Or
            | O::I64Xor
            | O::I64ExtendI32S
            | O::I64Extend8S
            | O::I64Extend16S
            | O::I64Extend32S
    )
}
