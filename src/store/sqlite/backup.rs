//! Copies of the journal, even while a run writes to it.

use super::advice::failure;
use super::session::Lite;
use super::{Sqlite, check};
use crate::domain::folder_of;
use crate::error::{Failure, Result};
use crate::store::checked::{Checked, chains};
use crate::store::trouble::Trouble;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// The copy.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it holds.
    #[serde(flatten)]
    pub checked: Checked,
}

/// The newest copy, recorded in a file beside the journal: needed when the journal cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastBackup {
    /// The copy, with its absolute path.
    pub(super) file: String,
    /// When it was made, in UTC.
    pub(super) at: String,
}

impl LastBackup {
    /// The copy recorded beside the journal at `path`.
    pub(super) fn known(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::file(path)).ok()?).ok()
    }

    fn file(path: &Path) -> PathBuf {
        path.with_file_name("last-backup.json")
    }

    fn note(&self, path: &Path) -> Result<(), Trouble> {
        let folder = folder_of(path);
        let made = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(made.as_file(), self)?;
        made.persist(Self::file(path)).map(drop).map_err(|lost| Trouble::File(lost.error))
    }
}

impl Sqlite {
    /// See [`crate::store::Store::back_up`].
    pub(super) fn copy_to(&self, file: &Path) -> Result<Backup> {
        let attempted = format!("copy the journal to {}", file.display());
        if file.symlink_metadata().is_ok() {
            return Err(Failure::refused(attempted, "the file exists").help("name a new file"));
        }
        let failed = |trouble: Trouble| failure(&attempted, self.path(), trouble).now("there is no copy");
        let folder = folder_of(file);
        let copy = self.pool.read(|connection| copy(connection, folder)).map_err(failed)?;
        let checked = checked(&copy).map_err(failed)?;
        let bytes = copy.metadata().map_err(|error| failed(error.into()))?.len();
        copy.persist_noclobber(file).map_err(|lost| failed(lost.error.into()))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(error.into()))?;
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let at = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        // only a hint for later; a read-only state directory can be copied as well
        if let Err(trouble) = (LastBackup { file: absolute.display().to_string(), at }).note(self.path()) {
            tracing::debug!("the copy is not recorded in the state directory: {trouble}");
        }
        Ok(Backup { file: absolute, bytes, checked })
    }
}

/// A copy with a temporary name in `folder`, readable only by its owner; removed when dropped.
fn copy(connection: &Connection, folder: &Path) -> Result<TempPath, Trouble> {
    // the descriptor of the empty file is closed before SQLite opens it: see `file`
    let made = tempfile::Builder::new().prefix(".journal").tempfile_in(folder)?.into_temp_path();
    connection.pragma_update(None, "query_only", false)?;
    let copied = vacuum_into(connection, &made);
    connection.pragma_update(None, "query_only", true)?;
    copied?;
    File::open(&made)?.sync_all()?; // SQLite does not
    Ok(made)
}

/// Checks a copy. It is opened as an immutable file, so that `SQLite` creates no files beside it.
fn checked(copy: &Path) -> Result<Checked, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags)?;
    let schema = check::sound(&connection)?;
    chains(&mut Lite(&connection), schema)
}

/// Saves the journal that a connection still sees after its file was removed from its path. Returns the copy.
pub(super) fn rescue(connection: &Connection, folder: &Path) -> Result<PathBuf, Trouble> {
    let made = tempfile::Builder::new().prefix("journal-rescued-").suffix(".sqlite").tempfile_in(folder)?;
    let made = made.into_temp_path();
    vacuum_into(connection, &made)?;
    checked(&made)?;
    File::open(&made)?.sync_all()?;
    made.keep().map_err(|lost| Trouble::File(lost.error))
}

/// Copies in one read transaction, however much is written meanwhile. Freed pages are not copied.
fn vacuum_into(connection: &Connection, file: &Path) -> Result<(), Trouble> {
    let file = std::path::absolute(file)?; // a relative one could look like a URI
    let name = file.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", file.display())))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::error::Class;
    use crate::store::{Event, Journal, RunHead, RunRecord, Store};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_copy_made_while_others_write_is_whole_and_can_be_used() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Store::open(&dir.path().join("state")).unwrap();
        let head = RunHead { id: "r".into(), playbook: "p".into(), hash: "h".into(), created: 1 };
        journal.create_run(&RunRecord { head, plan: "{}".into() }).unwrap();
        journal.append("r", 5, &vec![Event::RunAdmitted; 500]).unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    journal.append("r", 6, &[Event::Interrupted]).unwrap();
                }
            });
            for number in 0..5 {
                let file = dir.path().join(format!("{number}/journal.sqlite"));
                std::fs::create_dir(file.parent().unwrap()).unwrap();
                let copied = journal.back_up(&file).unwrap();
                assert!(copied.checked.entries >= 500 && copied.checked.runs == 1, "{copied:?}");
                let meta = file.metadata().unwrap();
                assert_eq!((meta.permissions().mode() & 0o777, meta.len()), (0o600, copied.bytes));
                assert_eq!(file.parent().unwrap().read_dir().unwrap().count(), 1, "nothing is left beside it");
                let entries =
                    Store::open(file.parent().unwrap()).unwrap().append("r", 7, &[Event::RunAdmitted]).unwrap();
                assert_eq!(u64::from(entries[0].seq), copied.checked.entries + 1);
            }
            over.store(true, Ordering::Relaxed);
        });
        journal.check().unwrap();
    }

    #[test]
    fn nothing_is_overwritten_and_no_damage_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Store::open(&dir.path().join("state")).unwrap();
        let file = dir.path().join("copy");
        std::fs::write(&file, "mine").unwrap();
        assert_eq!(journal.back_up(&file).unwrap_err().class, Class::Refused);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
        let head = RunHead { id: "r".into(), playbook: "p".into(), hash: "h".into(), created: 1 };
        journal.create_run(&RunRecord { head, plan: "{}".into() }).unwrap();
        journal.append("r", 5, &[Event::RunAdmitted, Event::Interrupted]).unwrap();
        let other = rusqlite::Connection::open(dir.path().join("state/journal.sqlite")).unwrap();
        other.execute("DELETE FROM event WHERE seq = 2", []).unwrap();
        let failure = journal.back_up(&dir.path().join("new")).unwrap_err();
        assert!(failure.to_string().contains("entry 2 is missing"), "{failure}");
        assert_eq!(dir.path().read_dir().unwrap().count(), 2);
    }
}
