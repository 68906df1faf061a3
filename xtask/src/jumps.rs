//! The machine code of the interpreter's instructions in the release binary (ADR 8): each ends with a jump to the next one. A call
//! instead would leave a frame on the machine's stack at every pass of a contract's loop. Rust promises no tail calls, so what the compiler
//! made is looked at, function by function.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::command::{command, root};
use crate::report::Count;

/// Where the functions are, one for each of the interpreter's instructions.
const HANDLERS: &str = "wasmi::engine::executor::handler::exec::";
/// There are some 1,080. Far fewer mean that they were not found under their names.
const EXPECTED_MIN: usize = 900;
/// Which may call through a pointer, and why that is bounded.
const MAY_CALL: [(&str, &str); 4] = [
    // To copy values, before the jump.
    ("branch_table_span_r", "a copy"),
    ("branch_table_span_s", "a copy"),
    // `prepare` lets it be reached at most once for each page that there can be (`grow_memory`).
    ("memory_grow", "rare"),
    // Refused at upload.
    ("table_grow", "never"),
];
/// Which of the functions are parts of others and not instructions.
const PARTS: [&str; 1] = ["memory_copy_within"];

/// Looks at all of them; an error names those that are wrong.
pub(crate) fn check() -> Result<Count> {
    let binary = root().join("target/release/strongroom");
    ensure!(binary.exists(), "no release binary: cargo xtask build");
    let mut disassembler = command(
        "objdump",
        &["--disassemble", "--demangle", "--no-show-raw-insn"],
        ".",
    );
    let found = read(disassembler.arg(binary))?;
    ensure!(
        found.handlers >= EXPECTED_MIN,
        "only {} functions under {HANDLERS}: was wasmi changed?",
        found.handlers
    );
    ensure!(
        found.known,
        "no call through a pointer in any of {MAY_CALL:?}: is a call written otherwise by this objdump?"
    );
    for line in &found.wrong {
        eprintln!("not a jump: {line}");
    }
    println!(
        "{} instructions of the interpreter end with a jump",
        found.handlers
    );
    Ok(Count::check(found.wrong.is_empty()))
}

#[derive(Default)]
struct Found {
    handlers: usize,
    /// Whether one of those that may call was seen to: calls are read as they are written.
    known: bool,
    wrong: Vec<String>,
}

fn read(disassembler: &mut Command) -> Result<Found> {
    let mut child = disassembler
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("objdump, of the package binutils")?;
    let output = child.stdout.take().context("no output")?;
    let mut found = Found::default();
    let mut handler = None;
    for line in BufReader::new(output).lines() {
        look(&line?, &mut handler, &mut found);
    }
    ensure!(child.wait()?.success(), "objdump failed");
    Ok(found)
}

/// One line of the disassembly.
fn look(line: &str, handler: &mut Option<String>, found: &mut Found) {
    if let Some(name) = line
        .split_once(" <")
        .and_then(|(_, rest)| rest.strip_suffix(">:"))
    {
        *handler = name.strip_prefix(HANDLERS).map(str::to_owned);
        found.handlers += usize::from(handler.is_some());
        return;
    }
    let Some(name) = handler else { return };
    // Older ones write `callq`.
    let Some((_, target)) = line
        .split_once("call ")
        .or_else(|| line.split_once("callq "))
    else {
        return;
    };
    let target = target.trim();
    // Through the table of what other libraries have, which no instruction is in.
    let of_library = target.contains("(%rip)");
    let through_pointer = target.starts_with('*') && !of_library;
    let to_handler = target
        .split_once('<')
        .and_then(|(_, called)| called.strip_prefix(HANDLERS))
        .is_some_and(|called| !PARTS.contains(&called.trim_end_matches('>')));
    let allowed = MAY_CALL.iter().any(|(may, _)| may == name);
    found.known |= allowed && through_pointer;
    if to_handler || (through_pointer && !allowed) {
        found.wrong.push(format!("{name}: call {target}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &str, instruction: &str) -> bool {
        let mut found = Found::default();
        let mut handler = None;
        look(
            &format!("0000000000001000 <{HANDLERS}{name}>:"),
            &mut handler,
            &mut found,
        );
        look(
            &format!("    1004:\t{instruction}"),
            &mut handler,
            &mut found,
        );
        look(
            "0000000000002000 <other::function>:",
            &mut handler,
            &mut found,
        );
        look("    2004:\tcall   *%rax", &mut handler, &mut found);
        assert_eq!(found.handlers, 1);
        !found.wrong.is_empty()
    }

    #[test]
    fn an_instruction_that_calls_the_next_one_is_found() {
        assert!(wrong("i32_add_ssr", "call   *(%r10,%rax,8)"));
        assert!(wrong("i32_add_ssr", "call   *%rax"));
        assert!(wrong("i32_add_ssr", "callq  *%rax"));
        assert!(wrong(
            "memory_grow",
            &format!("call   1f0 <{HANDLERS}branch>")
        ));
    }

    #[test]
    fn jumps_and_calls_of_libraries_are_right() {
        assert!(!wrong("i32_add_ssr", "jmp    *(%r10,%rax,8)"));
        assert!(!wrong(
            "f32_ceil",
            "call   *0x16e478(%rip)        # 49ccb0 <_DYNAMIC+0x3e0>"
        ));
        assert!(!wrong("memory_grow", "call   *(%r10,%rax,8)"));
        assert!(!wrong(
            "memory_copy",
            &format!("call   1f0 <{HANDLERS}memory_copy_within>")
        ));
    }
}
