//! The runner: asks the scheduler what is to be done, writes that into the journal, and only then has it done.
//!
//! Everything it knows is in the journal: the state it decides from is the fold of the very events it writes. The
//! result of one step and the intent of the next go into one append, because each is a sync to disk and a cutover
//! has no time to give away.

use crate::effects::Effects;
use crate::effects::lease::Taken;
use crate::engine::bench::{Bench, Decode};
use crate::engine::clock::{Clock, Wall};
use crate::engine::graph::Graph;
use crate::engine::hold::{self, Hold};
use crate::engine::run_id;
use crate::engine::schedule::{Decision, Stop, Wish, decide};
use crate::engine::state::RunState;
use crate::engine::tasks::Tasks;
use crate::engine::vouch;
use crate::engine::windows::{self, Now};
use crate::engine::{admission, after_fence, results};
use crate::error::{Class, Failure, Result};
use crate::kinds::Update;
use crate::kinds::after_fence::FencedServer;
use crate::people::PeopleFile;
use crate::plan::Plan;
use crate::plan::correction::Correction;
use crate::plan::load::Sources;
use crate::store::{Event, Journal, Outcome, RunRecord};
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Longest sleep: a machine that slept, or whose clock was set, is noticed this late where a window is awaited.
const LOOK: Duration = Duration::from_secs(15);

/// What a runner works with.
pub struct Setup {
    /// The plan; for a resumed run the one stored with it.
    pub plan: Arc<Plan>,
    /// The run's id.
    pub run: String,
    /// Where everything is written.
    pub journal: Arc<dyn Journal>,
    /// Hands on the world.
    pub effects: Arc<Effects>,
    /// How steps are decoded; [`crate::engine::registered`] unless steps are fakes.
    pub decode: Decode,
    /// Where progress goes, as (step, news).
    pub updates: UnboundedSender<(String, Update)>,
    /// Cancelled by the first Ctrl-C: stop at the next safe point. A block that has begun, and a rollback, are
    /// finished first.
    pub interrupt: CancellationToken,
    /// Folder that relative secret files are seen from; noted with the run, for a resume from elsewhere.
    pub folder: String,
    /// What the plan was made from, with absolute paths; noted with the run, so that a resume can compare.
    pub sources: Option<Sources>,
    /// Commit that the playbook is at, for the evidence.
    pub revision: Option<String>,
    /// Who begins it or goes on with it, where that is a named person; otherwise the account of the process.
    pub by: Option<String>,
    /// The file of people whose answers count, where one was named; noted with a new run.
    pub people: Option<PeopleFile>,
    /// Corrections of the inventory that are new with this runner; `plan` has them already.
    pub corrections: Vec<Correction>,
    /// Steps that a person leaves out, each with the reason, once the run is taken up.
    pub left_out: Vec<(String, String)>,
    /// The machine's clock, which windows go by.
    pub wall: Wall,
    /// Cancelled by the second: stop as soon as what is under way can be left, even inside a block.
    pub halt: CancellationToken,
}

/// Carries out one run.
pub struct Runner {
    setup: Setup,
    graph: Arc<Graph>,
}

impl Runner {
    /// A runner.
    ///
    /// # Errors
    /// `Refused` when the plan has another format than this program's; otherwise when it is damaged.
    pub fn new(setup: Setup) -> Result<Self> {
        setup.plan.may_be_carried_out(&format!("run {}", setup.run))?;
        let graph = Arc::new(Graph::new(setup.plan.clone())?);
        Ok(Self { setup, graph })
    }

    /// Carries out a new run: locks, checks, then step by step.
    ///
    /// # Errors
    /// `Locked` when another run holds one of the servers (nothing was touched, the run is not made known). Otherwise
    /// when the journal cannot be written: the run stopped before its next effect and can be resumed.
    pub async fn run(self) -> Result<Outcome> {
        let clock = Clock::starting(0);
        let state = RunState::new(self.graph.clone());
        let mut drive = Drive::begin(&self.setup, state, clock, Hold { is_new: true, undoing: false }).await?;
        let started = self.started(drive.epoch());
        let result = match RunRecord::new(&self.setup.run, &self.setup.plan, clock.now())
            .and_then(|record| self.setup.journal.create_run(&record))
        {
            Ok(()) => drive.go([Some(started), self.bound()].into_iter().flatten()).await,
            Err(failure) => Err(failure),
        };
        drive.end(result).await
    }

    /// Goes on with a run that was interrupted, stopped, stuck, or whose runner died.
    ///
    /// # Errors
    /// As [`Runner::run`]; `Refused` when the run is over.
    pub async fn resume(self) -> Result<Outcome> {
        let (state, clock) = self.recall()?;
        if let Some(outcome) = state.outcome.filter(|outcome| !outcome.is_resumable()) {
            let attempted = format!("resume run {}", self.setup.run);
            return Err(Failure::refused(attempted, format!("it is over: {outcome}")).now("nothing was changed"));
        }
        self.take_up(state, clock, None, None).await
    }

    /// Goes on with a run that is done but for what was found on servers that it has closed: a person has seen that, and
    /// accepts it for the reason `why`.
    ///
    /// # Errors
    /// As [`Runner::resume`]; `Refused` when nothing of that kind was found.
    pub async fn resume_accepting(self, why: &str) -> Result<Outcome> {
        let (state, clock) = self.recall()?;
        let resumable = state.outcome.is_none_or(Outcome::is_resumable);
        if !resumable || state.after_fence.iter().all(FencedServer::is_well) {
            let attempted = format!("accept writes for run {}", self.setup.run);
            return Err(Failure::refused(attempted, "the run has found none on a server that it has closed")
                .now("nothing was changed")
                .help("resume it without --accept-writes"));
        }
        let by = self.setup.by.clone().unwrap_or_else(run_id::account);
        self.take_up(state, clock, None, Some(Event::WritesAccepted { by, why: why.to_owned() })).await
    }

    /// Takes a run back, from wherever it stands before the point of no return.
    ///
    /// # Errors
    /// As [`Runner::run`]; `Refused` when it is taken back already, or past the point of no return.
    pub async fn rollback(self, reason: &str) -> Result<Outcome> {
        let (state, clock) = self.recall()?;
        let refused = |answer: String| {
            Err(Failure::refused(format!("roll back run {}", self.setup.run), answer).now("nothing was changed"))
        };
        if state.is_point_reached() {
            return refused(
                "it is past the point of no return: the application may be writing on the new server".into(),
            );
        }
        match state.outcome {
            Some(over @ (Outcome::RolledBack | Outcome::Refused | Outcome::Nothing)) => {
                refused(format!("there is nothing to take back: it is {over}"))
            }
            _ => self.take_up(state, clock, Some(reason.to_owned()), None).await,
        }
    }

    fn recall(&self) -> Result<(RunState, Clock)> {
        let entries = self.setup.journal.entries(&self.setup.run)?;
        let state = RunState::fold(self.graph.clone(), &entries)?;
        let last = entries.iter().map(|entry| entry.at).max().unwrap_or(0);
        Ok((state, Clock::starting(last)))
    }

    fn started(&self, epoch: u32) -> Event {
        let Setup { folder, sources, revision, by, .. } = &self.setup;
        Event::RunStarted {
            runner: run_id::runner(),
            epoch,
            by: by.clone(),
            folder: folder.clone(),
            sources: sources.clone(),
            revision: revision.clone(),
        }
    }

    /// The file of people that answers come from.
    fn bound(&self) -> Option<Event> {
        let file = self.setup.people.clone()?;
        let by = self.setup.by.clone().unwrap_or_else(run_id::runner);
        Some(Event::PeopleBound { file, by, why: None })
    }

    fn resumed(&self, epoch: u32) -> Event {
        Event::RunResumed { runner: run_id::runner(), epoch, by: self.setup.by.clone() }
    }

    /// A step that cannot be left out is said before anything is taken.
    fn see_what_is_left_out(&self, state: &RunState) -> Result<()> {
        let mut state = state.clone();
        if self.setup.left_out.is_empty() {
            return Ok(());
        }
        let (at, epoch) = (i64::MAX, state.epoch.saturating_add(1));
        state.apply(at, &self.resumed(epoch))?;
        for (step, why) in &self.setup.left_out {
            let event = vouch::leave_out(&state, step, why, "")?;
            state.apply(at, &event)?;
        }
        Ok(())
    }

    /// `word` is what a person says to it first.
    async fn take_up(
        self,
        state: RunState,
        clock: Clock,
        rollback: Option<String>,
        word: Option<Event>,
    ) -> Result<Outcome> {
        self.see_what_is_left_out(&state)?;
        let undoing = rollback.is_some() || state.rollback.is_some();
        let mut drive = Drive::begin(&self.setup, state, clock, Hold { is_new: false, undoing }).await?;
        let epoch = drive.epoch();
        // a runner that died between making the run known and beginning it has left nothing behind
        let first = if drive.state.started { self.resumed(epoch) } else { self.started(epoch) };
        drive.wish.rollback = rollback;
        let result = drive.go(std::iter::once(first).chain(word)).await;
        drive.end(result).await
    }
}

/// A run being driven by this process.
struct Drive<'a> {
    setup: &'a Setup,
    state: RunState,
    clock: Clock,
    wish: Wish,
    tasks: Tasks,
    taken: Taken,
    noted: UnboundedReceiver<Event>,
    /// Taken into the state, not yet in the journal.
    fresh: Vec<Event>,
    wake: Option<i64>,
}

impl<'a> Drive<'a> {
    /// Takes the run and lays out the tools.
    async fn begin(setup: &'a Setup, state: RunState, clock: Clock, hold: Hold) -> Result<Self> {
        let taken = hold::take(setup, state.epoch, hold).await?;
        let (written, noted) = unbounded_channel();
        let bench = Bench {
            plan: setup.plan.clone(),
            run: setup.run.clone(),
            fx: setup.effects.clone(),
            decode: setup.decode.clone(),
            updates: setup.updates.clone(),
            notes: Bench::notes(&state, &setup.run, (&setup.journal, taken.epoch()), clock, &written),
            permits: setup.plan.permits(),
            foreseen: Arc::new(setup.plan.settled()),
            needs: setup.plan.needs().into(),
        };
        let (tasks, wish, fresh) = (Tasks::new(bench), Wish::default(), Vec::new());
        Ok(Self { setup, state, clock, wish, tasks, taken, noted, fresh, wake: None })
    }

    fn epoch(&self) -> u32 {
        self.taken.epoch()
    }

    /// Drives the run to its end, from its first events on.
    async fn go(&mut self, first: impl IntoIterator<Item = Event>) -> Result<Outcome> {
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
            self.stamp(&due).await;
            for decision in due {
                self.tasks.launch(&self.state, &decision);
            }
            if let Some(outcome) = self.state.outcome {
                return Ok(outcome);
            }
            self.wait().await?;
        }
    }

    /// Lets what is still under way come to an end, and gives the servers back: not before, or another run would find
    /// this one's work beside its own.
    async fn end(mut self, result: Result<Outcome>) -> Result<Outcome> {
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
                failure.class = Class::Cancelled; // its exit code says that the run can be resumed
            }
            failure
        })
    }

    /// Takes in what people changed before this runner began.
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
        self.write()?;
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

    /// Decides until there is nothing more to decide, writes it all down, and tells what must now be done.
    async fn settle(&mut self) -> Result<Vec<Decision>> {
        let mut due = Vec::new();
        loop {
            self.wake = None;
            let mut changed = false;
            for decision in decide(&self.state, self.now(), &self.wish) {
                let decision = self.see_after_fence(decision).await?;
                match &decision {
                    Decision::Wake { at } => self.wake = Some(self.wake.map_or(*at, |wake| wake.min(*at))),
                    Decision::Cancel(task) => self.tasks.cancel(*task),
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
                self.write()?;
                return Ok(due);
            }
        }
    }

    /// Success is told only when the servers that were closed for good are closed, and have written nothing themselves.
    async fn see_after_fence(&mut self, decision: Decision) -> Result<Decision> {
        if !matches!(decision, Decision::Finish { outcome: Outcome::Done }) {
            return Ok(decision);
        }
        self.write()?; // what is done stands in the journal before anybody waits for a server
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

    /// Waits until something ends, somebody wants to stop, or it is time for something.
    async fn wait(&mut self) -> Result<()> {
        if self.tasks.is_idle() && self.wake.is_none() {
            return Err(Failure::permanent("go on", "nothing is left to wait for").help("please report this as a bug"));
        }
        let wake = self.clock.instant(self.wake.unwrap_or_default()).min(Instant::now() + LOOK);
        tokio::select! {
            biased;
            () = self.setup.halt.cancelled(), if self.wish.stop != Stop::Now => self.stop(Stop::Now)?,
            () = self.setup.interrupt.cancelled(), if self.wish.stop == Stop::No => self.stop(Stop::SafePoint)?,
            failure = self.taken.until_displaced() => return Err(failure),
            (task, ended) = self.tasks.next(), if !self.tasks.is_idle() => {
                if let Some(failure) = self.taken.displaced() {
                    return Err(failure); // whatever this work says, it is no result of the run any more
                }
                self.take_notes()?;
                if results::is_blind(&self.state, task, &ended) && self.wish.stop == Stop::No {
                    self.stop(Stop::SafePoint)?; // what cannot be looked at today leaves the run for a better day
                }
                for event in results::events(&self.state, self.clock.now(), task, ended) {
                    self.take_in(event)?;
                }
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

    /// Has every host note how far the journal has come before anything new is done, so that an older copy of the journal
    /// cannot do it again. While the application waits, nobody waits for that.
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

    fn write(&mut self) -> Result<()> {
        let entries =
            self.setup.journal.append_as(&self.setup.run, Some(self.epoch()), self.clock.now(), &self.fresh)?;
        if let Some(last) = entries.last() {
            self.taken.advance(hold::stamp_of(last));
        }
        self.fresh.clear();
        Ok(())
    }
}
