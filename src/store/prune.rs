//! Removes old finished runs, and the starts that led to them.

use super::Outcome;
use super::database::values;
use super::entries::Link;
use super::store::Store;
use super::trouble::Trouble;
use crate::error::Result;
use serde::Serialize;

/// A run that may be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Old {
    /// Its id.
    pub run: String,
    /// Its playbook.
    pub playbook: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When, in milliseconds since 1970.
    pub ended: i64,
}

/// Starts that a schedule's next decision needs: its newest one, and the newest one that has run.
const LAST: &str = "SELECT max(due) FROM start AS other WHERE other.schedule = start.schedule AND";

impl Store {
    /// Runs that ended before `before` (milliseconds since 1970), cannot be resumed, and have no unsent notification; the
    /// oldest first. The last run of a schedule is kept: the next start needs its result.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn old_runs(&self, before: i64) -> Result<Vec<Old>> {
        let select = format!(
            "SELECT run, playbook, outcome, ended FROM overview WHERE ended < $1 AND outcome IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE origin = overview.run AND sent IS NULL)
             AND NOT EXISTS (SELECT 1 FROM start WHERE run = overview.run
                AND (ended IS NULL OR due = ({LAST} other.verdict = 'started' AND other.ended IS NOT NULL)))
             ORDER BY ended, run"
        );
        let found = self.read(|session| {
            let mut old = Vec::new();
            for mut row in session.rows(&select, values![before])? {
                let (run, playbook, outcome, ended) =
                    (row.take(0)?, row.take(1)?, row.take::<String>(2)?, row.take(3)?);
                let outcome = serde_json::from_value::<Outcome>(outcome.into());
                let outcome = outcome.map_err(|_| Trouble::Damaged(format!("run {run} has an unknown outcome")))?;
                if !outcome.is_resumable() {
                    old.push(Old { run, playbook, outcome, ended });
                }
            }
            Ok(old)
        });
        found.map_err(|trouble| self.failed("look for old runs", trouble))
    }

    /// Removes a run that still ends with the entry `last` (its number and hash); returns whether it did.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget_run(&self, run: &str, last: &Link) -> Result<bool> {
        let forgotten = self.write(|session| {
            let select = format!("SELECT last_seq, last_hash FROM overview WHERE run = $1{}", session.to_hold());
            let Some(mut row) = session.row(&select, values![run])? else { return Ok(false) };
            if (row.take(0)?, row.take(1)?) != *last {
                return Ok(false);
            }
            for (table, column) in
                [("outbox", "origin"), ("outbox_run", "run"), ("event", "run"), ("overview", "run"), ("run", "id")]
            {
                session.change(&format!("DELETE FROM {table} WHERE {column} = $1"), values![run])?;
            }
            Ok(true)
        });
        forgotten.map_err(|trouble| self.failed(format!("remove run {run}"), trouble))
    }

    /// Removes decisions of schedules before `before` that led to no run, or to a removed one, with the messages sent about
    /// them; returns the number of decisions.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn forget_starts(&self, before: i64) -> Result<u64> {
        let old = format!(
            "at < $1 AND verdict <> 'queued' AND (verdict <> 'started' OR ended IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM run WHERE id = start.run)
             AND due < ({LAST} other.at < $1)
             AND (verdict <> 'started' OR due < ({LAST} other.verdict = 'started' AND other.ended IS NOT NULL))"
        );
        let letters = "DELETE FROM outbox WHERE at < $1 AND sent IS NOT NULL AND origin LIKE 'schedule %'";
        let forgotten = self.write(|session| {
            session.change(letters, values![before])?;
            session.change(&format!("DELETE FROM start WHERE {old}"), values![before])
        });
        forgotten.map_err(|trouble| self.failed("remove old starts", trouble))
    }
}
