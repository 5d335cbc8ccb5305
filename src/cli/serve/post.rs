//! Messages sent by `cutover serve`: those that runs have left in the outbox, and those about late starts.

use crate::engine::clock::wall;
use crate::notify::{Late, REST, Sender, late};
use crate::plan::load;
use crate::schedule::Schedules;
use crate::store::{Start, Starts, Store, Verdict};
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// Number of starts that are searched at the start of the program for unreported late ones.
const LOOKED_THROUGH: usize = 500;
/// Older late starts are not reported, in milliseconds.
const NEWS: i64 = 24 * 60 * 60 * 1_000;

/// Sends the messages in the outbox until it is asked to stop. A message that cannot be sent waits there.
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

/// Notifies the webhooks that a playbook names under `on: { late: ... }`.
pub struct LateStarts {
    journal: Store,
    file: PathBuf,
}

impl LateStarts {
    pub fn new(journal: Store, file: &Path) -> Self {
        Self { journal, file: file.to_owned() }
    }

    /// Reports late starts that a program that died may have left unreported. Each due time is reported once.
    pub fn catch_up(&self) {
        let recent = self.journal.starts(None, LOOKED_THROUGH).unwrap_or_default();
        recent.iter().filter(|start| start.at > wall() - NEWS).for_each(|start| self.tell(start));
    }

    /// Reports one start, if it was late or missed.
    pub fn tell(&self, start: &Start) {
        if !matches!(start.verdict, Verdict::Late | Verdict::Missed) {
            return;
        }
        let Some(schedules) = Schedules::open(&self.file).ok() else { return };
        let Some(schedule) = schedules.get(&start.schedule) else { return };
        let Ok(plan) = load::plan(&schedule.sources) else { return };
        let folder = schedule.sources.inventory.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let text = start.reason.as_deref().unwrap_or("it will not be started");
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
