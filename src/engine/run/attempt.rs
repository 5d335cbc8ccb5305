//! One piece of work of one step, in a task of its own: bounded in time, stopped on request, and never dropped.

use crate::domain::units::Span;
use crate::effects::Effects;
use crate::engine::notes::Page;
use crate::error::{Class, Failure, Result};
use crate::kinds::{Ctx, Need, Outputs, Probe, Progress, Step};
use crate::plan::Plan;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long work that was asked to stop, outside a block with a deadline, has to reach a safe point.
pub(in crate::engine) const GRACE: Duration = Duration::from_secs(10);

/// How long work that has timed out has to reach a safe point by itself.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long work that was given up may take to end: longer than a host takes to end a program, and a connection to end
/// a statement.
pub(in crate::engine) const END_LIMIT: Duration = Duration::from_secs(30);

/// A decoded step with everything it may use.
pub(in crate::engine) struct Work {
    pub(in crate::engine) id: String,
    pub(in crate::engine) run: String,
    pub(in crate::engine) plan: Arc<Plan>,
    pub(in crate::engine) fx: Arc<Effects>,
    pub(in crate::engine) step: Box<dyn Step>,
    pub(in crate::engine) progress: Progress,
    pub(in crate::engine) cancel: CancellationToken,
    pub(in crate::engine) memo: Page,
    pub(in crate::engine) outputs: Outputs,
    pub(in crate::engine) foreseen: Arc<BTreeSet<String>>,
    pub(in crate::engine) needs: Arc<[Need]>,
}

impl Work {
    pub(in crate::engine) fn cx(&self) -> Ctx<'_> {
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
            needs: &self.needs,
        }
    }

    /// Executes the step; `prepared` when its block has done the preparation.
    pub(in crate::engine) async fn execute(self, prepared: bool) -> Result<Outputs> {
        if !prepared {
            self.step.prepare(&self.cx()).await?;
        }
        self.step.execute(&self.cx()).await
    }
    pub(in crate::engine) async fn undo(self) -> Result<()> {
        self.step.undo(&self.cx()).await
    }
    pub(in crate::engine) async fn probe(self) -> Result<Probe> {
        self.step.probe(&self.cx()).await
    }
}

/// Prepares the steps of a block together. The failure is that of the first step in the block's order that failed.
pub(in crate::engine) async fn prepare(works: Vec<Work>) -> Result<()> {
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
pub(in crate::engine) struct Bounds {
    /// Asked to stop when this is cancelled; it is cancelled when the time is up.
    pub(in crate::engine) cancel: CancellationToken,
    /// Cancelled when the work is given up: its programs and statements are ended.
    pub(in crate::engine) end: CancellationToken,
    /// Cancelled when the work has really ended, however long that takes.
    pub(in crate::engine) ended: CancellationToken,
    /// The same of all earlier work for the same step: two never run at the same time.
    pub(in crate::engine) before: Vec<CancellationToken>,
    /// Longest time.
    pub(in crate::engine) time: Duration,
    /// How long it may take to stop.
    pub(in crate::engine) grace: Duration,
    /// Whether the application waits: then nothing waits here for work that was given up, except later work for the
    /// same step.
    pub(in crate::engine) hurry: bool,
}

/// Runs `work` within `bounds`. `Cancelled` when it was asked from outside to stop, and stopped without a result;
/// `StillRunning` when it was given up and does not end, or did not start because earlier work does not end.
///
/// Work that does not stop in time is ended, and polled to its end: SQL may be in flight.
pub(in crate::engine) async fn bounded<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
    bounds: Bounds,
) -> Result<T> {
    let Bounds { cancel, end, ended, before, time, grace, hurry } = bounds;
    let ended = ended.drop_guard();
    wait_for(&before, &cancel).await?; // of what has not begun there is nothing to wait for
    let mut task = tokio::spawn(async move {
        let _ended = ended;
        work.await
    });
    let on_time = tokio::select! {
        biased;
        joined = &mut task => return judge(flat(joined), cancel.is_cancelled()),
        () = cancel.cancelled() => true,
        () = sleep(time) => false,
    };
    cancel.cancel();
    let grace = if on_time { grace } else { grace.min(LAST_WORDS) };
    let mut stopped = timeout(grace, &mut task).await.map(flat);
    if stopped.is_err() {
        end.cancel();
        if !hurry {
            stopped = timeout(END_LIMIT, &mut task).await.map(flat);
        }
    }
    let late = || Failure::transient("finish in time", format!("timed out after {}", Span(time)));
    match stopped {
        Ok(result) if on_time => judge(result, true),
        Ok(Err(failure)) if failure.class == Class::Cancelled => Err(Failure { now: failure.now, ..late() }),
        Ok(result) => result,
        Err(_) if !hurry => Err(does_not_end()),
        Err(_) if on_time => judge(Err(still_at_work(grace)), true),
        Err(_) => Err(late().now("it was given up and is being stopped")),
    }
}

/// Waits until everything before has ended.
async fn wait_for(before: &[CancellationToken], cancel: &CancellationToken) -> Result<()> {
    let all = async {
        for earlier in before {
            earlier.cancelled().await;
        }
    };
    tokio::select! {
        biased;
        () = all => Ok(()),
        () = cancel.cancelled() => Err(Failure::cancelled("begin")),
        () = sleep(END_LIMIT) => Err(does_not_end()),
    }
}

/// Work that was asked to stop and fails counts as stopped, whatever its error; a gate's no remains a no.
fn judge<T>(result: Result<T>, asked: bool) -> Result<T> {
    result.map_err(|mut failure| {
        match (failure.class, asked) {
            (Class::Transient | Class::NotYet | Class::Permanent, true) => failure.class = Class::Cancelled,
            (Class::Cancelled, false) => failure.class = Class::Permanent,
            _ => {}
        }
        failure
    })
}

fn still_at_work(grace: Duration) -> Failure {
    Failure::transient("stop at a safe point", format!("it did not reach one within {grace:?}"))
}

fn does_not_end() -> Failure {
    let answer = format!("earlier work of this step was given up and was still running {} later", Span(END_LIMIT));
    Failure::still_running("continue", answer)
        .now("it is still running, so nothing else of this step starts; the run holds its servers until it ends")
        .help("make sure that the servers and hosts of this step answer; `cutover resume` continues once it has ended")
}

fn flat<T>(joined: Result<Result<T>, JoinError>) -> Result<T> {
    joined.unwrap_or_else(|error| Err(panicked(&error)))
}

fn panicked(error: &JoinError) -> Failure {
    Failure::permanent("continue", format!("the program failed: {error}")).help("please report this as a bug")
}

#[cfg(test)]
mod tests {
    use super::{Bounds, bounded};
    use crate::error::{Class, Failure, Result};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::time::{Duration, Instant, sleep};
    use tokio_util::sync::CancellationToken;

    fn bounds(cancel: &CancellationToken, ended: &CancellationToken) -> Bounds {
        let (time, grace) = (Duration::from_mins(1), Duration::from_secs(10));
        let (end, before) = (CancellationToken::new(), Vec::new());
        Bounds { cancel: cancel.clone(), end, ended: ended.clone(), before, time, grace, hurry: false }
    }

    async fn for_long() -> Result<()> {
        sleep(Duration::from_secs(1_000)).await;
        Ok(())
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
        assert_eq!((failure.class, failure.answer.as_str()), (Class::Transient, "timed out after 1m"));
        assert!(ended.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_stop_is_ended_and_waited_for() {
        let (cancel, ended) = (CancellationToken::new(), CancellationToken::new());
        let bounds = bounds(&cancel, &ended);
        let end = bounds.end.clone();
        let work = async move {
            end.cancelled().await;
            sleep(Duration::from_secs(8)).await;
            Result::<()>::Err(Failure::cancelled("run").now("`sleep 90` was ended"))
        };
        let failure = bounded(work, bounds).await.unwrap_err();
        assert_eq!((failure.class, failure.now.as_deref()), (Class::Transient, Some("`sleep 90` was ended")));
        assert!(ended.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_end_is_said_to_run_and_is_polled_to_its_end() {
        let (cancel, ended) = (CancellationToken::new(), CancellationToken::new());
        let failure = bounded(for_long(), bounds(&cancel, &ended)).await.unwrap_err();
        assert_eq!(failure.class, Class::StillRunning);
        assert!(!ended.is_cancelled());
        ended.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_before_all_work_before_it_has_ended() {
        let (cancel, first, second) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let hurry = Bounds { hurry: true, ..bounds(&cancel, &first) };
        assert_eq!(bounded(for_long(), hurry).await.unwrap_err().class, Class::Transient, "given up in a hurry");
        let began = Arc::new(AtomicBool::new(false));
        for attempt in 0..3 {
            let before = vec![first.clone(), second.clone()];
            let began = began.clone();
            let work = async move {
                began.store(true, Ordering::Relaxed);
                Ok(())
            };
            let begin = Instant::now();
            let next = Bounds { before, ..bounds(&CancellationToken::new(), &second) };
            assert_eq!(bounded(work, next).await.unwrap_err().class, Class::StillRunning, "attempt {attempt}");
            assert!(begin.elapsed() >= super::END_LIMIT);
        }
        assert!(!began.load(Ordering::Relaxed));
        first.cancelled().await;
        let next =
            Bounds { before: vec![first, second], ..bounds(&CancellationToken::new(), &CancellationToken::new()) };
        bounded(async { Ok(()) }, next).await.unwrap();
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
