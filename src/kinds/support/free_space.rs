//! Room on a host's disk.

use crate::domain::Words;
use crate::domain::units::Bytes;
use crate::effects::facts;
use crate::error::{Failure, Result};
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;

/// Bytes that an ordinary user may still write to the disk that `folder` is on, or will be on once it is made.
///
/// # Errors
/// When the host cannot be asked.
pub async fn free_space(cx: &Ctx<'_>, host: &str, folder: impl Into<Words>) -> Result<u64> {
    facts::free_space(&cx.fx.host(host).await?, &folder.into()).await
}

/// What [`free_space`] asks.
pub fn question(host: &str, folder: impl Into<Words>) -> Action {
    Action::look(host, facts::room(folder))
}

/// What [`with_free_space`] asks.
pub fn question_of(world: &World, server: &str) -> Option<Action> {
    let access = world.inventory.server(server)?;
    access.data_dir.as_ref().map(|folder| question(&access.host, folder))
}

/// Adds to a failure how much room there is where `server` keeps its data: a full disk has many names in a server's
/// mouth.
pub async fn with_free_space(cx: &Ctx<'_>, server: &str, failure: Failure) -> Failure {
    let Some(access) = cx.world.inventory.server(server) else { return failure };
    let Some(folder) = &access.data_dir else { return failure };
    match free_space(cx, &access.host, folder).await {
        Ok(free) => failure.now(format!("free space in {folder}: {}", Bytes(free))),
        Err(_) => failure,
    }
}
