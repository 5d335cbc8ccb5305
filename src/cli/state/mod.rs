//! The state directory: where it is, and the journal in it.

mod command;

pub use command::{Args, run};

use crate::engine::StateLock;
use crate::error::{Failure, Result};
use crate::report::fold::Summary;
use crate::report::text;
use crate::store::{Journal, RunRecord, RunRow, Sqlite, Wanted};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The state directory.
#[derive(Debug, Clone, clap::Args)]
pub struct State {
    /// Directory of the journal. Default: `$XDG_STATE_HOME/cutover`, or `~/.local/state/cutover`.
    #[arg(long = "state", value_name = "DIR", env = "CUTOVER_STATE")]
    dir: Option<PathBuf>,
    #[arg(skip)]
    resolved: std::sync::OnceLock<PathBuf>,
}

impl State {
    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.resolved.get_or_init(|| {
            let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
            let state = std::env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
            self.dir.clone().unwrap_or_else(|| state.unwrap_or_else(|| home().join(".local/state")).join("cutover"))
        })
    }
    /// Where it was said to be, by option or environment.
    #[must_use]
    pub fn stated(&self) -> Option<&Path> {
        self.dir.as_deref()
    }
    /// A run's summary as text, and what the commands in it need besides, where this directory was named by an option.
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
    /// The journal, made when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn journal(&self) -> Result<Arc<dyn Journal>> {
        Ok(Arc::new(Sqlite::open(self.dir())?))
    }
    /// The journal with its outbox; made when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn outbox(&self) -> Result<Sqlite> {
        Sqlite::open(self.dir())
    }
    /// The journal of a command that only looks.
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
    pub fn open(&self) -> Result<Sqlite> {
        Sqlite::open_existing(self.dir())?.ok_or_else(|| {
            Failure::permanent("read the journal", format!("there is none in {}", self.dir().display()))
                .help("name the state directory of the run with --state")
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
            None => Err(Failure::permanent("find the newest run", "the journal holds no run yet")),
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
    /// Who works on `run` right now, if anyone does.
    #[must_use]
    pub fn worker(&self, run: &str) -> Option<String> {
        StateLock::holder(self.dir()).filter(|holder| holder.contains(run))
    }
}
