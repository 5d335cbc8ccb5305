//! Checkpoints: which steps a rollback keeps after a checkpoint was reached. Pure.
//!
//! A night of copying must not be lost because a switch that takes seconds has failed. So a failure undoes only the
//! steps after a reached checkpoint, and those that failed alongside it; a rollback by a person undoes everything.

use crate::engine::state::RunState;
use crate::engine::status::{Status, StepState};
use crate::playbook::model::OnFailure;
use crate::store::Outcome;

/// Which steps are kept, by number; empty if no checkpoint was reached. A kept step depends only on kept steps.
pub(in crate::engine) fn standing(state: &RunState) -> Vec<bool> {
    let graph = &state.graph;
    let reached: Vec<usize> = (0..graph.len()).filter(|&ix| is_reached(state, ix)).collect();
    if reached.is_empty() {
        return Vec::new();
    }
    let (mut stands, mut later) = (vec![false; graph.len()], vec![false; graph.len()]);
    for &checkpoint in &reached {
        stands[checkpoint] = true;
        graph.before(checkpoint).into_iter().for_each(|ix| stands[ix] = true);
        graph.after(checkpoint).into_iter().for_each(|ix| later[ix] = true);
    }
    for &ix in graph.order() {
        let beside = !later[ix] && is_over(state, ix) && graph.needs(ix).iter().all(|&need| stands[need]);
        stands[ix] |= beside || is_left(state, ix, &stands);
    }
    stands
}

/// Whether `ix` is a valid checkpoint. One that depends on outdated outputs is not: a copy that was loaded from one
/// dump does not belong to the position of another.
fn is_reached(state: &RunState, ix: usize) -> bool {
    let done = state.graph.step(ix).keep && state.steps[ix].status == Status::Succeeded;
    done && fits(&state.steps[ix]) && state.graph.before(ix).into_iter().all(|need| fits(&state.steps[need]))
}

fn fits(step: &StepState) -> bool {
    step.stale.is_none() && !step.misfit
}

/// Whether `ix` is an unfinished checkpoint that depends only on kept steps: its partial work is kept, because a resume
/// continues it. A replica that has started to apply cannot return to the position of its copy.
fn is_left(state: &RunState, ix: usize, stands: &[bool]) -> bool {
    let step = &state.steps[ix];
    state.graph.step(ix).keep && step.begun && fits(step) && state.graph.needs(ix).iter().all(|&need| stands[need])
}

fn is_over(state: &RunState, ix: usize) -> bool {
    let over = match state.steps[ix].status {
        Status::Succeeded | Status::Skipped => true,
        Status::Failed => state.graph.step(ix).on_failure == OnFailure::Continue,
        _ => false,
    };
    over && fits(&state.steps[ix])
}

/// Whether a resumed run starts step `ix` from the beginning, because the run was rolled back to a checkpoint before
/// it.
pub(in crate::engine) fn is_forgotten(state: &RunState, ix: usize) -> bool {
    state.outcome == Some(Outcome::Kept) && state.kept.get(ix) == Some(&false)
}

/// Makes every step that was undone, or never started, ready to start again.
pub(in crate::engine) fn begin_anew(state: &mut RunState) {
    let kept = if state.kept.is_empty() { standing(state) } else { std::mem::take(&mut state.kept) };
    state.rollback = None;
    for (step, kept) in state.steps.iter_mut().zip(kept) {
        if !kept {
            // attempts are counted over the whole run
            *step = StepState { attempt: step.attempt, ..StepState::default() };
        }
    }
}
