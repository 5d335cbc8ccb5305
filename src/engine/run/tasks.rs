//! Running work: one task for each decision that needs work, by step or block.

use crate::engine::attempt::{self, Bounds, GRACE, bounded};
use crate::engine::bench::{Bench, Purpose, ready};
use crate::engine::results::Ended;
use crate::engine::schedule::{Decision, Task, reserve};
use crate::engine::state::RunState;
use crate::engine::status::Proof;
use crate::error::{Class, Failure, Result};
use crate::kinds::{Progress, Reversibility};
use std::collections::HashMap;
use std::future::Future;
use tokio::task::JoinSet;
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest time for a check of the real state.
const PROBE_LIMIT: Duration = Duration::from_mins(1);
/// How often a check that failed for a temporary reason is tried, and the pause in between.
const PROBE_TRIES: u32 = 3;
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// All running work.
pub(in crate::engine) struct Tasks {
    pub(in crate::engine) bench: Bench,
    running: JoinSet<(Task, Ended)>,
    reins: HashMap<Task, Reins>,
    /// For each step or block, one for each piece of work that is not known to have ended: cancelled when it has.
    unended: HashMap<Task, Vec<CancellationToken>>,
}

/// How a piece of work is stopped.
#[derive(Clone, Default)]
pub(in crate::engine) struct Reins {
    /// Asks it to stop at its next safe point.
    pub(in crate::engine) cancel: CancellationToken,
    /// Gives it up: its programs and statements are ended.
    pub(in crate::engine) end: CancellationToken,
}

impl Tasks {
    pub(in crate::engine) fn new(bench: Bench) -> Self {
        Self { bench, running: JoinSet::new(), reins: HashMap::new(), unended: HashMap::new() }
    }

    pub(in crate::engine) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The next piece of work that ends; never, when there is none.
    pub(in crate::engine) async fn next(&mut self) -> (Task, Ended) {
        loop {
            match self.running.join_next().await {
                Some(Ok(ended)) => return ended,
                Some(Err(_)) => {} // the work itself runs in a task of its own, and its panics are failures
                None => std::future::pending().await,
            }
        }
    }

    pub(in crate::engine) fn cancel(&self, task: Task) {
        if let Some(reins) = self.reins.get(&task) {
            reins.cancel.cancel();
        }
    }

    pub(in crate::engine) fn cancel_all(&self) {
        self.reins.values().for_each(|reins| reins.cancel.cancel());
    }

    /// Gives up all running work.
    pub(in crate::engine) fn end_all(&self) {
        self.cancel_all();
        self.reins.values().for_each(|reins| reins.end.cancel());
    }

    /// Waits until no work is left, including work that was given up.
    pub(in crate::engine) async fn all_ended(&mut self) {
        while self.running.join_next().await.is_some() {}
        for ended in self.unended.values().flatten() {
            ended.cancelled().await;
        }
    }

    /// Steps and blocks of which work was given up and has not ended.
    pub(in crate::engine) fn unended(&self) -> Vec<Task> {
        let mut tasks: Vec<Task> = self
            .unended
            .iter()
            .filter(|(_, ends)| ends.iter().any(|end| !end.is_cancelled()))
            .map(|(task, _)| *task)
            .collect();
        tasks.sort_unstable();
        tasks
    }

    /// Shows the operator a message that belongs to no step.
    pub(in crate::engine) fn tell(&self, text: &str) {
        Progress::new("", self.bench.updates.clone()).note(text);
    }

    /// Starts a decision, once it is in the journal.
    pub(in crate::engine) fn launch(&mut self, state: &RunState, decision: &Decision) {
        let reins = Reins::default();
        match *decision {
            Decision::Start { step, .. } => {
                let work = ready(self.bench.step(state, step, Purpose::Act, &reins));
                let prepared = state.graph.block(step).is_some();
                let work = async move { work?.execute(prepared).await };
                self.spawn(state, Task::Step(step), reins, work, Ended::Executed);
            }
            Decision::Undo { step, .. } => {
                if leaves_nothing_in_a_hurry(state, step) {
                    self.unended.remove(&Task::Step(step));
                }
                let work = ready(self.bench.step(state, step, Purpose::Undo, &reins));
                self.spawn(state, Task::Step(step), reins, async move { work?.undo().await }, Ended::Undone);
            }
            Decision::Hook { step, index, .. } => {
                let work = ready(self.bench.hook(state, step, index, Purpose::Undo, &reins));
                let work = async move { work?.execute(false).await.map(drop) };
                self.spawn(state, Task::Step(step), reins, work, move |result| Ended::Hooked(index, result));
            }
            Decision::Probe { step } => self.probe(state, step, reins),
            Decision::Prepare { block } => self.prepare(state, block, reins),
            _ => {}
        }
    }

    fn probe(&mut self, state: &RunState, step: usize, reins: Reins) {
        let mut works: Vec<_> = Vec::new();
        for _ in 0..PROBE_TRIES {
            works.push(ready(self.bench.step(state, step, Purpose::Probe, &reins)));
        }
        let asked = reins.cancel.clone();
        let look = async move {
            let mut last = None;
            for work in works {
                if last.is_some() && !asked.is_cancelled() {
                    tokio::time::sleep(PROBE_PAUSE).await;
                }
                match work?.probe().await {
                    Err(failure) if failure.class == Class::Transient => last = Some(failure),
                    found => return found,
                }
            }
            Err(last.unwrap_or_else(|| Failure::cancelled("look")))
        };
        self.spawn(state, Task::Step(step), reins, look, Ended::Probed);
    }

    fn prepare(&mut self, state: &RunState, block: usize, reins: Reins) {
        let unfinished = state.graph.blocks()[block].iter().filter(|&&ix| state.steps[ix].is_unfinished());
        let works: Result<Vec<_>> =
            unfinished.filter_map(|&ix| self.bench.step(state, ix, Purpose::Prepare, &reins).transpose()).collect();
        let work = async move { attempt::prepare(works?).await };
        self.spawn(state, Task::Block(block), reins, work, Ended::Prepared);
    }

    fn spawn<T: Send + 'static>(
        &mut self,
        state: &RunState,
        task: Task,
        reins: Reins,
        work: impl Future<Output = Result<T>> + Send + 'static,
        ended: impl FnOnce(Result<T>) -> Ended + Send + 'static,
    ) {
        let end = CancellationToken::new();
        let before = self.before(state, task);
        self.unended.entry(task).or_default().push(end.clone());
        self.reins.insert(task, reins.clone());
        let (time, grace, hurry) = times(state, task);
        let bounds = Bounds { cancel: reins.cancel, end: reins.end, ended: end, before, time, grace, hurry };
        self.running.spawn(async move { (task, ended(bounded(work, bounds).await)) });
    }

    /// The work that must have ended before `task` starts: its own, and for a step also its block's preparation, and
    /// the other way round.
    fn before(&mut self, state: &RunState, task: Task) -> Vec<CancellationToken> {
        let related = match task {
            Task::Step(ix) => state.graph.block(ix).map(Task::Block).into_iter().collect(),
            Task::Block(block) => state.graph.blocks()[block].iter().map(|&ix| Task::Step(ix)).collect::<Vec<_>>(),
        };
        let mut before = Vec::new();
        for task in related.into_iter().chain([task]) {
            if let Some(ends) = self.unended.get_mut(&task) {
                ends.retain(|end| !end.is_cancelled());
                before.extend(ends.iter().cloned());
            }
        }
        before
    }
}

/// Whether the undo of a step does nothing at all while the application waits: a check that does not stop must not keep
/// the server closed.
fn leaves_nothing_in_a_hurry(state: &RunState, ix: usize) -> bool {
    let step = state.graph.step(ix);
    let nothing = step.reversibility == Reversibility::NothingToUndo && step.rollback.is_empty();
    nothing && times(state, Task::Step(ix)).2
}

/// The longest time for a piece of work, how long it may take to stop, and whether the application waits for it.
fn times(state: &RunState, task: Task) -> (Duration, Duration, bool) {
    let steps = match task {
        Task::Step(ix) => vec![ix],
        Task::Block(block) => state.graph.blocks()[block].clone(),
    };
    let asked = steps.iter().any(|&ix| state.steps[ix].proof == Proof::Asked);
    let time = steps.iter().map(|&ix| Duration::from_millis(state.graph.step(ix).timeout_ms)).max();
    let block = steps.first().and_then(|&ix| state.graph.block(ix));
    let deadline = block.and_then(|block| state.graph.plan().blocks[block].deadline_ms);
    // half of what a block keeps for its rollback: the undos need the other half
    let grace = deadline.map_or(GRACE, |deadline| Duration::from_millis(reserve(deadline) / 2).min(GRACE));
    let hurry = deadline.is_some() && block.is_some_and(|block| state.blocks[block].started.is_some());
    (if asked { PROBE_LIMIT } else { time.unwrap_or(PROBE_LIMIT) }, grace, hurry)
}
