//! What a dead runner leaves behind, and what a check of the real state makes of it. Pure: `attempt.rs` does the
//! checks.
//!
//! A resumed run trusts its journal about intents, not about the world. Every step that has started and has no result
//! is checked; so is every succeeded step that keeps something running before the point of no return (a tunnel, a
//! channel, a fence): what died with the runner is created again, in the order of the plan, each step only after those
//! before it are proved or created again. A point of no return in doubt is checked before anything else.

use crate::engine::checkpoint;
use crate::engine::graph::Graph;
use crate::engine::state::{BlockState, RunState, WindowState};
use crate::engine::status::{Proof, Status, StepState};
use crate::error::{Class, Failure, Result};
use crate::kinds::{Probe, Reversibility};
use crate::playbook::model::OnFailure;
use crate::store::{Event, Outcome};

/// Turns the state that a dead runner left into one from which a new runner can continue.
pub(in crate::engine) fn reset(state: &mut RunState) {
    let anew = state.outcome == Some(Outcome::Kept);
    if anew {
        checkpoint::begin_anew(state);
    }
    state.outcome = None;
    for (gate, window) in state.graph.gates().iter().zip(&mut state.windows) {
        let missed = state.put_off.as_ref().is_some_and(|(of, _)| *of == gate.id);
        let past = window.open.filter(|_| missed).or(window.past);
        *window = WindowState { past, ..WindowState::default() }; // it may have closed by now
    }
    state.put_off = None;
    state.is_held = false; // what still ran was the dead runner's, and hosts and servers have ended it
    state.blocks.fill(BlockState::default()); // prepared connections are gone, and the clock starts again
    let graph = state.graph.clone();
    let (unwinding, past) = (state.rollback.is_some(), state.is_point_reached());
    for (ix, step) in state.steps.iter_mut().enumerate() {
        step.retry_at = None;
        step.failing = None;
        step.message = None;
        if unwinding {
            reset_undo(step);
        } else {
            reset_step(&graph, ix, step, Ground { past, anew });
        }
    }
}

/// Undos are idempotent: they start again, with all their attempts.
fn reset_undo(step: &mut StepState) {
    step.undo.open = false;
    step.undo.attempt = 0;
    step.undo.failing = None;
    step.undo.failure = None;
    if step.status == Status::UndoFailed {
        step.status = Status::Undoing;
    }
}

/// From which situation a run is resumed.
#[derive(Clone, Copy)]
struct Ground {
    /// The point of no return is passed.
    past: bool,
    /// It was rolled back to a checkpoint, and goes forward again on the request of a person: gates are asked again.
    anew: bool,
}

fn reset_step(graph: &Graph, ix: usize, step: &mut StepState, Ground { past, anew }: Ground) {
    let gate = !anew && step.failure.as_ref().is_some_and(|failure| failure.class == Class::Refused);
    let kept = gate || graph.step(ix).on_failure == OnFailure::Continue;
    match step.status {
        Status::Failed if kept => {
            let unknown = graph.is_final(ix) && step.begun && !step.absent;
            step.proof = if unknown { Proof::Wanted } else { Proof::Good };
        }
        Status::Running | Status::Waiting | Status::Retrying | Status::Stopped | Status::Failed => {
            step.status = if step.begun { Status::Stopped } else { Status::Pending };
            step.proof = if step.begun { Proof::Wanted } else { Proof::Good };
            step.failure = None;
        }
        Status::Succeeded => {
            let holds = graph.step(ix).reversibility == Reversibility::Reversible && !past;
            // a check whose basis the dead runner found missing must still be repeated
            let doubted = step.proof != Proof::Good && !past;
            step.proof = if holds || doubted { Proof::Wanted } else { Proof::Good };
        }
        _ => step.proof = Proof::Good,
    }
}

/// The event for the journal after a check of step `ix`.
#[must_use]
pub fn conclude(state: &RunState, ix: usize, found: Result<Probe>) -> Event {
    let step = &state.steps[ix];
    let id = state.graph.id(ix).to_owned();
    match found {
        Ok(Probe::Done(_) | Probe::Unknown(_)) if step.status == Status::Succeeded => Event::StepConfirmed { step: id },
        Ok(Probe::Done(outputs)) => Event::StepDone { step: id, outputs },
        Ok(Probe::NotDone) => Event::StepAbsent { step: id },
        Ok(Probe::Conflict(failure) | Probe::Unknown(failure)) => failed(id, step, failure),
        Err(failure) if failure.class == Class::Cancelled => {
            Event::StepStopped { step: id, attempt: step.attempt, failure: None }
        }
        // a point of no return that cannot be checked counts as passed; another step can be checked later
        Err(failure) if state.graph.is_final(ix) => failed(id, step, failure),
        Err(failure) => Event::StepStopped { step: id, attempt: step.attempt, failure: Some(failure) },
    }
}

fn failed(id: String, step: &StepState, found: Failure) -> Event {
    let failure = match &step.failure {
        Some(first) => first.clone().now(format!("how far it got is unknown: {found}")),
        None => found,
    };
    Event::StepFailed { step: id, attempt: step.attempt, failure, retry_at: None }
}
