//! Checks servers and hosts for a plan: shared by `plan --live` and by runs of saved plans.

use super::conduct;
use super::inputs::{self, secrets_folder};
use super::output;
use super::past_copies::past_copies;
use super::state::State;
use crate::effects::{Answer, Approvals, Effects, Rule, Secrets};
use crate::error::{Failure, Result, exit};
use crate::plan::Plan;
use crate::plan::load::Sources;
use crate::playbook::fault::Faults;
use crate::playbook::inventory::Inventory;
use crate::survey::{self, Survey};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;

/// The plan that `make` makes, with the gaps of its inventory filled, and the survey; or the exit code, once everything is
/// printed.
///
/// # Errors
/// The exit code.
pub fn plan(
    make: impl Fn(&Sources) -> Result<Plan, Vec<Faults>>,
    mut sources: Sources,
    state: &State,
) -> Result<(Sources, Plan, Survey), u8> {
    let complain = |reports| {
        inputs::complain(reports);
        exit::INVALID
    };
    let begun = make(&sources).map_err(complain)?;
    let secrets = secrets(&begun.world.inventory, &sources)?;
    let (runtime, control_dir) = (runtime()?, state.dir().join("ssh"));
    sources.learned = runtime.block_on(async {
        let fx = effects(&begun.world.inventory, secrets.clone(), control_dir.clone());
        let learned = survey::learn(&fx, &begun.world.inventory).await;
        fx.close().await;
        learned
    });
    let plan = make(&sources).map_err(complain)?;
    let survey = runtime.block_on(look(&plan, secrets, state));
    Ok((sources, plan, survey))
}

/// A new survey for an existing plan.
///
/// # Errors
/// The exit code.
pub fn again(plan: &Plan, sources: &Sources, state: &State) -> Result<Survey, u8> {
    let secrets = secrets(&plan.world.inventory, sources)?;
    Ok(runtime()?.block_on(look(plan, secrets, state)))
}

async fn look(plan: &Plan, secrets: Arc<Secrets>, state: &State) -> Survey {
    let fx = effects(&plan.world.inventory, secrets, state.dir().join("ssh"));
    let survey = survey::look(&Arc::new(plan.clone()), &fx, &past_copies(state)).await;
    fx.close().await;
    survey
}

fn secrets(inventory: &Inventory, sources: &Sources) -> Result<Arc<Secrets>, u8> {
    let folder = secrets_folder(sources.inventory.as_deref());
    Secrets::read(inventory.secrets(), &folder).map(Arc::new).map_err(|failures| {
        for failure in &failures {
            output::complain(failure);
        }
        exit::INVALID
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, u8> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| conduct::give_up(&Failure::permanent("check the servers", error.to_string())))
}

fn effects(inventory: &Inventory, secrets: Arc<Secrets>, control_dir: PathBuf) -> Arc<Effects> {
    Arc::new(Effects::new(Arc::new(inventory.clone()), secrets, Arc::new(Nobody), control_dir))
}

/// A check never asks for approval.
pub struct Nobody;

#[async_trait]
impl Approvals for Nobody {
    async fn answer(&self, _: &str, _: &str, _: &Rule) -> Result<Answer> {
        Ok(Answer::Open)
    }
}
