//! `cutover token`

use super::output;
use crate::error::exit;
use crate::people::{self, Right};
use clap::ValueEnum;
use std::io::Write;

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the person who will use it.
    name: String,
    /// Rights of the person. Default: all.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "RIGHT")]
    may: Vec<May>,
}

/// A right, as the file of people writes it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum May {
    /// Answer a step that waits for approval.
    Approve,
    /// Start a rehearsal, or what a schedule names.
    Start,
}

impl From<May> for Right {
    fn from(may: May) -> Self {
        match may {
            May::Approve => Self::Approve,
            May::Start => Self::Start,
        }
    }
}

/// Prints a new token on stdout, and on stderr its line for the file of people, which holds only the hash.
pub fn run(args: &Args) -> u8 {
    let token = match people::new_token() {
        Ok(token) => token,
        Err(failure) => {
            output::complain(&failure);
            return failure.exit_code();
        }
    };
    output::text(&format!("{token}\n"));
    let rights: Vec<Right> = args.may.iter().copied().map(Right::from).collect();
    let line = people::line(&args.name, &token, &rights);
    let _ = writeln!(
        std::io::stderr(),
        "\nThe token is shown only once. Add this line to the file of people, under `people:`\n\n  {line}"
    );
    exit::DONE
}
