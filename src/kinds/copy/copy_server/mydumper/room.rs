//! Room for the files that mydumper writes, in the job's folder on the target's host.

use super::super::CopyServer;
use super::refuse;
use crate::domain::Words;
use crate::domain::units::Bytes;
use crate::error::Result;
use crate::kinds::support::free_space::{self, free_space};
use crate::kinds::support::volume::volume;
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;

/// How much larger the files may be than the tables, in parts of ten: they are texts, with signs escaped, and not packed.
const TENTHS: u64 = 15;

fn folder(copy: &CopyServer, world: &World) -> Words {
    world.inventory.host(copy.target_host(world)).map(|host| host.work_dir.place()).unwrap_or_default()
}

/// What [`enough`] asks, beside the volume.
pub fn question(copy: &CopyServer, world: &World) -> Action {
    free_space::question(copy.target_host(world), folder(copy, world))
}

/// Whether there is room for them.
///
/// # Errors
/// A refusal, or that nobody can be asked.
pub async fn enough(copy: &CopyServer, cx: &Ctx<'_>) -> Result<()> {
    let needed = volume(cx, copy.source(), &copy.databases).await?.bytes / 10 * TENTHS;
    let folder = folder(copy, cx.world);
    let free = free_space(cx, copy.target_host(cx.world), &folder).await?;
    if free >= needed {
        return Ok(());
    }
    let answer = format!("free space in {folder}: {}; the files of mydumper may need {}", Bytes(free), Bytes(needed));
    let help = "free space there, name another folder with the host's `work_dir`, or use the engine `dump`, which \
                writes no files";
    Err(refuse(answer, copy.target_host(cx.world), help))
}
