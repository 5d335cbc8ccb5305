//! The state of a run: its journal, folded through a transition table. A transition that is not in the table is an
//! error that names both sides, never a panic, because a journal may be damaged.
//!
//! Pure. The table for steps is in `transition.rs`; what a dead runner leaves behind is `recover.rs`.

use crate::effects::own_transactions::OwnLog;
use crate::engine::checkpoint;
use crate::engine::graph::Graph;
use crate::engine::recover;
use crate::engine::schedule::Task;
use crate::engine::status::{Proof, Status, StepState};
use crate::error::{Class, Failure, Result};
use crate::kinds::Reversibility;
use crate::kinds::after_fence::FencedServer;
use crate::playbook::window::Opening;
use crate::store::{Entry, Event, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The state of a run.
#[derive(Debug, Clone)]
pub struct RunState {
    /// Its plan, with edges.
    pub graph: Arc<Graph>,
    /// Whether it has started.
    pub started: bool,
    /// The largest epoch of its runners; 0 before the first.
    pub epoch: u32,
    /// Whether the checks before the first effect have passed.
    pub admitted: bool,
    /// How it ended, unless it is still running.
    pub outcome: Option<Outcome>,
    /// Why it rolls back, if it does.
    pub rollback: Option<String>,
    /// Steps that the rollback keeps, by number, because a checkpoint was reached; empty when it undoes all.
    pub kept: Vec<bool>,
    /// Its steps, by number.
    pub steps: Vec<StepState>,
    /// Its blocks, by number.
    pub blocks: Vec<BlockState>,
    /// The windows that steps and blocks wait for, by number.
    pub windows: Vec<WindowState>,
    /// Why it cannot continue now, and the step or block that found this.
    pub put_off: Option<(String, Failure)>,
    /// Work of this runner was given up and does not end, so nothing else may be done.
    pub is_held: bool,
    /// Findings of the last check of the servers that it closed.
    pub after_fence: Vec<FencedServer>,
    /// Servers whose own transactions a person has accepted, with the end of their log at that time; nothing if it
    /// was unknown.
    pub accepted: BTreeMap<String, Option<OwnLog>>,
}

/// State of a window in the process that waits for it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowState {
    /// The opening that the run waits for.
    pub awaited: Option<Opening>,
    /// It has opened, and closes then (milliseconds since 1970).
    pub open: Option<i64>,
    /// The opening that closes then was too short, so the run waits for a later one.
    pub past: Option<i64>,
}

/// State of a block in the process that runs it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockState {
    /// Whether its steps are prepared.
    pub prepare: Prepare,
    /// When its clock started.
    pub started: Option<i64>,
    /// Whether its time is up.
    pub expired: bool,
}

/// Whether the steps of a block are prepared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prepare {
    /// Not yet, or no longer.
    #[default]
    No,
    /// Under way.
    Asked,
    /// They are.
    Yes,
}

impl RunState {
    /// A run with no events yet.
    #[must_use]
    pub fn new(graph: Arc<Graph>) -> Self {
        let steps = vec![StepState::default(); graph.len()];
        let blocks = vec![BlockState::default(); graph.blocks().len()];
        let windows = vec![WindowState::default(); graph.gates().len()];
        let (outcome, rollback, put_off, kept) = (None, None, None, Vec::new());
        let (started, admitted, is_held) = (false, false, false);
        let (after_fence, accepted) = (Vec::new(), BTreeMap::new());
        Self {
            graph,
            started,
            epoch: 0,
            admitted,
            outcome,
            rollback,
            kept,
            steps,
            blocks,
            windows,
            put_off,
            is_held,
            after_fence,
            accepted,
        }
    }

    /// The state that a journal records.
    ///
    /// # Errors
    /// When an entry cannot follow those before it: the journal is damaged.
    pub fn fold(graph: Arc<Graph>, entries: &[Entry]) -> Result<Self> {
        let mut state = Self::new(graph);
        for entry in entries {
            state.apply(entry.at, &entry.event).map_err(|mut failure| {
                failure.attempted = format!("read entry {} of the journal", entry.seq);
                failure
            })?;
        }
        Ok(state)
    }

    /// Applies one event, written at `at` (milliseconds since 1970).
    ///
    /// # Errors
    /// When it cannot follow those before it.
    pub fn apply(&mut self, at: i64, event: &Event) -> Result<()> {
        if let Some(id) = event.step() {
            let ix = self.graph.number(id).ok_or_else(|| illegal(event, format!("the plan has no step `{id}`")))?;
            return self.apply_to_step(at, ix, event);
        }
        let allowed = match event {
            Event::RunStarted { .. } => !self.started,
            Event::RunResumed { .. } => {
                self.started && self.outcome.is_none_or(|outcome| outcome.is_resumable() || outcome == Outcome::Done)
            }
            Event::RunAdmitted => self.is_live() && !self.admitted,
            Event::PeopleBound { .. } => self.started, // another process wrote it, while this run may have ended
            Event::Judged { .. } => self.outcome.is_some(),
            Event::WritesAccepted { .. } => self.is_live() && self.after_fence.iter().any(|found| !found.is_well()),
            Event::RollbackStarted { keep, .. } => {
                let wider = self.rollback.is_none() || (self.keeps() && !keep);
                self.is_live() && wider && !self.is_busy()
            }
            _ => self.is_live(),
        };
        if !allowed {
            return Err(illegal(event, format!("the run is {}", self.word())));
        }
        match event {
            Event::RunStarted { epoch, .. } => {
                self.started = true;
                self.epoch = *epoch;
            }
            Event::RunAdmitted => self.admitted = true,
            Event::RunResumed { epoch, .. } => {
                self.epoch = self.epoch.max(*epoch);
                recover::reset(self);
            }
            Event::RollbackStarted { reason, keep } => self.begin_rollback(reason, *keep),
            Event::RunFinished { outcome } => self.outcome = Some(*outcome),
            Event::BlockPreparing { block } => self.prepare(event, block, Prepare::No, Prepare::Asked)?,
            Event::BlockPrepared { block } => self.prepare(event, block, Prepare::Asked, Prepare::Yes)?,
            Event::BlockUnprepared { block } => self.prepare(event, block, Prepare::Asked, Prepare::No)?,
            Event::WindowAwaited { of, opens, closes } => {
                let number = self.gate(event, of)?;
                self.windows[number].awaited = Some(Opening { opens: *opens, closes: *closes });
            }
            Event::WindowOpened { of, closes } => self.open(event, of, *closes)?,
            Event::AfterFence { servers } => self.after_fence.clone_from(servers),
            Event::WritesAccepted { .. } => {
                let bad = self.after_fence.iter().filter(|found| !found.is_well());
                self.accepted.extend(bad.map(|found| (found.server.clone(), found.log.clone())));
            }
            Event::RunPutOff { of, failure } => self.put_off = Some((of.clone(), failure.clone())),
            Event::BlockPutBack { block } => {
                let number = self.block(event, block)?;
                self.blocks[number] = BlockState::default();
            }
            Event::DeadlineReached { block } => {
                let number = self.block(event, block)?;
                self.blocks[number].expired = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether it has started and has not ended.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.started && self.outcome.is_none()
    }

    /// Whether a block has started, so the application may be waiting for its end.
    #[must_use]
    pub fn is_under_way(&self, block: usize) -> bool {
        let over = |ix: &usize| matches!(self.steps[*ix].status, Status::Succeeded | Status::Skipped | Status::Undone);
        self.blocks[block].started.is_some() && !self.graph.blocks()[block].iter().all(over)
    }

    /// Whether a step is in a block that has started: the application may be waiting.
    #[must_use]
    pub fn is_in_begun_block(&self, step: usize) -> bool {
        self.graph.block(step).is_some_and(|block| self.blocks[block].started.is_some())
    }

    /// Whether a step is the only one of its block that has started, so nobody waits for it yet.
    #[must_use]
    pub fn is_first_of_block(&self, step: usize) -> bool {
        let block = self.graph.block(step).map(|block| &self.graph.blocks()[block]);
        block.is_some_and(|block| block.iter().all(|&other| other == step || !self.steps[other].begun))
    }

    /// Whether nothing was done that an older copy of the journal could repeat: all started steps only read. A command
    /// or statement of the user without an undo may have changed something.
    #[must_use]
    pub fn has_done_nothing(&self) -> bool {
        let looks = |ix: usize| {
            let step = self.graph.step(ix);
            step.reversibility == Reversibility::NothingToUndo && step.unproved.is_empty()
        };
        self.steps.iter().enumerate().all(|(ix, step)| !step.begun || looks(ix))
    }

    /// Whether all steps are over, and only findings on servers that the run closed keep it from success.
    #[must_use]
    pub fn is_done_but_for_the_fence(&self) -> bool {
        let over = |step: &StepState| matches!(step.status, Status::Succeeded | Status::Skipped);
        self.rollback.is_none() && self.after_fence.iter().any(|found| !found.is_well()) && self.steps.iter().all(over)
    }

    /// Whether anything is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.steps.iter().any(StepState::is_busy) || self.blocks.iter().any(|block| block.prepare == Prepare::Asked)
    }

    /// Whether a point of no return has succeeded for certain.
    #[must_use]
    pub fn is_point_reached(&self) -> bool {
        self.finals().any(|step| step.status == Status::Succeeded && step.proof == Proof::Good)
    }

    /// Whether a point of no return has succeeded, or has started and is not proved absent: nothing may be undone.
    #[must_use]
    pub fn is_point_possible(&self) -> bool {
        self.finals().any(|step| step.status == Status::Succeeded || (step.begun && !step.absent))
    }

    /// Whether a gate ended the run before any step that leaves something behind has started.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let mut refused = false;
        for (ix, step) in self.steps.iter().enumerate() {
            if step.is_touched() && self.graph.step(ix).reversibility != Reversibility::NothingToUndo {
                return false;
            }
            refused |= step.failure.as_ref().is_some_and(|failure| failure.class == Class::Refused);
        }
        refused
    }

    /// The outputs of every step that has some, as templates see them: `{"steps": {id: outputs}}`.
    #[must_use]
    pub fn outputs(&self) -> Value {
        let steps = self.steps.iter().enumerate().filter(|(_, step)| step.status == Status::Succeeded);
        let outputs = steps.map(|(ix, step)| (self.graph.id(ix).to_owned(), Value::Object(step.outputs.clone())));
        json!({ "steps": outputs.collect::<serde_json::Map<_, _>>() })
    }

    /// The value of a reference such as `steps.dump.position.file`.
    #[must_use]
    pub fn lookup(&self, reference: &str) -> Option<Value> {
        let mut path = reference.strip_prefix("steps.")?.split('.');
        let step = &self.steps[self.graph.number(path.next()?)?];
        let value = step.outputs.get(path.next()?)?;
        path.try_fold(value, |value, key| value.get(key)).cloned()
    }

    /// Whether a person may leave step `ix` out: the run is past its point of no return, and the step has not run.
    #[must_use]
    pub fn may_be_left_out(&self, ix: usize) -> bool {
        let step = &self.steps[ix];
        let to_come = step.is_unfinished() || step.status == Status::Failed;
        self.is_point_reached() && to_come && !step.is_busy() && !self.graph.is_final(ix)
    }

    /// Whether the current or last rollback keeps a checkpoint.
    #[must_use]
    pub fn keeps(&self) -> bool {
        !self.kept.is_empty()
    }

    fn finals(&self) -> impl Iterator<Item = &StepState> {
        self.steps.iter().enumerate().filter(|&(ix, _)| self.graph.is_final(ix)).map(|(_, step)| step)
    }

    fn begin_rollback(&mut self, reason: &str, keep: bool) {
        self.kept = if keep { checkpoint::standing(self) } else { Vec::new() };
        self.rollback = Some(reason.to_owned());
        for step in &mut self.steps {
            step.retry_at = None;
            step.proof = Proof::Good; // an undo works from the memo and asks reality itself
        }
    }

    fn prepare(&mut self, event: &Event, block: &str, from: Prepare, to: Prepare) -> Result<()> {
        let number = self.block(event, block)?;
        let state = &mut self.blocks[number].prepare;
        if *state != from {
            return Err(illegal(event, format!("the preparation of the block is at `{state:?}`")));
        }
        *state = to;
        Ok(())
    }

    /// A window opens. Preparations made during the wait are repeated: hours may have passed.
    fn open(&mut self, event: &Event, of: &str, closes: i64) -> Result<()> {
        let number = self.gate(event, of)?;
        let window = &mut self.windows[number];
        (window.awaited, window.open) = (None, Some(closes));
        if let Task::Block(block) = self.graph.gates()[number].place {
            if self.blocks[block].prepare == Prepare::Asked {
                return Err(illegal(event, "its block is being prepared"));
            }
            self.blocks[block].prepare = Prepare::No;
        }
        Ok(())
    }

    fn gate(&self, event: &Event, id: &str) -> Result<usize> {
        self.graph.gate_number(id).ok_or_else(|| illegal(event, format!("`{id}` has no window in the plan")))
    }

    fn block(&self, event: &Event, id: &str) -> Result<usize> {
        self.graph.block_number(id).ok_or_else(|| illegal(event, format!("the plan has no block `{id}`")))
    }

    pub(in crate::engine) fn word(&self) -> String {
        match self.outcome {
            Some(outcome) => outcome.to_string(),
            None if !self.started => "not begun".into(),
            None if self.rollback.is_some() => "rolling back".into(),
            None => "running".into(),
        }
    }
}

pub(in crate::engine) fn illegal(event: &Event, why: impl std::fmt::Display) -> Failure {
    let answer = format!("the journal is damaged: event `{}` cannot follow, because {why}", event.name());
    Failure::permanent("apply a journal event", answer)
}
