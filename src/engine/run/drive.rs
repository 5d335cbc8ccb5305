//! A run being driven by this process: it asks the scheduler what to do, writes that into the journal, and only then
//! does it.
//!
//! Everything it knows is in the journal: the state it decides from is the fold of the very events it has written. The
//! result of one step and the intent of the next go into one append, because each is a sync to disk and a cutover has
//! no time to waste.

use crate::effects::lease::Taken;
use crate::engine::bench::Bench;
use crate::engine::clock::Clock;
use crate::engine::held::{self, Free, Held};
use crate::engine::hold::{self, Hold};
use crate::engine::results::{self, Ended};
use crate::engine::run_id;
use crate::engine::runner::Setup;
use crate::engine::schedule::{Decision, Stop, Task, Wish, decide};
use crate::engine::scribe::Scribe;
use crate::engine::state::RunState;
use crate::engine::tasks::Tasks;
use crate::engine::trailing::{begins_at_once, late, patience};
use crate::engine::vouch;
use crate::engine::windows::{self, Now};
use crate::engine::{admission, after_fence};
use crate::error::{Class, Failure, Result};
use crate::kinds::after_fence::FencedServer;
use crate::store::{Event, Outcome};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Duration, Instant, sleep_until};

/// Longest sleep: while the run waits for a window, a suspended machine or a changed clock is noticed this late.
const LOOK: Duration = Duration::from_secs(15);
/// How long to wait for the last lines of the journal when the operator wants to leave now.
const LAST_LINES: Duration = Duration::from_secs(5);

/// A run being driven by this process.
pub(in crate::engine) struct Drive<'a> {
    setup: &'a Setup,
    pub(in crate::engine) state: RunState,
    clock: Clock,
    pub(in crate::engine) wish: Wish,
    tasks: Tasks,
    scribe: Scribe,
    held: Held,
    taken: Taken,
    noted: UnboundedReceiver<Event>,
    /// Applied to the state, not yet in the journal.
    fresh: Vec<Event>,
    wake: Option<i64>,
}

impl<'a> Drive<'a> {
    /// Takes the run and prepares the steps.
    pub(in crate::engine) async fn begin(setup: &'a Setup, state: RunState, clock: Clock, hold: Hold) -> Result<Self> {
        let taken = hold::take(setup, state.epoch, hold).await?;
        let (written, noted) = unbounded_channel();
        let scribe = Scribe::new(setup.journal.clone(), &setup.run, taken.epoch(), clock);
        let bench = Bench {
            plan: setup.plan.clone(),
            run: setup.run.clone(),
            fx: setup.effects.clone(),
            decode: setup.decode.clone(),
            updates: setup.updates.clone(),
            notes: Bench::notes(&state, &scribe, &written),
            permits: setup.plan.permits(),
            foreseen: Arc::new(setup.plan.settled()),
            needs: setup.plan.needs().into(),
        };
        let (tasks, wish, held, fresh) = (Tasks::new(bench), Wish::default(), Held::default(), Vec::new());
        Ok(Self { setup, state, clock, wish, tasks, scribe, held, taken, noted, fresh, wake: None })
    }

    pub(in crate::engine) fn epoch(&self) -> u32 {
        self.taken.epoch()
    }

    /// Drives the run to its end, from its first events on.
    pub(in crate::engine) async fn go(&mut self, first: impl IntoIterator<Item = Event>) -> Result<Outcome> {
        first.into_iter().try_for_each(|event| self.take_in(event))?;
        self.heed_people()?;
        if !self.state.admitted && self.wish.rollback.is_none() {
            self.admit().await?;
        }
        loop {
            if let Some(failure) = self.taken.displaced() {
                return Err(failure);
            }
            if self.setup.interrupt.is_cancelled() && self.wish.stop == Stop::No {
                self.stop(Stop::SafePoint)?;
            }
            let due = self.settle().await?;
            self.launch(due);
            if let Some(outcome) = self.state.outcome {
                self.written().await?;
                return Ok(outcome);
            }
            self.wait().await?;
        }
    }

    /// Lets running work end, and then releases the servers: not before, or another run would meet this one's work.
    pub(in crate::engine) async fn end(mut self, result: Result<Outcome>) -> Result<Outcome> {
        match &result {
            Err(failure) if failure.class == Class::Locked => self.tasks.end_all(),
            Err(_) => self.tasks.cancel_all(),
            Ok(_) => {}
        }
        hold::until_all_ended(&mut self.tasks, &self.state.graph, &self.setup.halt).await;
        let done_nothing = self.state.has_done_nothing();
        let over = !self.state.started || matches!(self.state.outcome, Some(Outcome::Refused | Outcome::Nothing));
        self.taken.release(done_nothing && over).await;
        result.map_err(|mut failure| {
            if self.state.started && failure.class != Class::Locked {
                failure.class = Class::Cancelled; // its exit code shows that the run can be resumed
            }
            failure
        })
    }

    /// Applies what people changed before this runner started.
    fn heed_people(&mut self) -> Result<()> {
        let by = self.setup.by.clone().unwrap_or_else(run_id::account);
        if !self.setup.corrections.is_empty() {
            self.take_in(Event::InventoryCorrected { by: by.clone(), changes: self.setup.corrections.clone() })?;
        }
        for (step, why) in &self.setup.left_out {
            let event = vouch::leave_out(&self.state, step, why, &by)?;
            self.take_in(event)?;
        }
        Ok(())
    }

    async fn admit(&mut self) -> Result<()> {
        self.written().await?;
        let found = {
            let cancel = self.setup.interrupt.child_token();
            let mut found = admission::inspect(&self.tasks.bench, &self.state, &cancel).await;
            found.extend(windows::never_fit(&self.state.graph));
            found
        };
        if self.setup.interrupt.is_cancelled() {
            return Ok(()); // the loop ends the run, and a resume checks again
        }
        for (server, identity) in self.setup.effects.seen() {
            self.take_in(Event::ServerSeen { server, identity })?;
        }
        if found.is_empty() {
            return self.take_in(Event::RunAdmitted);
        }
        for (ix, failure) in found {
            let step = self.state.graph.id(ix).to_owned();
            self.take_in(Event::StepRefused { step, failure })?;
        }
        self.take_in(Event::RunFinished { outcome: Outcome::Refused })
    }

    /// Decides until there is nothing more to decide, records it all, and returns what must now be done.
    async fn settle(&mut self) -> Result<Vec<Decision>> {
        let mut due = Vec::new();
        loop {
            self.wake = None;
            let mut changed = false;
            for decision in decide(&self.state, self.now(), &self.wish) {
                let decision = self.see_after_fence(decision).await?;
                match &decision {
                    Decision::Wake { at } => self.wake = Some(self.wake.map_or(*at, |wake| wake.min(*at))),
                    Decision::Cancel(task) => changed |= self.cancel(*task)?,
                    _ => {}
                }
                if matches!(decision, Decision::Finish { .. }) {
                    self.taken.prove().await;
                    if let Some(failure) = self.taken.displaced() {
                        return Err(failure); // the end is another runner's to write
                    }
                }
                if let Some(event) = decision.event(&self.state.graph) {
                    self.take_in(event)?;
                    due.push(decision);
                    changed = true;
                }
            }
            if !changed {
                return Ok(due);
            }
        }
    }

    /// Success is reported only when the servers that were closed for good are closed, and have written nothing
    /// themselves.
    async fn see_after_fence(&mut self, decision: Decision) -> Result<Decision> {
        if !matches!(decision, Decision::Finish { outcome: Outcome::Done }) {
            return Ok(decision);
        }
        self.written().await?; // what is done stands in the journal before anybody waits for a server
        let servers = after_fence::look_at_all(self.setup, &self.state).await;
        if servers.is_empty() {
            return Ok(decision);
        }
        let (well, seen) =
            (servers.iter().all(FencedServer::is_well), servers.iter().all(|found| found.closed.is_some()));
        self.take_in(Event::AfterFence { servers })?;
        let stopped =
            if !seen && self.setup.interrupt.is_cancelled() { Outcome::Interrupted } else { Outcome::Stopped };
        Ok(if well { decision } else { Decision::Finish { outcome: stopped } })
    }

    /// Waits until work ends, the operator wants to stop, or a time is reached.
    async fn wait(&mut self) -> Result<()> {
        if self.tasks.is_idle() && self.held.is_empty() && self.wake.is_none() {
            return Err(
                Failure::permanent("continue", "there is nothing left to wait for").help("please report this as a bug")
            );
        }
        let wake = self.clock.instant(self.wake.unwrap_or_default()).min(Instant::now() + LOOK);
        tokio::select! {
            biased;
            () = self.setup.halt.cancelled(), if self.wish.stop != Stop::Now => self.stop(Stop::Now)?,
            () = self.setup.interrupt.cancelled(), if self.wish.stop == Stop::No => self.stop(Stop::SafePoint)?,
            failure = self.taken.until_displaced() => return Err(failure),
            failure = self.scribe.until_broken() => return Err(failure),
            () = self.held.until_free(&self.scribe) => self.release().await?,
            (task, ended) = self.tasks.next(), if !self.tasks.is_idle() => {
                if let Some(failure) = self.taken.displaced() {
                    return Err(failure); // whatever its result, it no longer belongs to the run
                }
                self.take_notes()?;
                self.conclude(task, ended)?;
            }
            () = sleep_until(wake), if self.wake.is_some() => {}
        }
        Ok(())
    }

    fn now(&self) -> Now {
        Now { steady: self.clock.now(), wall: (self.setup.wall)() }
    }

    fn stop(&mut self, stop: Stop) -> Result<()> {
        self.wish.stop = stop;
        self.take_in(Event::Interrupted)
    }

    fn take_in(&mut self, event: Event) -> Result<()> {
        self.state.apply(self.clock.now(), &event)?;
        self.fresh.push(event);
        Ok(())
    }

    /// Notes are in the journal already: steps write them themselves.
    fn take_notes(&mut self) -> Result<()> {
        while let Ok(event) = self.noted.try_recv() {
            self.state.apply(self.clock.now(), &event)?;
        }
        Ok(())
    }

    fn conclude(&mut self, task: Task, ended: Ended) -> Result<()> {
        if results::is_blind(&self.state, task, &ended) && self.wish.stop == Stop::No {
            self.stop(Stop::SafePoint)?; // what cannot be looked at today leaves the run for a better day
        }
        results::events(&self.state, self.clock.now(), task, ended)
            .into_iter()
            .try_for_each(|event| self.take_in(event))
    }

    /// Sends the decisions to the journal, and starts those that need not wait until the journal has them.
    fn launch(&mut self, due: Vec<Decision>) {
        let said = self.scribe.say(std::mem::take(&mut self.fresh));
        for decision in due.into_iter().filter(|decision| decision.task().is_some()) {
            if begins_at_once(&self.state, &decision) {
                self.taken.stamp_soon();
                self.tasks.launch(&self.state, &decision);
            } else {
                let patience = patience(&self.state, &decision);
                self.held.push(decision, said, patience);
            }
        }
    }

    /// Starts decisions that the journal has recorded by now, or that are safe without it.
    async fn release(&mut self) -> Result<()> {
        let free = self.held.take_free(&self.scribe);
        self.advance();
        let begin = |free: &Free| match free {
            Free::Begin(decision) => Some(decision.clone()),
            Free::Late(_) => None,
        };
        let due: Vec<Decision> = free.iter().filter_map(begin).collect();
        self.stamp(&due).await;
        for decision in &due {
            self.tasks.launch(&self.state, decision);
        }
        for decision in free {
            if let Free::Late(decision) = decision
                && let (Some(task), Some(ended)) =
                    (decision.task(), held::ended(&decision, late(&self.state, &decision)))
            {
                self.conclude(task, ended)?;
            }
        }
        Ok(())
    }

    /// Asks work to stop; returns whether it had not started.
    fn cancel(&mut self, task: Task) -> Result<bool> {
        if let Some(ended) = self.held.cancel(task) {
            self.conclude(task, ended)?;
            return Ok(true);
        }
        self.tasks.cancel(task);
        Ok(false)
    }

    /// Has every host note how far the journal has come before anything new is done, so that an older copy of the
    /// journal cannot do it again. While the application waits, nobody waits for that.
    async fn stamp(&self, due: &[Decision]) {
        let acts = |decision: &Decision| {
            use Decision::{Hook, Prepare, Start, Undo};
            matches!(decision, Start { .. } | Undo { .. } | Hook { .. } | Prepare { .. })
        };
        if !due.iter().any(acts) {
            return;
        }
        let hurry = (0..self.state.blocks.len()).any(|block| self.state.is_under_way(block));
        if hurry { self.taken.stamp_soon() } else { self.taken.stamp().await }
    }

    /// Waits until the journal has everything that happened so far.
    async fn written(&mut self) -> Result<()> {
        let said = self.scribe.say(std::mem::take(&mut self.fresh));
        tokio::select! {
            biased;
            failure = self.taken.until_displaced() => return Err(failure),
            written = self.scribe.until(said) => written?,
            failure = self.left() => return Err(failure),
        }
        self.advance();
        Ok(())
    }

    /// The operator wants to leave now, and the journal has had its time.
    async fn left(&self) -> Failure {
        self.setup.halt.cancelled().await;
        tokio::time::sleep(LAST_LINES).await;
        Failure::cancelled("write the journal")
            .now("its last entries are not written: a resume checks what they would have recorded")
    }

    /// Records for the hosts how far the journal has come.
    fn advance(&self) {
        if let Some(last) = self.scribe.last() {
            self.taken.advance(hold::stamp_of(&last));
        }
    }
}
