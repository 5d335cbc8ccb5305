//! The journal's scribe: writes the events of the run in their order, in the background. Work that may not continue
//! before something is durable waits for it; no other work is delayed by a disk, or by a store that is away.

use crate::engine::clock::Clock;
use crate::error::{Failure, Result};
use crate::store::{Dated, Entry, Event, Journal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Writes the journal of one run for the runner of one epoch.
#[derive(Clone)]
pub(in crate::engine) struct Scribe(Arc<Desk>);

struct Desk {
    journal: Arc<dyn Journal>,
    run: String,
    epoch: u32,
    clock: Clock,
    pile: Mutex<Pile>,
    written: watch::Sender<Written>,
}

/// Events that are not being written yet.
#[derive(Default)]
struct Pile {
    news: Vec<Dated>,
    said: Said,
    /// A writer is active, and will look here again before it stops.
    at_work: bool,
}

/// Number of events up to some moment.
pub(in crate::engine) type Said = u64;

/// How far the journal has come.
#[derive(Clone, Default)]
struct Written {
    upto: Said,
    last: Option<Entry>,
    /// Why nothing more is written.
    failure: Option<Failure>,
}

impl Scribe {
    pub(in crate::engine) fn new(journal: Arc<dyn Journal>, run: &str, epoch: u32, clock: Clock) -> Self {
        let (pile, (written, _)) = (Mutex::default(), watch::channel(Written::default()));
        Self(Arc::new(Desk { journal, run: run.to_owned(), epoch, clock, pile, written }))
    }

    /// Queues events, and returns the number of events so far. Events that arrive while something is being written
    /// go into one append: each is a sync to disk.
    pub(in crate::engine) fn say(&self, events: impl IntoIterator<Item = Event>) -> Said {
        let now = self.0.clock.now();
        let mut pile = self.0.pile();
        let before = pile.news.len();
        pile.news.extend(events.into_iter().map(|event| (now, event)));
        pile.said += (pile.news.len() - before) as u64;
        if !pile.at_work && !pile.news.is_empty() {
            pile.at_work = true;
            let desk = self.0.clone();
            tokio::task::spawn_blocking(move || desk.write());
        }
        pile.said
    }

    /// Whether everything up to `upto` is durable.
    pub(in crate::engine) fn has(&self, upto: Said) -> bool {
        self.0.written.borrow().upto >= upto
    }

    /// The last entry that is durable.
    pub(in crate::engine) fn last(&self) -> Option<Entry> {
        self.0.written.borrow().last.clone()
    }

    /// Waits until everything up to `upto` is durable.
    ///
    /// # Errors
    /// When the journal cannot be written: from then on nothing is written.
    pub(in crate::engine) async fn until(&self, upto: Said) -> Result<()> {
        let mut written = self.0.written.subscribe();
        let seen = written.wait_for(|written| written.upto >= upto || written.failure.is_some()).await;
        let seen = seen.map_err(|_| Failure::permanent("write the journal", "the program is exiting"))?.clone();
        match seen.failure {
            Some(failure) if seen.upto < upto => Err(failure),
            _ => Ok(()),
        }
    }

    /// Waits until the journal can no longer be written.
    pub(in crate::engine) async fn until_broken(&self) -> Failure {
        match self.until(Said::MAX).await {
            Err(failure) => failure,
            Ok(()) => std::future::pending().await,
        }
    }
}

impl Desk {
    fn pile(&self) -> MutexGuard<'_, Pile> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until nothing is left.
    fn write(&self) {
        loop {
            let (news, upto) = {
                let mut pile = self.pile();
                if pile.news.is_empty() {
                    pile.at_work = false;
                    return;
                }
                (std::mem::take(&mut pile.news), pile.said)
            };
            match self.journal.append_as(&self.run, Some(self.epoch), &news) {
                Ok(entries) => self.written.send_modify(|written| {
                    written.upto = upto;
                    written.last = entries.last().cloned();
                }),
                Err(failure) => {
                    // `at_work` remains set: no later event may be written where this one is missing
                    self.written.send_modify(|written| written.failure = Some(failure));
                    return;
                }
            }
        }
    }
}
