//! The connections of this process to one journal: one that writes, and some that read.
//!
//! There is one pool per file and process. `SQLite` keeps its locks for all connections of a process to a file; writers of
//! this process wait for each other in order, not by retrying.

use super::file::{self, FileId, Files};
use super::schema::{LATEST, READABLE, upgrade, version};
use super::{backup, check};
use crate::store::trouble::Trouble;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long to wait for a lock of another process.
const PATIENCE: Duration = Duration::from_secs(5);
/// Number of read connections that are kept; more are needed only with many browsers.
const READERS: usize = 4;

static POOLS: Mutex<BTreeMap<FileId, Weak<Pool>>> = Mutex::new(BTreeMap::new());

/// The connections to one file.
pub(super) struct Pool {
    path: PathBuf,
    id: FileId,
    writer: Mutex<Option<Writer>>,
    readers: Mutex<Vec<Connection>>,
}

struct Writer {
    connection: Connection,
    files: Files,
    /// The copy of the journal after its file was found removed.
    saved: Option<PathBuf>,
}

impl Pool {
    /// The pool of the existing file at `path`. Its connections need not be open yet.
    pub(super) fn of(path: &Path) -> Result<Arc<Self>, Trouble> {
        let mut pools = guard(&POOLS);
        let id = FileId::of(path)?;
        if let Some(pool) = pools.get(&id).and_then(Weak::upgrade) {
            return Ok(pool);
        }
        // SQLite follows links too, and its log is beside the file, not beside the link
        let path = path.canonicalize()?;
        let pool = Arc::new(Self { path, id, writer: Mutex::default(), readers: Mutex::default() });
        pools.retain(|_, pool| pool.strong_count() > 0);
        pools.insert(id, Arc::downgrade(&pool));
        Ok(pool)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the write connection, if it is not open yet: upgrades the journal and checks it.
    pub(super) fn for_writing(&self) -> Result<(), Trouble> {
        self.opened(&mut guard(&self.writer)).map(drop)
    }

    /// Checks that the journal can be read. Takes no lock that would wait for a writer, and changes nothing.
    pub(super) fn for_reading(&self) -> Result<u32, Trouble> {
        let version = self.read(version)?;
        match version {
            0 | READABLE..=LATEST => Ok(version),
            ..READABLE => Err(Trouble::Older(version)),
            _ => Err(Trouble::Newer(version, LATEST)),
        }
    }

    /// Reads. Each statement sees the latest writes of other connections, unless `work` starts a transaction.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let idle = guard(&self.readers).pop();
        let connection = idle.map_or_else(|| reader(&self.path), Ok)?;
        if FileId::of(&self.path).ok() != Some(self.id) {
            return Err(Trouble::Gone { lost: self.path.clone(), saved: None });
        }
        let found = work(&connection);
        let mut readers = guard(&self.readers);
        if readers.len() < READERS {
            readers.push(connection);
        }
        found
    }

    /// Writes in one transaction, which is durable on return and in the file that others find under its path.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let mut slot = guard(&self.writer);
        let writer = self.opened(&mut slot)?;
        let tx = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let written = work(&tx)?;
        tx.commit()?;
        // after the commit: a file that was removed before it is noticed now; one removed later contains the commit
        match writer.files.missing().map(Path::to_owned) {
            None => Ok(written),
            Some(lost) => Err(writer.lost(lost, &self.path)),
        }
    }

    fn opened<'slot>(&self, slot: &'slot mut Option<Writer>) -> Result<&'slot mut Writer, Trouble> {
        if slot.is_none() {
            let writer = Writer::open(&self.path)?;
            if FileId::of(&self.path)? != self.id {
                return Err(Trouble::Gone { lost: self.path.clone(), saved: None });
            }
            return Ok(slot.insert(writer));
        }
        slot.as_mut().ok_or_else(|| Trouble::Damaged("its connection is not open".to_owned()))
    }
}

impl Writer {
    fn open(path: &Path) -> Result<Self, Trouble> {
        let mut connection = Connection::open_with_flags(path, rw())?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        check::quick(&connection, path)?;
        // takes the lock only if there is something to do, so as not to wait for a writer of another process
        if version(&connection)? != LATEST {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            upgrade(&tx)?;
            tx.commit()?;
        }
        let files = Files::opened(path)?;
        Ok(Self { connection, files, saved: None })
    }

    /// Saves the journal that this process still sees after its file was removed: it is lost when the process ends.
    fn lost(&mut self, lost: PathBuf, path: &Path) -> Trouble {
        if self.saved.is_none() {
            let folder = path.parent().map(Path::to_owned);
            let folders = folder.into_iter().chain([std::env::temp_dir()]);
            self.saved = folders.into_iter().find_map(|folder| backup::rescue(&self.connection, &folder).ok());
        }
        Trouble::Gone { lost, saved: self.saved.clone() }
    }
}

/// A connection for reading. It is opened for writing where that is allowed: `SQLite` then removes its log when the last
/// reader closes, and recovers the log of a writer that died.
fn reader(path: &Path) -> Result<Connection, Trouble> {
    let connection = Connection::open_with_flags(path, rw())?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "query_only", true)?;
    match version(&connection) {
        Err(Trouble::Sqlite(error)) if is_log_refused(&error) => frozen(path),
        Err(trouble) => Err(trouble),
        Ok(_) => Ok(connection),
    }
}

/// Whether `SQLite` could not create its log beside the file.
fn is_log_refused(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// What has a meaning of its own in `SQLite`'s file URIs (sqlite.org/uri.html).
const PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// A connection to a file in a read-only folder: without its log `SQLite` needs the flag that the file is immutable.
fn frozen(path: &Path) -> Result<Connection, Trouble> {
    let log = file::beside(path, "-wal");
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        return Err(Trouble::UnreadableLog(log));
    }
    let uri = format!("file:{}?immutable=1", percent_encode(path.as_os_str().as_bytes(), PATH));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(uri, flags)?)
}

/// For writing, without ever creating the file.
fn rw() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::Sqlite;
    use crate::store::{Event, Journal, RunHead, RunRecord, Store};
    use rusqlite::Connection;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    const FILE: &str = "journal.sqlite";

    fn journal(dir: &Path) -> Store {
        let journal = Store::open(dir).unwrap();
        let head = RunHead { id: "r".into(), playbook: "p".into(), hash: "h".into(), created: 1 };
        journal.create_run(&RunRecord { head, plan: "{}".into() }).unwrap();
        journal.append("r", 1, &[Event::RunAdmitted]).unwrap();
        journal
    }

    #[test]
    fn all_handles_of_a_file_share_one_pool_whatever_its_path() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path().join("state"), dir.path().join("link")).unwrap();
        drop(journal(&dir.path().join("state")));
        let open = |name: &str| Sqlite::open(&dir.path().join(name)).unwrap();
        let (one, other) = (open("state"), open("link"));
        let looking = Sqlite::open_existing(&dir.path().join("state/../state")).unwrap().unwrap();
        assert!(Arc::ptr_eq(&one.pool, &other.pool) && Arc::ptr_eq(&one.pool, &looking.pool));
        let elsewhere = Sqlite::open(&dir.path().join("elsewhere")).unwrap();
        assert!(!Arc::ptr_eq(&one.pool, &elsewhere.pool));
    }

    #[test]
    fn threads_that_write_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(journal(dir.path()));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let journal = Store::open(dir.path()).unwrap();
                        journal.append("r", 1, &[Event::Interrupted]).unwrap();
                        journal.entries("r").unwrap();
                    }
                });
            }
        });
        assert_eq!(Store::open(dir.path()).unwrap().entries("r").unwrap().len(), 101);
    }

    #[test]
    fn a_look_does_not_wait_for_a_writer() {
        let dir = tempfile::tempdir().unwrap();
        drop(journal(dir.path()));
        let writer = Connection::open(dir.path().join(FILE)).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; UPDATE overview SET last = 7").unwrap();
        let begin = Instant::now();
        let looking = Store::open_existing(dir.path()).unwrap().unwrap();
        assert_eq!((looking.runs().unwrap().len(), looking.entries("r").unwrap().len()), (1, 1));
        Store::open(dir.path()).unwrap(); // of today's version: nothing is to be written
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    }

    #[test]
    fn a_journal_that_goes_away_stops_who_writes_and_is_saved() {
        for lost in [FILE, "journal.sqlite-wal", "journal.sqlite-shm"] {
            for replaced in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let journal = journal(dir.path());
                std::fs::rename(dir.path().join(lost), dir.path().join("away")).unwrap();
                if replaced {
                    std::fs::copy(dir.path().join("away"), dir.path().join(lost)).unwrap();
                }
                let failure = journal.append("r", 2, &[Event::Interrupted]).unwrap_err();
                let said = failure.to_string();
                assert!(said.contains("removed or replaced under the run") && said.contains(lost), "{said}");
                assert!(said.contains("the run did nothing that is not in the journal"), "{said}");
                assert!(journal.append("r", 3, &[Event::Interrupted]).is_err());
                let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
                let saved: Vec<_> = names.filter(|path| path.to_string_lossy().contains("journal-rescued-")).collect();
                assert_eq!(saved.len(), 1, "{said}");
                assert!(said.contains(&saved[0].display().to_string()), "{said}");
                let state = tempfile::tempdir().unwrap();
                std::fs::rename(&saved[0], state.path().join(FILE)).unwrap();
                let entries = Store::open(state.path()).unwrap().entries("r").unwrap();
                assert_eq!(entries[1].event, Event::Interrupted);
            }
        }
    }

    #[test]
    fn a_file_that_nobody_writes_is_read_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("odd?name#50%25");
        drop(journal(&odd));
        let connection = super::frozen(&odd.join(FILE)).unwrap();
        let count: u32 = connection.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
        std::fs::write(odd.join("journal.sqlite-wal"), "log").unwrap();
        assert!(super::frozen(&odd.join(FILE)).unwrap_err().to_string().contains("journal.sqlite-wal"));
    }
}
