//! Which work may start before the journal has recorded it. Pure.
//!
//! The rule is: intent before effect. Behind a fence the application waits for every sync, and for a shared store that
//! is unreachable. So where it does no harm to lose the last lines of the journal together with the runner, the journal
//! may lag behind.

use crate::domain::units::Span;
use crate::engine::schedule::Decision;
use crate::engine::state::RunState;
use crate::error::Failure;
use crate::kinds::{Begins, find};
use std::time::Duration;

/// How long to wait for the journal while the application waits too, if the next action is safe without it.
const THEN_GO_ON: Duration = Duration::from_millis(500);
/// The same, if nothing may continue without it.
const THEN_GIVE_UP: Duration = Duration::from_secs(2);

/// How long an action waits for the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as it takes.
    Endless,
    /// This long; then it is done anyway.
    ThenGoOn(Duration),
    /// This long; then it is not done.
    ThenGiveUp(Duration),
}

/// Whether `decision` may start while its intent is being written: the application waits, and the work
/// either changes nothing before it has waited for the journal itself, or does no harm when it is repeated by a runner
/// that does not know of the first time and can undo nothing.
#[must_use]
pub fn begins_at_once(state: &RunState, decision: &Decision) -> bool {
    let step = match *decision {
        Decision::Start { step, .. } => step,
        Decision::Probe { step } => return state.is_in_begun_block(step),
        _ => return false,
    };
    match find(&state.graph.step(step).uses).map_or(Begins::Noted, |kind| kind.begins) {
        Begins::Noted => false,
        Begins::Looking => state.is_in_begun_block(step),
        Begins::Again => state.is_in_begun_block(step) && state.is_point_reached(),
    }
}

/// How long `decision` waits for the journal.
#[must_use]
pub fn patience(state: &RunState, decision: &Decision) -> Patience {
    match *decision {
        Decision::Start { step, .. } => patience_of(state, step, false),
        Decision::Undo { step, .. } | Decision::Hook { step, .. } => patience_of(state, step, true),
        _ => Patience::Endless,
    }
}

/// How long a step waits for the journal, to start or to note something; `back` when it is being undone.
///
/// Behind a fence there is always an action that is right whatever the journal finally contains: before the point of no
/// return started steps are undone, which does no harm twice; after it everything continues, and nothing is undone.
#[must_use]
pub fn patience_of(state: &RunState, step: usize, back: bool) -> Patience {
    match state.is_in_begun_block(step) {
        true if back || state.is_point_reached() => Patience::ThenGoOn(THEN_GO_ON),
        true => Patience::ThenGiveUp(THEN_GIVE_UP),
        false => Patience::Endless,
    }
}

/// The failure of an action that the journal did not record in time. The first of its block has touched nothing.
#[must_use]
pub fn late(state: &RunState, decision: &Decision) -> Failure {
    let answer = format!("the journal did not record its intent within {}", Span(THEN_GIVE_UP));
    let failure = match *decision {
        Decision::Start { step, .. } if state.is_first_of_block(step) => Failure::not_yet("start the step", answer),
        _ => Failure::permanent("start the step", answer),
    };
    failure
        .now("it did not start: nothing is done before the journal has recorded it")
        .help("make sure that the journal can be written; meanwhile the steps behind a fence are undone")
}
