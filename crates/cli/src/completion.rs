//! `strongroom completion`: what a shell needs to complete commands.

use clap::{Args as ClapArgs, Command, CommandFactory as _};
use clap_complete::Shell;

#[derive(ClapArgs)]
#[command(after_help = "Example:\n  strongroom completion bash > strongroom.bash")]
pub(crate) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) {
    crate::output::say(script(args.shell).trim_end());
}

fn script(shell: Shell) -> String {
    let whole = crate::Cli::command();
    // Those that help does not show are for nodes, not for people.
    let shown = whole.get_subcommands().filter(|c| !c.is_hide_set());
    let mut command = Command::new("strongroom")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments())
        .subcommands(shown);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "strongroom", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn shells_offer_what_help_shows_and_nothing_else() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            assert!(script.contains("localnet") && script.contains("multisign"));
            assert!(!script.contains("tether"), "{shell}");
        }
    }
}
