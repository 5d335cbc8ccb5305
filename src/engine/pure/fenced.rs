//! Pairs of servers of which the one was closed for good and the other opened in its place, as a run's state tells. Pure.

use crate::effects::own_transactions::OwnLog;
use crate::engine::state::RunState;
use crate::engine::status::{Status, StepState};
use crate::plan::PlannedStep;

/// A switch from one server to another that has come to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fenced {
    /// The server that was closed.
    pub old: String,
    /// The server that was opened.
    pub new: String,
    /// How far the old server's own log had come: at the fence, or when a person accepted what it has written since.
    /// `None` where a program without that record closed it.
    pub before: Option<OwnLog>,
    /// Whether a person has accepted that nobody can look.
    pub excused: bool,
    /// Whether the old server was made to follow the new one.
    pub has_way_back: bool,
}

/// Switches of the run, in the order of its plan. A server that was opened again by a later step of the same run is none.
#[must_use]
pub fn fenced(state: &RunState) -> Vec<Fenced> {
    let opened: Vec<(usize, &str, &str)> = done(state, "promote")
        .map(|(ix, step, _)| (ix, field(step, "server").unwrap_or("target"), field(step, "source").unwrap_or("source")))
        .collect();
    let follows =
        |old: &str| done(state, "reverse_replication").any(|(_, step, _)| field(step, "replica") == Some(old));
    let pairs = done(state, "fence").filter_map(|(ix, step, fence)| {
        let old = field(step, "server")?;
        let (_, new, _) = opened.iter().find(|(_, _, source)| *source == old)?;
        if opened.iter().any(|(later, server, _)| *later > ix && *server == old) {
            return None;
        }
        let at_fence = || serde_json::from_str(fence.outputs.get("own_log")?.as_str()?).ok();
        let accepted = state.accepted.get(old);
        Some(Fenced {
            old: old.to_owned(),
            new: (*new).to_owned(),
            before: accepted.cloned().flatten().or_else(at_fence),
            excused: accepted.is_some_and(Option::is_none),
            has_way_back: follows(old),
        })
    });
    pairs.collect()
}

/// Whether a switch has begun and is neither done nor taken back: then servers open and close, and nothing of that is
/// wrong.
#[must_use]
pub fn is_switching(state: &RunState) -> bool {
    let over = |step: &StepState| matches!(step.status, Status::Undone | Status::Skipped);
    let begun = steps(state, "fence").any(|(_, _, step)| step.begun && !over(step));
    begun && fenced(state).is_empty()
}

fn steps<'a>(state: &'a RunState, uses: &'a str) -> impl Iterator<Item = (usize, &'a PlannedStep, &'a StepState)> {
    let steps = state.graph.plan().steps.iter().zip(&state.steps).enumerate();
    steps.filter(move |(_, (planned, _))| planned.uses == uses).map(|(ix, (planned, step))| (ix, planned, step))
}

fn done<'a>(state: &'a RunState, uses: &'a str) -> impl Iterator<Item = (usize, &'a PlannedStep, &'a StepState)> {
    steps(state, uses).filter(|(_, _, step)| step.status == Status::Succeeded)
}

fn field<'a>(step: &'a PlannedStep, name: &str) -> Option<&'a str> {
    step.with.get(name).and_then(|value| value.as_str())
}
