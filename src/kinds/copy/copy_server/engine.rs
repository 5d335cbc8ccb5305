//! What an engine of `copy` is.

use super::CopyServer;
use super::place::Place;
use crate::dialect::Dialect;
use crate::error::{Failure, Result};
use crate::kinds::{Action, Complaint, Ctx, Need};
use crate::playbook::world::World;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// What an engine has brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Where the copy stands; `None` where only a server that has started with it can tell ([`CopyEngine::stands_at`]).
    pub place: Option<Place>,
    /// Bytes of the data as they lie on the target.
    pub bytes: u64,
    /// What it took.
    pub seconds: f64,
}

/// How a copy comes to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As a folder beside the target's data directory, which takes that one's place: a whole server.
    Files,
    /// As statements that the running target has executed: only databases.
    Statements,
}

impl Arrival {
    /// What comes beside databases, as words for a later step.
    #[must_use]
    pub fn brings(self) -> &'static str {
        match self {
            Self::Files => "accounts events",
            Self::Statements => "events",
        }
    }
}

/// One way to bring a server's data to another. What comes after is the same for all that arrive alike.
#[async_trait]
pub trait CopyEngine: Send + Sync {
    /// Its name, as in `engine`.
    fn name(&self) -> &'static str;

    /// How its copy comes to the target.
    fn arrival(&self) -> Arrival;

    /// Why it cannot do this pair, by what the inventory says of both. Pure.
    fn unfit(&self, source: Dialect, target: Dialect) -> Option<String>;

    /// What it takes to take the copy, in order. Pure.
    ///
    /// # Errors
    /// Every fault that only the engine can find.
    fn preview(&self, copy: &CopyServer, world: &World) -> Result<Vec<Action>, Vec<Complaint>>;

    /// What it asks before the run touches anything. Pure.
    fn questions(&self, copy: &CopyServer, world: &World) -> Vec<Action>;

    /// What neither the plan nor the checks before the first step can prove about the copy. Pure.
    fn unproved(&self, _copy: &CopyServer, _world: &World) -> Vec<String> {
        Vec::new()
    }

    /// What [`CopyEngine::stands_at`] asks. Pure.
    fn place_actions(&self, _copy: &CopyServer, _world: &World) -> Vec<Action> {
        Vec::new()
    }

    /// What of a copy it removes. Pure.
    fn preview_undo(&self, copy: &CopyServer, world: &World) -> Vec<Action>;

    /// What the runner's accounts must be allowed to do for it. Pure.
    fn needs(&self, copy: &CopyServer, world: &World) -> Vec<Need>;

    /// Every reason why it cannot work here.
    async fn inspect(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Vec<Failure>;

    /// Bytes a second that this very pair of hosts carries of such a copy, where that can be measured. Changes nothing.
    ///
    /// # Errors
    /// When the hosts or the source cannot be asked.
    async fn rate(&self, _: &CopyServer, _: &Ctx<'_>) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Takes the copy, or continues the one that an earlier runner started. A second call finds the existing copy.
    async fn take(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<Taken>;

    /// The binlog position of the copy, read when the target runs with it and before anything else is sent to it. A
    /// second call gives the same answer. Engines whose `take` returns the position do not override this.
    ///
    /// # Errors
    /// When the server cannot tell.
    async fn stands_at(&self, copy: &CopyServer, _cx: &Ctx<'_>, taken: &Taken) -> Result<Place> {
        taken.place.clone().ok_or_else(|| {
            Failure::permanent("find the binlog position of the copy", "the engine did not report it").at(copy.target())
        })
    }

    /// Ends what works at a copy, and removes what the engine has left beside it. Idempotent.
    async fn undo(&self, copy: &CopyServer, cx: &Ctx<'_>) -> Result<()>;
}
