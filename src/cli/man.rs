//! `cutover man`

use super::output;
use crate::error::{Failure, Result, exit};
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a page for the program and one for each command into this folder, for a package.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the manual page in roff, or writes all pages.
pub fn run(args: &Args, command: clap::Command) -> u8 {
    let Some(dir) = &args.dir else {
        return match clap_mangen::Man::new(command).render(&mut std::io::stdout()) {
            Ok(()) => exit::DONE,
            Err(_) => exit::INVALID,
        };
    };
    let written: Result<()> = std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(command, dir))
        .map_err(|error| Failure::permanent("write the manual pages", error.to_string()).at(dir.display().to_string()));
    output::shown(&written)
}
