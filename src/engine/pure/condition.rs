//! Whether a step whose needs are fulfilled runs at all. Pure.

use crate::engine::state::RunState;
use crate::engine::status::Status;
use crate::error::Failure;
use crate::playbook::template;
use minijinja::value::{Serde, Value};

/// Whether a step runs.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) enum Verdict {
    /// It runs.
    Run,
    /// It does not run, for this reason.
    Skip(String),
    /// This cannot be decided.
    Fail(Failure),
}

pub(in crate::engine) fn verdict(state: &RunState, ix: usize) -> Verdict {
    let step = state.graph.step(ix);
    if let Some(reason) = &step.skip {
        return Verdict::Skip(reason.clone());
    }
    let read = state.graph.when_reads(ix).iter().chain(state.graph.reads(ix));
    for &read in read {
        let id = state.graph.id(read);
        match state.steps[read].status {
            Status::Succeeded => {}
            Status::Skipped => return Verdict::Skip(format!("it uses an output of step `{id}`, which was skipped")),
            status => return Verdict::Skip(format!("it uses an output of step `{id}`, which is {status}")),
        }
    }
    let Some(when) = &step.when else { return Verdict::Run };
    let mut context = state.outputs();
    context["inputs"] = serde_json::Value::Object(state.graph.inputs().clone());
    let context = Value::from(Serde(context));
    match template::evaluate_expression(&template::environment(), when, &context) {
        Ok(serde_json::Value::Bool(true)) => Verdict::Run,
        Ok(serde_json::Value::Bool(false)) => Verdict::Skip(format!("`when` is false: {when}")),
        Ok(other) => Verdict::Fail(undecided(when, &format!("it is {other}, not true or false"))),
        Err(fault) => Verdict::Fail(undecided(when, &fault.message)),
    }
}

fn undecided(when: &str, answer: &str) -> Failure {
    Failure::permanent(format!("evaluate `when: {when}`"), answer)
}
