//! `cutover resume` and `cutover rollback`: a run goes on, or back, from its journal.

use super::conduct::{Conduct, Errand, Manner};
use super::output;
use super::state::State;
use crate::error::Result;
use crate::journal::Event;
use std::path::PathBuf;

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest when left out.
    run: Option<String>,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    manner: Manner,
}

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    common: Args,
    /// Why; it stands in the report.
    #[arg(long, default_value = "asked for on the command line")]
    why: String,
}

/// Goes on.
pub fn resume(args: Args) -> u8 {
    carry_out(args, Errand::Resume)
}

/// Goes back.
pub fn rollback(args: RollbackArgs) -> u8 {
    carry_out(args.common, Errand::Rollback(args.why))
}

fn carry_out(args: Args, errand: Errand) -> u8 {
    match conduct(args) {
        Ok(conduct) => conduct.carry_out(errand),
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn conduct(args: Args) -> Result<Conduct> {
    let record = args.state.record(args.run.as_deref())?;
    let entries = args.state.existing()?.entries(&record.head.id)?;
    let folder = entries.iter().find_map(|entry| match &entry.event {
        Event::RunStarted { folder, .. } => Some(PathBuf::from(folder)),
        _ => None,
    });
    let plan = record.plan()?;
    let run = record.head.id;
    Ok(Conduct { state: args.state, run, plan, folder: folder.unwrap_or_default(), manner: args.manner })
}
