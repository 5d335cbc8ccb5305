//! A person's decision, written down when everything about it is right.

use super::Standing;
use crate::effects::Decision;
use crate::engine::clock::wall;
use crate::engine::graph::Graph;
use crate::engine::run_id::person;
use crate::engine::state::RunState;
use crate::engine::status::Status;
use crate::error::{Failure, Result};
use crate::store::{Event, Journal, RunRecord};
use std::sync::Arc;

/// Writes `decision` on `step` of `run` into the journal, and tells how the question stands then. `step` may be left out
/// where only one waits. The plan that the person saw is compared with the run's; where it is not named, the run's own
/// is written down.
///
/// # Errors
/// `Refused`, and nothing is written, when the run is over, no such step waits, the plan is another one, the question
/// has lapsed, or the word of this person does not count or has been counted already.
pub fn decide(
    journal: &dyn Journal,
    run: &str,
    step: Option<&str>,
    mut decision: Decision,
) -> Result<(String, Standing)> {
    let record = journal.run(run)?;
    let entries = journal.entries(run)?;
    let state = RunState::fold(Arc::new(Graph::new(Arc::new(record.plan()?))?), &entries)?;
    let step = waiting(&state, step)?;
    decision.by.truncate(person(&decision.by).len());
    decision.plan = Some(same_plan(&record, decision.plan.take())?);
    let standing = Standing::of(&entries, &step);
    if let Some(answer) = objection(&standing, &decision, wall()) {
        return Err(refused(answer).help(format!("`cutover status {run}` shows who is waited for")));
    }
    let event = Event::Decided { step: step.clone(), decision };
    journal.append(run, wall(), &[event])?;
    let standing = Standing::of(&journal.entries(run)?, &step);
    Ok((step, standing))
}

/// The step that is meant, if it waits for people.
fn waiting(state: &RunState, step: Option<&str>) -> Result<String> {
    if let Some(outcome) = state.outcome {
        return Err(refused(format!("the run is over: {outcome}")));
    }
    let all = state.steps.iter().enumerate().filter(|(_, step)| step.status == Status::Waiting);
    let ids: Vec<&str> = all.map(|(ix, _)| state.graph.id(ix)).collect();
    match (step, ids.as_slice()) {
        (Some(step), ids) if ids.contains(&step) => Ok(step.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (_, []) => Err(refused("no step waits for approval").help("`cutover status RUN` shows how it stands")),
        (_, ids) => Err(refused(format!("waiting are: {}", ids.join(", "))).help("name one of them")),
    }
}

fn same_plan(record: &RunRecord, seen: Option<String>) -> Result<String> {
    let hash = &record.head.hash;
    match seen {
        Some(seen) if seen.len() < 8 || !hash.starts_with(&seen) => {
            let answer = format!("the decision is about the plan {seen}, and the run carries out {hash}");
            Err(refused(answer).help("read the plan of the run again, and decide about that"))
        }
        _ => Ok(hash.clone()),
    }
}

/// Why the decision cannot be taken.
fn objection(standing: &Standing, decision: &Decision, now: i64) -> Option<String> {
    if standing.lapses_at().is_some_and(|end| end <= now) {
        return Some("the question has lapsed: nobody answered in time".to_owned());
    }
    if let Some(refusal) = standing.refusal() {
        return Some(format!("{} has said no already", refusal.by));
    }
    if !decision.approved {
        return None;
    }
    let again = standing.people().contains(&decision.by);
    standing.why_not(&decision.by).or_else(|| again.then(|| format!("{} has approved already", decision.by)))
}

fn refused(answer: impl Into<String>) -> Failure {
    Failure::refused("record the decision", answer).now("nothing was written")
}
