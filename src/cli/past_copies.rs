//! Copies that earlier runs have made, for forecasts.

use super::state::State;
use crate::engine::status::Status;
use crate::kinds::{self, RoleName};
use crate::report::fold::{StepSummary, Summary};
use crate::store::Journal;
use crate::survey::PastCopy;
use std::sync::Arc;

/// Number of runs that are searched, the newest first: older copies were made on other disks.
const RUNS: usize = 50;

/// Copies of the newest runs in `state`, the newest first. None when the journal is missing or unreadable: a forecast works
/// without them.
pub fn past_copies(state: &State) -> Vec<PastCopy> {
    let Ok(journal) = state.existing() else { return Vec::new() };
    let runs = journal.runs().unwrap_or_default();
    runs.iter().rev().take(RUNS).flat_map(|head| of_run(&*journal, &head.id).unwrap_or_default()).collect()
}

fn of_run(journal: &dyn Journal, run: &str) -> Option<Vec<PastCopy>> {
    let plan = Arc::new(journal.run(run).ok()?.plan_to_read().ok()?);
    let copies = |uses: &str| kinds::plays(uses, RoleName::CopiesFrom);
    if !plan.steps.iter().any(|step| copies(&step.uses)) {
        return None;
    }
    let summary = Summary::new(run, &plan, &journal.entries(run).ok()?).ok().filter(|summary| !summary.rehearsal)?;
    let host = |step: &StepSummary, field: &str| {
        let with = &plan.steps.iter().find(|planned| planned.id == step.id)?.with;
        Some(plan.world.inventory.host_of(with.get(field)?.as_str()?).to_owned())
    };
    let copy = |step: &StepSummary| {
        Some(PastCopy {
            run: run.to_owned(),
            engine: step.outputs.get("engine")?.as_str()?.to_owned(),
            from: host(step, "from")?,
            to: host(step, "to")?,
            bytes: step.outputs.get("bytes")?.as_u64()?,
            seconds: step.outputs.get("seconds")?.as_f64()?,
        })
    };
    let made = summary.steps.iter().filter(|step| copies(&step.uses) && step.status == Status::Succeeded);
    Some(made.filter_map(copy).collect())
}
