//! `cutover resume` and `cutover rollback`: continue a run, or roll it back, from its journal.

use super::amend;
use super::conduct::{Conduct, Errand, Manner};
use super::output;
use super::state::State;
use crate::engine::graph::Graph;
use crate::engine::state::RunState;
use crate::error::Result;
use crate::store::{Event, Outcome};
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments that both share.
#[derive(Debug, clap::Args)]
struct Common {
    /// Id of the run. Default: the newest run.
    run: Option<String>,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    manner: Manner,
}

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Resume with the original plan, even when the playbook or the inventory has changed since.
    #[arg(long)]
    as_planned: bool,
    /// From now on use this inventory's addresses, passwords, ssh and restart commands. An inventory that changes what the
    /// run does is refused.
    #[arg(short, long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Leave out this step, which must come after the point of no return; can be repeated.
    #[arg(long, value_name = "STEP", requires = "why")]
    skip: Vec<String>,
    /// Why steps are left out; shown in the report.
    #[arg(long, value_name = "TEXT", requires = "skip")]
    why: Option<String>,
    /// Accept the writes that the run has found on a server that it had closed. Takes the reason, for the report. Only later
    /// writes of that server count from then on.
    #[arg(long, value_name = "WHY")]
    accept_writes: Option<String>,
}

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    common: Common,
    /// Reason, shown in the report.
    #[arg(long, default_value = "asked for on the command line")]
    why: String,
}

/// Resumes.
pub fn resume(args: Args) -> u8 {
    let why = args.why.unwrap_or_default();
    let left_out = args.skip.into_iter().map(|step| (step, why.clone())).collect();
    let changes = Changes { inventory: args.inventory, left_out };
    let errand = args.accept_writes.map_or(Errand::Resume, Errand::AcceptWrites);
    carry_out(args.common, errand, !args.as_planned, changes)
}

/// Rolls back. Steps are undone as planned, whatever the files contain by now.
pub fn rollback(args: RollbackArgs) -> u8 {
    carry_out(args.common, Errand::Rollback(args.why), false, Changes::default())
}

/// What a person changes in the rest of a run.
#[derive(Default)]
struct Changes {
    inventory: Option<PathBuf>,
    left_out: Vec<(String, String)>,
}

fn carry_out(args: Common, errand: Errand, compare: bool, changes: Changes) -> u8 {
    match conduct(args, compare, changes) {
        Ok(conduct) => conduct.carry_out(errand),
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn conduct(args: Common, compare: bool, changes: Changes) -> Result<Conduct> {
    let record = args.state.record(args.run.as_deref())?;
    let entries = args.state.existing()?.entries(&record.head.id)?;
    let begun = entries.iter().find_map(|entry| match &entry.event {
        Event::RunStarted { folder, sources, .. } => Some((PathBuf::from(folder), sources.clone())),
        _ => None,
    });
    let (folder, sources) = begun.unwrap_or_default();
    let mut plan = record.plan()?;
    let mut amendments = amend::earlier(&mut plan, &entries)?;
    if let Some(file) = &changes.inventory {
        amend::now(&mut plan, file, sources.as_ref(), &mut amendments)?;
    }
    amendments.left_out = changes.left_out;
    let state = RunState::fold(Arc::new(Graph::new(Arc::new(plan.clone()))?), &entries)?;
    // a run that is over, or is being rolled back, no longer uses the files; one that is at its checkpoint starts again
    let goes_back = state.rollback.is_some() && state.outcome != Some(Outcome::Kept);
    let compare =
        compare && changes.inventory.is_none() && !goes_back && state.outcome.is_none_or(Outcome::is_resumable);
    if !goes_back {
        record.plan()?.is_own_program()?;
    }
    let (run, state, manner) = (record.head.id, args.state, args.manner);
    Ok(Conduct { state, run, plan, folder, sources, compare, amendments, manner })
}
