//! How a running step reports its progress. Nothing here prints: the report listens on the other end.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

/// One piece of news from a running step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Update {
    /// Bytes done, and the total if it is known.
    Bytes {
        /// Done so far.
        done: u64,
        /// All there are, if known.
        total: Option<u64>,
    },
    /// Rows done, and the estimated total.
    Rows {
        /// Done so far.
        done: u64,
        /// All there are, as estimated.
        total: Option<u64>,
        /// What is worked at.
        now: String,
    },
    /// Replication lag, measured on the runner's clock, in milliseconds.
    Lag {
        /// Milliseconds.
        millis: u64,
    },
    /// A short sentence about what is going on.
    Note {
        /// The sentence.
        text: String,
    },
}

/// A step's end of the channel; one for each step that runs.
#[derive(Debug, Clone)]
pub struct Progress {
    step: String,
    tx: UnboundedSender<(String, Update)>,
}

impl Progress {
    /// News of `step`, sent to `tx` as (step, update).
    #[must_use]
    pub fn new(step: impl Into<String>, tx: UnboundedSender<(String, Update)>) -> Self {
        Self { step: step.into(), tx }
    }
    /// Sends an update; a listener that has gone away is no failure of the step.
    pub fn tell(&self, update: Update) {
        let _ = self.tx.send((self.step.clone(), update));
    }
    /// Reports bytes done of a total.
    pub fn bytes(&self, done: u64, total: Option<u64>) {
        self.tell(Update::Bytes { done, total });
    }
    /// Reports a measured lag.
    pub fn lag(&self, lag: std::time::Duration) {
        self.tell(Update::Lag { millis: u64::try_from(lag.as_millis()).unwrap_or(u64::MAX) });
    }
    /// Reports a sentence.
    pub fn note(&self, text: impl Into<String>) {
        self.tell(Update::Note { text: text.into() });
    }
}
