//! `strongroom contract check FILE`: the file is uploaded to a chain in this process, and what the chain says is told.
//!
//! Promises: verdict, text and gas are the chain's, since its own code gives them.

use crate::given;
use crate::output::say;
use crate::output::{Output, plain, table};
use anyhow::Context as _;
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use std::path::PathBuf;
use strongroom_kit::check::{FILE_BYTES_MAX, Module, Report, check};

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom contract check counter.wasm")]
pub(crate) struct Args {
    /// The code: wasm, as it is or in gzip.
    file: PathBuf,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// The chain refuses the file; what it says.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let file = given::read(&args.file, FILE_BYTES_MAX).context("contract.file")?;
    let report = check(&file);
    match args.output {
        Output::Json => say(as_json(&report)),
        Output::Text => say(as_text(&report).trim_end()),
    }
    match report.upload {
        Ok(_) => Ok(()),
        Err(refused) => {
            let file = args.file.display();
            let text = format!("contract.refused: {file}: the chain refuses it: {refused}");
            Err(Refused(text).into())
        }
    }
}

fn as_json(report: &Report) -> Value {
    let imports = report.imports.iter();
    let (known, unknown): (Vec<_>, Vec<_>) = imports.partition(|import| import.known);
    let names = |imports: Vec<&strongroom_kit::check::Imported>| {
        let names = imports.into_iter().map(|import| import.name.clone());
        names.collect::<Vec<_>>()
    };
    let error = report.upload.as_ref().err().map(|refused| {
        json!({"codespace": refused.codespace, "code": refused.code, "text": refused.text})
    });
    json!({
        "accepted": report.upload.is_ok(),
        "error": error,
        "file_bytes": report.file_bytes,
        "upload_gas": report.upload.as_ref().ok().map(ToString::to_string),
        "imports": names(known),
        "unknown_imports": names(unknown),
        "module": report.module.as_ref().map(module_json),
    })
}

fn module_json(module: &Module) -> Value {
    json!({
        "bytes": module.bytes,
        "code_hash": hex::encode(module.hash),
        "generation": generation(module),
        "library": library(module),
        "entry_points": module.entry_points,
        "capabilities": module.capabilities,
        "iterates": module.iterates,
        "tells_panics": module.tells_panics,
        "weight": module.weight,
        "load_gas": module.load_gas.to_string(),
    })
}

const fn generation(module: &Module) -> &'static str {
    match module.generation {
        strongroom_kit::check::Generation::V010 => "v0.10",
        strongroom_kit::check::Generation::V1 => "v1",
    }
}

/// Whose standard library it was written with.
const fn library(module: &Module) -> &'static str {
    if module.stock {
        "cosmwasm-std"
    } else {
        "secret-cosmwasm-std"
    }
}

fn as_text(report: &Report) -> String {
    let mut rows = vec![["file".to_owned(), format!("{} bytes", report.file_bytes)]];
    let mut row = |name: &str, text: String| {
        if !text.is_empty() {
            rows.push([name.to_owned(), plain(&text)]);
        }
    };
    let list = |known: bool| {
        let imports = report.imports.iter().filter(|i| i.known == known);
        imports
            .map(|i| i.name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    if let Some(module) = &report.module {
        row("wasm", format!("{} bytes", module.bytes));
        row("code hash", hex::encode(module.hash));
        row(
            "made for",
            format!("CosmWasm {}, {}", generation(module), library(module)),
        );
        row("entry points", module.entry_points.join(" "));
        row("capabilities", module.capabilities.join(" "));
    }
    row("imports", list(true));
    row("unknown", list(false));
    if let Some(module) = &report.module {
        row(
            "keys",
            if module.iterates {
                "kept in order: each write of a new one costs more"
            } else {
                ""
            }
            .to_owned(),
        );
        row(
            "panics",
            if module.tells_panics {
                "tell their message and place to the sender"
            } else {
                "tell nothing"
            }
            .to_owned(),
        );
        row(
            "each call",
            format!(
                "{} gas to load it (weight {} bytes)",
                module.load_gas, module.weight
            ),
        );
    }
    match &report.upload {
        Ok(gas) => {
            row("upload", format!("{gas} gas"));
            row("the chain", "takes it".to_owned());
        }
        Err(_) => row("the chain", "refuses it".to_owned()),
    }
    table(&rows)
}
