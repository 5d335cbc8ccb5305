//! The scheduler: from the state of a run to what is to be done now. Pure: no clock, no task, no journal; `now` is
//! handed in. File order breaks ties.
//!
//! Two rules stand above the rest. Nothing is undone while a point of no return may have been passed: one in
//! doubt is checked before anything else. And a run that must end first lets all running work reach a safe
//! point.

use crate::engine::checkpoint;
use crate::engine::condition::{Verdict, verdict};
use crate::engine::graph::Graph;
use crate::engine::state::{Prepare, RunState};
use crate::engine::status::{Proof, Status};
use crate::engine::unwind;
use crate::engine::windows::{self, Now};
use crate::error::Failure;
use crate::playbook::model::OnFailure;
use crate::playbook::window::Opening;
use crate::store::{Event, Outcome};

/// Something to be done now. Steps and blocks go by their number in the graph.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "fields are numbers of steps, blocks, attempts and hooks, and are named so")]
pub enum Decision {
    /// Check the real state.
    Probe { step: usize },
    /// Prepare every unfinished step of a block.
    Prepare { block: usize },
    /// Start an attempt.
    Start { step: usize, attempt: u32 },
    /// Leave a step out.
    Skip { step: usize, reason: String },
    /// A step cannot run, or its result is outdated.
    Fail { step: usize, attempt: u32, failure: Failure },
    /// Ask running work to stop at its next safe point.
    Cancel(Task),
    /// A block's time is up.
    Deadline { block: usize },
    /// Wait for a window to open.
    Await { gate: usize, opening: Opening },
    /// A window is open.
    Open { gate: usize, closes: i64 },
    /// A step or block cannot start in its window.
    PutOff { gate: usize, failure: Failure },
    /// Start the rollback.
    BeginRollback { reason: String, keep: bool },
    /// Undo a step.
    Undo { step: usize, attempt: u32 },
    /// Run a rollback hook.
    Hook { step: usize, index: usize, attempt: u32 },
    /// Decide again at this time (milliseconds since 1970).
    Wake { at: i64 },
    /// End the run.
    Finish { outcome: Outcome },
}

/// Running work: at most one for each step and each block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// An attempt, a probe, an undo or a hook of a step.
    Step(usize),
    /// The preparation of a block.
    Block(usize),
}

/// What people ask of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Whether it is to stop.
    pub stop: Stop,
    /// Whether, and why, to roll back.
    pub rollback: Option<String>,
}

/// Whether a run is to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stop {
    /// No.
    #[default]
    No,
    /// At the next safe point. A block that has started is finished first, and so is a rollback: stopping in between
    /// would leave the application without a server to write on.
    SafePoint,
    /// As soon as the running work can be left.
    Now,
}

impl Decision {
    /// The work for it; `None` for a decision that only needs its event.
    #[must_use]
    pub fn task(&self) -> Option<Task> {
        match *self {
            Self::Start { step, .. } | Self::Undo { step, .. } | Self::Hook { step, .. } | Self::Probe { step } => {
                Some(Task::Step(step))
            }
            Self::Prepare { block } => Some(Task::Block(block)),
            _ => None,
        }
    }

    /// The event for the journal before it is done; none for a decision that leaves no trace.
    #[must_use]
    pub fn event(&self, graph: &Graph) -> Option<Event> {
        let id = |ix: usize| graph.id(ix).to_owned();
        let block_id = |ix: usize| graph.plan().blocks[ix].id.clone();
        let gate_id = |number: usize| graph.gates()[number].id.clone();
        Some(match self {
            Self::Cancel(_) | Self::Wake { .. } => return None,
            Self::Probe { step } => Event::StepProbing { step: id(*step) },
            Self::Prepare { block } => Event::BlockPreparing { block: block_id(*block) },
            Self::Start { step, attempt } => Event::StepIntent { step: id(*step), attempt: *attempt },
            Self::Skip { step, reason } => Event::StepSkipped { step: id(*step), reason: reason.clone() },
            Self::Fail { step, attempt, failure } => {
                Event::StepFailed { step: id(*step), attempt: *attempt, failure: failure.clone(), retry_at: None }
            }
            Self::Deadline { block } => Event::DeadlineReached { block: block_id(*block) },
            Self::Await { gate, opening: Opening { opens, closes } } => {
                Event::WindowAwaited { of: gate_id(*gate), opens: *opens, closes: *closes }
            }
            Self::Open { gate, closes } => Event::WindowOpened { of: gate_id(*gate), closes: *closes },
            Self::PutOff { gate, failure } => Event::RunPutOff { of: gate_id(*gate), failure: failure.clone() },
            Self::BeginRollback { reason, keep } => Event::RollbackStarted { reason: reason.clone(), keep: *keep },
            Self::Undo { step, attempt } => Event::UndoIntent { step: id(*step), attempt: *attempt },
            Self::Hook { step, index, attempt } => {
                Event::HookIntent { step: id(*step), index: *index, attempt: *attempt }
            }
            Self::Finish { outcome } => Event::RunFinished { outcome: *outcome },
        })
    }
}

/// What to do now, at `now`. Empty while work is running and nothing else can be done at the same time, and once the
/// run has ended.
#[must_use]
pub fn decide(state: &RunState, now: Now, wish: &Wish) -> Vec<Decision> {
    if !state.is_live() {
        return Vec::new();
    }
    if wish.stop == Stop::Now {
        return wind_down(state, Outcome::Interrupted);
    }
    if state.is_held {
        // a resume may continue once the running work has ended
        let stuck = state.steps.iter().any(|step| step.status == Status::UndoFailed);
        return wind_down(state, if stuck { Outcome::Stuck } else { Outcome::Stopped });
    }
    if state.rollback.is_some() {
        return unwind::decide(state, now.steady, wish);
    }
    if let Some(probes) = final_in_doubt(state) {
        return probes;
    }
    if let Some(ending) = ending(state, wish) {
        return end(state, ending);
    }
    // a postponed run starts nothing more, and running work reaches a safe point
    let stop = if state.put_off.is_some() { Stop::SafePoint } else { wish.stop };
    advance(state, now, stop)
}

/// A point of no return that may have been passed: nothing else is done before that is known.
fn final_in_doubt(state: &RunState) -> Option<Vec<Decision>> {
    let finals = || (0..state.steps.len()).filter(|&ix| state.graph.is_final(ix));
    let wanted: Vec<_> = finals().filter(|&ix| state.steps[ix].proof == Proof::Wanted).collect();
    let asked = finals().any(|ix| state.steps[ix].proof == Proof::Asked);
    (asked || !wanted.is_empty()).then(|| wanted.into_iter().map(|step| Decision::Probe { step }).collect())
}

/// Why the run does not continue to its end.
enum Ending {
    /// A person rolls back everything.
    Rollback(String),
    /// Something failed: the steps after the last checkpoints are undone, or all.
    Failed(String),
    Stop,
}

fn ending(state: &RunState, wish: &Wish) -> Option<Ending> {
    if let Some(reason) = &wish.rollback {
        return Some(Ending::Rollback(reason.clone()));
    }
    let failed = |policy| {
        let mut all = state.steps.iter().enumerate();
        all.find(|&(ix, step)| step.status == Status::Failed && state.graph.step(ix).on_failure == policy)
    };
    if let Some((ix, step)) = failed(OnFailure::Rollback) {
        let why = step.failure.as_ref().map(ToString::to_string).unwrap_or_default();
        let why = why.lines().next().unwrap_or_default().to_owned();
        return Some(Ending::Failed(format!("step `{}` failed: {why}", state.graph.id(ix))));
    }
    let final_failed = |ix: usize| state.graph.is_final(ix) && state.steps[ix].status == Status::Failed;
    if failed(OnFailure::Stop).is_some() || (0..state.steps.len()).any(final_failed) {
        return Some(Ending::Stop);
    }
    if state.is_point_reached() {
        return None; // what follows the point of no return is finished, however long it takes
    }
    let late = (0..state.blocks.len()).find(|&block| state.blocks[block].expired && !is_block_settled(state, block))?;
    Some(Ending::Failed(format!("block `{}` reached its deadline", state.graph.plan().blocks[late].id)))
}

fn end(state: &RunState, ending: Ending) -> Vec<Decision> {
    if state.is_busy() {
        return cancel_all(state);
    }
    let outcome = match ending {
        _ if state.is_point_possible() => Outcome::Stopped,
        Ending::Rollback(reason) => return take_back(state, reason, &[]),
        Ending::Failed(reason) => return take_back(state, reason, &checkpoint::standing(state)),
        _ if state.is_refusal() => Outcome::Refused,
        Ending::Stop => Outcome::Stopped,
    };
    vec![Decision::Finish { outcome }]
}

/// Rolls back all steps except those in `kept`, or ends at once if there is nothing to undo.
fn take_back(state: &RunState, reason: String, kept: &[bool]) -> Vec<Decision> {
    let keep = !kept.is_empty();
    let goes = |ix: usize| !kept.get(ix).is_some_and(|&kept| kept);
    let outcome = match state.steps.iter().enumerate().any(|(ix, step)| step.is_touched() && goes(ix)) {
        true => return vec![Decision::BeginRollback { reason, keep }],
        false if keep => Outcome::Kept,
        false if state.is_refusal() => Outcome::Refused,
        false => Outcome::RolledBack,
    };
    vec![Decision::Finish { outcome }]
}

/// Lets all running work stop, then ends.
pub(in crate::engine) fn wind_down(state: &RunState, outcome: Outcome) -> Vec<Decision> {
    if state.is_busy() { cancel_all(state) } else { vec![Decision::Finish { outcome }] }
}

fn cancel_all(state: &RunState) -> Vec<Decision> {
    busy(state).map(Decision::Cancel).collect()
}

fn busy(state: &RunState) -> impl Iterator<Item = Task> {
    let steps = state.steps.iter().enumerate().filter(|(_, step)| step.is_busy()).map(|(ix, _)| Task::Step(ix));
    let blocks = state.blocks.iter().enumerate().filter(|(_, block)| block.prepare == Prepare::Asked);
    steps.chain(blocks.map(|(ix, _)| Task::Block(ix)))
}

fn advance(state: &RunState, now: Now, stop: Stop) -> Vec<Decision> {
    let mut out = deadlines(state, now.steady);
    let firm = firm(state);
    for ix in 0..state.steps.len() {
        let ready = state.graph.needs(ix).iter().all(|&need| firm[need]);
        let decision = if let Some(read) = state.steps[ix].stale {
            Some(outdated(state, ix, read))
        } else if ready && !state.steps[ix].is_busy() && may_go_on(state, ix, stop) {
            next(state, ix, now)
        } else {
            None
        };
        out.extend(decision);
    }
    let bad = |decision: &Decision| {
        matches!(decision, Decision::Fail { .. } | Decision::Deadline { .. } | Decision::PutOff { .. })
    };
    if out.iter().any(bad) {
        out.retain(bad); // nothing is begun beside a failure: what it means for the run is decided first
        return out;
    }
    if firm.iter().all(|&firm| firm) {
        let done = state.steps.iter().any(|step| step.status == Status::Succeeded);
        return vec![Decision::Finish { outcome: if done { Outcome::Done } else { Outcome::Nothing } }];
    }
    if stop == Stop::SafePoint {
        out.extend(busy(state).filter(|&task| !is_in_begun_block(state, task)).map(Decision::Cancel));
        if out.is_empty() && !state.is_busy() {
            return vec![Decision::Finish { outcome: stopped(state) }];
        }
    }
    out
}

/// How a run ends that has come to its safe point.
fn stopped(state: &RunState) -> Outcome {
    match &state.put_off {
        None => Outcome::Interrupted,
        Some(_) if state.is_point_possible() => Outcome::Stopped,
        Some(_) => Outcome::PutOff,
    }
}

/// Steps whose successors may start, because they and everything before them are fulfilled.
fn firm(state: &RunState) -> Vec<bool> {
    let mut firm = vec![false; state.steps.len()];
    for &ix in state.graph.order() {
        firm[ix] = is_settled(state, ix) && state.graph.needs(ix).iter().all(|&need| firm[need]);
    }
    firm
}

fn is_settled(state: &RunState, ix: usize) -> bool {
    let step = &state.steps[ix];
    let status = match step.status {
        Status::Succeeded | Status::Skipped => true,
        // a point of no return that failed may have been passed: whatever its policy, a person must check
        Status::Failed => state.graph.step(ix).on_failure == OnFailure::Continue && !state.graph.is_final(ix),
        _ => false,
    };
    status && step.proof == Proof::Good && step.stale.is_none()
}

fn is_block_settled(state: &RunState, block: usize) -> bool {
    state.graph.blocks()[block].iter().all(|&ix| is_settled(state, ix))
}

fn is_in_begun_block(state: &RunState, task: Task) -> bool {
    matches!(task, Task::Step(ix) if state.is_in_begun_block(ix))
}

fn may_go_on(state: &RunState, ix: usize, stop: Stop) -> bool {
    stop == Stop::No || is_in_begun_block(state, Task::Step(ix))
}

/// What to do for a step whose needs are fulfilled.
fn next(state: &RunState, ix: usize, now: Now) -> Option<Decision> {
    let step = &state.steps[ix];
    if step.proof == Proof::Wanted {
        return Some(Decision::Probe { step: ix });
    }
    if !step.is_unfinished() {
        return None;
    }
    if let Some(at) = step.retry_at.filter(|&at| at > now.steady) {
        return Some(Decision::Wake { at });
    }
    if step.status == Status::Pending {
        match verdict(state, ix) {
            Verdict::Run => {}
            Verdict::Skip(reason) => return Some(Decision::Skip { step: ix, reason }),
            Verdict::Fail(failure) => return Some(Decision::Fail { step: ix, attempt: step.attempt, failure }),
        }
    }
    if state.graph.is_final(ix) && state.steps.iter().any(|step| step.proof != Proof::Good) {
        return None; // everything in doubt is proved, or made again, while it still can be
    }
    let ready = state.graph.block(ix).is_none_or(|block| state.blocks[block].prepare == Prepare::Yes);
    let preparing = state.graph.block(ix).is_some_and(|block| state.blocks[block].prepare == Prepare::Asked);
    if let Some(held) = windows::hold(state, ix, now, ready).filter(|_| !preparing) {
        return Some(held);
    }
    match state.graph.block(ix) {
        Some(block) if state.blocks[block].prepare == Prepare::No => Some(Decision::Prepare { block }),
        Some(block) if state.blocks[block].prepare == Prepare::Asked => None,
        _ => Some(Decision::Start { step: ix, attempt: step.attempt.saturating_add(1) }),
    }
}

fn outdated(state: &RunState, ix: usize, read: usize) -> Decision {
    let (id, read) = (state.graph.id(ix), state.graph.id(read));
    let answer = format!("step `{read}` had to run again, and its outputs are different now");
    let failure = Failure::permanent(format!("keep the result of step `{id}`"), answer);
    Decision::Fail { step: ix, attempt: state.steps[ix].attempt, failure }
}

/// Deadlines that are up, or else when the next one is. They end with the point of no return.
fn deadlines(state: &RunState, now: i64) -> Vec<Decision> {
    if state.is_point_reached() {
        return Vec::new();
    }
    let due = state.blocks.iter().enumerate().filter_map(|(ix, block)| {
        let deadline = state.graph.plan().blocks[ix].deadline_ms?;
        let at = block.started?.saturating_add(i64::try_from(deadline - reserve(deadline)).unwrap_or(i64::MAX));
        let open = !block.expired && !is_block_settled(state, ix);
        let decision = if at <= now { Decision::Deadline { block: ix } } else { Decision::Wake { at } };
        open.then_some(decision)
    });
    due.collect()
}

/// The part of a block's deadline (both in milliseconds) that is kept for its rollback.
#[must_use]
pub fn reserve(deadline_ms: u64) -> u64 {
    (deadline_ms / 5).min(1_000)
}
