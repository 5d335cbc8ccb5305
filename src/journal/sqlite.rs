//! The journal in one `SQLite` file: WAL, so that others read while a run writes, and a sync to disk each append.

mod starts;

use super::outbox;
use super::{Entry, Event, Journal, RunHead, RunRecord};
use crate::error::{Failure, Result};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Name of the file in the state directory.
const FILE: &str = "journal.sqlite";
/// What each version of the schema adds to the one before. A journal of an older program is brought up to date when it is
/// opened; one of a newer program is refused.
pub(super) const VERSIONS: [&str; 4] = [
    "
    CREATE TABLE run (
        id TEXT PRIMARY KEY, playbook TEXT NOT NULL, hash TEXT NOT NULL, created INTEGER NOT NULL, plan TEXT NOT NULL
    ) STRICT;
    CREATE TABLE event (
        run TEXT NOT NULL REFERENCES run(id), seq INTEGER NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;",
    starts::TABLES,
    include_str!("overview.sql"),
    outbox::SCHEMA,
];

/// The journal of one state directory.
pub struct Sqlite {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Sqlite {
    /// Opens the journal in `state_dir`, making both when they are not there.
    ///
    /// # Errors
    /// When they cannot be made, or the file is no journal or one of a newer program.
    pub fn open(state_dir: &Path) -> Result<Self> {
        let path = state_dir.join(FILE);
        let failed = |error: std::io::Error| failure("open the journal", &path, error);
        DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(failed)?;
        // SQLite would make it readable for all; its side files take over the mode
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
        Self::connect(path.clone()).map_err(|error| explain(&path, error))
    }

    /// Opens the journal in `state_dir` if there is one.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_existing(state_dir: &Path) -> Result<Option<Self>> {
        if state_dir.join(FILE).exists() { Self::open(state_dir).map(Some) } else { Ok(None) }
    }

    fn connect(path: PathBuf) -> Result<Self, Trouble> {
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
        for added in VERSIONS.get(version as usize..).ok_or(Trouble::Newer(version))? {
            tx.execute_batch(added)?;
        }
        tx.pragma_update(None, "user_version", u32::try_from(VERSIONS.len()).unwrap_or(u32::MAX))?;
        tx.commit()?;
        Ok(Self { path, connection: Mutex::new(connection) })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn failed(&self, attempted: &str, trouble: Trouble) -> Failure {
        failure(attempted, &self.path, trouble)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_append(&self, run: &str, at: i64, events: &[Event]) -> Result<Vec<Entry>, Trouble> {
        let mut connection = self.lock();
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut entries = Vec::with_capacity(events.len());
        {
            let last = "SELECT coalesce(max(seq), 0) FROM event WHERE run = ?1";
            let mut seq: u32 = tx.prepare_cached(last)?.query_row([run], |row| row.get(0))?;
            let mut insert = tx.prepare_cached("INSERT INTO event (run, seq, at, data) VALUES (?1, ?2, ?3, ?4)")?;
            for event in events {
                seq += 1;
                insert.execute(params![run, seq, at, serde_json::to_string(event)?])?;
                entries.push(Entry { seq, at, event: event.clone() });
            }
        }
        tx.commit()?;
        Ok(entries)
    }

    fn try_entries(&self, run: &str, after: u32) -> Result<Vec<Entry>, Trouble> {
        let connection = self.lock();
        let mut select =
            connection.prepare_cached("SELECT seq, at, data FROM event WHERE run = ?1 AND seq > ?2 ORDER BY seq")?;
        let mut rows = select.query(params![run, after])?;
        let mut entries = Vec::new();
        let mut expected = after + 1;
        while let Some(row) = rows.next()? {
            let (seq, at, data): (u32, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if seq != expected {
                return Err(Trouble::Missing(expected));
            }
            let event = serde_json::from_str(&data).map_err(|error| Trouble::Unreadable(seq, error))?;
            entries.push(Entry { seq, at, event });
            expected += 1;
        }
        Ok(entries)
    }
}

impl Journal for Sqlite {
    fn create_run(&self, record: &RunRecord) -> Result<()> {
        let RunHead { id, playbook, hash, created } = &record.head;
        let insert = "INSERT INTO run (id, playbook, hash, created, plan) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.lock()
            .execute(insert, params![id, playbook, hash, created, record.plan])
            .map_err(|error| failure(format!("write run {id} into the journal"), &self.path, error))?;
        Ok(())
    }

    fn append(&self, run: &str, at: i64, events: &[Event]) -> Result<Vec<Entry>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        self.try_append(run, at, events).map_err(|error| {
            failure(format!("write the journal of run {run}"), &self.path, error)
                .now("nothing is done that is not in the journal")
                .help(format!("make room for the journal, then `cutover resume {run}`"))
        })
    }

    fn entries_after(&self, run: &str, seq: u32) -> Result<Vec<Entry>> {
        self.try_entries(run, seq).map_err(|error| failure(format!("read the journal of run {run}"), &self.path, error))
    }

    fn run(&self, run: &str) -> Result<RunRecord> {
        let select = "SELECT id, playbook, hash, created, plan FROM run WHERE id = ?1";
        let found = self
            .lock()
            .query_row(select, [run], |row| Ok(RunRecord { head: head(row)?, plan: row.get(4)? }))
            .optional()
            .map_err(|error| failure(format!("read run {run}"), &self.path, error))?;
        found.ok_or_else(|| {
            failure(format!("find run {run}"), &self.path, "there is no run of that id").help("see `cutover list`")
        })
    }

    fn runs(&self) -> Result<Vec<RunHead>> {
        let read = || {
            let connection = self.lock();
            // not from `run`: there each row carries its plan along
            let mut select =
                connection.prepare("SELECT run, playbook, hash, created FROM overview ORDER BY created, run")?;
            let heads = select.query_map([], head)?;
            heads.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| failure("list the runs", &self.path, error))
    }
}

fn head(row: &Row<'_>) -> rusqlite::Result<RunHead> {
    Ok(RunHead { id: row.get(0)?, playbook: row.get(1)?, hash: row.get(2)?, created: row.get(3)? })
}

/// What can be wrong with the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("an event cannot be written as JSON: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error("the journal is damaged: entry {0} is missing")]
    Missing(u32),
    #[error("the journal is damaged: entry {0} cannot be read: {1}")]
    Unreadable(u32, serde_json::Error),
    #[error("it has schema version {0}, this program knows {known}", known = VERSIONS.len())]
    Newer(u32),
}

fn explain(path: &Path, trouble: Trouble) -> Failure {
    let newer = matches!(trouble, Trouble::Newer(_));
    let failure = failure("open the journal", path, trouble);
    if newer { failure.help("use the version of cutover that wrote it, or a newer one") } else { failure }
}

pub(super) fn failure(attempted: impl Into<String>, path: &Path, answer: impl std::fmt::Display) -> Failure {
    Failure::permanent(attempted, answer.to_string()).at(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::{FILE, Sqlite, VERSIONS};
    use crate::journal::{Event, Journal, Outcome, RunHead, RunRecord, Starts};
    use rusqlite::Connection;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn journal(dir: &Path) -> Sqlite {
        let journal = Sqlite::open(dir).unwrap();
        let head = RunHead { id: "r".into(), playbook: "p".into(), hash: "h".into(), created: 1 };
        journal.create_run(&RunRecord { head, plan: "{}".into() }).unwrap();
        journal
    }

    fn started() -> Event {
        Event::RunStarted {
            epoch: 1,
            runner: "me".into(),
            by: None,
            folder: String::new(),
            sources: None,
            revision: None,
        }
    }

    #[test]
    fn what_is_appended_is_there_for_others_numbered_without_gaps() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(&dir.path().join("state"));
        journal.append("r", 5, &[started(), Event::RunAdmitted]).unwrap();
        let other = Sqlite::open_existing(&dir.path().join("state")).unwrap().unwrap();
        other.append("r", 6, &[Event::RunFinished { outcome: Outcome::Done }]).unwrap();
        let entries = journal.entries("r").unwrap();
        assert_eq!(entries.iter().map(|entry| (entry.seq, entry.at)).collect::<Vec<_>>(), [(1, 5), (2, 5), (3, 6)]);
        assert_eq!(journal.entries_after("r", 2).unwrap().len(), 1);
        assert_eq!(journal.runs().unwrap().len(), 1);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("state")), 0o700);
        assert_eq!(mode(&dir.path().join("state").join(FILE)), 0o600);
    }

    #[test]
    fn a_journal_of_an_older_program_is_brought_up_to_date_and_keeps_its_runs() {
        let dir = tempfile::tempdir().unwrap();
        let old = Connection::open(dir.path().join(FILE)).unwrap();
        old.execute_batch(VERSIONS[0]).unwrap();
        old.execute_batch("PRAGMA user_version = 1; INSERT INTO run VALUES ('r', 'p', 'h', 1, '{}')").unwrap();
        drop(old);
        let journal = Sqlite::open(dir.path()).unwrap();
        assert_eq!(journal.run("r").unwrap().head.playbook, "p");
        assert_eq!(journal.open_starts().unwrap(), []);
    }

    #[test]
    fn a_run_must_be_known_and_only_once() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        assert!(journal.append("other", 5, &[started()]).is_err());
        assert!(journal.run("other").unwrap_err().to_string().contains("there is no run of that id"));
        assert!(journal.create_run(&journal.run("r").unwrap()).is_err());
    }

    #[test]
    fn damage_is_an_error() {
        for (damage, said) in [
            ("DELETE FROM event WHERE seq = 2", "entry 2 is missing"),
            ("UPDATE event SET data = substr(data, 1, 9) WHERE seq = 3", "entry 3 cannot be read"),
            ("PRAGMA user_version = 99", "schema version 99"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let journal = journal(dir.path());
            journal.append("r", 5, &[started(), Event::RunAdmitted, Event::Interrupted]).unwrap();
            Connection::open(dir.path().join(FILE)).unwrap().execute_batch(damage).unwrap();
            let error = Sqlite::open(dir.path()).and_then(|journal| journal.entries("r")).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_read_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        journal.append("r", 5, &vec![started(); 200]).unwrap();
        drop(journal); // the last connection folds the WAL into the file
        let whole = std::fs::read(dir.path().join(FILE)).unwrap();
        for cut in (0..whole.len()).step_by(whole.len() / 40) {
            let cut_dir = tempfile::tempdir().unwrap();
            std::fs::write(cut_dir.path().join(FILE), &whole[..cut]).unwrap();
            let _ = Sqlite::open(cut_dir.path()).and_then(|journal| journal.entries("r"));
        }
    }
}
