//! What an auditor asks of a run: which commit and plan, who decided what, which servers, and what they said at the
//! moments that count. All of it stands in the journal; nothing is asked anew. Pure.

use super::fold::{StepSummary, Summary};
use crate::journal::{Entry, Event};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The evidence of one run. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Commit that the playbook was at, and whether the file was as committed; missing outside a repository.
    pub revision: Option<String>,
    /// Process that began the run.
    pub runner: Option<String>,
    /// What people decided.
    pub decisions: Vec<Decided>,
    /// What each server said it is: its version, numbers, and names.
    pub servers: BTreeMap<String, BTreeMap<String, String>>,
    /// The moments of the switch.
    pub switch: Option<Switch>,
    /// What steps read back from servers, files and disks: their outputs, by step.
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
    /// Whether it was a yes.
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
    /// The last place in the old server's log.
    pub fenced_at: Option<Value>,
    /// When the new server had applied everything.
    pub caught_up: Option<i64>,
    /// When the new server was open.
    pub open: Option<i64>,
    /// The new server's place in its own log when it was opened.
    pub promoted_at: Option<Value>,
    /// When the application was seen on the new server.
    pub arrived: Option<i64>,
}

impl Switch {
    /// Longest that the application can have waited, in milliseconds: from the beginning of the fence until it was
    /// seen on the new server, or until that was open.
    #[must_use]
    pub fn gap_ms(&self) -> Option<i64> {
        Some(self.arrived.or(self.open)?.saturating_sub(self.closing).max(0))
    }
}

impl Evidence {
    /// What the journal of the run says.
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

/// The last switch of the run, if one was begun.
fn switch(summary: &Summary) -> Option<Switch> {
    let last = |kind: &str| summary.steps.iter().rev().find(|step| step.uses == kind && step.started.is_some());
    let fence = last("fence")?;
    let ended = |kind: &str| last(kind).filter(|step| step.duration.is_some()).and_then(|step| step.ended);
    let output = |step: Option<&StepSummary>, name: &str| step.and_then(|step| step.outputs.get(name)).cloned();
    let fence_ms = output(Some(fence), "fence_ms").and_then(|ms| ms.as_f64());
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds")]
    let closing = fence.ended.zip(fence_ms).map(|(ended, ms)| ended - ms.ceil() as i64);
    Some(Switch {
        closing: closing.or(fence.started)?,
        fence_ms,
        fenced_at: output(Some(fence), "position"),
        caught_up: ended("wait_for_position"),
        open: ended("promote"),
        promoted_at: output(last("promote"), "position"),
        arrived: ended("repoint"),
    })
}
