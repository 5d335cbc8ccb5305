//! One piece of work of one step, in a task of its own: bounded in time, stopped on request, and never dropped.

use super::notes::Page;
use crate::effects::Effects;
use crate::error::{Class, Failure, Result};
use crate::plan::Plan;
use crate::steps::{Ctx, Outputs, Probe, Progress, Step};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long work that was asked to stop, outside a block with a deadline, has to reach a safe point.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// A decoded step with everything it may use.
pub(super) struct Work {
    pub(super) id: String,
    pub(super) run: String,
    pub(super) plan: Arc<Plan>,
    pub(super) fx: Arc<Effects>,
    pub(super) step: Box<dyn Step>,
    pub(super) progress: Progress,
    pub(super) cancel: CancellationToken,
    pub(super) memo: Page,
    pub(super) outputs: Outputs,
    pub(super) foreseen: Arc<BTreeSet<String>>,
}

impl Work {
    pub(super) fn cx(&self) -> Ctx<'_> {
        Ctx {
            step: &self.id,
            run: &self.run,
            world: &self.plan.world,
            fx: &self.fx,
            progress: &self.progress,
            cancel: &self.cancel,
            memo: &self.memo,
            outputs: &self.outputs,
            foreseen: &self.foreseen,
        }
    }

    /// Executes the step; `prepared` when its block saw to the preparation.
    pub(super) async fn execute(self, prepared: bool) -> Result<Outputs> {
        if !prepared {
            self.step.prepare(&self.cx()).await?;
        }
        self.step.execute(&self.cx()).await
    }
    pub(super) async fn undo(self) -> Result<()> {
        self.step.undo(&self.cx()).await
    }
    pub(super) async fn probe(self) -> Result<Probe> {
        self.step.probe(&self.cx()).await
    }
}

/// Prepares the steps of a block together. The failure is that of the first step in the block's order that failed.
pub(super) async fn prepare(works: Vec<Work>) -> Result<()> {
    let mut tasks = JoinSet::new();
    for (place, work) in works.into_iter().enumerate() {
        tasks.spawn(async move { (place, work.step.prepare(&work.cx()).await) });
    }
    let mut failures = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok((_, Ok(()))) => {}
            Ok((place, Err(failure))) => failures.push((place, failure)),
            Err(error) => failures.push((usize::MAX, panicked(&error))),
        }
    }
    failures.into_iter().min_by_key(|(place, _)| *place).map_or(Ok(()), |(_, failure)| Err(failure))
}

/// What bounds a piece of work.
pub(super) struct Bounds {
    /// Asked to stop when this is cancelled; it is cancelled when the time is up.
    pub(super) cancel: CancellationToken,
    /// Cancelled when the work has really ended, however long that takes.
    pub(super) ended: CancellationToken,
    /// The same of the work before it for the same step: two never run beside each other.
    pub(super) before: CancellationToken,
    /// Longest time.
    pub(super) time: Duration,
    /// How long it may take to stop.
    pub(super) grace: Duration,
}

/// Runs `work` within `bounds`. `Cancelled` when it was asked from outside to stop, and did without a result.
///
/// Work that does not stop in time is given up, but still polled to its end: SQL may be in flight.
pub(super) async fn bounded<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
    bounds: Bounds,
) -> Result<T> {
    let Bounds { cancel, ended, before, time, grace } = bounds;
    if timeout(grace, before.cancelled()).await.is_err() {
        ended.cancel(); // there is nothing of this one to wait for
        return Err(Failure::transient("begin again", "the attempt before has not stopped yet"));
    }
    let mut task = tokio::spawn(async move {
        let _ended = ended.drop_guard();
        work.await
    });
    let on_time = tokio::select! {
        biased;
        joined = &mut task => return judge(flat(joined), cancel.is_cancelled()),
        () = cancel.cancelled() => true,
        () = sleep(time) => false,
    };
    cancel.cancel();
    let stopped = timeout(grace, &mut task).await.map(flat);
    if on_time {
        return judge(stopped.unwrap_or_else(|_| Err(still_at_work(grace))), true);
    }
    let late = || Failure::transient("finish in time", format!("timed out after {time:?}"));
    match stopped {
        Ok(Err(failure)) if failure.class == Class::Cancelled => Err(late()),
        Ok(result) => result,
        Err(_) => Err(late().now(format!("it has not stopped within {grace:?} of being asked to"))),
    }
}

/// Work that was asked to stop and fails has stopped, whatever words it found for that; a gate's no stays one.
fn judge<T>(result: Result<T>, asked: bool) -> Result<T> {
    result.map_err(|mut failure| {
        match (failure.class, asked) {
            (Class::Transient | Class::Permanent, true) => failure.class = Class::Cancelled,
            (Class::Cancelled, false) => failure.class = Class::Permanent,
            _ => {}
        }
        failure
    })
}

fn still_at_work(grace: Duration) -> Failure {
    Failure::transient("stop at a safe point", format!("it did not get there within {grace:?}"))
}

fn flat<T>(joined: Result<Result<T>, JoinError>) -> Result<T> {
    joined.unwrap_or_else(|error| Err(panicked(&error)))
}

fn panicked(error: &JoinError) -> Failure {
    Failure::permanent("go on", format!("the program failed: {error}")).help("please report this as a bug")
}

#[cfg(test)]
mod tests {
    use super::{Bounds, bounded};
    use crate::error::{Class, Failure, Result};
    use tokio::time::{Duration, sleep};
    use tokio_util::sync::CancellationToken;

    fn bounds(cancel: &CancellationToken, ended: &CancellationToken) -> Bounds {
        let before = CancellationToken::new();
        before.cancel();
        let (time, grace) = (Duration::from_mins(1), Duration::from_secs(10));
        Bounds { cancel: cancel.clone(), ended: ended.clone(), before, time, grace }
    }

    #[tokio::test(start_paused = true)]
    async fn time_up_asks_to_stop_and_is_worth_a_retry() {
        let (cancel, ended) = (CancellationToken::new(), CancellationToken::new());
        let asked = cancel.clone();
        let work = async move {
            asked.cancelled().await;
            Result::<()>::Err(Failure::cancelled("wait"))
        };
        let failure = bounded(work, bounds(&cancel, &ended)).await.unwrap_err();
        assert_eq!((failure.class, failure.answer.as_str()), (Class::Transient, "timed out after 60s"));
        assert!(ended.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_stop_is_given_up_but_runs_on_to_its_end() {
        let (cancel, ended) = (CancellationToken::new(), CancellationToken::new());
        let work = async {
            sleep(Duration::from_secs(100)).await;
            Ok(())
        };
        let failure = bounded(work, bounds(&cancel, &ended)).await.unwrap_err();
        assert!(failure.now.unwrap().contains("has not stopped"));
        assert!(!ended.is_cancelled());
        ended.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure() {
        let (cancel, ended) = (CancellationToken::new(), CancellationToken::new());
        let work = async { if ended_too_soon() { panic!("boom") } else { Ok(()) } };
        assert_eq!(bounded(work, bounds(&cancel, &ended)).await.unwrap_err().class, Class::Permanent);
        assert!(ended.is_cancelled());
    }

    fn ended_too_soon() -> bool {
        true
    }
}
