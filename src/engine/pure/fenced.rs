//! Pairs of servers of which the one was closed for good and the other opened in its place, according to a run's state.
//! Pure.

use crate::effects::own_transactions::OwnLog;
use crate::engine::state::RunState;
use crate::engine::status::{Status, StepState};
use crate::kinds::role::{Closes, Follows, Opens, RoleData};

/// A completed switch from one server to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fenced {
    /// The server that was closed.
    pub old: String,
    /// The server that was opened.
    pub new: String,
    /// End of the old server's own log: at the fence, or when a person accepted its later writes.
    /// `None` if a program without that record closed it.
    pub before: Option<OwnLog>,
    /// Whether a person has accepted that the server cannot be checked.
    pub excused: bool,
    /// Whether the old server was made to follow the new one.
    pub has_way_back: bool,
}

/// Switches of the run, in the order of its plan. A server that was opened again by a later step of the same run is
/// none.
#[must_use]
pub fn fenced(state: &RunState) -> Vec<Fenced> {
    let opened: Vec<(usize, &Opens)> = done(state).map(|(ix, opens, _)| (ix, opens)).collect();
    let follows =
        |old: &str| done(state).any(|(_, follows, _): (_, &Follows, _)| follows.way_back && follows.replica == old);
    let pairs = done(state).filter_map(|(ix, Closes { server: old }, fence)| {
        let (_, opens) = opened.iter().find(|(_, opens)| opens.source == *old)?;
        if opened.iter().any(|(later, opens)| *later > ix && opens.server == *old) {
            return None;
        }
        let at_fence = || serde_json::from_str(fence.outputs.get("own_log")?.as_str()?).ok();
        let accepted = state.accepted.get(old);
        Some(Fenced {
            old: old.clone(),
            new: opens.server.clone(),
            before: accepted.cloned().flatten().or_else(at_fence),
            excused: accepted.is_some_and(Option::is_none),
            has_way_back: follows(old),
        })
    });
    pairs.collect()
}

/// Whether a switch has started and is neither done nor undone: then servers open and close, and that is
/// normal.
#[must_use]
pub fn is_switching(state: &RunState) -> bool {
    let over = |step: &StepState| matches!(step.status, Status::Undone | Status::Skipped);
    let begun = playing::<Closes>(state).any(|(_, _, step)| step.begun && !over(step));
    begun && fenced(state).is_empty()
}

/// Steps that play a role: their places in the plan, their data for it, and their state.
fn playing<R: RoleData>(state: &RunState) -> impl Iterator<Item = (usize, &R, &StepState)> {
    let steps = state.graph.plan().steps.iter().zip(&state.steps).enumerate();
    steps.flat_map(|(ix, (planned, step))| planned.each_role().map(move |role| (ix, role, step)))
}

fn done<R: RoleData>(state: &RunState) -> impl Iterator<Item = (usize, &R, &StepState)> {
    playing(state).filter(|(_, _, step)| step.status == Status::Succeeded)
}
