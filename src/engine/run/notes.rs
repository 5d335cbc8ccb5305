//! Notes that a step needs after its runner died, kept in the journal.

use crate::engine::scribe::Scribe;
use crate::engine::trailing::Patience;
use crate::error::{Failure, Result};
use crate::kinds::Memo;
use crate::store::Event;
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The memo of one step, shared by its attempts, its undo and its hooks.
pub(in crate::engine) struct Notes {
    step: String,
    scribe: Scribe,
    kept: Mutex<Map<String, Value>>,
    said: UnboundedSender<Event>,
}

impl Notes {
    /// Notes of `step` that start with what the journal holds; everything that is noted is also sent to `said`.
    pub(in crate::engine) fn new(
        step: &str,
        scribe: Scribe,
        kept: Map<String, Value>,
        said: UnboundedSender<Event>,
    ) -> Self {
        Self { step: step.to_owned(), scribe, kept: Mutex::new(kept), said }
    }

    fn kept(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of the notes with names of its own: the step itself has the empty prefix, a hook `rollback.0.`.
pub(in crate::engine) struct Page {
    pub(in crate::engine) notes: Arc<Notes>,
    pub(in crate::engine) prefix: String,
    /// A check must change nothing, so it may not write.
    pub(in crate::engine) writable: bool,
    /// How long a note waits until it is durable.
    pub(in crate::engine) patience: Patience,
    /// Ends the waiting.
    pub(in crate::engine) cancel: CancellationToken,
}

impl Page {
    /// Time after which the wait for a note ends; never, where only the journal counts.
    async fn patience_ends(&self) -> Result<()> {
        match self.patience {
            Patience::Endless => std::future::pending().await,
            Patience::ThenGoOn(time) => {
                sleep(time).await;
                Ok(())
            }
            Patience::ThenGiveUp(time) => {
                sleep(time).await;
                let answer = "the journal did not record it in time, and the application is waiting";
                Err(Failure::permanent("record what is being done", answer)
                    .now("nothing is done before the journal has recorded it"))
            }
        }
    }
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
            let answer = "a check must not change anything";
            return Err(Failure::permanent(format!("record `{key}`"), answer));
        }
        let said = {
            // held until the event is queued, so that the last value in the journal is the last one here
            let mut kept = notes.kept();
            let event = Event::StepNoted { step: notes.step.clone(), key: key.clone(), value: value.clone() };
            kept.insert(key, value);
            let _ = notes.said.send(event.clone()); // nobody listens once the run has ended
            notes.scribe.say([event])
        };
        tokio::select! {
            biased;
            written = notes.scribe.until(said) => written,
            () = self.cancel.cancelled(), if self.patience != Patience::Endless => {
                Err(Failure::cancelled("record what is being done"))
            }
            ended = self.patience_ends() => ended,
        }
    }
}
