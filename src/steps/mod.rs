//! What a step kind is, and the registry of all of them. One file a kind; adding one means that file and one line
//! in [`KINDS`].
//!
//! May know: the playbook's model (inventory, units, templates) and the effects. Never another step, the engine or
//! the journal: what a step must remember goes through [`Memo`].

use crate::effects::Effects;
use crate::error::{Failure, Result};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::Debug;
use tokio_util::sync::CancellationToken;

mod account_locks;
mod account_statements;
mod accounts;
mod accounts_before;
pub mod after_fence;
mod answer;
mod approve;
mod benchmark;
mod change_source;
mod channel;
mod clean_up;
mod client_program;
mod command;
mod complaint;
mod config_file;
mod config_place;
mod dump;
mod events;
mod fence;
mod finding;
mod follow_filters;
mod forget_source;
mod free_space;
mod gtid_mode;
mod import;
mod kind;
mod latency;
mod long_work;
mod memo;
mod notify;
mod option_file;
mod own_database;
mod place;
mod preflight;
mod privileges;
mod progress;
mod promote;
mod render;
mod replication_account;
mod repoint;
mod reverse_replication;
mod server_command;
mod server_state;
mod set_variables;
mod sql;
mod trial_write;
mod tunnel;
mod verify;
mod wait_for_lag;
mod wait_for_position;

pub use crate::domain::{Action, On};
pub use approve::rule_of;
pub use complaint::Complaint;
pub use finding::{CheckResult, FileChange, Finding, Mark, Setting, Volume};
pub use kind::{KINDS, Kind, Output, OutputType, find};
pub use progress::{Progress, Update};

/// The outputs of a finished step, by name; their types are the ones its kind declares.
pub type Outputs = Map<String, Value>;

/// Whether and how a step can be taken back.
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

/// What a look at reality says about a step, without changing anything.
#[derive(Debug, Clone, PartialEq)]
pub enum Probe {
    /// Its effect is there, with these outputs.
    Done(Outputs),
    /// Its effect is not there, or only partly: `execute` may run (again).
    NotDone,
    /// Something else is there that `execute` must not touch.
    Conflict(Failure),
}

/// Facts that a step must still know after the runner died: old values to restore, names of what it made.
///
/// Writes are durable in the journal before they return, so a step writes *before* it changes anything.
#[async_trait]
pub trait Memo: Send + Sync {
    /// What was written under `key`, by this run of the step or an earlier attempt. Kinds read it with its type:
    /// [`read`](#method.read), [`flag`](#method.flag) and [`keep`](#method.keep) of `dyn Memo`.
    fn get(&self, key: &str) -> Option<Value>;
    /// Writes `value` durably, replacing an earlier one.
    async fn set(&self, key: &str, value: Value) -> Result<()>;
}

/// Everything a step may use while it works.
pub struct Ctx<'a> {
    /// The step's id in the playbook.
    pub step: &'a str,
    /// The run's id: names of files and markers made on hosts carry it.
    pub run: &'a str,
    /// Inventory and templates, as the plan holds them.
    pub world: &'a World,
    /// Hands on servers and hosts.
    pub fx: &'a Effects,
    /// Where progress is told.
    pub progress: &'a Progress,
    /// Set when the runner wants the step to stop at its next safe point.
    pub cancel: &'a CancellationToken,
    /// What must survive the runner.
    pub memo: &'a dyn Memo,
    /// Outputs of this step, if it succeeded before (for `probe` and `undo`).
    pub outputs: &'a Outputs,
    /// Facts that some step of the plan makes true, before this one or after it ([`Step::settles`]).
    pub foreseen: &'a BTreeSet<String>,
}

impl Ctx<'_> {
    /// Fails with `Cancelled` when the runner wants to stop: call it at safe points.
    ///
    /// # Errors
    /// When it does.
    pub fn safe_point(&self, attempted: &str) -> Result<()> {
        if self.cancel.is_cancelled() { Err(Failure::cancelled(attempted)) } else { Ok(()) }
    }
    /// Sleeps, or fails with `Cancelled` as soon as the runner wants to stop.
    ///
    /// # Errors
    /// When it does.
    pub async fn pause(&self, time: std::time::Duration, attempted: &str) -> Result<()> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(Failure::cancelled(attempted)),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }
}

/// One step, decoded from a playbook. `execute`, `prepare` and `undo` are idempotent.
#[async_trait]
pub trait Step: Send + Sync + Debug {
    /// Whether and how it can be taken back.
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

    /// What neither the plan nor the look before the first step can prove, in words that follow "not proved:". Pure.
    fn unproved(&self, _world: &World) -> Vec<String> {
        Vec::new()
    }

    /// Facts (`SERVER.VARIABLE`, `SERVER.account USER@HOST`) that this step makes true, so that later steps' `inspect`
    /// need not insist on them.
    fn settles(&self, _world: &World) -> Vec<String> {
        Vec::new()
    }

    /// Looks, before the run touches anything, for reasons why this step cannot work. Changes nothing; returns all.
    async fn inspect(&self, _cx: &Ctx<'_>, _settled: &BTreeSet<String>) -> Vec<Failure> {
        Vec::new()
    }

    /// Looks, for the reviewer of a plan, at what the step will find: files it will replace, data it will read. Changes
    /// nothing.
    async fn survey(&self, _cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    /// Everything that can be done before a block's clock starts: open connections, stage files, check gates.
    async fn prepare(&self, _cx: &Ctx<'_>) -> Result<()> {
        Ok(())
    }

    /// Looks at reality and changes nothing. Asked when a journal holds an intent without a result.
    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe>;

    /// Does it. A failure leaves nothing half done that `undo` would not clear.
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs>;

    /// Takes it back, also after a partial `execute`, from what the memo holds.
    async fn undo(&self, cx: &Ctx<'_>) -> Result<()>;
}
