//! Decisions that may not be executed before the journal has recorded them.

use crate::engine::results::Ended;
use crate::engine::schedule::{Decision, Task};
use crate::engine::scribe::{Said, Scribe};
use crate::engine::trailing::Patience;
use crate::error::Failure;
use tokio::time::{Instant, sleep_until};

/// Decisions in the order in which they were made.
#[derive(Default)]
pub(in crate::engine) struct Held(Vec<(Decision, Said, Limit)>);

/// What happens to a decision that the journal does not record in time.
#[derive(Clone, Copy)]
enum Limit {
    None,
    GoOn(Instant),
    GiveUp(Instant),
}

/// A decision that is no longer held.
pub(in crate::engine) enum Free {
    /// The journal has it, or the wait for the journal is over.
    Begin(Decision),
    /// It is not started: the journal did not record it in time.
    Late(Decision),
}

impl Held {
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Holds `decision` until the journal has the events up to `said`.
    pub(in crate::engine) fn push(&mut self, decision: Decision, said: Said, patience: Patience) {
        let limit = match patience {
            Patience::Endless => Limit::None,
            Patience::ThenGoOn(time) => Limit::GoOn(Instant::now() + time),
            Patience::ThenGiveUp(time) => Limit::GiveUp(Instant::now() + time),
        };
        self.0.push((decision, said, limit));
    }

    /// Waits until one is free; forever when none is held.
    pub(in crate::engine) async fn until_free(&self, scribe: &Scribe) {
        let Some((_, said, _)) = self.0.first() else { return std::future::pending().await };
        let limits = self.0.iter().filter_map(|(_, _, limit)| match limit {
            Limit::None => None,
            Limit::GoOn(at) | Limit::GiveUp(at) => Some(*at),
        });
        let limit = limits.min();
        let durable = async {
            if scribe.until(*said).await.is_err() {
                std::future::pending::<()>().await; // the driver of the run gets the failure itself
            }
        };
        tokio::select! {
            biased;
            () = durable => {}
            () = sleep_until(limit.unwrap_or_else(Instant::now)), if limit.is_some() => {}
        }
    }

    /// Removes and returns the free decisions.
    pub(in crate::engine) fn take_free(&mut self, scribe: &Scribe) -> Vec<Free> {
        let now = Instant::now();
        let mut free = Vec::new();
        self.0.retain(|(decision, said, limit)| {
            free.push(match limit {
                _ if scribe.has(*said) => Free::Begin(decision.clone()),
                Limit::GoOn(at) if *at <= now => Free::Begin(decision.clone()),
                Limit::GiveUp(at) if *at <= now => Free::Late(decision.clone()),
                _ => return true,
            });
            false
        });
        free
    }

    /// Removes a decision that was asked to stop before it started, and returns how it ended.
    pub(in crate::engine) fn cancel(&mut self, task: Task) -> Option<Ended> {
        let at = self.0.iter().position(|(decision, ..)| decision.task() == Some(task))?;
        let (decision, ..) = self.0.remove(at);
        ended(&decision, Failure::cancelled("begin"))
    }
}

/// How work ended that failed before it started.
pub(in crate::engine) fn ended(decision: &Decision, failure: Failure) -> Option<Ended> {
    Some(match *decision {
        Decision::Start { .. } => Ended::Executed(Err(failure)),
        Decision::Undo { .. } => Ended::Undone(Err(failure)),
        Decision::Hook { index, .. } => Ended::Hooked(index, Err(failure)),
        Decision::Probe { .. } => Ended::Probed(Err(failure)),
        Decision::Prepare { .. } => Ended::Prepared(Err(failure)),
        _ => return None,
    })
}
