//! A watched run: plan, journal and progress, read at intervals, and the parts of the page made from them.

use super::guard::Refusal;
use super::visitor::Visitor;
use super::{Page, fragments};
use crate::error::Result;
use crate::plan::Plan;
use crate::report::fold::Summary;
use crate::report::moments::is_rehearsal;
use crate::report::progress::Reader;
use crate::store::{Entry, Journal};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts of a page by the id of the element they stand in.
pub(super) type Parts = BTreeMap<String, String>;

/// A run that is watched.
pub(super) struct Watched {
    page: Arc<Page>,
    /// Its id.
    pub run: String,
    /// Its plan.
    pub plan: Arc<Plan>,
    entries: Vec<Entry>,
    progress: Reader,
    worker: Option<String>,
}

impl Watched {
    /// The run as it stands.
    ///
    /// # Errors
    /// 404, when there is no such run; 500, when its plan or journal is damaged.
    pub(super) fn open(page: &Arc<Page>, run: &str) -> Result<Self, Refusal> {
        if page.journal.row(run)?.is_none() {
            return Err(Refusal::missing(format!("there is no run {run}")));
        }
        let plan = Arc::new(page.journal.run(run)?.plan_to_read()?);
        let progress = Reader::new(page.state_dir(), run);
        let (page, run) = (page.clone(), run.to_owned());
        let mut watched = Self { page, run, plan, entries: Vec::new(), progress, worker: None };
        watched.look()?;
        Ok(watched)
    }

    /// Reads again; returns whether anything has changed.
    pub(super) fn look(&mut self) -> Result<bool> {
        let last = self.entries.last().map_or(0, |entry| entry.seq);
        let new = self.page.journal.entries_after(&self.run, last)?;
        let worker = self.page.worker_of(&self.run);
        let told = self.progress.look().unwrap_or_else(|failure| {
            tracing::warn!("{failure}"); // progress is optional, the journal is not
            false
        });
        let changed = !new.is_empty() || told || worker != self.worker;
        self.entries.extend(new);
        self.worker = worker;
        Ok(changed)
    }

    /// Whether it runs on servers made for it.
    pub(super) fn is_rehearsal(&self) -> bool {
        is_rehearsal(&self.entries)
    }

    /// Its summary.
    ///
    /// # Errors
    /// When its journal is damaged.
    pub(super) fn summary(&self) -> Result<Summary> {
        Summary::new(&self.run, &self.plan, &self.entries)
    }

    /// All entries of its journal.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Who works on it now.
    pub(super) fn worker(&self) -> Option<&str> {
        self.worker.as_deref()
    }

    /// Everything on the page that can change, for `visitor`.
    ///
    /// # Errors
    /// When its journal is damaged.
    pub(super) fn parts(&self, visitor: &Visitor) -> Result<Parts> {
        let summary = self.summary()?;
        Ok(fragments::of(&fragments::Seen {
            summary: &summary,
            plan: &self.plan,
            entries: &self.entries,
            news: self.progress.news(),
            worker: self.worker.as_deref(),
            rehearsal: self.is_rehearsal(),
            visitor,
        }))
    }
}
