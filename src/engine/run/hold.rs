//! Holding a run: taking it for this process, and releasing it when the last work has ended.

use crate::effects::Activity;
use crate::effects::lease::{Claim, Knows, Stamp, Taken};
use crate::engine::graph::Graph;
use crate::engine::run_id;
use crate::engine::runner::Setup;
use crate::engine::schedule::Task;
use crate::engine::tasks::Tasks;
use crate::error::Result;
use crate::kinds::Progress;
use crate::plan::{opening, regions};
use crate::store::{Entry, Journal};
use std::sync::Arc;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

/// How often the operator sees what the run waits for at the end.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Why a run is taken.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Hold {
    /// Whether it is new.
    pub(in crate::engine) is_new: bool,
    /// Whether it is only rolled back: that needs its servers up, and may start a server that is down.
    pub(in crate::engine) undoing: bool,
}

/// Takes the run, a new one or one of which the journal knows runners up to `epoch`, with every server and host of its plan.
///
/// # Errors
/// As [`Taken::take`].
pub(in crate::engine) async fn take(setup: &Setup, epoch: u32, hold: Hold) -> Result<Taken> {
    let Hold { is_new, undoing } = hold;
    let entries = setup.journal.entries(&setup.run).unwrap_or_default(); // a new run is not known yet
    let (updates, about) = (setup.updates.clone(), run_id::runner());
    let claim = Claim {
        run: &setup.run,
        is_new,
        epoch,
        servers: opening::taken(&setup.plan).into_iter().map(str::to_owned).collect(),
        hosts: regions::regions(&setup.plan).into_keys().collect(),
        stamp: entries.last().map_or_else(Stamp::start, stamp_of),
        knows: knows(setup.journal.clone(), setup.run.clone()),
        about: &about,
        note: &move |text| Progress::new("", updates.clone()).note(text),
    };
    if !undoing {
        return Taken::take(&setup.effects, claim).await;
    }
    let told = Progress::new("", setup.updates.clone());
    let activity = Activity::apart().starting(move |text| told.note(text));
    Taken::take(&Arc::new(setup.effects.for_work(activity)), claim).await
}

/// Whether the journal holds an entry of that number and hash.
fn knows(journal: Arc<dyn Journal>, run: String) -> Knows {
    Arc::new(move |stamp| Ok(journal.hash_at(&run, stamp.seq)?.as_ref() == Some(&stamp.hash)))
}

/// What hosts store about an entry.
pub(in crate::engine) fn stamp_of(entry: &Entry) -> Stamp {
    Stamp { seq: entry.seq, hash: entry.hash.clone() }
}

/// Waits until no work of this run is left, and reports what it waits for; `halt` ends the wait.
pub(in crate::engine) async fn until_all_ended(tasks: &mut Tasks, graph: &Graph, halt: &CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = tasks.all_ended() => return,
            () = halt.cancelled() => {}
            () = tokio::time::sleep(TELL_EVERY) => {}
        }
        tasks.end_all();
        let names: Vec<&str> = tasks.unended().into_iter().map(|task| name(graph, task)).collect();
        let what = names.join(", ");
        if halt.is_cancelled() && timeout(TELL_EVERY, tasks.all_ended()).await.is_err() {
            tasks.tell(&format!("leaving although work of these steps has not ended: {what}"));
            return;
        }
        if !what.is_empty() {
            tasks.tell(&format!(
                "waiting for work that was given up and has not ended: {what}; press Ctrl-C twice to leave anyway"
            ));
        }
    }
}

fn name(graph: &Graph, task: Task) -> &str {
    match task {
        Task::Step(ix) => graph.id(ix),
        Task::Block(block) => &graph.plan().blocks[block].id,
    }
}
