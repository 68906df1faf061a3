//! `strongroom completion`: what a shell needs to complete commands.

use clap::{Args as ClapArgs, CommandFactory as _};
use clap_complete::Shell;

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom completion bash > strongroom.bash")]
pub(crate) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut crate::Cli::command(),
        "strongroom",
        &mut script,
    );
    crate::say(String::from_utf8_lossy(&script).trim_end());
}
