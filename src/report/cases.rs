//! What a person may find on a server of an unfinished switch, and what may be done then. Pure.
//!
//! `resume` and `rollback` look at the servers themselves before they do anything, so they come first everywhere;
//! statements are named only where a server must be shut at once.

use super::decision::{Known, Move};
use crate::dialect::Dialect;
use crate::engine::state::RunState;
use crate::playbook::inventory::Server;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// One place to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Case {
    /// The server.
    pub server: String,
    /// The statement that shows whether it is closed.
    pub look: String,
    /// When it says that it takes writes (`0`, `OFF`).
    pub open: String,
    /// When it says anything else.
    pub closed: String,
    /// When it does not answer.
    pub no_answer: String,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "look at {} with `{}`:", self.server, self.look)?;
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
        (_, Some(_)) => format!("cutover resume {run} goes on taking back"),
        (Known::Open, None) => format!("cutover resume {run} finishes what is left"),
        (_, None) => format!("cutover resume {run} goes on, cutover rollback {run} opens {old} again; both look first"),
    };
    let (open, closed, no_answer) = match made.known {
        Known::Open => (
            format!("it is the one server now, never open {old}; {go_on}"),
            format!(
                "it was closed again, by a person or a restart; once {old} is seen to be closed, open it with `{}`; {go_on}",
                words.clear_read_only()
            ),
            format!("do NOT open {old}: it lacks every write since the switch; bring {new} back"),
        ),
        Known::Unknown => (
            format!("it may have taken writes and is the one server now, never open {old}; cutover resume {run}"),
            format!("it takes no writes; {go_on}"),
            format!("do NOT open {old}: {new} may have taken writes; bring it back and look again"),
        ),
        _ => (
            format!("someone else opened it; do NOT open {old} before you know who writes there"),
            format!("as it should be; {go_on}"),
            format!("bring it back before {old} is opened: that {new} is closed must be seen first"),
        ),
    };
    Case { server: new.to_owned(), look: words.read_only().to_owned(), open, closed, no_answer }
}

fn old_server(state: &RunState, made: &Move<'_>, old: &str) -> Case {
    let new = made.name;
    let words = dialect(state, old);
    let shut = words.set_read_only();
    let stay_shut =
        format!("see that it comes up closed: its configuration file must say read_only before {new} is used");
    let (open, closed, no_answer) = match made.known {
        Known::Open => (
            format!("close it at once with `{shut}`; what was written there since the switch is nowhere else"),
            "as it must be".to_owned(),
            stay_shut,
        ),
        Known::Unknown => (
            format!("close it at once with `{shut}`, unless {new} is seen to be closed"),
            format!("leave it so until it is known how {new} stands"),
            stay_shut,
        ),
        _ => (
            format!("the application can write on it; leave it so if {new} is closed"),
            "the application waits for it: do not leave it so for long".to_owned(),
            "bring it back: while it is down, the application can write nowhere".to_owned(),
        ),
    };
    Case { server: old.to_owned(), look: words.read_only().to_owned(), open, closed, no_answer }
}
