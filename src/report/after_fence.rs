//! The last check of the servers that a run has closed, and what a person accepted of it. Pure.

use crate::engine::state::RunState;
use crate::kinds::after_fence::FencedServer;
use crate::store::{Entry, Event};
use schemars::JsonSchema;
use serde::Serialize;

/// After the fence: the end of every switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AfterFence {
    /// The permanently closed servers, as the last check found them.
    pub servers: Vec<FencedServer>,
    /// Who has accepted the findings of an earlier check.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
}

/// A person's confirmation that the writes of a closed server are dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Accepted {
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, in milliseconds since 1970 (UTC).
    pub at: i64,
    /// What was accepted.
    pub found: Vec<FencedServer>,
}

impl AfterFence {
    /// From the run's journal; `None` before the first check.
    #[must_use]
    pub fn of(state: &RunState, entries: &[Entry]) -> Option<Self> {
        let (mut accepted, mut last) = (Vec::new(), Vec::new());
        for entry in entries {
            match &entry.event {
                Event::AfterFence { servers } => last.clone_from(servers),
                Event::WritesAccepted { by, why } => {
                    let found = last.iter().filter(|found: &&FencedServer| !found.is_well()).cloned().collect();
                    accepted.push(Accepted { by: by.clone(), why: why.clone(), at: entry.at, found });
                }
                _ => {}
            }
        }
        let servers = state.after_fence.clone();
        (!servers.is_empty()).then_some(Self { servers, accepted })
    }

    /// Whether all servers are as they should be.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.servers.iter().all(FencedServer::is_well)
    }

    /// Lines for people, without a heading.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.servers.iter().map(ToString::to_string).collect();
        for Accepted { by, why, found, .. } in &self.accepted {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            lines.push(format!("accepted by {by} ({why}): {}", found.join("; ")));
        }
        lines
    }

    /// What to do, if something is wrong.
    #[must_use]
    pub fn next(&self, run: &str) -> Option<String> {
        if self.is_well() {
            return None;
        }
        if let Some(open) = self.servers.iter().find(|found| found.closed == Some(false)) {
            let server = &open.server;
            return Some(format!(
                "close `{server}` (SET GLOBAL read_only = ON) and find out who opened it, then cutover resume {run}"
            ));
        }
        let wrote = |found: &&FencedServer| !found.is_well() && found.own.untold.is_none();
        let first = match self.servers.iter().find(wrote) {
            Some(found) => format!("copy the writes that only `{}` has by hand", found.server),
            None => format!("cutover resume {run} checks again; if the server stays unreachable, check it by hand"),
        };
        Some(format!("{first}, then cutover resume {run} --accept-writes WHY"))
    }
}
