//! The store: one handle on all stored data, in either database.

use super::database::{Append, Database, Row, Session, values};
use super::entries::Link;
use super::postgres::{Address, Postgres};
use super::sqlite::Sqlite;
use super::trouble::Trouble;
use super::{Backup, Dated, Entry, Journal, RunHead, RunRecord};
use crate::error::{Failure, Result};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Runs and their journals, starts of schedules, and the outbox. Handles are cheap, and all handles on one store share its
/// connections.
#[derive(Clone)]
pub struct Store {
    database: Arc<dyn Database>,
    /// The ends of the runs that this process wrote: no query is needed while no other process writes.
    ends: Arc<Mutex<HashMap<String, Link>>>,
}

impl Store {
    pub(super) fn of(database: impl Database + 'static) -> Self {
        Self { database: Arc::new(database), ends: Arc::default() }
    }

    /// Opens the journal in the folder `state_dir` for writing, and creates both if missing. A journal of an older program is
    /// upgraded.
    ///
    /// # Errors
    /// When they cannot be created, or the file is not a journal, is damaged, or is of a newer program.
    pub fn open(state_dir: &Path) -> Result<Self> {
        Sqlite::open(state_dir).map(Self::of)
    }

    /// Opens the journal in the folder `state_dir` for reading, if there is one: creates no file, changes nothing, and waits
    /// for no writer. The first write through the handle opens it for writing.
    ///
    /// # Errors
    /// When the file is not a journal, or is of a newer program or of a much older one.
    pub fn open_existing(state_dir: &Path) -> Result<Option<Self>> {
        Ok(Sqlite::open_existing(state_dir)?.map(Self::of))
    }

    /// Opens the shared store, and creates it if missing. `folder` is local to this machine, and records which server it was.
    ///
    /// # Errors
    /// When none of its servers answers and accepts writes, or the store is of a newer program.
    pub fn shared(address: &Address, folder: &Path) -> Result<Self> {
        Postgres::open(address, folder).map(Self::of)
    }

    /// The same for reading, if there is one.
    ///
    /// # Errors
    /// As [`Store::shared`].
    pub fn existing_shared(address: &Address, folder: &Path) -> Result<Option<Self>> {
        Ok(Postgres::open_existing(address, folder)?.map(Self::of))
    }

    pub(super) fn read<T: Send>(
        &self,
        mut work: impl FnMut(&mut dyn Session) -> Result<T, Trouble> + Send,
    ) -> Result<T, Trouble> {
        result_of(|keep| self.database.read(keep), &mut work)
    }

    pub(super) fn write<T: Send>(
        &self,
        mut work: impl FnMut(&mut dyn Session) -> Result<T, Trouble> + Send,
    ) -> Result<T, Trouble> {
        result_of(|keep| self.database.write(keep), &mut work)
    }

    pub(super) fn failed(&self, attempted: impl Into<String>, trouble: impl Into<Trouble>) -> Failure {
        self.database.failure(attempted.into(), trouble.into())
    }

    /// Copies the journal to `file`, which must not exist, as of one moment; runs may write meanwhile. The copy gets its name
    /// only after it was checked and is on disk.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the copy does not pass the check; then there is no copy.
    pub fn back_up(&self, file: &Path) -> Result<Backup> {
        self.database.back_up(file)
    }

    pub(super) fn append_at_once(&self, append: &Append<'_>) -> Result<bool, Trouble> {
        self.database.append(append)
    }

    pub(super) fn end_of(&self, run: &str) -> Option<Link> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).get(run).cloned()
    }

    pub(super) fn ends_at(&self, run: &str, end: Link) {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).insert(run.to_owned(), end);
    }

    fn not_written(&self, run: &str, trouble: Trouble) -> Failure {
        let attempted = format!("write the journal of run {run}");
        if let Trouble::Displaced { .. } = trouble {
            return Failure::locked(attempted, trouble.to_string())
                .now("this runner stops: the other one continues the run")
                .help(format!("`cutover status {run}` shows its progress"));
        }
        let mut failure = self.failed(attempted, trouble);
        let saved = failure.now.map(|saved| format!("; {saved}")).unwrap_or_default();
        failure.now = Some(format!("the run did nothing that is not in the journal{saved}"));
        let first = failure.help.unwrap_or_else(|| "make sure that the journal can be written".to_owned());
        failure.help = Some(format!("{first}; then `cutover resume {run}`"));
        failure
    }

    pub(super) fn sound(&self) -> Result<u32, Trouble> {
        self.database.sound()
    }
}

/// The result of the last run of `work`.
fn result_of<T: Send>(
    carry_out: impl FnOnce(&mut super::database::Work<'_>) -> Result<(), Trouble>,
    work: &mut (impl FnMut(&mut dyn Session) -> Result<T, Trouble> + Send),
) -> Result<T, Trouble> {
    let mut result = None;
    carry_out(&mut |session| {
        result = Some(work(session)?);
        Ok(())
    })?;
    result.ok_or_else(|| Trouble::Damaged("the work was not done".to_owned()))
}

impl Journal for Store {
    fn create_run(&self, record: &RunRecord) -> Result<()> {
        let RunHead { id, playbook, hash, created } = &record.head;
        let insert = "INSERT INTO run (id, playbook, hash, created, plan) VALUES ($1, $2, $3, $4, $5)";
        self.write(|session| session.change(insert, values![id, playbook, hash, *created, &record.plan]).map(drop))
            .map_err(|trouble| self.failed(format!("write run {id} into the journal"), trouble))
    }

    fn append_as(&self, run: &str, epoch: Option<u32>, news: &[Dated]) -> Result<Vec<Entry>> {
        if news.is_empty() {
            return Ok(Vec::new());
        }
        self.try_append(run, epoch, news).map_err(|trouble| self.not_written(run, trouble))
    }

    fn entries_after(&self, run: &str, seq: u32) -> Result<Vec<Entry>> {
        self.try_entries(run, seq).map_err(|trouble| self.failed(format!("read the journal of run {run}"), trouble))
    }

    fn hash_at(&self, run: &str, seq: u32) -> Result<Option<String>> {
        self.try_hash_at(run, seq).map_err(|trouble| self.failed(format!("read entry {seq} of run {run}"), trouble))
    }

    fn run(&self, run: &str) -> Result<RunRecord> {
        let select = "SELECT id, playbook, hash, created, plan FROM run WHERE id = $1";
        let found = self.read(|session| {
            let row = session.row(select, values![run])?;
            row.map(|mut row| Ok(RunRecord { head: head(&mut row)?, plan: row.take(4)? })).transpose()
        });
        found.map_err(|trouble| self.failed(format!("read run {run}"), trouble))?.ok_or_else(|| {
            let missing = Trouble::NoRun;
            self.failed(format!("find run {run}"), missing)
        })
    }

    fn runs(&self) -> Result<Vec<RunHead>> {
        // not from `run`: its rows contain the plans
        let select = "SELECT run, playbook, hash, created FROM overview ORDER BY created, run";
        let heads = self.read(|session| session.rows(select, &[])?.iter_mut().map(head).collect());
        heads.map_err(|trouble| self.failed("list the runs", trouble))
    }
}

/// What names a run, from the first four columns of a row.
pub(super) fn head(row: &mut Row) -> Result<RunHead, Trouble> {
    Ok(RunHead { id: row.take(0)?, playbook: row.take(1)?, hash: row.take(2)?, created: row.take(3)? })
}
