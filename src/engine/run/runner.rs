//! The runner: starts a run, resumes one, or rolls one back.

use crate::effects::Effects;
use crate::engine::bench::Decode;
use crate::engine::clock::{Clock, Wall};
use crate::engine::drive::Drive;
use crate::engine::graph::Graph;
use crate::engine::hold::Hold;
use crate::engine::run_id;
use crate::engine::state::RunState;
use crate::engine::vouch;
use crate::error::{Failure, Result};
use crate::kinds::Update;
use crate::kinds::after_fence::FencedServer;
use crate::people::PeopleFile;
use crate::plan::Plan;
use crate::plan::correction::Correction;
use crate::plan::load::Sources;
use crate::store::{Event, Journal, Outcome, RunRecord};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

/// What a runner works with.
pub struct Setup {
    /// The plan; for a resumed run the one stored with it.
    pub plan: Arc<Plan>,
    /// The run's id.
    pub run: String,
    /// Where everything is written.
    pub journal: Arc<dyn Journal>,
    /// Access to servers and hosts.
    pub effects: Arc<Effects>,
    /// How steps are decoded; [`crate::engine::registered`] unless steps are fakes.
    pub decode: Decode,
    /// Where progress goes, as (step, news).
    pub updates: UnboundedSender<(String, Update)>,
    /// Cancelled by the first Ctrl-C: stop at the next safe point. A block that has started, and a rollback, are
    /// finished first.
    pub interrupt: CancellationToken,
    /// Base folder of relative secret files; stored with the run, for a resume from another folder.
    pub folder: String,
    /// What the plan was made from, with absolute paths; stored with the run, so that a resume can compare.
    pub sources: Option<Sources>,
    /// Commit that the playbook is at, for the evidence.
    pub revision: Option<String>,
    /// Who starts or continues it, if that is a named person; otherwise the account of the process.
    pub by: Option<String>,
    /// The file of people whose answers count, if one was named; stored with a new run.
    pub people: Option<PeopleFile>,
    /// Corrections of the inventory that are new with this runner; `plan` has them already.
    pub corrections: Vec<Correction>,
    /// Steps that a person leaves out, each with the reason, once the run is resumed.
    pub left_out: Vec<(String, String)>,
    /// The machine's clock, which windows go by.
    pub wall: Wall,
    /// Cancelled by the second Ctrl-C: stop as soon as running work can be left, even inside a block.
    pub halt: CancellationToken,
}

/// Runs one run.
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

    /// Runs a new run: locks, checks, then step by step.
    ///
    /// # Errors
    /// `Locked` when another run holds one of the servers (nothing was touched, and the run is not recorded). Otherwise
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

    /// Continues a run that was interrupted, stopped, stuck, or whose runner died.
    ///
    /// # Errors
    /// As [`Runner::run`]; `Refused` when the run is over.
    pub async fn resume(self) -> Result<Outcome> {
        let (state, clock) = self.recall()?;
        if let Some(outcome) = state.outcome.filter(|outcome| !outcome.is_resumable()) {
            let attempted = format!("resume run {}", self.setup.run);
            return Err(Failure::refused(attempted, format!("the run is over: {outcome}")).now("nothing was changed"));
        }
        self.take_up(state, clock, None, None).await
    }

    /// Continues a run that is done except for findings on servers that it closed: a person has seen them, and accepts
    /// them for the reason `why`.
    ///
    /// # Errors
    /// As [`Runner::resume`]; `Refused` when nothing of that kind was found.
    pub async fn resume_accepting(self, why: &str) -> Result<Outcome> {
        let (state, clock) = self.recall()?;
        let resumable = state.outcome.is_none_or(Outcome::is_resumable);
        if !resumable || state.after_fence.iter().all(FencedServer::is_well) {
            let attempted = format!("accept writes for run {}", self.setup.run);
            return Err(Failure::refused(attempted, "the run found no writes on any server that it closed")
                .now("nothing was changed")
                .help("resume it without --accept-writes"));
        }
        let by = self.setup.by.clone().unwrap_or_else(run_id::account);
        self.take_up(state, clock, None, Some(Event::WritesAccepted { by, why: why.to_owned() })).await
    }

    /// Rolls a run back, from any state before the point of no return.
    ///
    /// # Errors
    /// As [`Runner::run`]; `Refused` when it is rolled back already, or past the point of no return.
    pub async fn rollback(self, reason: &str) -> Result<Outcome> {
        let (state, clock) = self.recall()?;
        let refused = |answer: String| {
            Err(Failure::refused(format!("roll back run {}", self.setup.run), answer).now("nothing was changed"))
        };
        if state.is_point_reached() {
            return refused(
                "the run is past the point of no return: the application may be writing on the new server".into(),
            );
        }
        match state.outcome {
            Some(over @ (Outcome::RolledBack | Outcome::Refused | Outcome::Nothing)) => {
                refused(format!("there is nothing to undo: the run is {over}"))
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

    /// Reports a step that cannot be left out before anything is taken.
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

    /// `word` is a first event from a person.
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
        // a runner that died between recording the run and starting it has left nothing behind
        let first = if drive.state.started { self.resumed(epoch) } else { self.started(epoch) };
        drive.wish.rollback = rollback;
        let result = drive.go(std::iter::once(first).chain(word)).await;
        drive.end(result).await
    }
}
