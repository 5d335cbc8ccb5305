//! What a step kind is.

use super::{Complaint, Ctx, Need, Role};
use crate::domain::Action;
use crate::error::{Failure, Result};
use crate::kinds::Finding;
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// The outputs of a finished step, by name; their types are the ones its kind declares.
pub type Outputs = Map<String, Value>;

/// Whether and how a step can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reversibility {
    /// `undo` restores what was there before.
    Reversible,
    /// It changes nothing that would have to be restored.
    NothingToUndo,
    /// Once it has succeeded the application writes elsewhere: no automatic rollback from here on.
    PointOfNoReturn,
}

/// What a check of reality reports about a step, without changing anything.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// Its effect is there, with these outputs.
    Done(Outputs),
    /// Its effect is not there, or only partly: `execute` may run (again).
    NotDone,
    /// Something else is there that `execute` must not touch.
    Conflict(Failure),
    /// Nothing can be checked, and `execute` must not run twice: a recorded success stands, and a step without a recorded
    /// result fails with this.
    Unknown(Failure),
}

/// One step, decoded from a playbook. `execute`, `prepare` and `undo` are idempotent.
#[async_trait]
pub trait Step: Send + Sync + Debug {
    /// Whether and how it can be undone.
    fn reversibility(&self) -> Reversibility;

    /// The exact commands, statements and files of `prepare` and `execute`, in order. Pure.
    ///
    /// # Errors
    /// Every fault that only the kind itself can find.
    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>>;

    /// The questions that `inspect` asks of servers. Pure.
    fn questions(&self, _world: &World) -> Vec<Action> {
        Vec::new()
    }

    /// The same for `undo`. Pure.
    fn preview_undo(&self, _world: &World) -> Vec<Action> {
        Vec::new()
    }

    /// What neither the plan nor the checks before the first step can prove, in words that follow "unverified:". Pure.
    fn unproved(&self, _world: &World) -> Vec<String> {
        Vec::new()
    }

    /// Facts (`SERVER.VARIABLE`, `SERVER.account USER@HOST`) that this step makes true, so that later steps' `inspect`
    /// need not insist on them.
    fn settles(&self, _world: &World) -> Vec<String> {
        Vec::new()
    }

    /// What the accounts of the inventory must be allowed to do on which server, so that `prepare`, `execute`, `undo`
    /// and every check of this step can work. Pure.
    fn needs(&self, _world: &World) -> Vec<Need> {
        Vec::new()
    }

    /// What other rooms must know of it. Pure, and without the world: it is true wherever the step runs.
    fn roles(&self) -> Vec<Role> {
        Vec::new()
    }

    /// Checks, before the run changes anything, whether this step can work. Changes nothing; returns every reason
    /// against it.
    async fn inspect(&self, _cx: &Ctx<'_>, _settled: &BTreeSet<String>) -> Vec<Failure> {
        Vec::new()
    }

    /// Reads, for the reviewer of a plan, what the step will find: files that it will replace, data that it will read.
    /// Changes nothing.
    async fn survey(&self, _cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    /// Everything that can be done before a block's clock starts: open connections, stage files, check gates.
    async fn prepare(&self, _cx: &Ctx<'_>) -> Result<()> {
        Ok(())
    }

    /// Checks whether the effect of the step is there; changes nothing. Called when the journal has an intent without a
    /// result.
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe>;

    /// Does it. A failure leaves nothing half done that `undo` would not clear.
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs>;

    /// Undoes it, also after a partial `execute`, with the notes of the memo.
    async fn undo(&self, cx: &Ctx<'_>) -> Result<()>;
}
