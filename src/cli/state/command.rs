//! `cutover state`: back up, check, move, prune or upgrade the stored state.

use super::State;
use crate::cli::output::{self, Format};
use crate::error::Result;
use crate::report::time::bytes;
use crate::store::Checked;
use clap::Subcommand;
use jiff::Timestamp;
use std::path::PathBuf;

/// Arguments of `state`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Copy the journal to a new file, even while a run writes to it, and check the copy.
    Backup(BackupArgs),
    /// Check the journal's file and the hash chain of every run. Changes nothing.
    Check(CheckArgs),
    /// Copy everything to an empty store: from a directory to a PostgreSQL database that machines share, or back.
    Copy(super::copy::CopyArgs),
    /// Remove finished runs older than a given age, and keep their evidence as files.
    Prune(super::prune::PruneArgs),
    /// Upgrade the journal of an older cutover version.
    Upgrade(CheckArgs),
}

#[derive(Debug, clap::Args)]
struct BackupArgs {
    /// Path of the copy; must not exist.
    file: PathBuf,
    #[command(flatten)]
    rest: CheckArgs,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the subcommand.
pub fn run(args: &Args) -> u8 {
    let done = match &args.what {
        What::Backup(args) => back_up(args),
        What::Check(args) => check(args),
        What::Copy(args) => super::copy::copy(args),
        What::Prune(args) => super::prune::prune(args),
        What::Upgrade(args) => upgrade(args),
    };
    match done {
        Ok(()) => crate::error::exit::DONE,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn back_up(args: &BackupArgs) -> Result<()> {
    let backup = args.rest.state.open()?.back_up(&args.file)?;
    match args.rest.format {
        Format::Json => output::json(&backup),
        Format::Text => {
            let (file, size) = (backup.file.display(), bytes(backup.bytes));
            output::text(&format!("copied to {file} ({size}), and checked the copy: {}\n", words(&backup.checked)));
        }
    }
    Ok(())
}

fn check(args: &CheckArgs) -> Result<()> {
    shown(&args.state.open()?.check()?, args.format, "the journal is intact");
    Ok(())
}

fn upgrade(args: &CheckArgs) -> Result<()> {
    if args.state.existing_store().is_ok_and(|found| found.is_none()) {
        args.state.open()?; // reports that there is none
    }
    shown(&args.state.store()?.check()?, args.format, "the journal is up to date and intact");
    Ok(())
}

fn shown(checked: &Checked, format: Format, verdict: &str) {
    match format {
        Format::Json => output::json(checked),
        Format::Text => output::text(&format!("{verdict}: {}\n", words(checked))),
    }
}

pub(super) fn words(checked: &Checked) -> String {
    let Checked { runs, entries, newest, schema } = checked;
    let count = |number: &u64, one: &str, many: &str| format!("{number} {}", if *number == 1 { one } else { many });
    let newest = newest.and_then(|at| Timestamp::from_millisecond(at).ok());
    let newest = newest.map_or_else(String::new, |at| format!(", the newest of {}", at.strftime("%F %T UTC")));
    let (runs, entries) = (count(runs, "run", "runs"), count(entries, "entry", "entries"));
    format!("{runs} with {entries}{newest}; schema version {schema}")
}
