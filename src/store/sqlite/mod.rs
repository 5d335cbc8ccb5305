//! The journal in one `SQLite` file: WAL, so that others read while a run writes, and a sync to disk each append.

mod backup;
mod check;
mod entries;
mod file;
mod pool;
mod schema;
mod starts;
mod trouble;

pub use backup::Backup;
pub use check::Checked;
#[cfg(test)]
pub(super) use schema::VERSIONS;
pub(crate) use schema::rechain;
pub(super) use trouble::{Trouble, failure};

use super::{Entry, Event, Journal, RunHead, RunRecord};
use crate::error::{Failure, Result};
use pool::Pool;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::path::Path;
use std::sync::Arc;

/// Name of the file in the state directory.
const FILE: &str = "journal.sqlite";

/// The journal of one state directory: a handle on the connections that all of this process shares.
#[derive(Clone)]
pub struct Sqlite {
    pool: Arc<Pool>,
}

impl Sqlite {
    /// Opens the journal in `state_dir` for writing, making both when they are not there. A journal of an older program is
    /// brought up to date.
    ///
    /// # Errors
    /// When they cannot be made, or the file is no journal, a damaged one, or one of a newer program.
    pub fn open(state_dir: &Path) -> Result<Self> {
        let path = state_dir.join(FILE);
        let open = || {
            file::make(&path)?;
            let pool = Pool::of(&path)?;
            pool.for_writing()?;
            Ok(Self { pool })
        };
        open().map_err(|trouble: Trouble| failure("open the journal", &path, trouble))
    }

    /// Opens the journal in `state_dir` for reading, if there is one: makes no file, changes nothing, and waits for no
    /// writer. The first thing that is written through the handle opens it for writing.
    ///
    /// # Errors
    /// When the file is no journal, or one of a newer program or of a much older one.
    pub fn open_existing(state_dir: &Path) -> Result<Option<Self>> {
        let path = state_dir.join(FILE);
        if !Self::is_in(state_dir) {
            return Ok(None);
        }
        let open = || {
            let pool = Pool::of(&path)?;
            let version = pool.for_reading()?;
            // another process has just made the file, and its tables are still to come
            Ok((version > 0).then_some(Self { pool }))
        };
        open().map_err(|trouble: Trouble| failure("open the journal", &path, trouble))
    }

    /// Whether there is a journal in `state_dir`.
    #[must_use]
    pub fn is_in(state_dir: &Path) -> bool {
        state_dir.join(FILE).exists()
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        self.pool.path()
    }

    pub(super) fn failed(&self, attempted: impl Into<String>, trouble: impl Into<Trouble>) -> Failure {
        failure(attempted, self.path(), trouble)
    }

    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, Trouble> {
        self.pool.read(work)
    }

    pub(super) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>) -> Result<T, Trouble> {
        self.pool.write(work)
    }
}

impl Journal for Sqlite {
    fn create_run(&self, record: &RunRecord) -> Result<()> {
        let RunHead { id, playbook, hash, created } = &record.head;
        let insert = "INSERT INTO run (id, playbook, hash, created, plan) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.write(|tx| Ok(tx.execute(insert, params![id, playbook, hash, created, record.plan]).map(drop)?))
            .map_err(|trouble| self.failed(format!("write run {id} into the journal"), trouble))
    }

    fn append(&self, run: &str, at: i64, events: &[Event]) -> Result<Vec<Entry>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        self.try_append(run, at, events).map_err(|trouble| {
            let mut failure = self.failed(format!("write the journal of run {run}"), trouble);
            let saved = failure.now.map(|saved| format!("; {saved}")).unwrap_or_default();
            failure.now = Some(format!("nothing is done that is not in the journal{saved}"));
            let first = failure.help.unwrap_or_else(|| "make sure that the journal can be written".to_owned());
            failure.help = Some(format!("{first}; then `cutover resume {run}`"));
            failure
        })
    }

    fn entries_after(&self, run: &str, seq: u32) -> Result<Vec<Entry>> {
        self.try_entries(run, seq).map_err(|trouble| self.failed(format!("read the journal of run {run}"), trouble))
    }

    fn hash_at(&self, run: &str, seq: u32) -> Result<Option<String>> {
        self.try_hash_at(run, seq).map_err(|trouble| self.failed(format!("read entry {seq} of run {run}"), trouble))
    }

    fn run(&self, run: &str) -> Result<RunRecord> {
        let select = "SELECT id, playbook, hash, created, plan FROM run WHERE id = ?1";
        let record = |row: &Row<'_>| Ok(RunRecord { head: head(row)?, plan: row.get(4)? });
        let found = self.read(|connection| Ok(connection.query_row(select, [run], record).optional()?));
        found.map_err(|trouble| self.failed(format!("read run {run}"), trouble))?.ok_or_else(|| {
            Failure::permanent(format!("find run {run}"), "there is no run of that id")
                .at(self.path().display().to_string())
                .help("see `cutover list`")
        })
    }

    fn runs(&self) -> Result<Vec<RunHead>> {
        // not from `run`: there each row carries its plan along
        let select = "SELECT run, playbook, hash, created FROM overview ORDER BY created, run";
        let heads = self.read(|connection| {
            let mut select = connection.prepare(select)?;
            let heads = select.query_map([], head)?;
            Ok(heads.collect::<rusqlite::Result<Vec<_>>>()?)
        });
        heads.map_err(|trouble| self.failed("list the runs", trouble))
    }
}

fn head(row: &Row<'_>) -> rusqlite::Result<RunHead> {
    Ok(RunHead { id: row.get(0)?, playbook: row.get(1)?, hash: row.get(2)?, created: row.get(3)? })
}

#[cfg(test)]
mod tests {
    use super::{FILE, Sqlite, VERSIONS};
    use crate::store::{Event, Journal, Outcome, RunHead, RunRecord, Starts};
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
    fn a_journal_of_a_newer_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(journal(dir.path()));
        let damage = "PRAGMA user_version = 99";
        Connection::open(dir.path().join(FILE)).unwrap().execute_batch(damage).unwrap();
        let reading = Sqlite::open_existing(dir.path()).map(drop);
        for opened in [Sqlite::open(dir.path()).map(drop), reading] {
            assert!(opened.unwrap_err().to_string().contains("schema version 99"));
        }
    }

    #[test]
    fn looking_makes_nothing_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let listed = || {
            let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
            names.collect::<std::collections::BTreeSet<_>>()
        };
        assert!(Sqlite::open_existing(&dir.path().join("none")).unwrap().is_none());
        assert!(listed().is_empty());
        std::fs::write(dir.path().join(FILE), "").unwrap();
        assert!(Sqlite::open_existing(dir.path()).unwrap().is_none(), "made, and without tables yet");
        drop(journal(dir.path()));
        let bytes = std::fs::read(dir.path().join(FILE)).unwrap();
        assert_eq!(Sqlite::open_existing(dir.path()).unwrap().unwrap().runs().unwrap().len(), 1);
        assert!(std::fs::read(dir.path().join(FILE)).unwrap() == bytes);
        assert_eq!(listed(), [FILE.into()].into());
    }

    #[test]
    fn the_files_advice_names_the_newest_copy() {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        journal.append("r", 5, &vec![started(); 2000]).unwrap();
        journal.back_up(&dir.path().join("copy")).unwrap();
        drop(journal);
        let file = dir.path().join(FILE);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[4096..].fill(0x5a);
        std::fs::write(&file, bytes).unwrap();
        let failure = Sqlite::open(dir.path()).map(drop).unwrap_err();
        let help = failure.help.unwrap();
        assert!(help.contains(&dir.path().join("copy").display().to_string()) && help.contains(".dump"), "{help}");
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
