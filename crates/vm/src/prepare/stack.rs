//! What is written into a module about its stack: frames are counted, and what a contract's functions find on the engine's
//! stack was zeroed, or written, during the same call of an export.
//!
//! wasmi hands out its value stack without clearing it and trusts its translator to read no place that was not written.
//! A mistake there (ADR 10 has one) would give a contract what another call, or the enclave, left in memory, and nodes
//! different results. So the module clears the stack itself: the locals of a function are zeroed when it is entered, and
//! `clear` is a function with nothing but locals.
//!
//! - The host calls each export through a function of ours ([`write_export`]). Such a call has a stack of its own, also where
//!   another call waits (the allocator's): `base` is the depth where it begins, `cleared` the depth up to which its stack is clear.
//!   Both are what they were when it has ended.
//! - A frame that ends above `cleared` calls `grow` ([`write_grow`]) first: it stops the contract at
//!   [`limits::STACK_SLOTS_MAX`], else clears twice what is in use and pays for each slot as for a local.
//!
//! A frame uses at most the slots it is counted with, so nothing is used beyond `cleared` + [`limits::STACK_MARGIN_SLOTS`]; the
//! margin is for frames that are not counted. `grow` does not know at which place the frame lies whose entry calls it, only
//! that no frame lies below place 0: clearing as many slots as are in use, and the margin, would be enough. It is twice as
//! many so that a call grows few times.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use crate::{gas, limits};

/// Indices of what is added for the stack.
#[derive(Clone, Copy)]
pub(super) struct Stack {
    /// The global `gas`.
    pub(super) gas: u32,
    /// The global `depth`: slots of all counted frames.
    pub(super) depth: u32,
    /// The global `base`.
    pub(super) base: u32,
    /// The global `cleared`.
    pub(super) cleared: u32,
    /// The function `() -> ()` that clears [`limits::STACK_CHUNK_SLOTS`] above its caller's operands, and as often again as
    /// `cleared` says, which is 0 then.
    pub(super) clear: u32,
    /// The function `() -> ()` that a frame above `cleared` calls.
    pub(super) grow: u32,
}

fn signed(slots: u32) -> i32 {
    // Limits of the stack are far below 2^31.
    i32::try_from(slots).unwrap_or(i32::MAX)
}

/// At a counted function's entry, with no operands yet: adds its frame.
pub(super) fn write_enter(sink: &mut InstructionSink<'_>, stack: Stack, slots: u32) {
    sink.global_get(stack.depth)
        .i32_const(signed(slots))
        .i32_add()
        .global_set(stack.depth)
        .global_get(stack.depth)
        .global_get(stack.cleared)
        .i32_gt_u()
        .if_(BlockType::Empty)
        .call(stack.grow)
        .end();
}

/// At its end: takes the frame away.
pub(super) fn write_leave(sink: &mut InstructionSink<'_>, stack: Stack, slots: u32) {
    sink.global_get(stack.depth)
        .i32_const(signed(slots))
        .i32_sub()
        .global_set(stack.depth);
}

/// `() -> ()`: its locals are what is cleared; `cleared` counts how often it goes on. (A parameter would stay on the stack.)
pub(super) fn write_clear(stack: Stack) -> Function {
    let mut function = Function::new([(limits::STACK_CHUNK_SLOTS, ValType::I64)]);
    function
        .instructions()
        .global_get(stack.cleared)
        .if_(BlockType::Empty)
        .global_get(stack.cleared)
        .i32_const(1)
        .i32_sub()
        .global_set(stack.cleared)
        .call(stack.clear)
        .end()
        .end();
    function
}

/// `() -> ()`: there are more than `cleared` slots in use.
pub(super) fn write_grow(stack: Stack) -> Function {
    let twice = 0;
    let mut function = Function::new([(1, ValType::I32)]);
    let mut sink = function.instructions();
    sink.global_get(stack.depth)
        .i32_const(signed(limits::STACK_SLOTS_MAX))
        .i32_gt_u()
        .if_(BlockType::Empty)
        .unreachable()
        .end();
    // `depth` is at most the limit here, so nothing below comes near 2^31.
    sink.global_get(stack.depth)
        .global_get(stack.base)
        .i32_sub()
        .i32_const(1)
        .i32_shl()
        .local_set(twice);
    let price = i64::try_from(gas::LOCAL).unwrap_or(i64::MAX);
    sink.global_get(stack.gas)
        .local_get(twice)
        .i64_extend_i32_u()
        .i64_const(price)
        .i64_mul()
        .i64_sub()
        .global_set(stack.gas);
    super::rewrite::stop_if_out_of_gas(&mut sink, stack.gas);
    // One chunk more than fits into twice the depth and the margin.
    sink.local_get(twice)
        .i32_const(signed(limits::STACK_MARGIN_SLOTS))
        .i32_add()
        .i32_const(signed(limits::STACK_CHUNK_SLOTS))
        .i32_div_u()
        .global_set(stack.cleared)
        .call(stack.clear);
    set_cleared(&mut sink, stack, twice);
    sink.end();
    function
}

/// An export that the host calls, with `params` parameters, all `i32`, as its one result: clears `chunks` and calls `function`.
pub(super) fn write_export(stack: Stack, params: u32, function: u32, chunks: u32) -> Function {
    let cleared = params;
    let base = params.saturating_add(1);
    let slots = params.saturating_add(2);
    let mut wrapper = Function::new([(3, ValType::I32)]);
    let mut sink = wrapper.instructions();
    sink.global_get(stack.cleared).local_set(cleared);
    sink.global_get(stack.base).local_set(base);
    sink.global_get(stack.depth).global_set(stack.base);
    sink.i32_const(signed(chunks.saturating_sub(1)))
        .global_set(stack.cleared)
        .call(stack.clear);
    let clear = chunks
        .saturating_mul(limits::STACK_CHUNK_SLOTS)
        .saturating_sub(limits::STACK_MARGIN_SLOTS);
    sink.i32_const(signed(clear)).local_set(slots);
    set_cleared(&mut sink, stack, slots);
    for param in 0..params {
        sink.local_get(param);
    }
    sink.call(function);
    sink.local_get(cleared).global_set(stack.cleared);
    sink.local_get(base).global_set(stack.base).end();
    wrapper
}

/// `cleared` = `base` and the local `slots`, at most the stack's limit: a deeper frame has to go through `grow`.
fn set_cleared(sink: &mut InstructionSink<'_>, stack: Stack, slots: u32) {
    sink.global_get(stack.base)
        .local_get(slots)
        .i32_add()
        .local_tee(slots)
        .i32_const(signed(limits::STACK_SLOTS_MAX))
        .i32_gt_u()
        .if_(BlockType::Empty)
        .i32_const(signed(limits::STACK_SLOTS_MAX))
        .local_set(slots)
        .end()
        .local_get(slots)
        .global_set(stack.cleared);
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{BlockType, CodeSection, Function, Module, RawSection};
    use wasmparser::{Parser, Payload};

    use super::{Stack, write_clear, write_enter, write_export, write_grow, write_leave};
    use crate::limits;

    const STACK: Stack = Stack {
        gas: 0,
        depth: 1,
        base: 2,
        cleared: 3,
        clear: 0,
        grow: 1,
    };
    const PATTERN: i32 = 0x5eed_5eed;
    /// Functions of [`RAW`].
    const DIRTY: u32 = 2;
    const DEEP: u32 = 3;
    const CALL_DIRTY: u32 = 4;
    const CALL_DEEP: u32 = 5;
    const READ: u32 = 7;

    /// `$read` gives its first parameter; wasmi 2.0.0 gives what it finds at a place of the stack that it never wrote, below two
    /// blocks with parameters, which is why `prepare` refuses them (ADR 10). The functions without a body are written by
    /// [`module`].
    const RAW: &str = r#"(module
        (type $three (func (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (global (export "gas") (mut i64) (i64.const 1000000000))
        (global (export "depth") (mut i32) (i32.const 0))
        (global (mut i32) (i32.const 0)) (global (mut i32) (i32.const 0))
        (global $g (mut i32) (i32.const 0)) (global $h (mut i64) (i64.const 0))
        (func $clear)
        (func $grow)
        (func $dirty (type $three) (local LOCALS)
            FILL
            (if (result i32) (local.get 0)
                (then (call $dirty (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (local.get 2)))
                (else (i32.const 0))))
        (func $deep (type $three) unreachable)
        (func (export "execute") (type $three) unreachable)
        (func (export "sudo") (type $three) unreachable)
        (func $other (local i32 i64 i32 i32)
            i32.const -1
            block (param i32) (result i32)
                local.set 0
                local.get 1
                loop memory.size i32.const 17 i32.const -2097153 select global.set $g end
                global.set $h
                i32.const -515278150
            end
            global.set $g)
        (func $read (type $three) (local i64 i32 i32 i32 i32 i32 i64)
            local.get 0
            local.get 0
            i32.extend8_s
            block (param i32)
                br_if 0
                call $other
                memory.size i32.const 12 i32.const -2139342329 select
                block (param i32)
                    local.set 8
                    block block br 1 end end
                end
            end))"#;

    /// The module with this function as `clear`.
    fn module(clear: &Function) -> Vec<u8> {
        let locals = 20;
        let fill: String = (3..3 + locals)
            .map(|local| format!("(local.set {local} (i64.extend_i32_u (local.get 1)))"))
            .collect();
        let text = RAW
            .replace("LOCALS", &"i64 ".repeat(locals))
            .replace("FILL", &fill);
        let raw = wat::parse_str(text).expect("the test's wat is sound");
        let mut deep = Function::new([]);
        let mut sink = deep.instructions();
        let slots = 3 + 3 + limits::FRAME_SLOTS;
        write_enter(&mut sink, STACK, slots);
        sink.local_get(0)
            .if_(BlockType::Result(wasm_encoder::ValType::I32));
        sink.local_get(0).i32_const(1).i32_sub();
        sink.local_get(1).local_get(2).call(DEEP).else_();
        sink.local_get(1).local_get(1).local_get(2).call(READ).end();
        write_leave(&mut sink, STACK, slots);
        sink.end();
        let ours = [
            (STACK.clear, clear),
            (STACK.grow, &write_grow(STACK)),
            (DEEP, &deep),
            (CALL_DIRTY, &write_export(STACK, 3, DIRTY, 1)),
            (CALL_DEEP, &write_export(STACK, 3, DEEP, 1)),
        ];
        let mut module = Module::new();
        let (mut code, mut function) = (CodeSection::new(), 0);
        for payload in Parser::new(0).parse_all(&raw) {
            let payload = payload.unwrap();
            if let Payload::CodeSectionEntry(body) = payload {
                match ours.iter().find(|(index, _)| *index == function) {
                    Some((_, body)) => code.function(body),
                    None => code.raw(&raw[body.range()]),
                };
                function += 1;
            } else if let Some((id, range)) = payload.as_section().filter(|(id, _)| *id != 10) {
                // Names come behind the code, and nothing else does here.
                if id != 0 {
                    module.section(&RawSection {
                        id,
                        data: &raw[range],
                    });
                }
            }
        }
        module.section(&code);
        module.finish()
    }

    /// What `$read` gives for 8 below `depth` frames, after another call has left a pattern in the engine's stack. wasmi keeps
    /// stacks here, which our engine forbids, so that the second call finds the stack of the first.
    fn read(clear: &Function, depth: i32) -> i32 {
        let mut config = wasmi::Config::default();
        config
            .set_max_recursion_depth(1 << 20)
            .set_max_stack_height(1 << 24);
        let engine = wasmi::Engine::new(&config);
        let mut store = wasmi::Store::new(&engine, ());
        let module = wasmi::Module::new(&engine, module(clear)).unwrap();
        let instance = wasmi::Linker::new(&engine)
            .instantiate_and_start(&mut store, &module)
            .unwrap();
        let mut call = |export, args| {
            let function = instance.get_typed_func::<(i32, i32, i32), i32>(&store, export);
            function.unwrap().call(&mut store, args).unwrap()
        };
        call("execute", (1_000, PATTERN, 0));
        let value = call("sudo", (depth, 8, 0));
        let left = instance.get_global(&store, "depth").unwrap().get(&store);
        assert_eq!(left.i32(), Some(0), "every frame was taken away");
        value
    }

    #[test]
    fn a_place_of_the_stack_that_was_never_written_reads_as_zero_at_every_depth() {
        for depth in 0..2_000 {
            assert!(
                [0, 8].contains(&read(&write_clear(STACK), depth)),
                "{depth} deep"
            );
        }
    }

    #[test]
    fn every_function_that_the_host_can_call_clears_the_stack_first() {
        let text = r#"(module
            (import "env" "db_read" (func (param i32) (result i32)))
            (memory 1)
            (func (export "interface_version_8"))
            (func (export "deallocate") (param i32))
            (func (export "allocate") (param i32) (result i32) (local.get 0))
            (func $three (export "instantiate") (export "execute") (param i32 i32 i32) (result i32) (local.get 0))
            (func $two (export "query") (export "migrate") (export "reply") (param i32 i32) (result i32) (local.get 0)))"#;
        let prepared = crate::prepare(&wat::parse_str(text).unwrap()).unwrap();
        let (mut exports, mut bodies, mut cleared) = (Vec::new(), Vec::new(), None);
        for payload in Parser::new(0).parse_all(prepared.wasm()) {
            match payload.unwrap() {
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export.unwrap();
                        if export.kind == wasmparser::ExternalKind::Func {
                            exports.push((export.name.to_owned(), export.index - 1));
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let locals = body.get_locals_reader().unwrap().into_iter();
                    if locals
                        .flatten()
                        .any(|(n, _)| n == limits::STACK_CHUNK_SLOTS)
                    {
                        cleared = u32::try_from(bodies.len() + 1).ok();
                    }
                    let calls: Vec<u32> = body
                        .get_operators_reader()
                        .unwrap()
                        .into_iter()
                        .filter_map(|op| match op.unwrap() {
                            wasmparser::Operator::Call { function_index } => Some(function_index),
                            _ => None,
                        })
                        .collect();
                    bodies.push(calls);
                }
                _ => {}
            }
        }
        assert_eq!(exports.len(), 6);
        for (name, index) in exports {
            let calls = &bodies[usize::try_from(index).unwrap()];
            assert_eq!(calls.len(), 2, "{name}");
            assert_eq!(Some(calls[0]), cleared, "{name}");
        }
    }

    #[test]
    fn without_clearing_it_would_read_what_another_call_left() {
        // If this fails with another engine, the test above shows nothing any more.
        let mut nothing = Function::new([]);
        nothing.instructions().end();
        assert!((0..100).any(|depth| read(&nothing, depth) == PATTERN));
    }
}
