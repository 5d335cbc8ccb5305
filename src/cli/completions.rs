//! `cutover completions`

use super::output;
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
    let mut script = Vec::new(); // the generator itself panics when its reader goes away
    clap_complete::generate(args.shell, command, "cutover", &mut script);
    output::text(&String::from_utf8_lossy(&script));
    exit::DONE
}
