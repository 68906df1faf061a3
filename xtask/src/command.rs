//! Runs other programs from the repository's root, showing what they print while they print it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent()
        .map(Path::to_path_buf)
        .unwrap_or_else(|| own.to_path_buf())
}

/// A program to run, in a directory below the root.
pub(crate) fn command(program: &str, arguments: &[&str], directory: &str) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root().join(directory));
    // Cargo sets these for its children; a cargo started from here must find its own toolchain and manifest.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_")
            || name == "CARGO"
            || name == "CARGO_MANIFEST_DIR"
            || name == "RUSTUP_TOOLCHAIN"
        {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// `cargo` with the toolchain that `rust-toolchain.toml` names.
pub(crate) fn cargo(arguments: &[&str], directory: &str) -> Command {
    command("cargo", arguments, directory)
}

/// Runs and tells whether it succeeded; output goes straight to the terminal.
pub(crate) fn run(mut command: Command) -> Result<bool> {
    say(&command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| name(&command))?;
    Ok(status.success())
}

/// Runs, shows what it prints on stdout, and gives that too.
pub(crate) fn run_and_read(mut command: Command) -> Result<(String, bool)> {
    say(&command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| name(&command))?;
    let mut output = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            output.push_str(&text);
            line.clear();
        }
    }
    Ok((output, child.wait()?.success()))
}

/// Runs silently and gives what it prints, if it succeeds.
pub(crate) fn read(mut command: Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| name(&command))?;
    let error = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "{} failed: {error}",
        name(&command)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be run and succeeds; silent.
pub(crate) fn works(mut command: Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn say(command: &Command) {
    println!("$ {}", name(command));
}

fn name(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned()),
    );
    words.join(" ")
}
