//! `cutover mark-undone`: a person has undone a step by hand and confirms it.

use super::output::{self, Format};
use super::state::State;
use crate::engine::clock::wall;
use crate::engine::graph::Graph;
use crate::engine::state::RunState;
use crate::engine::{run_id, vouch};
use crate::error::{Result, exit};
use crate::report::text;
use std::sync::Arc;

/// Arguments of `mark-undone`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run.
    run: String,
    /// The step that was undone by hand.
    step: String,
    /// What was done, and why; shown in the report.
    #[arg(long)]
    why: String,
    #[command(flatten)]
    state: State,
    /// Output format of the status.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Records it, and shows the state of the run.
pub fn run(args: &Args) -> u8 {
    match mark(args) {
        Ok(()) => exit::DONE,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn mark(args: &Args) -> Result<()> {
    let record = args.state.record(Some(&args.run))?;
    let run = &record.head.id;
    let graph = Arc::new(Graph::new(Arc::new(record.plan()?))?);
    // a runner that works on the run now decides from what it knows, and would not see this
    let lock = args.state.home()?.lock(run)?;
    let journal = args.state.journal()?;
    let state = RunState::fold(graph, &journal.entries(run)?)?;
    let event = vouch::mark_undone(&state, &args.step, &args.why, &run_id::runner())?;
    journal.append(run, wall(), &[event])?;
    drop(lock);
    let summary = args.state.summary(Some(run))?;
    match args.format {
        Format::Json => output::json(&summary),
        Format::Text => output::text(&text::text(&summary, None)),
    }
    Ok(())
}
