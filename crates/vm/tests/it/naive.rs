//! The independent count: a module in which every operator adds its own weight to a counter just before it runs. No
//! segments, no merging: slow and plain.

use strongroom_vm::gas;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection, GlobalType,
    InstructionSink, Module, ValType,
};
use wasmi::{AsContext, Engine, Linker, Store, Val};
use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// What a run on the plain engine gave.
pub(crate) struct Run {
    /// The result, or the trap's text.
    pub(crate) result: Result<u32, String>,
    /// The counter; `None` for a module without one.
    pub(crate) counted: Option<u64>,
    pub(crate) memory: Vec<u8>,
}

struct Counting {
    counter: u32,
    functions: Vec<usize>,
    at: usize,
}

impl Reencode for Counting {
    type Error = core::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), wasm_encoder::reencode::Error<Self::Error>> {
        utils::parse_global_section(self, globals, section)?;
        self.counter = globals.len();
        globals.global(
            GlobalType {
                val_type: ValType::I64,
                mutable: true,
                shared: false,
            },
            &ConstExpr::i64_const(0),
        );
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), wasm_encoder::reencode::Error<Self::Error>> {
        utils::parse_export_section(self, exports, section)?;
        exports.export("counted", ExportKind::Global, self.counter);
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), wasm_encoder::reencode::Error<Self::Error>> {
        let params = self.functions[self.at];
        self.at += 1;
        let mut locals: Vec<(u32, ValType)> = Vec::new();
        for group in body.get_locals_reader()? {
            let (n, ty) = group?;
            locals.push((n, RoundtripReencoder.val_type(ty).unwrap()));
        }
        let slots = params + locals.iter().map(|(n, _)| *n as usize).sum::<usize>();
        locals.push((1, ValType::I32));
        let mut function = Function::new(locals);
        let counter = self.counter;
        let add = |f: &mut Function, cost: u64| {
            f.instructions()
                .global_get(counter)
                .i64_const(cost as i64)
                .i64_add()
                .global_set(counter);
        };
        let by_size = |f: &mut Function, each: u64| {
            let mut i: InstructionSink<'_> = f.instructions();
            i.local_tee(slots as u32)
                .i64_extend_i32_u()
                .i64_const(each as i64)
                .i64_mul()
                .global_get(counter)
                .i64_add()
                .global_set(counter)
                .local_get(slots as u32);
        };
        add(&mut function, gas::LOCAL * slots as u64);
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            let cost = gas::price(&operator).expect("an accepted operator");
            let head = matches!(operator, Operator::Loop { .. });
            if !head {
                add(&mut function, cost);
            }
            match operator {
                Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } => {
                    by_size(&mut function, gas::BULK_BYTE)
                }
                Operator::MemoryGrow { .. } => by_size(&mut function, gas::GROW_PAGE),
                _ => {}
            }
            function.instruction(&self.instruction(operator)?);
            if head {
                add(&mut function, cost);
            }
        }
        code.function(&function);
        Ok(())
    }
}

/// The module with a counter.
pub(crate) fn counting(wasm: &[u8]) -> Vec<u8> {
    let (mut types, mut functions) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.unwrap() {
            Payload::TypeSection(s) => types.extend(
                s.into_iter_err_on_gc_types()
                    .map(|t| t.unwrap().params().len()),
            ),
            Payload::FunctionSection(s) => {
                functions.extend(s.into_iter().map(|t| types[t.unwrap() as usize]))
            }
            _ => {}
        }
    }
    let mut module = Module::new();
    let mut counting = Counting {
        counter: 0,
        functions,
        at: 0,
    };
    counting
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .unwrap();
    module.finish()
}

/// Calls `execute(a, b, c)` on the plain engine; the module has no imports and exports `memory`.
pub(crate) fn run(wasm: &[u8], args: [u32; 3]) -> Run {
    let engine = Engine::default();
    let module = wasmi::Module::new(&engine, wasm).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::<()>::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    let execute = instance.get_func(&store, "execute").unwrap();
    let mut out = [Val::I32(0)];
    let args = args.map(|a| Val::I32(a as i32));
    let result = execute.call(&mut store, &args, &mut out);
    let counted = instance
        .get_global(&store, "counted")
        .map(|g| g.get(&store).i64().unwrap() as u64);
    let memory = instance
        .get_memory(&store, "memory")
        .unwrap()
        .data(store.as_context())
        .to_vec();
    let result = result
        .map(|()| out[0].i32().unwrap() as u32)
        .map_err(|e| e.to_string());
    Run {
        result,
        counted,
        memory,
    }
}
