//! `cutover completions`

use crate::error::exit;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints the script.
pub fn run(args: &Args, command: &mut clap::Command) -> u8 {
    clap_complete::generate(args.shell, command, "cutover", &mut std::io::stdout());
    exit::DONE
}
