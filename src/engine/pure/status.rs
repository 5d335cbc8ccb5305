//! The state of one step.

use crate::error::Failure;
use crate::kinds::Outputs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Progress of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Status {
    /// Not started.
    #[default]
    Pending,
    /// An attempt is under way.
    Running,
    /// An attempt is under way, and waits for a person or a time.
    Waiting,
    /// An attempt failed; another one follows after a pause.
    Retrying,
    /// An attempt ended without a result: stopped on request, or lost with its runner.
    Stopped,
    /// Done.
    Succeeded,
    /// Will not run.
    Skipped,
    /// Failed for good.
    Failed,
    /// Is being undone.
    Undoing,
    /// Undone, its hooks included.
    Undone,
    /// Its undo failed.
    #[strum(to_string = "undo failed")]
    UndoFailed,
}

/// Whether the journal's record of a step is certain, or the real state must be checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Proof {
    /// Certain.
    #[default]
    Good,
    /// A check of the real state is due.
    Wanted,
    /// A check of the real state is running.
    Asked,
}

/// The state of one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepState {
    /// Its progress.
    pub status: Status,
    /// Whether that is certain.
    pub proof: Proof,
    /// Number of the last attempt, from 1, counted over the whole run; 0 before the first.
    pub attempt: u32,
    /// An intent was written: some of its effect may be there.
    pub begun: bool,
    /// A check of the real state found its effect absent (or only partly present) after the last attempt.
    pub absent: bool,
    /// It used an output, of the step with this number, that has changed since.
    pub stale: Option<usize>,
    /// It failed because it used an output that has changed since: the steps that depend on it are outdated too.
    pub misfit: bool,
    /// When the next attempt, of the step or its undo, is due.
    pub retry_at: Option<i64>,
    /// Failures in a row.
    pub failing: Option<Failing>,
    /// What ended the last attempt.
    pub failure: Option<Failure>,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// What it waits for.
    pub message: Option<String>,
    /// Its notes.
    pub memo: Map<String, Value>,
    /// Its outputs; kept when it is undone, because the undo needs them.
    pub outputs: Outputs,
    /// Start of its first attempt.
    pub started: Option<i64>,
    /// End of its last attempt.
    pub ended: Option<i64>,
    /// State of its undo.
    pub undo: UndoState,
}

/// Failures in a row, by one runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// When the first was, in milliseconds since 1970.
    pub since: i64,
    /// How many there were.
    pub times: u32,
}

impl Failing {
    /// The row with one more failure, `now`.
    #[must_use]
    pub fn again(row: Option<Self>, now: i64) -> Self {
        let Self { since, times } = row.unwrap_or(Self { since: now, times: 0 });
        Self { since, times: times.saturating_add(1) }
    }
}

/// State of a step's undo.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UndoState {
    /// Number of the last attempt, of the undo or of the hook that is next.
    pub attempt: u32,
    /// An attempt is under way.
    pub open: bool,
    /// The step's own undo is done.
    pub done: bool,
    /// The hook that is next.
    pub hook: usize,
    /// Failures in a row.
    pub failing: Option<Failing>,
    /// What ended the last attempt.
    pub failure: Option<Failure>,
    /// Who undid it by hand instead, and why.
    pub vouched: Option<Vouched>,
}

/// A person's statement that a step is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vouched {
    /// Who, as `user@host, process 123`.
    pub by: String,
    /// Why, in the person's words.
    pub why: String,
}

impl StepState {
    /// Whether something is under way for it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.status, Status::Running | Status::Waiting) || self.proof == Proof::Asked || self.undo.open
    }
    /// Whether it still has to run, or to run again.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Stopped | Status::Retrying)
    }
    /// Whether there may be something of it to undo: an attempt, or a preparation that noted something.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        self.begun || !self.memo.is_empty()
    }
}
