//! People's decisions, found in the journal: `cutover approve` and the page write them there from other processes.

mod decide;
mod standing;

pub use decide::{accept_file, decide};
pub use standing::Standing;

use crate::effects::{Answer, Approvals, Rule};
use crate::engine::clock::wall;
use crate::error::Result;
use crate::store::{Entry, Event, Journal};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};

/// Decisions of one run. The first question of a step is journaled as its waiting.
pub struct JournalApprovals {
    journal: Arc<dyn Journal>,
    run: String,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Steps that this process has asked for.
    asked: Vec<String>,
    last: u32,
    /// Everything that bears on a question.
    entries: Vec<Entry>,
}

impl JournalApprovals {
    /// Decisions that `journal` holds for `run`.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, run: impl Into<String>) -> Self {
        Self { journal, run: run.into(), seen: Mutex::default() }
    }

    fn read(&self, seen: &mut Seen) -> Result<()> {
        for entry in self.journal.entries_after(&self.run, seen.last)? {
            seen.last = entry.seq;
            if Standing::rests_on(&entry.event) {
                seen.entries.push(entry);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Approvals for JournalApprovals {
    async fn answer(&self, step: &str, message: &str, rule: &Rule) -> Result<Answer> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(&mut seen)?;
        let asked = seen.asked.iter().any(|asked| asked == step);
        let now = wall();
        let standing = Standing::of(&seen.entries, step);
        if let Some(refusal) = standing.refusal() {
            return Ok(Answer::Refused(refusal.clone()));
        }
        if standing.missing() == 0 {
            return Ok(Answer::Approved(standing.people()));
        }
        if asked {
            let lapsed = standing.lapses_at().is_some_and(|at| at <= now);
            return Ok(if lapsed { Answer::Lapsed(standing.words()) } else { Answer::Open });
        }
        // a question that lapsed while no runner was there to read an answer is asked again by this one
        let (step, message, rule) = (step.to_owned(), message.to_owned(), rule.clone());
        seen.asked.push(step.clone());
        self.journal.append(&self.run, now, &[Event::StepWaiting { step, message, rule }])?;
        Ok(Answer::Open)
    }
}
