//! `cutover approve`

use super::output;
use super::state::State;
use crate::effects::Decision;
use crate::engine::clock::wall;
use crate::engine::run_id;
use crate::engine::status::Status;
use crate::error::{Failure, Result, exit};
use crate::journal::Event;

/// Arguments of `approve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run.
    run: String,
    /// The step that waits; may be left out when only one does.
    step: Option<String>,
    /// Say no instead.
    #[arg(long)]
    refuse: bool,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    state: State,
}

/// Decides.
pub fn run(args: &Args) -> u8 {
    match decide(args) {
        Ok(step) => {
            let word = if args.refuse { "refused" } else { "approved" };
            output::text(&format!("{word} `{step}` of run {}\n", args.run));
            exit::DONE
        }
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn decide(args: &Args) -> Result<String> {
    let summary = args.state.summary(Some(&args.run))?;
    let waiting = summary.steps.iter().filter(|step| step.status == Status::Waiting);
    let ids: Vec<&str> = waiting.map(|step| step.id.as_str()).collect();
    let step = match (&args.step, ids.as_slice()) {
        (Some(step), _) if ids.contains(&step.as_str()) => step.clone(),
        (None, [only]) => (*only).to_owned(),
        _ => {
            let answer = if ids.is_empty() {
                "no step waits for approval".into()
            } else {
                format!("waiting are: {}", ids.join(", "))
            };
            return Err(
                Failure::permanent("record the decision", answer).help("cutover status RUN shows how it stands")
            );
        }
    };
    let decision = Decision { approved: !args.refuse, by: run_id::runner(), reason: args.reason.clone() };
    args.state.journal()?.append(&summary.run, wall(), &[Event::Decided { step: step.clone(), decision }])?;
    Ok(step)
}
