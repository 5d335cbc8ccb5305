//! The events for the journal when a piece of work has ended. Pure.

use crate::domain::units::Span;
use crate::engine::recover::conclude;
use crate::engine::retry::{step_again, undo_again};
use crate::engine::schedule::Task;
use crate::engine::state::RunState;
use crate::engine::status::{Failing, Status};
use crate::error::{Class, Failure, Result, STOPPED};
use crate::kinds::{Outputs, Probe};
use crate::store::Event;
use std::time::Duration;

/// How a piece of work ended. `Cancelled` means that it was asked to stop, and stopped without a result.
#[derive(Debug)]
pub enum Ended {
    /// An attempt of a step.
    Executed(Result<Outputs>),
    /// A check of the real state.
    Probed(Result<Probe>),
    /// The preparation of a block.
    Prepared(Result<()>),
    /// The undo of a step.
    Undone(Result<()>),
    /// The rollback hook of that number.
    Hooked(usize, Result<()>),
}

/// The events that record how `task` ended, at `now` (milliseconds since 1970).
#[must_use]
pub fn events(state: &RunState, now: i64, task: Task, ended: Ended) -> Vec<Event> {
    match (task, ended) {
        (Task::Step(ix), Ended::Executed(Ok(outputs))) => vec![Event::StepDone { step: id(state, ix), outputs }],
        (Task::Step(ix), Ended::Executed(Err(failure))) => failed(state, now, ix, failure),
        (Task::Step(ix), Ended::Probed(found)) => vec![conclude(state, ix, found)],
        (Task::Step(ix), Ended::Undone(Ok(()))) => vec![Event::UndoDone { step: id(state, ix) }],
        (Task::Step(ix), Ended::Undone(Err(failure))) => {
            let retry_at = undo_retry(state, now, ix, &failure);
            vec![Event::UndoFailed { step: id(state, ix), failure, retry_at }]
        }
        (Task::Step(ix), Ended::Hooked(index, Ok(()))) => vec![Event::HookDone { step: id(state, ix), index }],
        (Task::Step(ix), Ended::Hooked(index, Err(failure))) => {
            let retry_at = undo_retry(state, now, ix, &failure);
            vec![Event::HookFailed { step: id(state, ix), index, failure, retry_at }]
        }
        (Task::Block(block), Ended::Prepared(result)) => prepared(state, now, block, result),
        _ => Vec::new(),
    }
}

/// Whether a check of the real state failed, so the state of the step is unknown. A point of no return counts as
/// failed then, because nothing may be undone in that case.
#[must_use]
pub fn is_blind(state: &RunState, task: Task, ended: &Ended) -> bool {
    match (task, ended) {
        (Task::Step(ix), Ended::Probed(Err(failure))) => failure.class != Class::Cancelled && !state.graph.is_final(ix),
        _ => false,
    }
}

fn failed(state: &RunState, now: i64, ix: usize, failure: Failure) -> Vec<Event> {
    let (step, attempt) = (id(state, ix), state.steps[ix].attempt);
    let failure = why_stopped(state, ix, failure);
    if matches!(failure.class, Class::Cancelled | Class::StillRunning | Class::Unplanned) {
        return vec![Event::StepStopped { step, attempt, failure: Some(failure) }];
    }
    if failure.class == Class::Lapsed {
        let put_off = Event::RunPutOff { of: step.clone(), failure: failure.clone() };
        return vec![Event::StepStopped { step, attempt, failure: Some(failure) }, put_off];
    }
    let begun = state.graph.block(ix).filter(|_| state.is_in_begun_block(ix));
    let row = Failing::again(state.steps[ix].failing, now);
    let retry_at = step_again(&state.graph.step(ix).retry, row, &failure, now, begun.is_some());
    let untouched = failure.class == Class::NotYet && retry_at.is_some();
    let mut events = vec![Event::StepFailed { step, attempt, failure, retry_at }];
    events.extend(begun.filter(|_| untouched && state.is_first_of_block(ix)).map(|block| put_back(state, block)));
    events
}

/// A step that was asked to stop does not know by whom: the answer is "on request" only if a person asked.
fn why_stopped(state: &RunState, ix: usize, failure: Failure) -> Failure {
    if failure.class != Class::Cancelled || failure.answer != STOPPED {
        return failure;
    }
    let block = state.graph.block(ix).filter(|&block| state.blocks[block].expired);
    let late = block.map(|block| &state.graph.plan().blocks[block]);
    let broken = state.steps.iter().position(|step| step.status == Status::Failed);
    let answer = match (late, broken) {
        (Some(block), _) => {
            let limit =
                block.deadline_ms.map_or(String::new(), |ms| format!(" of {}", Span(Duration::from_millis(ms))));
            format!("the deadline{limit} of block `{}` passed first", block.id)
        }
        (None, Some(broken)) => format!("stopped because step `{}` failed", state.graph.id(broken)),
        (None, None) => return failure,
    };
    Failure { answer, ..failure }
}

/// The writers were not touched, so there is no hurry: the block is prepared again before the next attempt.
fn put_back(state: &RunState, block: usize) -> Event {
    Event::BlockPutBack { block: state.graph.plan().blocks[block].id.clone() }
}

/// An undo that was asked to stop does not use up an attempt.
fn undo_retry(state: &RunState, now: i64, ix: usize, failure: &Failure) -> Option<i64> {
    match failure.class {
        Class::Cancelled => Some(now),
        Class::StillRunning | Class::Unplanned => None,
        _ => {
            let row = Failing::again(state.steps[ix].undo.failing, now);
            undo_again(&state.graph.step(ix).retry, row, failure, now)
        }
    }
}

/// A preparation that failed is a failed attempt of the block's first step that still has to run.
fn prepared(state: &RunState, now: i64, block: usize, result: Result<()>) -> Vec<Event> {
    let name = state.graph.plan().blocks[block].id.clone();
    let Err(failure) = result else { return vec![Event::BlockPrepared { block: name }] };
    let mut events = vec![Event::BlockUnprepared { block: name }];
    let first = state.graph.blocks()[block].iter().find(|&&ix| state.steps[ix].is_unfinished());
    if let Some(&ix) = first.filter(|_| failure.class != Class::Cancelled) {
        let attempt = state.steps[ix].attempt.saturating_add(1);
        let row = Failing::again(state.steps[ix].failing, now);
        let retry_at = step_again(&state.graph.step(ix).retry, row, &failure, now, false);
        events.push(Event::StepFailed { step: id(state, ix), attempt, failure, retry_at });
    }
    events
}

fn id(state: &RunState, ix: usize) -> String {
    state.graph.id(ix).to_owned()
}
