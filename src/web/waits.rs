//! Whether a run in progress waits for a person or for its window. The list of runs asks every second, so the journal is
//! read only from the last position.

use crate::error::Result;
use crate::store::{Entry, Event, Journal};
use std::collections::BTreeSet;

/// What one run waits for, as far as its journal was read.
#[derive(Debug, Default)]
pub(super) struct Waits {
    read: u32,
    of: BTreeSet<String>,
}

impl Waits {
    /// Reads new entries; returns whether `run` waits.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) fn look(&mut self, journal: &dyn Journal, run: &str) -> Result<bool> {
        for entry in journal.entries_after(run, self.read)? {
            self.read(&entry);
        }
        Ok(!self.of.is_empty())
    }

    fn read(&mut self, entry: &Entry) {
        self.read = entry.seq;
        match &entry.event {
            Event::StepWaiting { step, .. } => drop(self.of.insert(step.clone())),
            Event::WindowAwaited { of, .. } => drop(self.of.insert(of.clone())),
            Event::WindowOpened { of, .. } => drop(self.of.remove(of)),
            Event::StepDone { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepStopped { step, .. }
            | Event::SkippedByHand { step, .. } => drop(self.of.remove(step)),
            Event::RunResumed { .. }
            | Event::RollbackStarted { .. }
            | Event::RunPutOff { .. }
            | Event::RunFinished { .. } => self.of.clear(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Waits;
    use crate::effects::Rule;
    use crate::kinds::Outputs;
    use crate::store::{Entry, Event};

    #[test]
    fn a_run_waits_until_it_is_answered_taken_up_or_over() {
        let mut waits = Waits::default();
        let mut told = |event: Event| {
            waits.read(&Entry { seq: 1, at: 0, hash: String::new(), event });
            !waits.of.is_empty()
        };
        let asked = || Event::StepWaiting { step: "go".into(), message: "Go?".into(), rule: Rule::default() };
        assert!(told(asked()));
        assert!(told(Event::StepDone { step: "other".into(), outputs: Outputs::new() }));
        assert!(!told(Event::StepDone { step: "go".into(), outputs: Outputs::new() }));
        assert!(told(asked()) && !told(Event::RunResumed { runner: "r".into(), epoch: 2, by: None }));
        assert!(told(Event::WindowAwaited { of: "b".into(), opens: 1, closes: 2 }));
        assert!(!told(Event::WindowOpened { of: "b".into(), closes: 2 }));
    }
}
