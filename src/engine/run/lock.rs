//! One run at a time for a state directory: an advisory lock on a file in it, which dies with its process.

use crate::engine::run_id;
use crate::error::{Failure, Result};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

const FILE: &str = "lock";
/// A look at who holds the lock takes it for a moment itself: a few tries distinguish that from a run.
const TRIES: u32 = 5;

/// A locked state directory; released when dropped, or when the process dies.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateLock {
    /// Locks the directory for `run`, and creates it if it does not exist.
    ///
    /// # Errors
    /// `Locked` when another process holds it; the answer names it.
    pub fn take(state_dir: &Path, run: &str) -> Result<Self> {
        let failed = |error: std::io::Error| failure(state_dir, Failure::permanent, error.to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(failed)?;
        let mut file = open(state_dir).map_err(failed)?;
        for attempt in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if attempt < TRIES => std::thread::sleep(Duration::from_millis(10)),
                Err(TryLockError::WouldBlock) => {
                    let holder = read(&mut file);
                    return Err(failure(state_dir, Failure::locked, format!("it is held by {holder}"))
                        .now("nothing was touched")
                        .help("wait for that run, or use another --state directory"));
                }
            }
        }
        file.set_len(0).map_err(failed)?;
        let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(file, "run {run} ({}, since {since})", run_id::runner()).map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Who holds the directory now, in words; `None` when nobody does: then the runner of an unfinished run there is
    /// dead.
    #[must_use]
    pub fn holder(state_dir: &Path) -> Option<String> {
        let mut file = open(state_dir).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read(&mut file)),
            _ => None,
        }
    }
}

fn open(state_dir: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(state_dir.join(FILE))
}

fn read(file: &mut File) -> String {
    let mut holder = String::new();
    match file.read_to_string(&mut holder) {
        Ok(_) if !holder.is_empty() => holder,
        _ => "another process".to_owned(),
    }
}

fn failure(state_dir: &Path, make: fn(String, String) -> Failure, answer: String) -> Failure {
    make(format!("lock the state directory {}", state_dir.display()), answer)
}

#[cfg(test)]
mod tests {
    use super::StateLock;
    use crate::error::Class;

    #[test]
    fn the_second_is_told_who_is_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = StateLock::take(dir.path(), "r1").unwrap();
        let refused = StateLock::take(dir.path(), "r2").unwrap_err();
        assert_eq!(refused.class, Class::Locked);
        assert!(refused.answer.contains("run r1") && refused.answer.contains(", since 20"), "{refused}");
        assert!(StateLock::holder(dir.path()).unwrap().contains("run r1"));
        drop(first);
        // a program that another test is just starting holds the file until it runs
        let is_free = |_: &u32| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            StateLock::holder(dir.path()).is_none()
        };
        assert!((0..500).any(|look| is_free(&look)), "nobody has it any more");
        StateLock::take(dir.path(), "r2").unwrap();
    }
}
