//! Where a step gets its tools: parameters filled with the outputs of earlier steps, decoded, with memo and progress.

use crate::domain::Permits;
use crate::domain::marker;
use crate::effects::{Activity, Effects};
use crate::engine::attempt::Work;
use crate::engine::checkpoint;
use crate::engine::graph::step_of;
use crate::engine::notes::{Notes, Page};
use crate::engine::scribe::Scribe;
use crate::engine::state::RunState;
use crate::engine::tasks::Reins;
use crate::engine::trailing::patience_of;
use crate::error::{Failure, Result};
use crate::kinds::{Need, Progress, Step, Update, find};
use crate::plan::Plan;
use crate::store::Event;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// Decodes the parameters of a kind into a step.
pub type Decode = Arc<dyn Fn(&str, &Value) -> Result<Box<dyn Step>> + Send + Sync>;

/// Decodes by the registry of step kinds.
#[must_use]
pub fn registered() -> Decode {
    Arc::new(|uses, with| {
        let attempted = || format!("read the parameters of a `{uses}` step");
        let kind = find(uses).ok_or_else(|| Failure::permanent(attempted(), "there is no step kind of that name"))?;
        (kind.decode)(with).map_err(|answer| Failure::permanent(attempted(), answer))
    })
}

/// Tools for the steps of one run.
pub(in crate::engine) struct Bench {
    pub(in crate::engine) plan: Arc<Plan>,
    pub(in crate::engine) run: String,
    pub(in crate::engine) fx: Arc<Effects>,
    pub(in crate::engine) decode: Decode,
    pub(in crate::engine) updates: UnboundedSender<(String, Update)>,
    pub(in crate::engine) notes: Vec<Arc<Notes>>,
    /// What may be sent for each step.
    pub(in crate::engine) permits: Vec<Arc<Permits>>,
    /// Facts that some step of the plan makes true.
    pub(in crate::engine) foreseen: Arc<BTreeSet<String>>,
    /// What all steps of the plan need to be allowed to do.
    pub(in crate::engine) needs: Arc<[Need]>,
}

/// Purpose of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Purpose {
    /// To check, before all values of the parameters are known.
    Inspect,
    /// To check.
    Probe,
    /// To prepare, before all values of the parameters are known.
    Prepare,
    /// To act.
    Act,
    /// To undo, also what was only prepared.
    Undo,
}

impl Bench {
    /// Notes for every step, starting with what `state` holds and a resumed run goes by; what is noted later is
    /// sent to `said`.
    pub(in crate::engine) fn notes(
        state: &RunState,
        scribe: &Scribe,
        said: &UnboundedSender<Event>,
    ) -> Vec<Arc<Notes>> {
        let notes = state.steps.iter().enumerate().map(|(ix, step)| {
            let kept = if checkpoint::is_forgotten(state, ix) { Map::new() } else { step.memo.clone() };
            Arc::new(Notes::new(state.graph.id(ix), scribe.clone(), kept, said.clone()))
        });
        notes.collect()
    }

    /// Tools for a step. `None` when it cannot be decoded yet, and need not be for this purpose.
    pub(in crate::engine) fn step(
        &self,
        state: &RunState,
        ix: usize,
        purpose: Purpose,
        reins: &Reins,
    ) -> Result<Option<Work>> {
        let step = state.graph.step(ix);
        self.work(state, ix, purpose, reins, (&step.uses, &step.with), String::new())
    }

    /// Tools for a rollback hook of a step.
    pub(in crate::engine) fn hook(
        &self,
        state: &RunState,
        ix: usize,
        index: usize,
        purpose: Purpose,
        reins: &Reins,
    ) -> Result<Option<Work>> {
        let hook = &state.graph.step(ix).rollback[index];
        self.work(state, ix, purpose, reins, (&hook.uses, &hook.with), format!("rollback.{index}."))
    }

    fn work(
        &self,
        state: &RunState,
        ix: usize,
        purpose: Purpose,
        reins: &Reins,
        (uses, with): (&str, &Value),
        prefix: String,
    ) -> Result<Option<Work>> {
        let mut open = BTreeSet::new();
        let mut lookup = |reference: &str| {
            let value = state.lookup(reference);
            if value.is_none() {
                open.extend(step_of(reference));
            }
            value
        };
        let with = marker::bind_all(with, find(uses).map_or(&[], |kind| kind.read), &mut lookup);
        let early = matches!(purpose, Purpose::Inspect | Purpose::Prepare);
        if let Some(missing) = open.first().filter(|_| !early && purpose != Purpose::Undo) {
            let answer = format!("step `{missing}` did not produce the expected output");
            return Err(Failure::permanent("fill in the parameters", answer));
        }
        let step = match (self.decode)(uses, &with) {
            Ok(step) => step,
            Err(_) if early && !open.is_empty() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let writable = matches!(purpose, Purpose::Prepare | Purpose::Act | Purpose::Undo);
        let patience = patience_of(state, ix, purpose == Purpose::Undo);
        let progress = Progress::new(state.graph.id(ix), self.updates.clone());
        let activity = Activity::new(state.graph.id(ix), reins.end.clone()).permitted(self.permits[ix].clone());
        let activity = match purpose {
            Purpose::Undo => {
                let told = progress.clone();
                activity.starting(move |text| told.note(text))
            }
            _ => activity,
        };
        Ok(Some(Work {
            id: state.graph.id(ix).to_owned(),
            run: self.run.clone(),
            plan: self.plan.clone(),
            fx: Arc::new(self.fx.for_work(activity)),
            step,
            progress,
            cancel: reins.cancel.clone(),
            memo: Page { notes: self.notes[ix].clone(), prefix, writable, patience, cancel: reins.cancel.clone() },
            outputs: state.steps[ix].outputs.clone(),
            foreseen: self.foreseen.clone(),
            needs: self.needs.clone(),
        }))
    }
}

/// Tools that must be complete, because nothing is missing any more.
pub(in crate::engine) fn ready(work: Result<Option<Work>>) -> Result<Work> {
    work?.ok_or_else(|| Failure::permanent("fill in the parameters", "a value is missing"))
}
