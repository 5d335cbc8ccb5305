//! The journal's file: how it is made, and whether it is still the one that was opened.
//!
//! POSIX drops every lock that a process holds on a file as soon as the process closes *any* descriptor of that file
//! (fcntl(2); sqlite.org/howtocorrupt.html, section 2.2). `SQLite` knows this of its own connections. So nothing here, and
//! nothing else in this program, opens the database by other means than `SQLite`.

use crate::domain::folder_of;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Which file stands under a path: device and inode. A file that is open keeps its inode, so no other can get the same.
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

/// Makes the folder and an empty file at `path` when they are not there, for their owner only.
pub(super) fn make(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let folder = folder_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // SQLite would make it readable for all; its side files take over the mode. The descriptor is closed before the file
    // has its name, and with that before anyone can hold a lock on it.
    let made = tempfile::Builder::new().prefix(".journal").tempfile_in(folder)?.into_temp_path();
    match made.persist_noclobber(path) {
        Err(lost) if lost.error.kind() != io::ErrorKind::AlreadyExists => Err(lost.error),
        _ => Ok(()), // another process was faster: its file is as good
    }
}

/// A file beside the database, which `SQLite` makes: `-wal`, `-shm`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The files of an open database: itself, its log, and the log's index.
#[derive(Debug)]
pub(super) struct Files(Vec<(PathBuf, FileId)>);

impl Files {
    /// Remembers them. To be called while a connection holds them open, so that `SQLite` itself does not remove any.
    pub(super) fn opened(path: &Path) -> io::Result<Self> {
        let all = [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")];
        all.into_iter().map(|path| FileId::of(&path).map(|id| (path, id))).collect::<io::Result<_>>().map(Self)
    }

    /// The one that is not under its path any more: what is written goes where nobody finds it.
    pub(super) fn missing(&self) -> Option<&Path> {
        let gone = |(path, id): &&(PathBuf, FileId)| FileId::of(path).ok() != Some(*id);
        self.0.iter().find(gone).map(|(path, _)| path.as_path())
    }
}
