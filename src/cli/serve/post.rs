//! Messages that go out while the program stays: those that runs have left, and those about starts that were too late.

use crate::engine::clock::wall;
use crate::notify::{Late, REST, Sender, late};
use crate::plan::load;
use crate::schedule::Schedules;
use crate::store::{Start, Starts, Store, Verdict};
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// So many starts are looked through when the program comes up, for those that nobody was told of.
const LOOKED_THROUGH: usize = 500;
/// Nobody wants to hear of what was too late before that, in milliseconds.
const NEWS: i64 = 24 * 60 * 60 * 1_000;

/// Sends what waits in the outbox, until it is over. What cannot be sent stays there, and stops nothing.
pub async fn deliver(journal: Store, over: CancellationToken) {
    let mut sender = Sender::new(journal);
    loop {
        let round = spawn_blocking(move || {
            if let Err(failure) = sender.round(wall(), false) {
                tracing::warn!("{failure}");
            }
            sender
        });
        let Ok(back) = round.await else { return };
        sender = back;
        tokio::select! {
            () = over.cancelled() => return,
            () = tokio::time::sleep(REST) => {}
        }
    }
}

/// Tells those whom a playbook names under `on: { late: ... }`.
pub struct LateStarts {
    journal: Store,
    file: PathBuf,
}

impl LateStarts {
    pub fn new(journal: Store, file: &Path) -> Self {
        Self { journal, file: file.to_owned() }
    }

    /// Tells what a program that died may have left untold: each due time is told once, however often this is done.
    pub fn catch_up(&self) {
        let recent = self.journal.starts(None, LOOKED_THROUGH).unwrap_or_default();
        recent.iter().filter(|start| start.at > wall() - NEWS).for_each(|start| self.tell(start));
    }

    /// Tells of one start, if it is one that did not come about in time.
    pub fn tell(&self, start: &Start) {
        if !matches!(start.verdict, Verdict::Late | Verdict::Missed) {
            return;
        }
        let Some(schedules) = Schedules::open(&self.file).ok() else { return };
        let Some(schedule) = schedules.get(&start.schedule) else { return };
        let Ok(plan) = load::plan(&schedule.sources) else { return };
        let folder = schedule.sources.inventory.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let text = start.reason.as_deref().unwrap_or("it is not started any more");
        let late_one = Late {
            schedule: &start.schedule,
            due: start.due,
            now: start.at,
            text,
            plan: &plan,
            folder: &folder.display().to_string(),
        };
        if let Err(failure) = late(&self.journal, &late_one) {
            tracing::warn!("{failure}");
        }
    }
}
