//! The rollback: which steps are undone now. Pure. A step is undone when every step after it is undone, or was
//! never started; its hooks follow its own undo. A step whose undo failed keeps only the steps before it from being
//! undone. Steps that a checkpoint keeps are not undone.

use crate::engine::schedule::{Decision, Wish};
use crate::engine::state::RunState;
use crate::engine::status::Status;
use crate::store::Outcome;

pub(in crate::engine) fn decide(state: &RunState, now: i64, wish: &Wish) -> Vec<Decision> {
    if let Some(reason) = wish.rollback.as_ref().filter(|_| state.keeps()) {
        // a person rolls back everything: running work ends first
        let whole = Decision::BeginRollback { reason: reason.clone(), keep: false };
        return if state.is_busy() { Vec::new() } else { vec![whole] };
    }
    let mut clear = vec![false; state.steps.len()];
    let mut out = Vec::new();
    for &ix in state.graph.order().iter().rev() {
        let step = &state.steps[ix];
        let free = state.graph.dependents(ix).iter().all(|&later| clear[later]);
        let kept = state.kept.get(ix).is_some_and(|&kept| kept);
        let gone = kept || !step.is_touched() || step.status == Status::Undone;
        clear[ix] = free && gone;
        if free && !gone && !step.is_busy() && step.status != Status::UndoFailed {
            out.push(next(state, ix, now));
        }
    }
    if out.is_empty() && !state.is_busy() {
        let outcome = match clear.iter().all(|&clear| clear) {
            false => Outcome::Stuck,
            true if state.keeps() => Outcome::Kept,
            true if state.is_refusal() => Outcome::Refused,
            true => Outcome::RolledBack,
        };
        out.push(Decision::Finish { outcome });
    }
    out
}

fn next(state: &RunState, ix: usize, now: i64) -> Decision {
    let step = &state.steps[ix];
    let attempt = step.undo.attempt.saturating_add(1);
    match step.retry_at.filter(|&at| at > now) {
        Some(at) => Decision::Wake { at },
        None if step.undo.done => Decision::Hook { step: ix, index: step.undo.hook, attempt },
        None => Decision::Undo { step: ix, attempt },
    }
}
