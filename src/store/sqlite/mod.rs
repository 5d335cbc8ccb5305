//! The store in one `SQLite` file: WAL, so that others can read while a run writes, and a sync to disk per append.

mod advice;
mod backup;
mod check;
mod file;
mod pool;
mod schema;
mod session;

pub use backup::Backup;
#[cfg(test)]
pub(super) use schema::VERSIONS;
pub(crate) use schema::rechain;
#[cfg(not(test))]
use session::Lite;
#[cfg(test)]
pub(super) use session::{Lite, in_memory};

use super::database::{Database, Work};
use super::trouble::Trouble;
use crate::error::{Failure, Result};
use advice::failure;
use pool::Pool;
use std::path::Path;
use std::sync::Arc;

/// Name of the file in the state directory.
const FILE: &str = "journal.sqlite";

/// The file of one state directory: a handle on the connections that all of this process shares.
pub(super) struct Sqlite {
    pool: Arc<Pool>,
}

impl Sqlite {
    /// See [`super::Store::open`].
    pub(super) fn open(state_dir: &Path) -> Result<Self> {
        let path = state_dir.join(FILE);
        let open = || {
            file::make(&path)?;
            let pool = Pool::of(&path)?;
            pool.for_writing()?;
            Ok(Self { pool })
        };
        open().map_err(|trouble: Trouble| failure("open the journal", &path, trouble))
    }

    /// See [`super::Store::open_existing`].
    pub(super) fn open_existing(state_dir: &Path) -> Result<Option<Self>> {
        let path = state_dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let open = || {
            let pool = Pool::of(&path)?;
            let version = pool.for_reading()?;
            // another process has just created the file, without its tables yet
            Ok((version > 0).then_some(Self { pool }))
        };
        open().map_err(|trouble: Trouble| failure("open the journal", &path, trouble))
    }

    /// The file.
    fn path(&self) -> &Path {
        self.pool.path()
    }
}

impl Database for Sqlite {
    fn read(&self, work: &mut Work<'_>) -> Result<(), Trouble> {
        self.pool.read(|connection| {
            let tx = connection.unchecked_transaction()?; // one state of the journal for all that is read
            work(&mut Lite(&tx))
        })
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), Trouble> {
        self.pool.write(|tx| work(&mut Lite(tx)))
    }

    fn sound(&self) -> Result<u32, Trouble> {
        self.pool.read(check::sound)
    }

    fn failure(&self, attempted: String, trouble: Trouble) -> Failure {
        failure(attempted, self.path(), trouble)
    }

    fn back_up(&self, file: &Path) -> Result<Backup> {
        self.copy_to(file)
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, VERSIONS};
    use crate::store::{Event, Journal, Outcome, RunHead, RunRecord, Starts, Store};
    use rusqlite::Connection;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn journal(dir: &Path) -> Store {
        let journal = Store::open(dir).unwrap();
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
        let other = Store::open_existing(&dir.path().join("state")).unwrap().unwrap();
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
        let journal = Store::open(dir.path()).unwrap();
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
        let reading = Store::open_existing(dir.path()).map(drop);
        for opened in [Store::open(dir.path()).map(drop), reading] {
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
        assert!(Store::open_existing(&dir.path().join("none")).unwrap().is_none());
        assert!(listed().is_empty());
        std::fs::write(dir.path().join(FILE), "").unwrap();
        assert!(Store::open_existing(dir.path()).unwrap().is_none(), "made, and without tables yet");
        drop(journal(dir.path()));
        let bytes = std::fs::read(dir.path().join(FILE)).unwrap();
        assert_eq!(Store::open_existing(dir.path()).unwrap().unwrap().runs().unwrap().len(), 1);
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
        let failure = Store::open(dir.path()).map(drop).unwrap_err();
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
            let _ = Store::open(cut_dir.path()).and_then(|journal| journal.entries("r"));
        }
    }
}
