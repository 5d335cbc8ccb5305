//! A person's decision, recorded when it is valid.

use super::Standing;
use crate::effects::Decision;
use crate::engine::clock::wall;
use crate::engine::graph::Graph;
use crate::engine::run_id::person;
use crate::engine::state::RunState;
use crate::engine::status::Status;
use crate::error::{Failure, Result};
use crate::people::PeopleFile;
use crate::store::{Event, Journal, RunRecord};
use std::sync::Arc;

/// Writes `decision` on `step` of `run` into the journal, and returns the new standing. `step` may be left out where
/// only one waits. The plan that the person saw is compared with the run's; where it is not named, the run's own is
/// written down. `file` is the file of people that the person is known by, `None` for an account; the first answer by
/// one binds the run to it.
///
/// # Errors
/// `Refused`, and nothing is written, when the run is over, no such step waits, the plan is another one, the question
/// has lapsed, the run is bound to another file of people, or the answer of this person does not count or has been
/// counted already.
pub fn decide(
    journal: &dyn Journal,
    run: &str,
    step: Option<&str>,
    mut decision: Decision,
    file: Option<&PeopleFile>,
) -> Result<(String, Standing)> {
    let record = journal.run(run)?;
    let entries = journal.entries(run)?;
    let state = RunState::fold(Arc::new(Graph::new(Arc::new(record.plan()?))?), &entries)?;
    let step = waiting(&state, step)?;
    decision.by.truncate(person(&decision.by).len());
    decision.plan = Some(same_plan(&record, decision.plan.take())?);
    decision.people = file.map(|file| file.sha256.clone());
    let standing = Standing::of(&entries, &step);
    if let Some((answer, help)) = standing.strange_file(file) {
        return Err(refused(answer).help(help.replace("RUN", run)));
    }
    if let Some(answer) = objection(&standing, &decision, wall()) {
        return Err(refused(answer).help(format!("`cutover status {run}` shows who still has to answer")));
    }
    let first = file.filter(|_| standing.file.is_none());
    let bound = first.map(|file| Event::PeopleBound { file: file.clone(), by: decision.by.clone(), why: None });
    let decided = Event::Decided { step: step.clone(), decision };
    let events: Vec<Event> = bound.into_iter().chain([decided]).collect();
    journal.append(run, wall(), &events)?;
    let standing = Standing::of(&journal.entries(run)?, &step);
    Ok((step, standing))
}

/// Binds a run to another file of people, because a person asks for it. Returns the changes. Everyone who has approved
/// with the old file must answer again.
///
/// # Errors
/// `Refused`, and nothing is written, when the run is over, is bound to no file yet, or to this one.
pub fn accept_file(journal: &dyn Journal, run: &str, file: &PeopleFile, by: &str, why: &str) -> Result<String> {
    let record = journal.run(run)?;
    let entries = journal.entries(run)?;
    let state = RunState::fold(Arc::new(Graph::new(Arc::new(record.plan()?))?), &entries)?;
    let refused = |answer: String| Failure::refused("accept the file of people", answer).now("nothing was written");
    if let Some(outcome) = state.outcome.filter(|outcome| !outcome.is_resumable()) {
        return Err(refused(format!("the run is over: {outcome}")));
    }
    if let Some(outcome) = state.outcome {
        return Err(refused(format!("the run is {outcome}")).help(format!("resume it first: `cutover resume {run}`")));
    }
    let Some(bound) = Standing::of(&entries, "").file else {
        let answer = "the run is bound to no file of people yet: the first answer by one binds it".to_owned();
        return Err(refused(answer));
    };
    if bound.is_same(file) {
        return Err(refused(format!("the run is already bound to {bound}")));
    }
    let (file_now, by, why) = (file.clone(), by.to_owned(), Some(why.to_owned()));
    journal.append(run, wall(), &[Event::PeopleBound { file: file_now, by, why }])?;
    Ok(bound.changes(file))
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
        (_, []) => Err(refused("no step waits for approval").help("`cutover status RUN` shows its state")),
        (_, ids) => Err(refused(format!("these steps wait for approval: {}", ids.join(", "))).help("name one of them")),
    }
}

fn same_plan(record: &RunRecord, seen: Option<String>) -> Result<String> {
    let hash = &record.head.hash;
    match seen {
        Some(seen) if seen.len() < 8 || !hash.starts_with(&seen) => {
            let answer = format!("the decision is about plan {seen}, but the run uses plan {hash}");
            Err(refused(answer).help("review the plan of this run, then decide again"))
        }
        _ => Ok(hash.clone()),
    }
}

/// Why the decision is not accepted.
fn objection(standing: &Standing, decision: &Decision, now: i64) -> Option<String> {
    if standing.lapses_at().is_some_and(|end| end <= now) {
        return Some("the question has lapsed: nobody answered in time".to_owned());
    }
    if let Some(refusal) = standing.refusal() {
        return Some(format!("{} has already refused", refusal.by));
    }
    if !decision.approved {
        return None;
    }
    let again = standing.people().contains(&decision.by);
    standing.why_not(&decision.by).or_else(|| again.then(|| format!("{} has already approved", decision.by)))
}

fn refused(answer: impl Into<String>) -> Failure {
    Failure::refused("record the decision", answer).now("nothing was written")
}
