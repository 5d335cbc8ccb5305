//! Moments of a run and its steps, read from the journal. Pure.

use super::standstill::JournalMoment;
use crate::store::{Entry, Event};
use std::collections::BTreeMap;

/// The moments of one step, besides the start and end of its attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepMoments {
    /// When it last succeeded.
    pub done: Option<JournalMoment>,
    /// Start of the first attempt to undo it, in milliseconds since 1970.
    pub undo_started: Option<i64>,
    /// End of the last attempt to undo it; missing while one is running, or was lost with its runner.
    pub undo_ended: Option<i64>,
}

impl StepMoments {
    /// Of the step of that name.
    #[must_use]
    pub fn of(id: &str, entries: &[Entry]) -> Self {
        let mut moments = Self::default();
        for entry in entries.iter().filter(|entry| entry.event.step() == Some(id)) {
            match &entry.event {
                // done again after it was undone: the last time counts
                Event::StepIntent { .. } => (moments.undo_started, moments.undo_ended) = (None, None),
                Event::StepDone { .. } => moments.done = Some(JournalMoment { at: entry.at, entry: entry.seq }),
                Event::UndoIntent { .. } | Event::HookIntent { .. } => {
                    moments.undo_started = moments.undo_started.or(Some(entry.at));
                    moments.undo_ended = None;
                }
                Event::UndoDone { .. }
                | Event::UndoFailed { .. }
                | Event::HookDone { .. }
                | Event::HookFailed { .. } => moments.undo_ended = Some(entry.at),
                _ => {}
            }
        }
        moments
    }
}

/// Whether the run is a rehearsal.
#[must_use]
pub fn is_rehearsal(entries: &[Entry]) -> bool {
    entries
        .iter()
        .any(|entry| matches!(&entry.event, Event::RunStarted { sources: Some(sources), .. } if sources.rehearsal))
}

/// Blocks that used up their time, and when each did the last time.
#[must_use]
pub fn deadlines(entries: &[Entry]) -> BTreeMap<String, JournalMoment> {
    let reached = entries.iter().filter_map(|entry| match &entry.event {
        Event::DeadlineReached { block } => Some((block.clone(), JournalMoment { at: entry.at, entry: entry.seq })),
        _ => None,
    });
    reached.collect()
}
