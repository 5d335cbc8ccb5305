//! The journal: append-only events, the only truth about a run. A narrow trait with two stores behind it: one `SQLite` file
//! per state directory, or a PostgreSQL database that machines share.
//!
//! May know the plan (stored with the run) and the plain data that events carry; no step, no engine, no clock.

mod breakpoints;
pub mod chain;
mod checked;
mod copy;
mod database;
mod entries;
mod event;
mod holder;
mod outbox;
mod overview;
mod postgres;
mod prune;
mod sqlite;
mod start;
mod starts;
#[allow(clippy::module_inception, reason = "the handle on all that this room keeps")]
mod store;
mod tee;
mod trouble;

pub use breakpoints::{Breakpoints, Halt, Side};
pub use checked::Checked;
pub use event::{Entry, Event, Outcome};
pub use holder::{LEASE, RunHold};
pub use outbox::Letter;
pub use overview::{Ended, RunRow, Took, Wanted};
pub use postgres::Address;
pub use prune::Old;
pub use sqlite::Backup;
pub(crate) use sqlite::rechain;
pub use start::{Start, Starts, Verdict};
pub use store::Store;
pub use tee::Tee;

use crate::error::{Failure, Result};
use crate::plan::Plan;
use crate::plan::stored::Unreadable;
use serde::Serialize;

/// An event, and when it was (milliseconds since 1970).
pub type Dated = (i64, Event);

/// Where runs and what happened in them are kept. Reading works while another process writes.
pub trait Journal: Send + Sync {
    /// Creates a run, with its plan.
    ///
    /// # Errors
    /// When a run of that id exists already, or the journal cannot be written.
    fn create_run(&self, record: &RunRecord) -> Result<()>;

    /// Writes `events` in one transaction, with `at` as their time (milliseconds since 1970); durable on return.
    /// Returns the entries as written.
    ///
    /// # Errors
    /// When the journal cannot be written: then it contains none of them.
    fn append(&self, run: &str, at: i64, events: &[Event]) -> Result<Vec<Entry>> {
        let news: Vec<Dated> = events.iter().map(|event| (at, event.clone())).collect();
        self.append_as(run, None, &news)
    }

    /// The same, each event at its own time, by the runner of that epoch, if one is given: it must be the last runner of the
    /// run, or a newer one.
    ///
    /// # Errors
    /// As [`Journal::append`]; `Locked` when a later runner has taken the run over.
    fn append_as(&self, run: &str, epoch: Option<u32>, news: &[Dated]) -> Result<Vec<Entry>>;

    /// Entries of a run with a number above `seq`, in order, with their hash chain checked; none for an unknown run.
    ///
    /// # Errors
    /// When an entry is missing, unreadable, or changed. Names the first such entry.
    fn entries_after(&self, run: &str, seq: u32) -> Result<Vec<Entry>>;

    /// The record of a run.
    ///
    /// # Errors
    /// When there is no such run.
    fn run(&self, run: &str) -> Result<RunRecord>;

    /// All runs, oldest first, without their plans.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn runs(&self) -> Result<Vec<RunHead>>;

    /// The hash of entry `seq` of a run, 64 lowercase hex digits; `None` when the journal holds no such entry.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn hash_at(&self, run: &str, seq: u32) -> Result<Option<String>> {
        Ok(self.entries(run)?.into_iter().find(|entry| entry.seq == seq).map(|entry| entry.hash))
    }

    /// All entries of a run.
    ///
    /// # Errors
    /// As [`Journal::entries_after`].
    fn entries(&self, run: &str) -> Result<Vec<Entry>> {
        self.entries_after(run, 0)
    }
}

/// The head of a run: its id, playbook, plan hash and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunHead {
    /// Its id.
    pub id: String,
    /// Name of its playbook.
    pub playbook: String,
    /// Hash of its plan.
    pub hash: String,
    /// When it was created, in milliseconds since 1970.
    pub created: i64,
}

/// A run with its plan, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// What names it.
    pub head: RunHead,
    /// Its plan as JSON.
    pub plan: String,
}

impl RunRecord {
    /// The record of a new run of `plan`.
    ///
    /// # Errors
    /// When the plan cannot be written as JSON.
    pub fn new(id: impl Into<String>, plan: &Plan, created: i64) -> Result<Self> {
        let text = serde_json::to_string(plan)
            .map_err(|error| Failure::permanent("write the plan into the journal", error.to_string()))?;
        let head = RunHead { id: id.into(), playbook: plan.name.clone(), hash: plan.hash.clone(), created };
        Ok(Self { head, plan: text })
    }

    /// The plan, to resume it.
    ///
    /// # Errors
    /// `Refused` when it has another format than this program's; otherwise as [`RunRecord::plan_to_read`].
    pub fn plan(&self) -> Result<Plan> {
        let plan = self.plan_to_read()?;
        plan.may_be_carried_out(&format!("run {}", self.head.id))?;
        Ok(plan)
    }

    /// The plan, checked against its hash, to list, show and report the run. One of an older format has notes instead of actions.
    ///
    /// # Errors
    /// When it was written by a newer program, or is not the plan that was stored.
    pub fn plan_to_read(&self) -> Result<Plan> {
        let failed = |answer| Failure::permanent(format!("read the plan of run {}", self.head.id), answer);
        match Plan::kept(&self.plan) {
            Ok(plan) if plan.hash == self.head.hash => Ok(plan),
            Ok(_) => Err(failed(format!("the journal is damaged: {}", Unreadable::Changed))),
            Err(newer @ Unreadable::Newer(_)) => {
                Err(failed(newer.to_string()).help("use the version of cutover that started the run"))
            }
            Err(error) => Err(failed(format!("the journal is damaged: {error}"))),
        }
    }
}
