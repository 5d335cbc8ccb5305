//! A journal that stops before and after every append until the other end of a socket answers. With it a rehearsal injects
//! a fault exactly between two entries, as a power cut could.

use super::{Dated, Entry, Journal, RunHead, RunRecord};
use crate::error::{Failure, Result};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The state of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Nothing of it is written.
    Before,
    /// It is durable, and nothing that waits for it has started.
    After,
}

/// One stop, as the other end receives it: one line of JSON. It answers with any line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// On which side of the append.
    pub side: Side,
    /// The events: name, and the step it is about, empty for none.
    pub events: Vec<(String, String)>,
}

/// Passes everything on to another journal, and stops around appends.
pub struct Breakpoints {
    inner: Arc<dyn Journal>,
    // held over the whole append, so that stops of two writers do not mix
    line: Mutex<BufReader<UnixStream>>,
}

impl Breakpoints {
    /// Connects to the rehearsal.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn new(inner: Arc<dyn Journal>, socket: &Path) -> Result<Self> {
        let line = UnixStream::connect(socket).map_err(|error| {
            Failure::permanent(format!("connect to the rehearsal at {}", socket.display()), error.to_string())
        })?;
        Ok(Self { inner, line: Mutex::new(BufReader::new(line)) })
    }

    fn halt(line: &mut BufReader<UnixStream>, side: Side, news: &[Dated]) {
        let events = news.iter().map(|(_, event)| (event.name(), event.step().unwrap_or_default().to_owned()));
        let told = serde_json::to_string(&Halt { side, events: events.collect() }).unwrap_or_default();
        let mut answer = String::new();
        // when the other end is gone, the run no longer stops
        if writeln!(line.get_mut(), "{told}").is_ok() {
            let _ = line.read_line(&mut answer);
        }
    }
}

impl Journal for Breakpoints {
    fn create_run(&self, record: &RunRecord) -> Result<()> {
        self.inner.create_run(record)
    }
    fn append_as(&self, run: &str, epoch: Option<u32>, news: &[Dated]) -> Result<Vec<Entry>> {
        if news.is_empty() {
            return Ok(Vec::new());
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        Self::halt(&mut line, Side::Before, news);
        let entries = self.inner.append_as(run, epoch, news)?;
        Self::halt(&mut line, Side::After, news);
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
