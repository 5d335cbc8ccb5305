//! What is under way: one task for each decision that needs doing, by step or block.

use super::attempt::{self, Bounds, GRACE, bounded};
use super::bench::{Bench, Purpose, ready};
use super::results::Ended;
use super::schedule::{Decision, Task, reserve};
use super::state::RunState;
use super::status::Proof;
use crate::error::{Class, Failure, Result};
use crate::steps::{Progress, Reversibility};
use std::collections::HashMap;
use std::future::Future;
use tokio::task::JoinSet;
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest time for a look at reality.
const PROBE_LIMIT: Duration = Duration::from_mins(1);
/// How often a look that failed for a passing reason is tried, and the pause in between.
const PROBE_TRIES: u32 = 3;
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// Everything under way.
pub(super) struct Tasks {
    pub(super) bench: Bench,
    running: JoinSet<(Task, Ended)>,
    cancels: HashMap<Task, CancellationToken>,
    /// For each step or block: cancelled when its last piece of work has really ended.
    ends: HashMap<Task, CancellationToken>,
}

impl Tasks {
    pub(super) fn new(bench: Bench) -> Self {
        Self { bench, running: JoinSet::new(), cancels: HashMap::new(), ends: HashMap::new() }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// The next piece of work that ends; never, when there is none.
    pub(super) async fn next(&mut self) -> (Task, Ended) {
        loop {
            match self.running.join_next().await {
                Some(Ok(ended)) => return ended,
                Some(Err(_)) => {} // the work itself runs in a task of its own, and its panics are failures
                None => std::future::pending().await,
            }
        }
    }

    pub(super) fn cancel(&self, task: Task) {
        if let Some(cancel) = self.cancels.get(&task) {
            cancel.cancel();
        }
    }

    pub(super) fn cancel_all(&self) {
        self.cancels.values().for_each(CancellationToken::cancel);
    }

    pub(super) async fn join_all(&mut self) {
        while self.running.join_next().await.is_some() {}
    }

    /// Tells people something that belongs to no step.
    pub(super) fn tell(&self, text: &str) {
        Progress::new("", self.bench.updates.clone()).note(text);
    }

    /// Begins what was decided, once it is in the journal.
    pub(super) fn launch(&mut self, state: &RunState, decision: &Decision) {
        let cancel = CancellationToken::new();
        match *decision {
            Decision::Start { step, .. } => {
                let work = ready(self.bench.step(state, step, Purpose::Act, &cancel));
                let prepared = state.graph.block(step).is_some();
                let work = async move { work?.execute(prepared).await };
                self.spawn(state, Task::Step(step), cancel, work, Ended::Executed);
            }
            Decision::Undo { step, .. } => {
                if state.graph.step(step).reversibility == Reversibility::NothingToUndo {
                    self.ends.remove(&Task::Step(step)); // a check that does not stop must not keep others waiting
                }
                let work = ready(self.bench.step(state, step, Purpose::Undo, &cancel));
                self.spawn(state, Task::Step(step), cancel, async move { work?.undo().await }, Ended::Undone);
            }
            Decision::Hook { step, index, .. } => {
                let work = ready(self.bench.hook(state, step, index, Purpose::Undo, &cancel));
                let work = async move { work?.execute(false).await.map(drop) };
                self.spawn(state, Task::Step(step), cancel, work, move |result| Ended::Hooked(index, result));
            }
            Decision::Probe { step } => self.probe(state, step, cancel),
            Decision::Prepare { block } => self.prepare(state, block, cancel),
            _ => {}
        }
    }

    fn probe(&mut self, state: &RunState, step: usize, cancel: CancellationToken) {
        let mut works: Vec<_> = Vec::new();
        for _ in 0..PROBE_TRIES {
            works.push(ready(self.bench.step(state, step, Purpose::Probe, &cancel)));
        }
        let asked = cancel.clone();
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
        self.spawn(state, Task::Step(step), cancel, look, Ended::Probed);
    }

    fn prepare(&mut self, state: &RunState, block: usize, cancel: CancellationToken) {
        let unfinished = state.graph.blocks()[block].iter().filter(|&&ix| state.steps[ix].is_unfinished());
        let works: Result<Vec<_>> =
            unfinished.filter_map(|&ix| self.bench.step(state, ix, Purpose::Prepare, &cancel).transpose()).collect();
        let work = async move { attempt::prepare(works?).await };
        self.spawn(state, Task::Block(block), cancel, work, Ended::Prepared);
    }

    fn spawn<T: Send + 'static>(
        &mut self,
        state: &RunState,
        task: Task,
        cancel: CancellationToken,
        work: impl Future<Output = Result<T>> + Send + 'static,
        ended: impl FnOnce(Result<T>) -> Ended + Send + 'static,
    ) {
        let end = CancellationToken::new();
        let before = self.ends.insert(task, end.clone()).unwrap_or_else(|| {
            let none = CancellationToken::new();
            none.cancel();
            none
        });
        self.cancels.insert(task, cancel.clone());
        let (time, grace) = times(state, task);
        let bounds = Bounds { cancel, ended: end, before, time, grace };
        self.running.spawn(async move { (task, ended(bounded(work, bounds).await)) });
    }
}

/// The longest time for a piece of work, and how long it may take to stop.
fn times(state: &RunState, task: Task) -> (Duration, Duration) {
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
    (if asked { PROBE_LIMIT } else { time.unwrap_or(PROBE_LIMIT) }, grace)
}
