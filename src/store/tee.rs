//! A journal that passes every durable entry to a listener, in order; used by displays.

use super::{Dated, Entry, Journal, RunHead, RunRecord};
use crate::error::Result;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// Passes everything on to another journal.
pub struct Tee {
    inner: Arc<dyn Journal>,
    // held over append and send, so that entries of two writers are sent in the order they were written
    listener: Mutex<UnboundedSender<Entry>>,
}

impl Tee {
    /// Sends new entries of `inner` to `listener`.
    #[must_use]
    pub fn new(inner: Arc<dyn Journal>, listener: UnboundedSender<Entry>) -> Self {
        Self { inner, listener: Mutex::new(listener) }
    }
}

impl Journal for Tee {
    fn create_run(&self, record: &RunRecord) -> Result<()> {
        self.inner.create_run(record)
    }
    fn append_as(&self, run: &str, epoch: Option<u32>, news: &[Dated]) -> Result<Vec<Entry>> {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.inner.append_as(run, epoch, news)?;
        for entry in &entries {
            // a closed display is not a failure of the run
            let _ = listener.send(entry.clone());
        }
        Ok(entries)
    }
    fn entries_after(&self, run: &str, seq: u32) -> Result<Vec<Entry>> {
        self.inner.entries_after(run, seq)
    }
    fn hash_at(&self, run: &str, seq: u32) -> Result<Option<String>> {
        self.inner.hash_at(run, seq)
    }
    fn run(&self, run: &str) -> Result<RunRecord> {
        self.inner.run(run)
    }
    fn runs(&self) -> Result<Vec<RunHead>> {
        self.inner.runs()
    }
}
