//! Journal entries in words, as the log of a step shows them.

use crate::kinds::Outputs;
use crate::report::time::{moment, span};
use crate::store::Event;
use serde_json::Value;

/// An event about a step, in words.
pub(super) fn sentence(event: &Event, at: i64) -> String {
    let again =
        |retry_at: &Option<i64>| retry_at.map_or(String::new(), |due| format!("; next attempt in {}", span(due - at)));
    match event {
        Event::StepIntent { attempt: 1, .. } => "begins".to_owned(),
        Event::StepIntent { attempt, .. } => format!("starts, attempt {attempt}"),
        Event::StepWaiting { message, .. } => format!("waits: {message}"),
        Event::StepNoted { key, .. } => format!("notes {key} for a later resume"),
        Event::StepDone { outputs, .. } if outputs.is_empty() => "done".to_owned(),
        Event::StepDone { outputs, .. } => format!("done: {}", listed(outputs)),
        Event::StepRefused { failure, .. } => format!("refused: {failure}"),
        Event::StepFailed { failure, retry_at, .. } => format!("failed: {failure}{}", again(retry_at)),
        Event::StepStopped { failure: None, .. } => "stopped at a safe point".to_owned(),
        Event::StepStopped { failure: Some(failure), .. } => format!("stopped: {failure}"),
        Event::StepSkipped { reason, .. } => format!("skipped: {reason}"),
        Event::StepProbing { .. } => "checking its real state".to_owned(),
        Event::StepConfirmed { .. } => "its effect is still there".to_owned(),
        Event::StepAbsent { .. } => "its effect is missing, or only partly there".to_owned(),
        Event::Decided { decision, .. } => {
            let word = if decision.approved { "approved" } else { "refused" };
            let reason = decision.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            format!("{word} by {}{reason}", decision.by)
        }
        Event::UndoIntent { attempt: 1, .. } => "undo starts".to_owned(),
        Event::UndoIntent { attempt, .. } => format!("undo starts, attempt {attempt}"),
        Event::UndoDone { .. } => "undone".to_owned(),
        Event::UndoFailed { failure, retry_at, .. } => format!("could not be undone: {failure}{}", again(retry_at)),
        Event::HookIntent { index, .. } => format!("rollback hook {} starts", index + 1),
        Event::HookDone { index, .. } => format!("rollback hook {} is done", index + 1),
        Event::HookFailed { index, failure, retry_at, .. } => {
            format!("rollback hook {} failed: {failure}{}", index + 1, again(retry_at))
        }
        Event::MarkedUndone { why, by, .. } => format!("marked as undone by {by}: {why}"),
        other => format!("{} at {}", other.name().replace('_', " "), moment(at)),
    }
}

fn listed(outputs: &Outputs) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    outputs.iter().map(|(name, value)| format!("{name} = {}", text(value))).collect::<Vec<_>>().join("\n")
}
