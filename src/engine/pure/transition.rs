//! The transition table of a step: which event may follow which status, and what it makes of it. Pure.

use crate::engine::state::{RunState, illegal};
use crate::engine::status::{Failing, Proof, Status, Vouched};
use crate::error::{Class, Failure, Result};
use crate::kinds::{Outputs, Reversibility};
use crate::store::Event;

impl RunState {
    pub(in crate::engine) fn apply_to_step(&mut self, at: i64, ix: usize, event: &Event) -> Result<()> {
        if !self.may_follow(ix, event) {
            let step = &self.steps[ix];
            let (id, status, run) = (self.graph.id(ix), step.status, self.word());
            return Err(illegal(event, format!("step `{id}` is {status} and the run is {run}")));
        }
        self.is_held |=
            failure_of(event).is_some_and(|failure| matches!(failure.class, Class::StillRunning | Class::Unplanned));
        let hooks = self.graph.step(ix).rollback.len();
        let doubt = self.doubt(ix);
        let step = &mut self.steps[ix];
        match event {
            Event::StepNoted { key, value, .. } => {
                step.memo.insert(key.clone(), value.clone());
            }
            Event::StepWaiting { message, .. } => {
                if step.status == Status::Running {
                    step.status = Status::Waiting;
                }
                step.message = Some(message.clone());
            }
            Event::StepIntent { attempt, .. } => self.begin(at, ix, *attempt),
            Event::StepDone { outputs, .. } => self.finish(at, ix, outputs),
            Event::StepRefused { failure, .. } => self.fail(at, ix, failure, None),
            Event::StepFailed { attempt, failure, retry_at, .. } => {
                step.attempt = *attempt;
                self.fail(at, ix, failure, *retry_at);
            }
            Event::StepStopped { failure, .. } if step.proof == Proof::Asked => {
                step.proof = Proof::Wanted;
                step.failure = failure.clone().or(step.failure.take());
            }
            Event::StepStopped { failure, .. } => {
                step.status = Status::Stopped;
                step.proof = doubt;
                step.failure.clone_from(failure);
                step.message = None;
                step.ended = Some(at);
            }
            Event::StepSkipped { reason, .. } => {
                step.status = Status::Skipped;
                step.reason = Some(reason.clone());
                step.ended = Some(at);
            }
            Event::SkippedByHand { why, by, .. } => {
                step.status = Status::Skipped;
                step.proof = Proof::Good;
                step.stale = None;
                step.retry_at = None;
                step.reason = Some(format!("left out by {by}: {why}"));
                step.ended = Some(at);
            }
            Event::StepProbing { .. } => step.proof = Proof::Asked,
            Event::StepConfirmed { .. } => step.proof = Proof::Good,
            Event::StepAbsent { .. } => self.miss(ix),
            Event::UndoIntent { attempt, .. } | Event::HookIntent { attempt, .. } => {
                step.status = Status::Undoing;
                step.undo.open = true;
                step.undo.attempt = *attempt;
                step.retry_at = None;
            }
            Event::UndoDone { .. } | Event::HookDone { .. } => {
                step.undo.hook += usize::from(step.undo.done);
                step.undo.done = true;
                step.undo.open = false;
                step.undo.attempt = 0;
                step.undo.failing = None;
                step.undo.failure = None;
                if step.undo.hook == hooks {
                    step.status = Status::Undone;
                }
            }
            Event::UndoFailed { failure, retry_at, .. } | Event::HookFailed { failure, retry_at, .. } => {
                step.undo.open = false;
                step.undo.failing = Some(Failing::again(step.undo.failing, at));
                step.undo.failure = Some(failure.clone());
                step.retry_at = *retry_at;
                if retry_at.is_none() {
                    step.status = Status::UndoFailed;
                }
            }
            Event::MarkedUndone { why, by, .. } => {
                step.status = Status::Undone;
                step.undo.vouched = Some(Vouched { by: by.clone(), why: why.clone() });
            }
            _ => {}
        }
        Ok(())
    }

    fn may_follow(&self, ix: usize, event: &Event) -> bool {
        let step = &self.steps[ix];
        let underway = matches!(step.status, Status::Running | Status::Waiting);
        let startable = step.is_unfinished();
        let forward = self.is_live() && self.rollback.is_none();
        let undoing = self.is_live() && self.rollback.is_some();
        let asked = forward && step.proof == Proof::Asked;
        match event {
            // written by others than the runner's loop, at any moment, and without influence on what is done next
            Event::StepNoted { .. } | Event::StepWaiting { .. } | Event::Decided { .. } => self.started,
            Event::StepRefused { .. } => forward && !self.admitted,
            Event::StepIntent { .. } => forward && self.admitted && startable && step.proof == Proof::Good,
            Event::StepSkipped { .. } => forward && step.status == Status::Pending,
            Event::SkippedByHand { .. } => forward && self.may_be_left_out(ix),
            Event::StepDone { .. } | Event::StepStopped { .. } => (forward && underway) || asked,
            Event::StepFailed { .. } => (forward && (underway || startable || step.stale.is_some())) || asked,
            Event::StepProbing { .. } => forward && step.proof == Proof::Wanted,
            Event::StepConfirmed { .. } => asked && step.status == Status::Succeeded,
            Event::StepAbsent { .. } => asked,
            Event::UndoIntent { .. } => {
                let settled = underway || matches!(step.status, Status::Undone | Status::UndoFailed | Status::Skipped);
                undoing && step.is_touched() && !settled && !step.undo.open && !step.undo.done
            }
            Event::UndoDone { .. } | Event::UndoFailed { .. } => undoing && step.undo.open && !step.undo.done,
            Event::HookIntent { index, .. } => {
                undoing
                    && step.undo.done
                    && !step.undo.open
                    && step.undo.hook == *index
                    && step.status == Status::Undoing
            }
            Event::HookDone { index, .. } | Event::HookFailed { index, .. } => {
                undoing && step.undo.open && step.undo.done && step.undo.hook == *index
            }
            Event::MarkedUndone { .. } => step.status == Status::UndoFailed && !self.is_live(),
            _ => false,
        }
    }

    fn begin(&mut self, at: i64, ix: usize, attempt: u32) {
        let step = &mut self.steps[ix];
        step.status = Status::Running;
        step.attempt = attempt;
        step.begun = true;
        step.absent = false;
        step.misfit = false;
        step.retry_at = None;
        step.failure = None;
        step.started = step.started.or(Some(at));
        if let Some(block) = self.graph.block(ix) {
            self.blocks[block].started.get_or_insert(at);
        }
    }

    fn finish(&mut self, at: i64, ix: usize, outputs: &Outputs) {
        let step = &mut self.steps[ix];
        let changed = !step.outputs.is_empty() && step.outputs != *outputs;
        step.status = Status::Succeeded;
        step.proof = Proof::Good;
        step.outputs.clone_from(outputs);
        step.failing = None;
        step.failure = None;
        step.message = None;
        step.ended = Some(at);
        if changed {
            self.outdate(ix);
        }
        if self.is_point_reached() {
            // from here on nothing is created again, so nothing needs another check
            for step in self.steps.iter_mut().filter(|step| step.status == Status::Succeeded) {
                step.proof = Proof::Good;
            }
        }
    }

    /// Steps done with an output of `ix` that is no longer true: a check is repeated, a change is not, because it
    /// may no longer match (a new dump does not belong to what was imported before).
    fn outdate(&mut self, ix: usize) {
        let graph = self.graph.clone();
        for &reader in graph.readers(ix) {
            let step = &mut self.steps[reader];
            if graph.step(reader).reversibility != Reversibility::NothingToUndo {
                // what is proved absent is created again with the new values, and so is what was only prepared
                if step.begun && !(step.absent && step.proof == Proof::Good) {
                    step.stale = Some(ix);
                }
            } else if step.status == Status::Succeeded {
                step.status = Status::Stopped;
                step.proof = Proof::Good;
            }
        }
    }

    fn fail(&mut self, at: i64, ix: usize, failure: &Failure, retry_at: Option<i64>) {
        let doubt = self.doubt(ix);
        let step = &mut self.steps[ix];
        step.status = if retry_at.is_some() { Status::Retrying } else { Status::Failed };
        step.proof = doubt;
        step.misfit |= step.stale.take().is_some();
        step.failing = Some(Failing::again(step.failing, at));
        step.failure = Some(failure.clone());
        step.retry_at = retry_at;
        step.message = None;
        step.ended = Some(at);
    }

    /// What is certain about `ix` once its attempt ends without success: whether a point of no return was passed must
    /// be checked, unless a check has just failed to find out.
    fn doubt(&self, ix: usize) -> Proof {
        let underway = matches!(self.steps[ix].status, Status::Running | Status::Waiting);
        if underway && self.graph.is_final(ix) { Proof::Wanted } else { Proof::Good }
    }

    /// The effect of `ix` is absent. Checks that were made after it are repeated.
    fn miss(&mut self, ix: usize) {
        let step = &mut self.steps[ix];
        step.absent = true;
        step.proof = Proof::Good;
        let was_done = step.status == Status::Succeeded;
        if !matches!(step.status, Status::Failed | Status::Retrying) {
            step.status = Status::Stopped;
        }
        if was_done {
            for later in self.graph.after(ix) {
                let check = self.graph.step(later).reversibility == Reversibility::NothingToUndo;
                let step = &mut self.steps[later];
                if check && step.status == Status::Succeeded && step.proof == Proof::Good {
                    step.proof = Proof::Wanted;
                }
            }
        }
    }
}

/// The failure of a step on the way forward. An undo that does not end delays only the steps that must follow it: the
/// application may be waiting for the rest.
fn failure_of(event: &Event) -> Option<&Failure> {
    match event {
        Event::StepFailed { failure, .. } => Some(failure),
        Event::StepStopped { failure, .. } => failure.as_ref(),
        _ => None,
    }
}
