//! A run's journal folded into one summary: what `status`, `list` and `report` show, and `--format json` prints.

use super::after_fence::AfterFence;
use super::by_hand::by_hand;
use super::decision::DecisionTable;
use super::moments::{self, StepMoments};
use super::standstill::{JournalMoment, Standstill, put_back, standstills};
use crate::effects::Decision;
use crate::engine::approvals::Standing;
use crate::engine::graph::Graph;
use crate::engine::schedule::Task;
use crate::engine::state::RunState;
use crate::engine::status::{Status, Vouched};
use crate::error::{Failure, Result};
use crate::kinds::{Action, Outputs};
use crate::plan::Plan;
use crate::plan::regions::regions;
use crate::playbook::window::Opening;
use crate::store::{Entry, Event, Outcome};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// What is known of a run. Times are milliseconds since 1970 (UTC), durations milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// The run's id.
    pub run: String,
    /// Name of its playbook.
    pub playbook: String,
    /// Whether it is a rehearsal, on servers made for it.
    pub rehearsal: bool,
    /// Hash of its plan.
    pub plan: String,
    /// Version of its plan's format; a run of an older one than this program's is only listed and reported.
    pub plan_format: u32,
    /// How it ended; missing while it runs, and when its runner died.
    pub outcome: Option<Outcome>,
    /// Why it is, or was, rolled back.
    pub rollback: Option<String>,
    /// Whether a point of no return has been passed, or may have been.
    pub past_point_of_no_return: bool,
    /// Whether it is certain that one has been passed.
    pub point_of_no_return_is_certain: bool,
    /// Each time that a server was closed to writes, and until when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub standstills: Vec<Standstill>,
    /// When a block was postponed because a condition was not met yet; nothing was closed then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub put_back: Vec<JournalMoment>,
    /// Blocks that used up their time, and when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deadlines: BTreeMap<String, JournalMoment>,
    /// When it started.
    pub started: Option<i64>,
    /// When its last entry was written.
    pub last: Option<i64>,
    /// Time from its start to its last entry.
    pub duration: Option<i64>,
    /// How often it was resumed.
    pub resumed: usize,
    /// Regions of its hosts, by host name; hosts without a region are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<String, String>,
    /// The known state of the servers of a switch that has not ended well, and what may be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionTable>,
    /// Why it cannot continue now, if it was put off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_off: Option<PutOff>,
    /// Findings on the servers that it has closed permanently.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_fence: Option<AfterFence>,
    /// Who started it: a person by name, or an account as `user@host`.
    pub starter: String,
    /// Its steps, in file order.
    pub steps: Vec<StepSummary>,
}

/// Why a run cannot continue now.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PutOff {
    /// The step or block that cannot continue.
    pub of: String,
    /// Why.
    pub failure: Failure,
}

/// An opening of a window that is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Awaited {
    /// When it opens.
    pub opens: i64,
    /// When it closes.
    pub closes: i64,
}

/// The state of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Approval {
    /// Who has approved, each once.
    pub people: Vec<String>,
    /// How many more must approve.
    pub missing: usize,
    /// When the request expires; never, when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapses_at: Option<i64>,
    /// Every decision: approved or refused, by whom, why, and for which plan.
    pub decisions: Vec<Said>,
}

/// A person's answer to a request for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Said {
    /// When.
    pub at: i64,
    /// What.
    #[serde(flatten)]
    pub decision: Decision,
}

/// What is known of a step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StepSummary {
    /// Its name.
    pub id: String,
    /// Its kind.
    pub uses: String,
    /// The block that contains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// Its status.
    pub status: Status,
    /// How often it was tried.
    pub attempts: u32,
    /// Start of its first attempt.
    pub started: Option<i64>,
    /// End of its last attempt.
    pub ended: Option<i64>,
    /// Time from `started` to `ended`.
    pub duration: Option<i64>,
    /// When it last succeeded; kept when it is undone, or fails later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<JournalMoment>,
    /// Start of the first attempt to undo it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_started: Option<i64>,
    /// End of the last attempt to undo it, including hooks; missing while one is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_ended: Option<i64>,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The opening of its window, or its block's, that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Awaited>,
    /// The state of its approval, once it has asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<i64>,
    /// What ended its last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Its outputs.
    #[serde(skip_serializing_if = "Outputs::is_empty")]
    pub outputs: Outputs,
    /// What ended the last attempt to undo it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_failure: Option<Failure>,
    /// What a person must do by hand because it could not be undone: the rest of its undo and hooks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<Action>,
    /// Who undid it by hand, and why, in that person's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Vouched>,
}

impl Summary {
    /// The summary of a run.
    ///
    /// # Errors
    /// When plan or journal are damaged.
    pub fn new(run: &str, plan: &Arc<Plan>, entries: &[Entry]) -> Result<Self> {
        let state = RunState::fold(Arc::new(Graph::new(plan.clone())?), entries)?;
        let (started, last) = (entries.first().map(|entry| entry.at), entries.last().map(|entry| entry.at));
        let mut steps: Vec<_> = (0..plan.steps.len()).map(|ix| step(run, &state, ix)).collect();
        keep_failures(&mut steps, entries);
        for step in &mut steps {
            add_approval(step, entries);
            let StepMoments { done, undo_started, undo_ended } = StepMoments::of(&step.id, entries);
            (step.done, step.undo_started, step.undo_ended) = (done, undo_started, undo_ended);
        }
        let put_off = state.put_off.clone().map(|(of, failure)| PutOff { of, failure });
        Ok(Self {
            run: run.to_owned(),
            playbook: plan.name.clone(),
            rehearsal: moments::is_rehearsal(entries),
            plan: plan.hash.clone(),
            plan_format: plan.format,
            outcome: state.outcome,
            regions: regions(plan).into_iter().filter_map(|(host, region)| Some((host, region?))).collect(),
            decision: DecisionTable::new(run, &state),
            past_point_of_no_return: state.is_point_possible(),
            point_of_no_return_is_certain: state.is_point_reached(),
            standstills: standstills(plan, entries),
            put_back: put_back(entries),
            deadlines: moments::deadlines(entries),
            after_fence: AfterFence::of(&state, entries),
            rollback: state.rollback,
            started,
            last,
            duration: between(started, last),
            resumed: entries.iter().filter(|entry| matches!(entry.event, Event::RunResumed { .. })).count(),
            put_off,
            starter: Standing::of(entries, "").starter,
            steps,
        })
    }

    /// A step by name.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&StepSummary> {
        self.steps.iter().find(|step| step.id == id)
    }
}

fn step(run: &str, state: &RunState, ix: usize) -> StepSummary {
    let (planned, step) = (state.graph.step(ix), &state.steps[ix]);
    let underway = matches!(step.status, Status::Running | Status::Waiting);
    let ended = step.ended.filter(|_| !underway);
    let (awaited, waits) = (awaited(state, ix), step.status == Status::Waiting);
    let opening = awaited.as_ref().map(|(opening, _)| *opening);
    StepSummary {
        id: planned.id.clone(),
        uses: planned.uses.clone(),
        block: planned.block.clone(),
        status: step.status,
        attempts: step.attempt,
        started: step.started,
        ended,
        duration: between(step.started, ended),
        done: None,
        undo_started: None,
        undo_ended: None,
        reason: step.reason.clone(),
        waits_for: awaited.map(|(_, words)| words).or_else(|| step.message.clone().filter(|_| waits)),
        window: opening,
        approval: None,
        retry_at: step.retry_at,
        failure: step.failure.clone(),
        outputs: step.outputs.clone(),
        undo_failure: step.undo.failure.clone(),
        by_hand: by_hand(run, state, ix),
        vouched: step.undo.vouched.clone(),
    }
}

/// The opening that step `ix` waits for, and its description. For a block it is the first step that still has to run.
fn awaited(state: &RunState, ix: usize) -> Option<(Awaited, String)> {
    let number = state.graph.gate(ix)?;
    let opening = state.windows[number].awaited.filter(|_| state.is_live() && state.steps[ix].is_unfinished())?;
    let gate = &state.graph.gates()[number];
    let first = match gate.place {
        Task::Step(step) => step,
        Task::Block(block) => *state.graph.blocks()[block].iter().find(|&&ix| state.steps[ix].is_unfinished())?,
    };
    let Opening { opens, closes } = opening;
    let (from, to) = (gate.calendar.show(opens), gate.calendar.show(closes));
    let words = format!("waits for the window of `{}`: it opens {from} and closes {to}", gate.id);
    (first == ix).then_some((Awaited { opens, closes }, words))
}

/// The answers of people to a step that asks them.
fn add_approval(step: &mut StepSummary, entries: &[Entry]) {
    let standing = Standing::of(entries, &step.id);
    if standing.asked.is_none() && standing.decisions.is_empty() {
        return;
    }
    let words = standing.words();
    if let Some(message) = step.waits_for.as_mut().filter(|_| !words.is_empty()) {
        *message = format!("{message} {words}");
        if let Some(lapses) = standing.lapses_at().and_then(|at| jiff::Timestamp::from_millisecond(at).ok()) {
            let _ = write!(message, ", until {}", lapses.strftime("%Y-%m-%d %H:%M:%S UTC"));
        }
    }
    step.approval = Some(Approval {
        people: standing.people(),
        missing: standing.missing(),
        lapses_at: standing.lapses_at(),
        decisions: standing.decisions.into_iter().map(|(at, decision)| Said { at, decision }).collect(),
    });
}

/// A resume clears the failure of a step that it tries again, but people still want to know why the run had stopped. A
/// failure before a success no longer counts.
fn keep_failures(steps: &mut [StepSummary], entries: &[Entry]) {
    for step in steps.iter_mut().filter(|step| step.failure.is_none() && step.status != Status::Succeeded) {
        let own = entries.iter().rev().filter(|entry| entry.event.step() == Some(&step.id));
        let since_success = own.take_while(|entry| !matches!(entry.event, Event::StepDone { .. }));
        step.failure = since_success.into_iter().find_map(|entry| match &entry.event {
            Event::StepFailed { failure, .. } => Some(failure.clone()),
            _ => None,
        });
    }
}

fn between(from: Option<i64>, to: Option<i64>) -> Option<i64> {
    // a machine's clock may have been set back between two runners
    Some(to?.saturating_sub(from?).max(0))
}
