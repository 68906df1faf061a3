//! `seeds` writes the seeds of every corpus; `run TARGET FILE…` feeds files that a fuzzer found.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use strongroom_fuzz_decoders::{TARGETS, seeds};
use strongroom_types::sha256;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [step] if step == "seeds" => write_seeds(),
        [step, name, files @ ..] if step == "run" => run(name, files),
        _ => {
            eprintln!("strongroom-fuzz-decoders seeds | run TARGET FILE…");
            ExitCode::FAILURE
        }
    }
}

fn write_seeds() -> ExitCode {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut bytes = 0;
    for (target, seed) in seeds::all() {
        let directory = corpus.join(target);
        let name: String = sha256(&seed)[..8]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        std::fs::create_dir_all(&directory).expect("a directory for the corpus");
        std::fs::write(directory.join(name), &seed).expect("a file of the corpus");
        bytes += seed.len();
    }
    println!("{} targets, {bytes} bytes", TARGETS.len());
    ExitCode::SUCCESS
}

fn run(name: &str, files: &[String]) -> ExitCode {
    let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else {
        eprintln!("no target {name}");
        return ExitCode::FAILURE;
    };
    for file in files.iter().map(PathBuf::from) {
        let data = std::fs::read(&file).expect("a file");
        println!("{}: accepted {}", file.display(), target(&data));
    }
    ExitCode::SUCCESS
}
