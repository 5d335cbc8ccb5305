//! People's decisions, found in the journal: `cutover approve` writes them there from another process.

use super::clock::wall;
use crate::effects::{Approvals, Decision};
use crate::error::Result;
use crate::journal::{Event, Journal};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Decisions of one run. The first question of a step is journaled as its waiting.
pub struct JournalApprovals {
    journal: Arc<dyn Journal>,
    run: String,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    asked: Vec<String>,
    last: u32,
    decisions: HashMap<String, Decision>,
}

impl JournalApprovals {
    /// Decisions that `journal` holds for `run`.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, run: impl Into<String>) -> Self {
        Self { journal, run: run.into(), seen: Mutex::default() }
    }
}

#[async_trait]
impl Approvals for JournalApprovals {
    async fn decision(&self, step: &str, message: &str) -> Result<Option<Decision>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in self.journal.entries_after(&self.run, seen.last)? {
            seen.last = entry.seq;
            if let Event::Decided { step, decision } = entry.event {
                seen.decisions.insert(step, decision);
            }
        }
        let decision = seen.decisions.get(step).cloned();
        if decision.is_none() && !seen.asked.iter().any(|asked| asked == step) {
            let event = Event::StepWaiting { step: step.to_owned(), message: message.to_owned() };
            self.journal.append(&self.run, wall(), &[event])?;
            seen.asked.push(step.to_owned());
        }
        Ok(decision)
    }
}
