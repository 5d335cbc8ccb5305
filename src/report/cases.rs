//! The states that a person may find a server of an unfinished switch in, and what to do in each. Pure.
//!
//! `resume` and `rollback` check the servers before they do anything, so they come first everywhere; statements are
//! given only where a server must be closed at once.

use super::decision::{Known, Move};
use crate::dialect::Dialect;
use crate::engine::state::RunState;
use crate::playbook::inventory::Server;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// One server to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Case {
    /// The server.
    pub server: String,
    /// The statement that shows whether it is closed.
    pub look: String,
    /// When it accepts writes (`0`, `OFF`).
    pub open: String,
    /// When it returns anything else.
    pub closed: String,
    /// When it does not answer.
    pub no_answer: String,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "check {} with `{}`:", self.server, self.look)?;
        for (found, then) in [("0, OFF", &self.open), ("1, ON", &self.closed), ("no answer", &self.no_answer)] {
            writeln!(f, "  {found:<9}  ->  {then}")?;
        }
        Ok(())
    }
}

/// The cases of run `run`: for every promotion the new server and the old one.
pub(super) fn of(run: &str, state: &RunState, moves: &[Move<'_>]) -> Vec<Case> {
    let promotions = moves.iter().filter_map(|made| Some((made, made.from?)));
    promotions.flat_map(|(made, old)| [new_server(run, state, made, old), old_server(state, made, old)]).collect()
}

fn dialect(state: &RunState, server: &str) -> Dialect {
    let server = state.graph.plan().world.inventory.server(server);
    Dialect::from(server.map(Server::product).unwrap_or_default())
}

fn new_server(run: &str, state: &RunState, made: &Move<'_>, old: &str) -> Case {
    let new = made.name;
    let words = dialect(state, new);
    let go_on = match (made.known, &state.rollback) {
        (_, Some(_)) => format!("cutover resume {run} continues the rollback"),
        (Known::Open, None) => format!("cutover resume {run} runs the remaining steps"),
        (_, None) => {
            format!("cutover resume {run} continues, cutover rollback {run} opens {old} again; both check first")
        }
    };
    let (open, closed, no_answer) = match made.known {
        Known::Open => (
            format!("it is the only open server now, never open {old}; {go_on}"),
            format!(
                "it was closed again, by a person or a restart; check that {old} is closed, then open it with `{}`; {go_on}",
                words.clear_read_only()
            ),
            format!("do NOT open {old}: it lacks every write since the switch; bring {new} back up"),
        ),
        Known::Unknown => (
            format!(
                "it may have accepted writes and is the only open server now, never open {old}; cutover resume {run}"
            ),
            format!("it accepts no writes; {go_on}"),
            format!("do NOT open {old}: {new} may have accepted writes; bring {new} back up and check again"),
        ),
        _ => (
            format!("someone else opened it; do NOT open {old} before you know who writes there"),
            format!("as it should be; {go_on}"),
            format!("bring it back up before {old} is opened: check first that {new} is closed"),
        ),
    };
    Case { server: new.to_owned(), look: words.read_only().to_owned(), open, closed, no_answer }
}

fn old_server(state: &RunState, made: &Move<'_>, old: &str) -> Case {
    let new = made.name;
    let words = dialect(state, old);
    let shut = words.set_read_only();
    let stay_shut =
        format!("make sure that it starts closed: set read_only in its configuration file before {new} is used");
    let (open, closed, no_answer) = match made.known {
        Known::Open => (
            format!("close it at once with `{shut}`; writes made there since the switch exist nowhere else"),
            "as it should be".to_owned(),
            stay_shut,
        ),
        Known::Unknown => (
            format!("close it at once with `{shut}`, unless you have checked that {new} is closed"),
            format!("leave it closed until the state of {new} is known"),
            stay_shut,
        ),
        _ => (
            format!("the application can write to it; leave it open if {new} is closed"),
            "the application cannot write: do not leave it closed for long".to_owned(),
            "bring it back up: while it is down, the application cannot write".to_owned(),
        ),
    };
    Case { server: old.to_owned(), look: words.read_only().to_owned(), open, closed, no_answer }
}
