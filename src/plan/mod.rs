//! The plan: everything that will be done, written out, hashed and serializable. It *is* the dry run: review reads
//! the very value that the engine executes.
//!
//! Pure: no clock, no network, no file but the ones it is handed. May know the playbook and the pure half of steps.

pub mod accounts;
pub mod build;
pub mod changes;
pub mod correction;
mod cover;
pub mod display;
pub mod gaps;
pub mod graph;
mod inputs;
pub mod left_out;
pub mod load;
mod names;
pub mod opening;
mod outputs;
pub mod own;
mod passed_variables;
mod practice;
pub mod reference;
pub mod regions;
mod resolve;
pub mod schema;
mod steps;
pub mod stored;

use crate::domain::Permits;
use crate::kinds::role::{Role, RoleData};
use crate::kinds::{Action, Reversibility};
use crate::playbook::model::{Occasions, OnFailure, Retry};
use crate::playbook::window::Window;
use crate::playbook::world::World;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Version of the plan's format. Plans of an older one can be read, those of a newer one not even that: see [`stored`].
pub const FORMAT: u32 = 2;

/// Everything that will be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Version of the format it was made in.
    pub format: u32,
    /// Name of the playbook.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// `blake3` over the plan without this field, in hexadecimal.
    pub hash: String,
    /// Values of the inputs.
    pub inputs: Map<String, Value>,
    /// Setup: actions before the first step, and alongside the steps.
    #[serde(default)]
    pub opening: Vec<Action>,
    /// Scripts of cutover that the actions refer to by name, each once.
    #[serde(default)]
    pub scripts: BTreeMap<String, String>,
    /// Steps in file order; the steps of a block are together, and each needs the one before.
    pub steps: Vec<PlannedStep>,
    /// Blocks in file order.
    pub blocks: Vec<PlannedBlock>,
    /// Webhooks that are notified about the run.
    #[serde(skip_serializing_if = "Occasions::is_empty", default)]
    pub on: Occasions,
    /// What it was made for.
    pub world: World,
}

/// One step, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStep {
    /// Its name.
    pub id: String,
    /// Its kind.
    pub uses: String,
    /// Steps (never blocks) that come directly before.
    pub needs: Vec<String>,
    /// Its block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub block: Option<String>,
    /// Condition that can only be decided at run time, as an expression over `steps`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub when: Option<String>,
    /// Why it is always skipped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub skip: Option<String>,
    /// Parameters; run-time values as markers.
    pub with: Value,
    /// Longest time for one attempt, in milliseconds.
    pub timeout_ms: u64,
    /// How it is retried.
    pub retry: Retry,
    /// What its failure means for the run.
    pub on_failure: OnFailure,
    /// Whether it is a checkpoint: after a later failure, only the steps after it are undone.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub keep: bool,
    /// Whether and how it can be undone.
    pub reversibility: Reversibility,
    /// Roles that other parts of the program need to know, independent of its kind.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<Role>,
    /// What it does, in order.
    pub actions: Vec<Action>,
    /// What its undo does, in order.
    pub undo: Vec<Action>,
    /// Steps from the playbook that run when it is undone, after its own undo.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rollback: Vec<PlannedHook>,
    /// What cannot be verified before it runs, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unproved: Vec<String>,
    /// Facts that it makes true for the checks of later steps.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub settles: Vec<String>,
    /// When it may start.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window: Option<Window>,
}

/// A rollback hook, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedHook {
    /// Its kind.
    pub uses: String,
    /// Parameters.
    pub with: Value,
    /// Roles that other parts of the program need to know, independent of its kind.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<Role>,
    /// What it does, in order.
    pub actions: Vec<Action>,
}

impl PlannedStep {
    /// Its data for the role `R`; `None` when it does not play it.
    #[must_use]
    pub fn role<R: RoleData>(&self) -> Option<&R> {
        self.each_role().next()
    }
    /// The same for a step that may play it more than once, such as one that closes several servers.
    pub fn each_role<R: RoleData>(&self) -> impl Iterator<Item = &R> {
        self.roles.iter().filter_map(R::of)
    }
    /// Takes its program away when it is skipped in any case: nobody reviews what is not done.
    fn state_nothing_when_skipped(&mut self) {
        if self.skip.is_some() {
            self.actions.clear();
            self.undo.clear();
            self.rollback.clear();
            self.unproved.clear();
        }
    }
}

impl PlannedHook {
    /// Its data for the role `R`; `None` when it does not play it.
    #[must_use]
    pub fn role<R: RoleData>(&self) -> Option<&R> {
        self.roles.iter().find_map(R::of)
    }
}

/// Steps that share one deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedBlock {
    /// Its name.
    pub id: String,
    /// Time for the whole block, rollback included, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deadline_ms: Option<u64>,
    /// Its steps, in order.
    pub steps: Vec<String>,
    /// When it may start.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window: Option<Window>,
}

impl Plan {
    /// What may be sent for each step: its own actions, its undo and hooks, and what stands before the first step. Where a
    /// person has corrected the inventory since the plan was made, what the kind states for that counts as well.
    #[must_use]
    pub fn permits(&self) -> Vec<Arc<Permits>> {
        let of = |step: &PlannedStep| {
            let hooks = step.rollback.iter().flat_map(|hook| &hook.actions);
            let corrected = own::stated(step, &self.world);
            let all = self.opening.iter().chain(&step.actions).chain(&step.undo).chain(hooks).chain(&corrected);
            Arc::new(Permits::new(all))
        };
        self.steps.iter().map(of).collect()
    }
    /// Every action that it states.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.opening.iter().chain(self.steps.iter().flat_map(|step| {
            let hooks = step.rollback.iter().flat_map(|hook| &hook.actions);
            step.actions.iter().chain(&step.undo).chain(hooks)
        }))
    }
    /// The scripts of our own that its actions name.
    fn named_scripts(&self) -> BTreeMap<String, String> {
        let all = self.actions().filter_map(Action::script).flat_map(|script| script.text().ours());
        all.filter_map(|ours| Some((ours.name().to_owned(), ours.text()?.to_owned()))).collect()
    }
    /// The hash this plan should carry.
    #[must_use]
    pub fn digest(&self) -> String {
        if !self.hash.is_empty() {
            return Self { hash: String::new(), ..self.clone() }.digest();
        }
        let mut hasher = blake3::Hasher::new();
        let mut out = std::io::BufWriter::new(&mut hasher); // JSON comes in small pieces
        // writing into a hasher cannot fail, and a plan holds nothing that JSON cannot
        let _ = serde_json::to_writer(&mut out, self);
        let _ = std::io::Write::flush(&mut out);
        drop(out);
        hasher.finalize().to_hex().to_string()
    }
    /// Facts that some step makes true.
    #[must_use]
    pub fn settled(&self) -> BTreeSet<String> {
        let steps = self.steps.iter().filter(|step| step.skip.is_none());
        steps.flat_map(|step| step.settles.iter().cloned()).collect()
    }
    /// A step by name.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.id == id)
    }
}
