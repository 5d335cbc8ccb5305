//! Where the state is stored: a directory of this machine, or a PostgreSQL database that machines share, with a local
//! directory for logs and sockets.

mod command;
mod copy;
mod prune;

pub use command::{Args, run};

use crate::engine::home::{default_dir, dir_beside};
use crate::engine::{Home, StateLock};
use crate::error::{Failure, Result};
use crate::report::fold::Summary;
use crate::report::text;
use crate::store::{Address, Journal, RunRecord, RunRow, Store, Wanted};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the state is.
#[derive(Debug, Clone, clap::Args)]
pub struct State {
    /// Directory of the journal, or the address of a shared PostgreSQL database: `postgres://USER@HOST,HOST/DATABASE`.
    /// Default: `$XDG_STATE_HOME/cutover`, or `~/.local/state/cutover`.
    #[arg(long = "state", value_name = "DIR|URL", env = "CUTOVER_STATE")]
    dir: Option<PathBuf>,
    #[arg(skip)]
    resolved: std::sync::OnceLock<PathBuf>,
}

impl State {
    /// The directory of this machine: the journal's, or the one for logs and sockets beside a shared store.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.resolved.get_or_init(|| match self.shared_at() {
            Some(address) => dir_beside(address),
            None => self.dir.clone().unwrap_or_else(default_dir),
        })
    }
    /// The address of the shared store, if there is one.
    fn shared_at(&self) -> Option<&str> {
        self.dir.as_ref()?.to_str().filter(|text| Address::is_meant(text))
    }
    /// The store, created if missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn store(&self) -> Result<Store> {
        Ok(self.home()?.store)
    }
    /// The store for reading, if there is one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn existing_store(&self) -> Result<Option<Store>> {
        match self.shared_at() {
            Some(address) => Store::existing_shared(&Address::parse(address)?, self.dir()),
            None => Store::open_existing(self.dir()),
        }
    }
    /// The store and the directory of this machine, created if missing.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub fn home(&self) -> Result<Home> {
        Home::at(self.shared_at().map_or_else(|| self.dir(), Path::new))
    }
    /// The value of the option or environment variable.
    #[must_use]
    pub fn stated(&self) -> Option<&Path> {
        self.dir.as_deref()
    }
    /// A run's summary as text, with the `--state` option for its commands where this directory was given as an option.
    #[must_use]
    pub fn shown(&self, summary: &Summary, alive: Option<&str>) -> String {
        let mut shown = text::text(summary, alive);
        let stated = self.stated().filter(|_| std::env::var_os("CUTOVER_STATE").is_none());
        if let Some(dir) = stated.filter(|_| text::next(summary, alive).is_some()) {
            let dir = dir.display().to_string();
            let _ = writeln!(shown, "      (commands for this run need --state {})", shell_words::quote(&dir));
        }
        shown
    }
    /// The journal, created if missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn journal(&self) -> Result<Arc<dyn Journal>> {
        Ok(Arc::new(self.store()?))
    }
    /// The journal for a command that only reads.
    ///
    /// # Errors
    /// When there is none.
    pub fn existing(&self) -> Result<Arc<dyn Journal>> {
        Ok(Arc::new(self.open()?))
    }
    /// The same, with its outbox and starts.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(&self) -> Result<Store> {
        self.existing_store()?.ok_or_else(|| {
            let directory = || format!("state directory: {}", self.dir().display());
            let place = self.shared_at().map_or_else(directory, |address| format!("store: {address}"));
            Failure::permanent("find a run", format!("no runs yet ({place})"))
                .help("if the run has another state directory, give it with --state")
        })
    }
    /// All runs, the oldest first.
    ///
    /// # Errors
    /// When there is no journal, or it cannot be read.
    pub fn rows(&self) -> Result<Vec<RunRow>> {
        let mut rows = self.open()?.list(&Wanted::default())?;
        rows.reverse();
        Ok(rows)
    }
    /// A run's record. `last`, or nothing, means the newest.
    ///
    /// # Errors
    /// When there is no such run.
    pub fn record(&self, run: Option<&str>) -> Result<RunRecord> {
        let journal = self.existing()?;
        if let Some(run) = run.filter(|run| *run != "last") {
            return journal.run(run);
        }
        match journal.runs()?.last() {
            Some(head) => journal.run(&head.id),
            None => Err(Failure::permanent("find the newest run", "no runs yet")),
        }
    }
    /// A run's summary.
    ///
    /// # Errors
    /// When there is no such run, or its journal is damaged.
    pub fn summary(&self, run: Option<&str>) -> Result<Summary> {
        let record = self.record(run)?;
        let entries = self.existing()?.entries(&record.head.id)?;
        Summary::new(&record.head.id, &Arc::new(record.plan_to_read()?), &entries)
    }
    /// The process that works on `run` now, if there is one.
    #[must_use]
    pub fn worker(&self, run: &str) -> Option<String> {
        let is_of = |holder: &String| holder.split(' ').nth(1) == Some(run);
        match self.shared_at() {
            Some(_) => self.open().ok()?.holders(&format!("run {run}")).ok()?.into_iter().find(is_of),
            None => StateLock::holder(self.dir()).filter(is_of),
        }
    }
}
