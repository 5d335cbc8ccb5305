//! A person's statement about a step: that it was undone by hand, or that the run continues without it. When the
//! statement is accepted. Pure.

use crate::engine::state::RunState;
use crate::engine::status::Status;
use crate::error::{Failure, Result};
use crate::store::Event;

/// The event by which `by` marks `step` as undone.
///
/// # Errors
/// `Refused` unless the run has ended and the undo of the step failed. The error names the steps whose undo failed.
pub fn mark_undone(state: &RunState, step: &str, why: &str, by: &str) -> Result<Event> {
    let refused = |answer: String| Failure::refused(format!("mark step `{step}` as undone"), answer);
    let open = unmade(state);
    let help = match open.as_slice() {
        [] => "no step of this run has to be undone by hand; see `cutover status`".to_owned(),
        open => format!("these steps could not be undone: {}", open.join(", ")),
    };
    let failure = if why.trim().is_empty() {
        refused("no reason is given".into()).help("write in --why what was done by hand: the report shows it")
    } else if state.is_live() || !state.started {
        refused(format!("the run is {} and has not ended", state.word()))
            .help("run `cutover resume` first: it may undo the step without your help")
    } else {
        match state.graph.number(step).map(|ix| state.steps[ix].status) {
            Some(Status::UndoFailed) => {
                let (step, why, by) = (step.to_owned(), why.trim().to_owned(), by.to_owned());
                return Ok(Event::MarkedUndone { step, why, by });
            }
            Some(status) => refused(format!("it is {status}; only a step whose undo failed can be marked")).help(help),
            None => refused("the run has no such step".into()).help(help),
        }
    };
    Err(failure.now("nothing was written"))
}

/// The event by which `by` leaves step `step` out of a run that is past its point of no return.
///
/// # Errors
/// `Refused` unless the run has passed that point, the step has not run, and no step that has not run needs its
/// outputs.
pub fn leave_out(state: &RunState, step: &str, why: &str, by: &str) -> Result<Event> {
    let refused =
        |answer: String| Failure::refused(format!("leave out step `{step}`"), answer).now("nothing was changed");
    let Some(ix) = state.graph.number(step) else {
        return Err(refused("the run has no such step".into()).help("`cutover status` lists its steps"));
    };
    let reader = state.graph.readers(ix).iter().find(|&&reader| is_to_come(state, reader));
    if why.trim().is_empty() {
        return Err(
            refused("no reason is given".into()).help("write in --why what was done instead: the report shows it")
        );
    }
    if !state.is_point_reached() {
        let help = "before that point, fix the cause of the failure and resume, or roll back";
        return Err(refused("the run has not passed its point of no return".into()).help(help));
    }
    if !state.may_be_left_out(ix) {
        let answer = format!("it is {}; only a step that has not run yet can be left out", state.steps[ix].status);
        return Err(refused(answer).help("`cutover status` shows which steps have not run yet"));
    }
    if let Some(&reader) = reader {
        let answer = format!("step `{}` needs its outputs", state.graph.id(reader));
        return Err(refused(answer).help("leave that step out as well, and name it first"));
    }
    let (step, why, by) = (step.to_owned(), why.trim().to_owned(), by.to_owned());
    Ok(Event::SkippedByHand { step, why, by })
}

fn is_to_come(state: &RunState, ix: usize) -> bool {
    !matches!(state.steps[ix].status, Status::Succeeded | Status::Skipped)
}

/// Steps whose undo failed, in file order.
#[must_use]
pub fn unmade(state: &RunState) -> Vec<&str> {
    let steps = state.steps.iter().enumerate().filter(|(_, step)| step.status == Status::UndoFailed);
    steps.map(|(ix, _)| state.graph.id(ix)).collect()
}
