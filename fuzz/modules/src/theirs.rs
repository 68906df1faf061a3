//! The second engine: V8 in a child process, an engine that shares nothing with ours.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use strongroom_vm::Import;

use crate::generate;
use crate::ours::{CALLS, GAS, IMPORT_GAS, Ran};
use crate::report::Report;

/// Starts the script, whose text is the first argument, on a thread with a stack in which our own count of depth is what stops
/// a recursion.
const START: &str = "const { Worker } = require('node:worker_threads'); \
    const [script, workerData] = process.argv.slice(-2); \
    new Worker(script, { eval: true, workerData, resourceLimits: { stackSizeMb: 256 } });";
const SCRIPT: &str = include_str!("theirs.js");

/// The child.
pub(crate) struct Theirs {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Theirs {
    fn start() -> Result<Self> {
        let calls: Vec<String> = CALLS
            .iter()
            .map(|(name, args)| format!("[\"{name}\",{args:?}]"))
            .collect();
        let imports: Vec<String> = Import::ALL
            .iter()
            .map(|i| {
                let result = i.result().map_or(String::new(), |r| r.to_string());
                format!("[\"{}\",\"{result}\"]", i.name())
            })
            .collect();
        let shared = format!(
            "[{GAS},{IMPORT_GAS},[{}],[{}]]",
            calls.join(","),
            imports.join(",")
        );
        let mut child = Command::new("node")
            .args(["-e", START, SCRIPT, &shared])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("no Node.js")?;
        let input = BufWriter::new(child.stdin.take().context("no standard input")?);
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    fn run(&mut self, batch: &[Ran]) -> Result<Vec<String>> {
        let input = &mut self.input;
        let output = &mut self.output;
        // Both at once: neither pipe may fill while nobody reads.
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || -> Result<()> {
                for ran in batch {
                    let length = u32::try_from(ran.prepared.wasm().len())?;
                    input.write_all(&length.to_le_bytes())?;
                    input.write_all(ran.prepared.wasm())?;
                }
                Ok(input.flush()?)
            });
            let mut lines = Vec::new();
            for _ in batch {
                let mut line = String::new();
                if output.read_line(&mut line)? == 0 {
                    break;
                }
                lines.push(line.trim_end().to_owned());
            }
            let _ = writer.join();
            Ok(lines)
        })
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the batch on V8 and reports what differs.
pub(crate) fn compare(theirs: &mut Option<Theirs>, batch: &[Ran], report: &mut Report) {
    let lines = match theirs {
        Some(running) => running.run(batch),
        None => Theirs::start().and_then(|started| theirs.insert(started).run(batch)),
    };
    let lines = lines.unwrap_or_else(|e| {
        eprintln!("V8: {e:#}");
        Vec::new()
    });
    for (ran, line) in batch.iter().zip(&lines) {
        report.compared += 1;
        if *line == ran.line {
            continue;
        }
        if generate::may_keep_payloads(ran.prepared.wasm()) {
            report.excused(ran.number);
        } else {
            report.differs(ran.number, &ran.line, line);
        }
    }
    if lines.len() < batch.len() {
        // The module after the last answer ended the child.
        let number = batch.get(lines.len()).map_or(0, |ran| ran.number);
        report.differs(number, "", "V8 ended");
        *theirs = None;
    }
}
