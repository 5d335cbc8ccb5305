//! Everything a step may use.

use super::{Memo, Need, Outputs, Progress};
use crate::effects::Effects;
use crate::error::{Failure, Result};
use crate::playbook::world::World;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

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
    /// Where progress is reported.
    pub progress: &'a Progress,
    /// Set when the runner wants the step to stop at its next safe point.
    pub cancel: &'a CancellationToken,
    /// What must survive the runner.
    pub memo: &'a dyn Memo,
    /// Outputs of this step, if it succeeded before (for `probe` and `undo`).
    pub outputs: &'a Outputs,
    /// Facts that some step of the plan makes true, before this one or after it ([`Step::settles`]).
    pub foreseen: &'a BTreeSet<String>,
    /// What all steps of the plan need to be allowed to do ([`Step::needs`](super::Step::needs)).
    pub needs: &'a [Need],
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
