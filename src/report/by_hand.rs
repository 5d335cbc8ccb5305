//! What a person must do by hand when a step could not be undone: the rest of its undo and hooks, with all values that the
//! journal holds filled in.

use crate::engine::state::RunState;
use crate::engine::status::{Status, StepState};
use crate::kinds::Action;
use serde_json::Value;

/// The actions left to undo step `ix` of `run`; none unless its undo has failed. Secrets remain markers.
#[must_use]
pub fn by_hand(run: &str, state: &RunState, ix: usize) -> Vec<Action> {
    let (planned, step) = (state.graph.step(ix), &state.steps[ix]);
    if step.status != Status::UndoFailed {
        return Vec::new();
    }
    let own = planned.undo.iter().filter(|_| !step.undo.done);
    let left = own.chain(planned.rollback.iter().skip(step.undo.hook).flat_map(|hook| &hook.actions));
    left.map(|action| action.filled(&|late| known(run, state, ix, late))).collect()
}

fn known(run: &str, state: &RunState, ix: usize, marker: &str) -> Option<String> {
    match marker {
        "run" => Some(run.to_owned()),
        "step" => Some(state.graph.id(ix).to_owned()),
        _ => match marker.strip_suffix(" before") {
            Some(name) => before(&state.steps[ix], name),
            None => state.lookup(marker).as_ref().and_then(text),
        },
    }
}

/// The old value of a setting, noted by a step before it changed it.
fn before(step: &StepState, name: &str) -> Option<String> {
    text(step.memo.get("before")?.get(name)?)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
