//! Starts of schedules: what was decided for each due time, before anything was started, and what came of it.
//!
//! A due time of a schedule has at most one row. Whoever writes it has decided; everyone else finds it there. So it does
//! not matter how many schedulers look at one journal, or when one of them dies.

use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was decided about a due time. Its words stand in the journal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// It is started: by the process that claims it.
    Started,
    /// It waits for what is in its way; the only verdict that is followed by another.
    Queued,
    /// Nobody looked when it was due, and it is not caught up on.
    Missed,
    /// It could have been started only later than its schedule allows.
    Late,
    /// Something was in its way, and its schedule says to let it be.
    Skipped,
    /// Something was in its way, or an earlier run has not been brought to its end.
    Refused,
}

/// One due time of a schedule and its decision. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Start {
    /// The schedule's name.
    pub schedule: String,
    /// When it was due; for one that a person asked for, when that was.
    pub due: i64,
    /// What was decided.
    pub verdict: Verdict,
    /// Why, where it was not simply started.
    pub reason: Option<String>,
    /// Who decided: a process as `user@host, process 123`, or the person that asked for it.
    pub by: String,
    /// When.
    pub at: i64,
    /// Whether a person asked for it, at a time that is not of the timetable.
    pub on_demand: bool,
    /// Id of the run; made with the decision.
    pub run: Option<String>,
    /// What the program is called with to carry it out.
    pub command: Vec<String>,
    /// Labels that the machine which carries it out must have; none for any.
    pub runs_on: BTreeMap<String, String>,
    /// When a process took it up.
    pub claimed: Option<i64>,
    /// When that process ended.
    pub ended: Option<i64>,
    /// Exit code; missing when the process died.
    pub exit_code: Option<u8>,
}

impl Start {
    /// Whether something is still to come of it: it waits, or it was started and has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.verdict == Verdict::Queued || self.verdict == Verdict::Started && self.ended.is_none()
    }
    /// Whether it carries a playbook out on servers of its inventory, and so needs the state directory for itself.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.command.first().is_some_and(|word| word == "run")
    }
}

/// Where starts are kept.
pub trait Starts: Send + Sync {
    /// Since when the schedule's due times count: since `from`, when this is the first look at it or at its timetable, and
    /// never since later than `now`.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn watch(&self, schedule: &str, timetable: &str, now: i64, from: i64) -> Result<i64>;

    /// The newest due time, not after `now`, that has a decision. What persons asked for does not count.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn last_due(&self, schedule: &str, now: i64) -> Result<Option<i64>>;

    /// Writes a decision; durable on return. False when the due time has one already: then nothing was written.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn decide(&self, start: &Start) -> Result<bool>;

    /// Writes what becomes of a start that waits, or that was started and nobody has claimed. False when somebody else
    /// was faster.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn settle(&self, start: &Start) -> Result<bool>;

    /// Keeps a start that nobody has claimed for whoever asks first, for so long that a process of it can claim it. False when
    /// somebody else was faster. Times are of the store's own clock.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn reserve(&self, run: &str) -> Result<bool>;

    /// Takes up a start. `None` when another process has, or when nothing of that id is to be started.
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

    /// Every start of which something is still to come, oldest first.
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
