//! The journal's file: how it is created, and whether it is still the one that was opened.
//!
//! POSIX drops every lock that a process holds on a file as soon as the process closes *any* descriptor of that file
//! (fcntl(2); sqlite.org/howtocorrupt.html, section 2.2). `SQLite` handles this for its own connections. So this program
//! opens the database only through `SQLite`.

use crate::domain::folder_of;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The file at a path: device and inode. An open file keeps its inode, so no other file can get the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Asks the file system, without opening the file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = path.metadata()?;
        Ok(Self { device: meta.dev(), inode: meta.ino() })
    }
}

/// Creates the folder and an empty file at `path` if missing, for their owner only.
pub(super) fn make(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = folder_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // SQLite would make it readable for all; its side files get the same mode. The descriptor is closed before the file
    // gets its name, and so before anyone can hold a lock on it.
    let made = tempfile::Builder::new().prefix(".journal").tempfile_in(folder)?.into_temp_path();
    match made.persist_noclobber(path) {
        Err(lost) if lost.error.kind() != io::ErrorKind::AlreadyExists => Err(lost.error),
        _ => Ok(()), // another process was faster: its file is equivalent
    }
}

/// A file beside the database, created by `SQLite`: `-wal`, `-shm`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The files of an open database: itself, its log, and the log's index.
#[derive(Debug)]
pub(super) struct Files(Vec<(PathBuf, FileId)>);

impl Files {
    /// Remembers them. Must be called while a connection holds them open, so that `SQLite` itself does not remove any.
    pub(super) fn opened(path: &Path) -> io::Result<Self> {
        let all = [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")];
        all.into_iter().map(|path| FileId::of(&path).map(|id| (path, id))).collect::<io::Result<_>>().map(Self)
    }

    /// The file that is no longer at its path: writes to it would be lost.
    pub(super) fn missing(&self) -> Option<&Path> {
        let gone = |(path, id): &&(PathBuf, FileId)| FileId::of(path).ok() != Some(*id);
        self.0.iter().find(gone).map(|(path, _)| path.as_path())
    }
}
