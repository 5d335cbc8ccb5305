//! A folder that belongs to one process as long as that lives, proved by a lock.
//!
//! A process's number proves nothing: numbers are used again, and runners in other containers share the folder but not
//! the numbers. The kernel takes a lock away with the process that holds it, however that ends and whatever its number
//! is elsewhere; ssh's masters do not inherit it.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

/// The file in a folder that its owner keeps locked.
const LOCK: &str = "owner";
/// Letters of a folder's name: there is room for eight in a socket's path.
const LETTERS: usize = 8;
/// Names that are tried before the folder is taken for unusable.
const TRIES: usize = 100;

/// Folders of this process, by the folder that they are in; the locks are held until the process ends.
static OWN: LazyLock<Mutex<HashMap<PathBuf, (PathBuf, File)>>> = LazyLock::new(Mutex::default);

/// This process's own folder in `base`, made and locked when there is none yet.
pub(super) fn folder(base: &Path) -> io::Result<PathBuf> {
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((folder, lock)) = own.get(base)
        && stands(lock, folder)
    {
        return Ok(folder.clone());
    }
    for _ in 0..TRIES {
        let name: String = std::iter::repeat_with(fastrand::lowercase).take(LETTERS).collect();
        let folder = base.join(name);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made?,
        }
        let mut lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(LOCK))?;
        // another runner may look at the folder between the two calls, and remove it
        if lock.try_lock().is_ok() && stands(&lock, &folder) {
            writeln!(lock, "process {}", std::process::id())?; // for people
            own.insert(base.to_owned(), (folder.clone(), lock));
            return Ok(folder);
        }
    }
    Err(io::Error::other(format!("cannot create and lock a folder in {}", base.display())))
}

/// The lock of a folder whose owner is dead: held, so that nobody else clears the folder at the same time. `None` for
/// a folder whose owner lives, or of which that is unknown.
pub(super) fn of_dead_owner(folder: &Path) -> Option<File> {
    let path = folder.join(LOCK);
    if !std::fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let lock = OpenOptions::new().write(true).open(path).ok()?;
    (lock.try_lock().is_ok() && stands(&lock, folder)).then_some(lock)
}

/// Whether the lock in `folder` still is this file, and not one that was made after it was removed.
fn stands(lock: &File, folder: &Path) -> bool {
    let same =
        |one: &std::fs::Metadata, other: &std::fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    let there = std::fs::symlink_metadata(folder.join(LOCK));
    matches!((lock.metadata(), there), (Ok(held), Ok(there)) if same(&held, &there))
}
