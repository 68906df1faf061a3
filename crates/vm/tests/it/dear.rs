//! Modules that upload takes and that are made to be dear for a compiler, by what they are.

use crate::harness::executing;

fn times(n: usize, text: &str) -> String {
    text.repeat(n)
}

/// A function that keeps `live` values on the operand stack around `n` times `inner`.
fn live(live: usize, inner: &str, n: usize) -> String {
    let (values, drops) = (times(live, "(i64.const 1) "), times(live, "drop "));
    format!(
        "(func (param i64 i32 f64) {values} {} {drops})",
        inner.repeat(n)
    )
}

/// `functions` of which each has `n` times `inner` and takes an `i64`, an `i32` and an `f64`.
fn straight(functions: usize, inner: &str, n: usize) -> String {
    times(
        functions,
        &format!("(func (param i64 i32 f64) {})", inner.repeat(n)),
    )
}

/// A block with so many results; `inner` runs over values for them.
fn results(results: usize, inner: &str) -> String {
    let (values, drops) = (times(results, "(i64.const 1) "), times(results, "drop "));
    let kinds = times(results, "i64 ");
    format!(
        "(func (param i64 i32 f64) (i64.const 3) (block (result {kinds}) {values} {inner}) {drops} drop)"
    )
}

/// Branch tables to blocks of which each lies one value deeper than the one around it.
fn tables(targets: usize, count: usize, of_results: usize) -> String {
    let kinds = times(of_results, "i64 ");
    let values = times(of_results, "(i64.const 1) ");
    let drops = times(of_results, "drop ");
    let depth = 4;
    let list: String = (0..targets).map(|n| format!("{} ", n % depth)).collect();
    let table = format!("{values} (local.get 1) (br_table {list} 0)");
    let mut text = table;
    for _ in 0..depth {
        text = format!("(i64.const 9) (block (result {kinds}) {text}) {drops} drop {values}");
    }
    let one = format!("{text} {drops}");
    times(count, &format!("(func (param i64 i32 f64) {one})"))
}

/// All of them.
pub(crate) fn modules() -> Vec<(&'static str, Vec<u8>)> {
    let division =
        "(local.get 0) (local.get 0) i64.div_s (local.get 0) (local.get 0) i64.rem_u drop drop ";
    let elements: String = (6..900).map(|n| format!("{n} ")).collect();
    let wide = format!("(func (param {}))", times(99, "i64 "));
    let registers = format!(
        "{} {}",
        times(16, "(local.get 1) (local.get 1) i32.add "),
        times(16, "drop ")
    );
    let modules = [
        (
            "divisions over many values",
            times(4, &live(9_900, division, 26_000)),
        ),
        (
            "registers over many values",
            times(4, &live(9_900, &registers, 4_500)),
        ),
        (
            "branches with a hundred results",
            times(4, &results(100, &times(45_000, "(local.get 1) (br_if 0) "))),
        ),
        (
            "branches with ten results",
            times(4, &results(10, &times(45_000, "(local.get 1) (br_if 0) "))),
        ),
        ("tables with a hundred results", tables(4_000, 80, 100)),
        ("tables with ten results", tables(4_000, 80, 10)),
        (
            "divisions",
            straight(4, "(local.get 0) (local.get 0) i64.rem_s drop ", 80_000),
        ),
        (
            "conversions",
            straight(
                4,
                "(local.get 2) i64.trunc_sat_f64_u f64.convert_i64_u i64.trunc_sat_f64_s f64.convert_i64_u drop ",
                50_000,
            ),
        ),
        (
            "rounding",
            straight(
                4,
                "(local.get 2) f64.nearest f64.sqrt f64.ceil f64.floor f64.sqrt f64.trunc drop ",
                55_000,
            ),
        ),
        (
            "smaller of two",
            straight(
                4,
                "(local.get 2) (local.get 2) f64.min (local.get 2) f64.max drop ",
                55_000,
            ),
        ),
        (
            "far loads",
            straight(4, "(local.get 1) i64.load offset=0xfffffff0 drop ", 45_000),
        ),
        (
            "near loads",
            straight(4, "(local.get 1) i64.load drop ", 80_000),
        ),
        (
            "bits",
            straight(4, "(local.get 0) i64.popcnt i64.clz i64.ctz drop ", 80_000),
        ),
        (
            "copies",
            straight(
                4,
                "(memory.copy (local.get 1) (local.get 1) (local.get 1)) ",
                30_000,
            ),
        ),
        ("small functions", times(4_900, "(func (i64.const 1) drop)")),
        (
            "small functions, each in the table",
            format!(
                "{} (table 2500 funcref) (elem (i32.const 0) {elements})",
                times(4_900, "(func)")
            ),
        ),
        (
            "types with many parameters",
            times(20, &wide) + &times(400, "(type (func (param i32)))"),
        ),
        (
            "calls with many arguments",
            format!(
                "(type $w (func (param {p}) (result {p}))) (func $w (type $w) unreachable) {}",
                times(
                    4,
                    &format!(
                        "(func {} {} {})",
                        times(100, "(i64.const 1) "),
                        times(40_000, "call $w "),
                        times(100, "drop ")
                    )
                ),
                p = times(100, "i64 ")
            ),
        ),
        (
            "stores of constants",
            straight(
                4,
                "(i64.store offset=65000 (local.get 1) (i64.const 0x7fffffffffffffff)) ",
                27_000,
            ),
        ),
    ];
    modules
        .into_iter()
        .map(|(name, more)| (name, executing("", &more, "(local.get $msg)")))
        .collect()
}
