//! A switch that did not end well: what the journal holds about every server and application in it, and what may be
//! done. Two servers open at once lose writes, so every case states which one must remain closed.
//!
//! Pure. Derived from the plan's `fence`, `promote` and `repoint` steps; the cases are `cases.rs`.

use super::cases::{self, Case};
use crate::dialect::Dialect;
use crate::engine::state::RunState;
use crate::engine::status::{Status, StepState};
use crate::error::Class;
use crate::kinds::role::{Closes, MovesApplication, Opens, Role};
use crate::playbook::inventory::Server;
use crate::store::Outcome;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// What is known, and what may be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionTable {
    /// Servers and applications of the switch, in the order of the plan's steps.
    pub places: Vec<Place>,
    /// What to check, and what to do for each answer.
    pub cases: Vec<Case>,
}

/// A server or an application of the switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    /// Its name in the inventory.
    pub name: String,
    /// Where it is: the server's address and host, or that it is an application.
    pub at: String,
    /// Its state, as far as the journal shows.
    pub known: Known,
    /// Why this is known, or not.
    pub because: String,
}

/// The state of a server or application, as far as the journal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Known {
    /// This run has not changed it.
    #[strum(to_string = "unchanged")]
    Untouched,
    /// Closed to writes.
    Closed,
    /// Open to writes.
    Open,
    /// Sent to the new server.
    #[strum(to_string = "moved")]
    Sent,
    /// A person must check.
    #[strum(to_string = "NOT KNOWN")]
    Unknown,
}

/// One step of the switch: its server or application, and the state of that.
pub(super) struct Move<'a> {
    pub name: &'a str,
    /// The old server that a promotion replaces.
    pub from: Option<&'a str>,
    /// What it means when the step has succeeded.
    done: Known,
    pub known: Known,
    because: String,
}

impl DecisionTable {
    /// The table of run `run`; `None` when no switch is unfinished: it was not started, is done, or is rolled back.
    #[must_use]
    pub fn new(run: &str, state: &RunState) -> Option<Self> {
        let over = matches!(
            state.outcome,
            Some(Outcome::Done | Outcome::RolledBack | Outcome::Kept | Outcome::Refused | Outcome::Nothing)
        );
        let over = over || state.is_done_but_for_the_fence();
        let moves = moves(state);
        let shut = |made: &Move<'_>| made.done == Known::Closed && matches!(made.known, Known::Closed | Known::Unknown);
        if over || !(moves.iter().any(shut) || (!moves.is_empty() && state.is_point_possible())) {
            return None;
        }
        let inventory = &state.graph.plan().world.inventory;
        let place = |made: &Move<'_>| Place {
            name: made.name.to_owned(),
            at: inventory.server(made.name).filter(|_| made.done != Known::Sent).map_or("application".into(), at),
            known: made.known,
            because: made.because.clone(),
        };
        Some(Self { places: moves.iter().map(place).collect(), cases: cases::of(run, state, &moves) })
    }
}

fn at(server: &Server) -> String {
    format!("{} on {}", server.address, server.host)
}

fn moves(state: &RunState) -> Vec<Move<'_>> {
    let steps = state.graph.plan().steps.iter().zip(&state.steps);
    let moves = steps.filter(|(planned, _)| planned.skip.is_none()).flat_map(|(planned, step)| {
        planned.roles.iter().filter_map(|role| {
            let (name, from, done) = match role {
                Role::Closes(Closes { server }) => (server, None, Known::Closed),
                Role::Opens(Opens { server, source, .. }) => (server, Some(source.as_str()), Known::Open),
                Role::MovesApplication(MovesApplication { application, .. }) => (application, None, Known::Sent),
                _ => return None,
            };
            let (known, because) = judge(&planned.id, step, done);
            Some(Move { name, from, done, known, because })
        })
    });
    moves.collect()
}

/// What a step's status means for its server or application. `done` is the meaning of success.
fn judge(id: &str, step: &StepState, done: Known) -> (Known, String) {
    let was_closed =
        step.memo.get("before").and_then(|before| before.get("read_only")?.as_str()).and_then(Dialect::closed);
    let opposite = match done {
        Known::Closed if was_closed == Some(true) => Known::Untouched,
        Known::Closed => Known::Open,
        Known::Open => Known::Closed,
        _ => Known::Untouched,
    };
    match step.status {
        Status::Succeeded => (done, format!("step `{id}` succeeded")),
        Status::Undone if step.begun => (opposite, format!("step `{id}` was undone")),
        Status::UndoFailed => (Known::Unknown, format!("step `{id}` could not be undone")),
        _ if step.failure.as_ref().is_some_and(|failure| failure.class == Class::NotYet) => {
            (Known::Untouched, format!("step `{id}` ended before it touched anything: a condition was not met yet"))
        }
        // a fence cannot be checked from outside: not finding it proves nothing about the server
        _ if step.begun && step.absent && done != Known::Closed => {
            (opposite, format!("step `{id}` was checked, and had no effect"))
        }
        _ if step.begun => (Known::Unknown, format!("step `{id}` started, and it is not known how far it got")),
        _ => (Known::Untouched, format!("step `{id}` was not started")),
    }
}

impl fmt::Display for DecisionTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&Place) -> &str| self.places.iter().map(|place| text(place).len()).max().unwrap_or(0);
        let (names, ats) = (width(|place| &place.name), width(|place| &place.at));
        writeln!(f, "state of the switch, from the journal:")?;
        for Place { name, at, known, because } in &self.places {
            writeln!(f, "  {name:<names$}  {at:<ats$}  {known:<9}  {because}")?;
        }
        self.cases.iter().try_for_each(|case| write!(f, "{case}"))
    }
}
