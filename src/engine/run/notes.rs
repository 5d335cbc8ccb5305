//! What a step must still know after the runner died, kept in the journal.

use crate::engine::clock::Clock;
use crate::error::{Failure, Result};
use crate::kinds::Memo;
use crate::store::{Event, Journal};
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// The memo of one step, shared by its attempts, its undo and its hooks.
pub(in crate::engine) struct Notes {
    run: String,
    step: String,
    journal: Arc<dyn Journal>,
    epoch: u32,
    clock: Clock,
    kept: Mutex<Map<String, Value>>,
    written: UnboundedSender<Event>,
}

impl Notes {
    /// Notes of `step` that start with what the journal holds, written by the runner of `epoch`; everything written is also
    /// told to `written`.
    pub(in crate::engine) fn new(
        run: &str,
        step: &str,
        (journal, epoch): (Arc<dyn Journal>, u32),
        clock: Clock,
        kept: Map<String, Value>,
        written: UnboundedSender<Event>,
    ) -> Self {
        Self { run: run.to_owned(), step: step.to_owned(), journal, epoch, clock, kept: Mutex::new(kept), written }
    }

    fn kept(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of the notes with names of its own: the step itself has the empty prefix, a hook `rollback.0.`.
pub(in crate::engine) struct Page {
    pub(in crate::engine) notes: Arc<Notes>,
    pub(in crate::engine) prefix: String,
    /// Looking must change nothing, so what looks may not write.
    pub(in crate::engine) writable: bool,
}

#[async_trait]
impl Memo for Page {
    fn get(&self, key: &str) -> Option<Value> {
        self.notes.kept().get(&format!("{}{key}", self.prefix)).cloned()
    }

    async fn set(&self, key: &str, value: Value) -> Result<()> {
        let notes = &self.notes;
        let key = format!("{}{key}", self.prefix);
        if !self.writable {
            let answer = "a look at reality must not change anything";
            return Err(Failure::permanent(format!("note `{key}`"), answer));
        }
        let event = Event::StepNoted { step: notes.step.clone(), key: key.clone(), value: value.clone() };
        // held over the append, so that the last value in the journal is the last one here
        let mut kept = notes.kept();
        notes.journal.append_as(&notes.run, Some(notes.epoch), notes.clock.now(), std::slice::from_ref(&event))?;
        kept.insert(key, value);
        let _ = notes.written.send(event); // nobody listens once the run has ended
        Ok(())
    }
}
