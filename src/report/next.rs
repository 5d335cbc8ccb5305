//! The command that comes next for a run. Pure.

use super::after_fence::AfterFence;
use super::fold::{StepSummary, Summary};
use crate::engine::status::Status;
use crate::plan::stored::maker;
use crate::store::Outcome;

/// The command to type next. `alive` names the process that is working on the run now, if there is one.
#[must_use]
pub fn next(summary: &Summary, alive: Option<&str>) -> Option<String> {
    let command = command(summary, alive)?;
    Some(match maker(summary.plan_format) {
        None => command,
        Some(maker) => format!("with cutover {maker}, which made its plan: {command}"),
    })
}

fn command(summary: &Summary, alive: Option<&str>) -> Option<String> {
    let run = &summary.run;
    if alive.is_some() {
        let waiting = summary.steps.iter().find(|step| step.status == Status::Waiting)?;
        return Some(format!("cutover approve {run} {}", waiting.id));
    }
    if let Some(after) = trouble_after_fence(summary) {
        return after.next(run);
    }
    match summary.outcome {
        None | Some(Outcome::Interrupted) if summary.rollback.is_some() => Some(next_of_rollback(summary)),
        None | Some(Outcome::Interrupted) if summary.past_point_of_no_return => Some(format!("cutover resume {run}")),
        None | Some(Outcome::Interrupted | Outcome::PutOff) => {
            Some(format!("cutover resume {run}, or cutover rollback {run}"))
        }
        Some(Outcome::Kept) => Some(format!(
            "fix what failed, then cutover resume {run}, which continues from there\n   or: cutover rollback {run}, which undoes \
             everything"
        )),
        Some(Outcome::Stopped) if summary.past_point_of_no_return => {
            Some(format!("fix what failed, then cutover resume {run}"))
        }
        Some(Outcome::Stopped | Outcome::Stuck) if summary.rollback.is_some() => Some(next_of_stuck(summary)),
        Some(Outcome::Stopped | Outcome::Stuck) => {
            Some(format!("fix what failed, then cutover resume {run} or cutover rollback {run}"))
        }
        Some(_) => None,
    }
}

/// Why a run whose steps are all done is still not successful.
pub(super) fn trouble_after_fence(summary: &Summary) -> Option<&AfterFence> {
    let over = |step: &StepSummary| matches!(step.status, Status::Succeeded | Status::Skipped);
    let all_over = summary.outcome == Some(Outcome::Stopped) && summary.steps.iter().all(over);
    summary.after_fence.as_ref().filter(|after| all_over && !after.is_well())
}

/// An interrupted rollback continues; one that was to stop at a checkpoint can be turned into a full one.
fn next_of_rollback(summary: &Summary) -> String {
    let run = &summary.run;
    format!("cutover resume {run}, which continues the rollback")
}

/// A stuck rollback continues, once the undo works or a person has done it by hand.
fn next_of_stuck(summary: &Summary) -> String {
    let run = &summary.run;
    let mut steps = summary.steps.iter().filter(|step| step.status == Status::UndoFailed);
    match steps.next() {
        None => next_of_rollback(summary),
        Some(step) => format!(
            "fix what failed, then cutover resume {run}\n   or: undo it by hand as shown above, then cutover mark-undone \
             {run} {} --why TEXT, then cutover resume {run}",
            step.id
        ),
    }
}
