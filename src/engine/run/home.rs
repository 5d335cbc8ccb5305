//! Where runs are kept: their store, and the directory of this machine, with the processes that work there.

use super::lock::StateLock;
use super::run_id;
use crate::error::{Class, Result};
use crate::store::{Address, RunHold, Store};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long this process must have looked before it considers another one dead, and what counts as a gap.
const LOOKED: Duration = Duration::from_secs(15);
const GAP: Duration = Duration::from_secs(5);

/// A store, and the directory of this machine for logs, sockets and locks.
#[derive(Clone)]
pub struct Home {
    /// Runs and their journals, starts, and the outbox.
    pub store: Store,
    dir: PathBuf,
    argument: OsString,
    /// Where the store is, when many machines share it.
    address: Option<String>,
    /// First look of this process without a gap since, and last look.
    looks: Arc<Mutex<Option<(Instant, Instant)>>>,
}

/// What keeps other processes away from a run.
#[derive(Debug)]
pub enum RunLock {
    /// A lock on a file, which dies with its process.
    Directory(#[allow(dead_code, reason = "it is held, and not looked at")] StateLock),
    /// A row of the shared store.
    Shared(#[allow(dead_code, reason = "the same")] RunHold),
}

/// The default state directory.
#[must_use]
pub fn default_dir() -> PathBuf {
    let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let state = std::env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    state.unwrap_or_else(|| home().join(".local/state")).join("cutover")
}

/// The directory of this machine for the shared store at `address`.
#[must_use]
pub fn dir_beside(address: &str) -> PathBuf {
    default_dir().join("shared").join(&blake3::hash(address.as_bytes()).to_hex()[..16])
}

impl Home {
    /// The value of `--state`: a directory, or the address of a shared store.
    ///
    /// # Errors
    /// As the two below.
    pub fn at(state: &Path) -> Result<Self> {
        match state.to_str().filter(|text| Address::is_meant(text)) {
            Some(address) => Self::shared(address, &dir_beside(address)),
            None => Self::in_directory(state),
        }
    }

    /// A state directory of this machine, created if it does not exist.
    ///
    /// # Errors
    /// When its journal cannot be opened.
    pub fn in_directory(dir: &Path) -> Result<Self> {
        // commands that are journaled must mean the same from every folder
        let argument = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf()).into_os_string();
        let (store, dir) = (Store::open(dir)?, dir.to_path_buf());
        Ok(Self { store, dir, argument, address: None, looks: Arc::default() })
    }

    /// A store that many machines share, and the directory `dir` of this one.
    ///
    /// # Errors
    /// When the address cannot be read, or the store cannot be opened.
    pub fn shared(address: &str, dir: &Path) -> Result<Self> {
        let store = Store::shared(&Address::parse(address)?, dir)?;
        let (argument, address) = (address.into(), Some(address.to_owned()));
        Ok(Self { store, dir: dir.to_path_buf(), argument, address, looks: Arc::default() })
    }

    /// The directory of this machine.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The value of `--state` that leads here.
    #[must_use]
    pub fn argument(&self) -> &OsStr {
        &self.argument
    }

    /// Takes `run` for this process; in a state directory no other run can be taken meanwhile.
    ///
    /// # Errors
    /// `Locked` when another process has it.
    pub fn lock(&self, run: &str) -> Result<RunLock> {
        match self.address {
            Some(_) => Ok(RunLock::Shared(self.store.hold(&format!("run {run}"), &run_id::runner())?)),
            None => Ok(RunLock::Directory(StateLock::take(&self.dir, run)?)),
        }
    }

    /// Who works on which run now: words that begin with `run ID`.
    #[must_use]
    pub fn workers(&self) -> Vec<String> {
        match self.address {
            Some(_) => self.store.holders("run ").unwrap_or_else(|failure| {
                tracing::warn!("{failure}");
                Vec::new()
            }),
            None => StateLock::holder(&self.dir).into_iter().collect(),
        }
    }

    /// The lock of the process that runs the start `run`; `None` when another process has it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_start(&self, run: &str) -> Result<Option<RunHold>> {
        self.unless_held(&format!("start {run}"))
    }

    /// The lock of the machine that continues `run`, whose runner was lost; `None` when another machine has it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold_rescue(&self, run: &str) -> Result<Option<RunHold>> {
        self.unless_held(&format!("rescue {run}"))
    }

    fn unless_held(&self, what: &str) -> Result<Option<RunHold>> {
        match self.store.hold(what, &run_id::runner()) {
            Err(failure) if failure.class == Class::Locked => Ok(None),
            held => held.map(Some),
        }
    }

    /// Whether a process is alive that runs the start `run`. While the store was away no process could renew its lock,
    /// so none is considered dead before this process has looked for a while.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn is_start_held(&self, run: &str) -> Result<bool> {
        let holders = self.store.holders(&format!("start {run}"))?;
        Ok(!holders.is_empty() || self.looking().elapsed() < LOOKED)
    }

    /// Since when this process has looked at the store without a gap.
    fn looking(&self) -> Instant {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (since, last) = looks.get_or_insert((now, now));
        if last.elapsed() > GAP {
            *since = now;
        }
        *last = now;
        *since
    }

    /// Whether many machines share the store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.address.is_some()
    }

    /// Who prevents every other run from starting here.
    #[must_use]
    pub fn keeper(&self) -> Option<String> {
        if self.address.is_some() { None } else { StateLock::holder(&self.dir) }
    }
}
