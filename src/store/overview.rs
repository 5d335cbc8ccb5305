//! Lists of runs and sums over them, from a table that the store keeps beside the journal.

use super::database::{Row, Value as Given, values};
use super::store::{Store, head};
use super::trouble::Trouble;
use super::{Outcome, RunHead};
use crate::error::Result;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A run as lists show it. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRow {
    /// Its head.
    #[serde(flatten)]
    pub head: RunHead,
    /// Whether it was a rehearsal, on temporary servers.
    pub rehearsal: bool,
    /// How it ended; missing while it runs, and when its runner died.
    pub outcome: Option<Outcome>,
    /// When it began.
    pub started: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// When its last entry was written.
    pub last: Option<i64>,
}

/// Filter of listed runs by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ended {
    /// All runs.
    #[default]
    Anyhow,
    /// Runs that have not ended.
    NotYet,
    /// Runs with this outcome.
    As(Outcome),
}

impl Ended {
    /// Whether a run with this outcome matches.
    #[must_use]
    pub fn includes(self, outcome: Option<Outcome>) -> bool {
        match self {
            Self::Anyhow => true,
            Self::NotYet => outcome.is_none(),
            Self::As(wanted) => outcome == Some(wanted),
        }
    }
}

/// Which runs are listed, the newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The filter.
    pub ended: Ended,
    /// Number of runs to skip.
    pub skip: u32,
    /// Largest number of runs; all when missing.
    pub limit: Option<u32>,
}

/// Durations of one kind of step, over all runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Took {
    /// Number of finished steps by duration class, in milliseconds; the classes do not overlap, and `None` is open.
    pub classes: BTreeMap<Option<u64>, u64>,
    /// Sum of their durations in milliseconds.
    pub millis: u64,
    /// Sum of the bytes that they wrote, as far as reported.
    pub bytes: u64,
}

const COLUMNS: &str = "run, playbook, hash, created, rehearsal, outcome, started, ended, last";

impl Store {
    /// Runs, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list(&self, wanted: &Wanted) -> Result<Vec<RunRow>> {
        let (limit, skip) = (wanted.limit.map_or(i64::MAX, i64::from), i64::from(wanted.skip));
        // a statement for each, because an index serves only the one that names its column
        let (condition, outcome) = match wanted.ended {
            Ended::Anyhow => ("", None),
            Ended::NotYet => ("WHERE outcome IS NULL", None),
            Ended::As(outcome) => ("WHERE outcome = $3", Some(word(outcome))),
        };
        let select =
            format!("SELECT {COLUMNS} FROM overview {condition} ORDER BY created DESC, run DESC LIMIT $1 OFFSET $2");
        let mut values = vec![Given::from(limit), Given::from(skip)];
        values.extend(outcome.map(Given::from));
        let rows = self.read(|session| session.rows(&select, &values)?.iter_mut().map(row).collect());
        rows.map_err(|trouble| self.failed("list the runs", trouble))
    }

    /// One run, if it is there.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn row(&self, run: &str) -> Result<Option<RunRow>> {
        let select = format!("SELECT {COLUMNS} FROM overview WHERE run = $1");
        let found = self.read(|session| session.row(&select, values![run])?.as_mut().map(row).transpose());
        found.map_err(|trouble| self.failed(format!("look for run {run}"), trouble))
    }

    /// Number of runs by outcome; `None` counts those that have not ended.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn count_by_outcome(&self) -> Result<Vec<(Option<Outcome>, u64)>> {
        let counts = self.read(|session| {
            let rows = session.rows("SELECT outcome, count(*) FROM overview GROUP BY outcome", &[])?;
            rows.into_iter().map(|mut row| Ok((outcome(row.take(0)?), row.take(1)?))).collect()
        });
        counts.map_err(|trouble| self.failed("count the runs", trouble))
    }

    /// Durations of each kind of step, over all runs.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn took(&self) -> Result<BTreeMap<String, Took>> {
        let kinds = self.read(|session| {
            let mut kinds: BTreeMap<String, Took> = BTreeMap::new();
            for mut row in session.rows("SELECT kind, at_most, steps, millis, bytes FROM step_took", &[])? {
                let took = kinds.entry(row.take(0)?).or_default();
                let at_most: u64 = row.take(1)?;
                let class = Some(at_most).filter(|&at_most| at_most < i64::MAX.unsigned_abs());
                *took.classes.entry(class).or_default() += row.take::<u64>(2)?;
                took.millis += row.take::<u64>(3)?;
                took.bytes += row.take::<u64>(4)?;
            }
            Ok(kinds)
        });
        kinds.map_err(|trouble| self.failed("add up the steps", trouble))
    }
}

fn row(row: &mut Row) -> Result<RunRow, Trouble> {
    let head = head(row)?;
    let rehearsal = row.take::<Option<bool>>(4)?.unwrap_or(false);
    let outcome = outcome(row.take(5)?);
    let (started, ended, last) = (row.take(6)?, row.take(7)?, row.take(8)?);
    Ok(RunRow { head, rehearsal, outcome, started, ended, last })
}

/// The word in the journal.
fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn outcome(word: Option<String>) -> Option<Outcome> {
    word.and_then(|word| serde_json::from_value(Value::String(word)).ok())
}

#[cfg(test)]
mod tests {
    use super::{Ended, Took, Wanted};
    use crate::plan::load::Sources;
    use crate::store::sqlite::VERSIONS;
    use crate::store::{Entry, Event, Journal, Outcome, RunHead, RunRecord, Store};
    use rusqlite::{Connection, params};
    use std::path::Path;

    const PLAN: &str = r#"{"steps":[{"id":"copy","uses":"dump"}]}"#;

    fn create(journal: &Store, id: &str, created: i64) {
        let head = RunHead { id: id.into(), playbook: "p".into(), hash: "h".into(), created };
        journal.create_run(&RunRecord { head, plan: PLAN.into() }).unwrap();
    }

    fn one_run(journal: &Store) {
        let step = || "copy".to_owned();
        let outputs = [("bytes".to_owned(), 42.into())].into_iter().collect();
        create(journal, "r", 1);
        let sources = Some(Sources { rehearsal: true, ..Sources::default() });
        let started = Event::RunStarted {
            epoch: 1,
            runner: "me".into(),
            folder: String::new(),
            sources,
            revision: None,
            by: None,
        };
        journal.append("r", 10, &[started, Event::StepIntent { step: step(), attempt: 1 }]).unwrap();
        journal.append("r", 20, &[Event::StepIntent { step: step(), attempt: 2 }]).unwrap();
        journal.append("r", 720, &[Event::StepDone { step: step(), outputs }]).unwrap();
        journal.append("r", 800, &[Event::RunFinished { outcome: Outcome::Stopped }]).unwrap();
    }

    fn check(journal: &Store) {
        let row = journal.list(&Wanted::default()).unwrap().remove(0);
        let times = (row.started, row.ended, row.last);
        assert_eq!(
            (row.rehearsal, row.outcome, times),
            (true, Some(Outcome::Stopped), (Some(10), Some(800), Some(800)))
        );
        let took = Took { classes: [(Some(1000), 1)].into(), millis: 700, bytes: 42 };
        assert_eq!(journal.took().unwrap(), [("dump".to_owned(), took)].into());
        assert_eq!(journal.count_by_outcome().unwrap(), [(Some(Outcome::Stopped), 1)]);
    }

    /// The same run in a journal as a program wrote it that knew no overview.
    fn older(dir: &Path, run: &RunRecord, entries: &[Entry]) {
        let connection = Connection::open(dir.join("journal.sqlite")).unwrap();
        let versions: Vec<_> = VERSIONS.into_iter().take_while(|added| !added.contains("TABLE overview")).collect();
        for added in &versions {
            connection.execute_batch(added).unwrap();
        }
        connection.pragma_update(None, "user_version", u32::try_from(versions.len()).unwrap()).unwrap();
        let insert = "INSERT INTO run (id, playbook, hash, created, plan) VALUES (?1, ?2, ?3, ?4, ?5)";
        let RunHead { id, playbook, hash, created } = &run.head;
        connection.execute(insert, params![id, playbook, hash, created, run.plan]).unwrap();
        for Entry { seq, at, event, .. } in entries {
            let data = serde_json::to_string(event).unwrap();
            let insert = "INSERT INTO event (run, seq, at, data) VALUES (?1, ?2, ?3, ?4)";
            connection.execute(insert, params![id, seq, at, data]).unwrap();
        }
    }

    #[test]
    fn every_entry_moves_the_overview_and_an_old_journal_gets_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Store::open(dir.path()).unwrap();
        one_run(&journal);
        check(&journal);
        let dir = tempfile::tempdir().unwrap();
        older(dir.path(), &journal.run("r").unwrap(), &journal.entries("r").unwrap());
        let journal = Store::open(dir.path()).unwrap();
        check(&journal);
        journal.append("r", 900, &[Event::RunResumed { epoch: 1, runner: "me".into(), by: None }]).unwrap();
        let row = journal.list(&Wanted::default()).unwrap().remove(0);
        assert_eq!((row.outcome, row.started, row.ended, row.last), (None, Some(10), None, Some(900)));
    }

    #[test]
    fn the_newest_come_first_page_by_page_and_by_outcome() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Store::open(dir.path()).unwrap();
        one_run(&journal);
        for number in 2..8 {
            create(&journal, &format!("r{number}"), number);
        }
        let ids =
            |wanted: Wanted| journal.list(&wanted).unwrap().into_iter().map(|row| row.head.id).collect::<Vec<_>>();
        assert_eq!(ids(Wanted { skip: 1, limit: Some(2), ..Wanted::default() }), ["r6", "r5"]);
        assert_eq!(ids(Wanted { ended: Ended::As(Outcome::Stopped), ..Wanted::default() }), ["r"]);
        assert_eq!(ids(Wanted { ended: Ended::NotYet, ..Wanted::default() }).len(), 6);
        assert!(ids(Wanted { ended: Ended::As(Outcome::Done), ..Wanted::default() }).is_empty());
    }
}
