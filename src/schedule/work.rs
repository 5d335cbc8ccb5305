//! The process of a start: it claims the start, holds a lock while it lives, and records how it ended. Other processes can
//! see by the lock whether it lives, even after the scheduler that launched it has died.

use crate::engine::Home;
use crate::engine::clock::wall;
use crate::error::{Failure, Result};
use crate::store::{RunHold, Start, Starts, Store};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A held lock on a start; given back when dropped, or when the process dies.
#[derive(Debug)]
pub struct Work {
    lock: Lock,
}

#[derive(Debug)]
enum Lock {
    File { _file: File, path: PathBuf },
    Shared { _hold: RunHold },
}

impl Work {
    /// Takes the start for this process; `None` when another one has it.
    ///
    /// # Errors
    /// When the lock cannot be made.
    pub fn take(home: &Home, run: &str) -> Result<Option<Self>> {
        if home.is_shared() {
            return Ok(home.hold_start(run)?.map(|hold| Self { lock: Lock::Shared { _hold: hold } }));
        }
        let path = folder(home.dir())?.join(format!("{run}.lock"));
        let failed = |error: std::io::Error| trouble(&path, &error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { lock: Lock::File { _file: file, path } })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Whether the process that has claimed the start lives.
    #[must_use]
    pub fn is_under_way(home: &Home, run: &str) -> bool {
        if home.is_shared() {
            return home.is_start_held(run).unwrap_or(true); // a process is not considered dead because the store is away
        }
        let file = File::open(home.dir().join(FOLDER).join(format!("{run}.lock")));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let Lock::File { path, .. } = &self.lock else { return };
        let _ = std::fs::remove_file(path); // a leftover is an empty file without a lock, and counts as no process
    }
}

const FOLDER: &str = "schedules";

/// The log file of a start's process.
#[must_use]
pub fn log(state_dir: &Path, run: &str) -> PathBuf {
    state_dir.join(FOLDER).join(format!("{run}.log"))
}

/// The folder of locks and logs, made when it is not there.
///
/// # Errors
/// When it cannot be made.
pub fn folder(state_dir: &Path) -> Result<PathBuf> {
    let folder = state_dir.join(FOLDER);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map(|()| folder.clone()).map_err(|error| trouble(&folder, &error))
}

/// Claims the start `run` and runs it with `begin`, which returns the exit code.
/// `None` when another process has claimed it, or when there is nothing to be started: then nothing was done.
///
/// # Errors
/// When lock or journal cannot be written.
pub fn carry_out(home: &Home, run: &str, begin: impl FnOnce(&Start) -> u8) -> Result<Option<u8>> {
    let Some(work) = Work::take(home, run)? else { return Ok(None) };
    let journal = &home.store;
    let Some(start) = journal.claim(run, wall())? else { return Ok(None) };
    finish(journal, work, &start, begin).map(Some)
}

/// Runs a start that this process has claimed already, and records how it ended.
///
/// # Errors
/// When the end cannot be written.
pub fn finish(journal: &Store, work: Work, start: &Start, begin: impl FnOnce(&Start) -> u8) -> Result<u8> {
    let code = begin(start);
    journal.end(start, wall(), Some(code), None)?;
    drop(work); // only now: without a lock, a start without a recorded end counts as dead
    Ok(code)
}

fn trouble(path: &Path, error: &std::io::Error) -> Failure {
    Failure::permanent("claim a start", error.to_string()).at(path.display().to_string()).now("nothing was started")
}
