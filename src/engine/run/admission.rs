//! The checks before the first effect: every step is decoded, and asked for reasons why it cannot work.

use crate::engine::attempt::{Bounds, GRACE, Work, bounded};
use crate::engine::bench::{Bench, Purpose};
use crate::engine::state::RunState;
use crate::engine::tasks::Reins;
use crate::error::{Failure, Result};
use std::collections::BTreeSet;
use tokio::task::JoinSet;
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest time for the checks of one step.
const LIMIT: Duration = Duration::from_mins(2);

/// Every reason why a step cannot work, with the step's number, in file order. Changes nothing.
pub(in crate::engine) async fn inspect(
    bench: &Bench,
    state: &RunState,
    cancel: &CancellationToken,
) -> Vec<(usize, Failure)> {
    let mut failures = Vec::new();
    let mut tasks = JoinSet::new();
    let settles = (0..state.graph.len()).any(|ix| !state.graph.step(ix).settles.is_empty());
    let reins = Reins { cancel: cancel.clone(), end: cancel.child_token() };
    for ix in (0..state.graph.len()).filter(|&ix| state.graph.step(ix).skip.is_none()) {
        for index in 0..state.graph.step(ix).rollback.len() {
            failures.extend(bench.hook(state, ix, index, Purpose::Inspect, &reins).err().map(|failure| (ix, failure)));
        }
        let settled = if settles { settled_before(state, ix) } else { BTreeSet::new() };
        match bench.step(state, ix, Purpose::Inspect, &reins) {
            Ok(None) => {}
            Ok(Some(work)) => {
                tasks.spawn(async move { (ix, inspect_one(work, settled).await) });
            }
            Err(failure) => failures.push((ix, failure)),
        }
    }
    while let Some(joined) = tasks.join_next().await {
        if let Ok((ix, found)) = joined {
            failures.extend(found.into_iter().map(|failure| (ix, failure)));
        }
    }
    failures.sort_by_key(|(ix, _)| *ix);
    failures
}

async fn inspect_one(work: Work, settled: BTreeSet<String>) -> Vec<Failure> {
    let (cancel, end, ended) = (work.cancel.child_token(), CancellationToken::new(), CancellationToken::new());
    let bounds = Bounds { cancel, end, ended, before: Vec::new(), time: LIMIT, grace: GRACE, hurry: true };
    let look = async move { Result::Ok(work.step.inspect(&work.cx(), &settled).await) };
    bounded(look, bounds).await.unwrap_or_else(|failure| vec![failure])
}

/// Facts made true by the steps before `ix`.
fn settled_before(state: &RunState, ix: usize) -> BTreeSet<String> {
    let before = state.graph.before(ix);
    before.into_iter().flat_map(|before| state.graph.step(before).settles.iter().cloned()).collect()
}
