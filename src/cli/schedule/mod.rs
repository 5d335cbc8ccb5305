//! `cutover schedule`

mod export;
mod list;
mod log;
mod next;
mod run;

use super::inputs;
use super::output::Format;
use crate::error::exit;
use crate::schedule::Schedules;
use crate::store::Start;
use std::path::PathBuf;

/// Arguments of `schedule`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the schedules: action, next due time, result of the last start.
    List(list::Args),
    /// Show the next due times, with their UTC offsets.
    Next(next::Args),
    /// Start a schedule now, in this process.
    Run(run::Args),
    /// Show the decisions about due times, and the results of the starts.
    Log(log::Args),
    /// Write files with which systemd, cron, Kubernetes, GitHub or GitLab start the same schedules.
    Export(export::Args),
    /// Run a start that was decided.
    #[command(hide = true)]
    CarryOut(run::CarryOut),
}

/// The file of schedules.
#[derive(Debug, Clone, clap::Args)]
struct File {
    /// The file of schedules.
    #[arg(long = "schedules", value_name = "FILE", env = "CUTOVER_SCHEDULES", default_value = "schedules.yaml")]
    path: PathBuf,
}

impl File {
    /// The schedules; faults are printed.
    fn open(&self) -> Result<Schedules, u8> {
        Schedules::open(&self.path).map_err(|faults| {
            inputs::complain(vec![faults]);
            exit::INVALID
        })
    }
}

/// A decision as a line.
pub fn log_line(start: &Start) -> String {
    log::line(start)
}

/// Runs the subcommand.
pub fn run(args: &Args) -> u8 {
    let done = match &args.command {
        Command::List(args) => list::run(args),
        Command::Next(args) => next::run(args),
        Command::Run(args) => return run::run(args),
        Command::Log(args) => log::run(args),
        Command::Export(args) => export::run(args),
        Command::CarryOut(args) => return run::carry_out(args),
    };
    done.unwrap_or_else(|code| code)
}
