//! Asks all hosts and servers.

use super::forecast::PastCopy;
use super::learn::{Answers, everyone};
use super::memo::Empty;
use super::{State, StepFound, Survey, forecast};
use crate::domain::Permits;
use crate::domain::marker;
use crate::effects::{Activity, Effects};
use crate::error::{Failure, Result};
use crate::kinds::{Ctx, Outputs, Probe, Progress, Reversibility, Step, find};
use crate::plan::{Plan, PlannedStep};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Number of steps that are checked at the same time.
const AT_ONCE: usize = 8;
/// Id of a run that does not exist: nothing on a host has its name.
const NO_RUN: &str = "survey";

/// Checks everything that `plan` names. Hosts and servers that do not answer are among the failures.
/// `past` holds the copies of earlier runs, the newest first.
pub async fn look(plan: &Arc<Plan>, fx: &Arc<Effects>, past: &[PastCopy]) -> Survey {
    let Answers { hosts, servers, failures } = everyone(fx, &plan.world.inventory).await;
    let mut survey = Survey { hosts, servers, failures, ..Survey::default() };
    if survey.failures.is_empty() {
        survey.steps = steps(plan, fx).await;
        survey.forecast = forecast::forecast(&survey.steps);
        survey.copies = forecast::copies(&survey.steps, past);
    }
    survey
}

async fn steps(plan: &Arc<Plan>, fx: &Arc<Effects>) -> Vec<StepFound> {
    let (slots, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for (index, (settled, permits)) in settled_before(plan).into_iter().zip(plan.permits()).enumerate() {
        let (plan, fx, slots) = (plan.clone(), fx.clone(), slots.clone());
        tasks.spawn(async move {
            let _slot = slots.acquire().await;
            (index, step(&plan, index, (&*fx, &permits), &settled).await)
        });
    }
    let mut found = BTreeMap::new();
    while let Some(joined) = tasks.join_next().await {
        // a task that panicked has printed why; its step is then visibly missing from the survey
        found.extend(joined.ok());
    }
    found.into_values().collect()
}

/// For every step the facts that the steps before it make true.
fn settled_before(plan: &Plan) -> Vec<BTreeSet<String>> {
    let places: BTreeMap<&str, usize> = plan.steps.iter().enumerate().map(|(at, s)| (s.id.as_str(), at)).collect();
    let graph = crate::plan::graph::Graph::new(
        plan.steps.iter().map(|step| (step.id.as_str(), step.needs.iter().map(String::as_str).collect())),
    );
    let settling: Vec<&PlannedStep> = plan.steps.iter().filter(|step| !step.settles.is_empty()).collect();
    let before = |step: &PlannedStep| {
        let earlier = settling.iter().filter(|earlier| {
            places[earlier.id.as_str()] != places[step.id.as_str()] && graph.comes_before(&earlier.id, &step.id)
        });
        earlier.flat_map(|earlier| earlier.settles.iter().cloned()).collect()
    };
    plan.steps.iter().map(before).collect()
}

async fn step(
    plan: &Plan,
    index: usize,
    (fx, permits): (&Effects, &Arc<Permits>),
    settled: &BTreeSet<String>,
) -> StepFound {
    let planned = &plan.steps[index];
    let mut found =
        StepFound { id: planned.id.clone(), state: State::WillRun, findings: Vec::new(), refusals: Vec::new() };
    if let Some(reason) = &planned.skip {
        found.state = State::Skipped(reason.clone());
        return found;
    }
    let text = planned.with.to_string();
    let open = marker::find(&text).map(|(_, inside)| inside).find(|inside| inside.starts_with("steps."));
    let decoded = find(&planned.uses).map(|kind| (kind.decode)(&planned.with));
    let Some(Ok(decoded)) = decoded else {
        found.state = State::KnownAtRunTime(open.unwrap_or("its parameters").to_owned());
        return found;
    };
    let (news, _) = unbounded_channel();
    let (progress, cancel) = (Progress::new(&planned.id, news), CancellationToken::new());
    let fx = &fx.for_work(Activity::apart().permitted(permits.clone()));
    let cx = Ctx {
        step: &planned.id,
        run: NO_RUN,
        world: &plan.world,
        fx,
        progress: &progress,
        cancel: &cancel,
        memo: &Empty,
        outputs: &Outputs::new(),
        foreseen: &plan.settled(),
        needs: &plan.needs(),
    };
    found.refusals = decoded.inspect(&cx, settled).await;
    if let Some(open) = open {
        found.state = State::KnownAtRunTime(open.to_owned());
        return found;
    }
    found.state = state(decoded.probe(&cx).await, &*decoded);
    match decoded.survey(&cx).await {
        Ok(findings) => found.findings = findings,
        Err(failure) if !found.refusals.contains(&failure) => found.state = State::KnownAtRunTime(failure.answer),
        Err(_) => {}
    }
    found
}

fn state(probe: Result<Probe, Failure>, step: &dyn Step) -> State {
    match probe {
        Ok(Probe::Done(_)) => State::AlreadyTrue,
        Ok(Probe::NotDone | Probe::Unknown(_)) if step.reversibility() == Reversibility::NothingToUndo => {
            State::WillRun
        }
        Ok(Probe::NotDone | Probe::Unknown(_)) => State::WillChange,
        Ok(Probe::Conflict(failure)) => State::InTheWay(failure.answer),
        Err(failure) => State::KnownAtRunTime(failure.answer),
    }
}
