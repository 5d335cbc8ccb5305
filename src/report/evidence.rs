//! Evidence of a run for an auditor: commit and plan, decisions, servers, and their answers at the moments of the switch.
//! All of it comes from the journal; no server is asked. Pure.

use super::fold::Summary;
use super::standstill::JournalMoment;
use crate::store::{Entry, Event};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The evidence of one run. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Commit that the playbook was at, and whether the file was as committed; missing outside a repository.
    pub revision: Option<String>,
    /// Process that started the run.
    pub runner: Option<String>,
    /// What people decided.
    pub decisions: Vec<Decided>,
    /// The identity that each server reported: its version, ids and names.
    pub servers: BTreeMap<String, BTreeMap<String, String>>,
    /// The moments of the switch.
    pub switch: Option<Switch>,
    /// What steps read back from servers, files and disks when they last succeeded: their outputs, by step.
    pub read_back: BTreeMap<String, BTreeMap<String, Value>>,
    /// What a rehearsal found in its ledger after the end: the report of `cutover rehearse`.
    pub rehearsal: Option<Value>,
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Decided {
    /// The step that asked.
    pub step: String,
    /// Who.
    pub by: String,
    /// Whether it was approved.
    pub approved: bool,
    /// Why, if a reason was given.
    pub reason: Option<String>,
    /// When.
    pub at: i64,
}

/// The moments of a switch, from the runner's clock. The application's own pause lies between the first and the last.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Switch {
    /// When the fence began to close the old server. The step begins earlier: it waits for a good moment while the
    /// application writes on.
    pub closing: i64,
    /// Time from the first lock to the final position, in milliseconds.
    pub fence_ms: Option<f64>,
    /// The last position in the old server's log.
    pub fenced_at: Option<Value>,
    /// When the new server had applied everything.
    pub caught_up: Option<i64>,
    /// When the new server was open.
    pub open: Option<i64>,
    /// The new server's position in its own log when it was opened.
    pub promoted_at: Option<Value>,
    /// When the application was sent to the new server.
    pub arrived: Option<i64>,
    /// When the old server was opened again, if the switch was given up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reopened: Option<i64>,
}

impl Evidence {
    /// From the journal of the run.
    #[must_use]
    pub fn new(summary: &Summary, entries: &[Entry]) -> Self {
        let mut evidence = Self { switch: switch(summary), ..Self::default() };
        for entry in entries {
            match &entry.event {
                Event::RunStarted { runner, revision, .. } => {
                    evidence.runner = Some(runner.clone());
                    evidence.revision.clone_from(revision);
                }
                Event::ServerSeen { server, identity } => {
                    evidence.servers.insert(server.clone(), identity.clone());
                }
                Event::Decided { step, decision } => evidence.decisions.push(Decided {
                    step: step.clone(),
                    by: decision.by.clone(),
                    approved: decision.approved,
                    reason: decision.reason.clone(),
                    at: entry.at,
                }),
                Event::Judged { report } => evidence.rehearsal = Some(report.clone()),
                _ => {}
            }
        }
        for step in summary.steps.iter().filter(|step| !step.outputs.is_empty()) {
            let outputs = step.outputs.iter().map(|(name, value)| (name.clone(), value.clone()));
            evidence.read_back.insert(step.id.clone(), outputs.collect());
        }
        evidence
    }
}

/// The last switch of the run, if one was started.
fn switch(summary: &Summary) -> Option<Switch> {
    let last = summary.standstills.last()?;
    let at = |moment: Option<JournalMoment>| moment.map(|moment| moment.at);
    Some(Switch {
        closing: last.from.at,
        fence_ms: last.fence_ms,
        fenced_at: last.fenced_at.clone(),
        caught_up: at(last.caught_up),
        open: at(last.open),
        promoted_at: last.promoted_at.clone(),
        arrived: at(last.arrived),
        reopened: at(last.reopened),
    })
}
