//! Starts of schedules: the decision for each due time, recorded before anything is started, and the result.
//!
//! A due time of a schedule has at most one row. The process that writes it has decided; all others find the decision. So it
//! does not matter how many schedulers use one journal, or when one of them dies.

use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The decision about a due time. Its names are stored in the journal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// It is started: by the process that claims it.
    Started,
    /// It waits until nothing prevents it; the only verdict that is followed by another.
    Queued,
    /// No scheduler was running when it was due, and it is not caught up.
    Missed,
    /// It could have been started only later than its schedule allows.
    Late,
    /// Something prevented it, and its schedule states to skip it.
    Skipped,
    /// Something prevented it, or an earlier run is unfinished.
    Refused,
}

/// One due time of a schedule and its decision. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Start {
    /// The schedule's name.
    pub schedule: String,
    /// When it was due; for one that a person requested, the time of the request.
    pub due: i64,
    /// The decision.
    pub verdict: Verdict,
    /// The reason, where it was not simply started.
    pub reason: Option<String>,
    /// Who decided: a process as `user@host, process 123`, or the person who requested it.
    pub by: String,
    /// When.
    pub at: i64,
    /// Whether a person requested it, at a time that is not in the timetable.
    pub on_demand: bool,
    /// Id of the run; made with the decision.
    pub run: Option<String>,
    /// The arguments of the program to run it.
    pub command: Vec<String>,
    /// Labels that the machine must have to run it; none for any machine.
    pub runs_on: BTreeMap<String, String>,
    /// When a process claimed it.
    pub claimed: Option<i64>,
    /// When that process ended.
    pub ended: Option<i64>,
    /// Exit code; missing when the process died.
    pub exit_code: Option<u8>,
}

impl Start {
    /// Whether it is unfinished: it waits, or it was started and has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.verdict == Verdict::Queued || self.verdict == Verdict::Started && self.ended.is_none()
    }
    /// Whether it runs a playbook on servers of its inventory, and so needs the state directory for itself.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.command.first().is_some_and(|word| word == "run")
    }
}

/// A store of starts.
pub trait Starts: Send + Sync {
    /// Since when the schedule's due times count: since `from` at the first check of it or of its timetable, and never later
    /// than `now`.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn watch(&self, schedule: &str, timetable: &str, now: i64, from: i64) -> Result<i64>;

    /// The newest due time, not after `now`, that has a decision. Requests of people do not count.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn last_due(&self, schedule: &str, now: i64) -> Result<Option<i64>>;

    /// Writes a decision; durable on return. False when the due time has one already: then nothing was written.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn decide(&self, start: &Start) -> Result<bool>;

    /// Writes a new decision for a start that waits, or that was started and not claimed. False when another process was
    /// faster.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn settle(&self, start: &Start) -> Result<bool>;

    /// Reserves an unclaimed start, long enough for a launched process to claim it. False when another process was faster.
    /// Times are from the store's own clock.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn reserve(&self, run: &str) -> Result<bool>;

    /// Claims a start. `None` when another process has claimed it, or when there is no start of that id.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn claim(&self, run: &str, at: i64) -> Result<Option<Start>>;

    /// Writes that the process which claimed the start as `start` shows it has ended, with its exit code if it is known.
    /// Writes nothing when the start has an end already, or was claimed again meanwhile.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn end(&self, start: &Start, at: i64, exit_code: Option<u8>, reason: Option<&str>) -> Result<()>;

    /// Frees a start whose process died before its run was recorded: nothing was done, and it can be claimed again. Whoever
    /// records the run first carries it out, also when the process was only frozen. False when the run is recorded, the start
    /// has an end, or was claimed again meanwhile.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn free(&self, start: &Start) -> Result<bool>;

    /// Every unfinished start, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn open_starts(&self) -> Result<Vec<Start>>;

    /// The newest starts, newest first, of one schedule or of all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn starts(&self, schedule: Option<&str>, limit: usize) -> Result<Vec<Start>>;

    /// The newest start of a schedule that was started and is over.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn last_ended(&self, schedule: &str) -> Result<Option<Start>>;
}
