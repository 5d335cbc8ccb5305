//! Whether a copy can be kept beside the target's data directory, and replace it: checked on its host.

use super::CopyServer;
use super::data_dir;
use super::files;
use super::settings::refuse;
use crate::domain::Words;
use crate::domain::units::Bytes;
use crate::effects::Ran;
use crate::error::{Failure, Result};
use crate::kinds::{Action, Ctx};
use crate::playbook::world::World;

/// How much more room the copy takes than its source has: what is written meanwhile, and to prepare it.
const MORE: f64 = 1.1;

/// What the check of the target's host has found.
pub struct Beside {
    /// Why a copy cannot replace it.
    pub faults: Vec<Failure>,
    /// Bytes that are free there, if the host could report it.
    free: Option<u64>,
}

/// What [`look`] asks.
pub fn question(copy: &CopyServer, world: &World) -> Option<Action> {
    let data = files::data(copy, world).ok()?;
    let asked = Words::late("its data directory".to_owned());
    Some(Action::look(copy.target_host(world), data_dir::look(data, asked)))
}

/// Looks; `asked` is where the target says that it works.
///
/// # Errors
/// When its host cannot be asked.
pub async fn look(copy: &CopyServer, cx: &Ctx<'_>, asked: String) -> Result<Beside> {
    let data = files::data(copy, cx.world)?;
    let host = copy.target_host(cx.world);
    let printed = printed(&cx.fx.host(host).await?.run(&data_dir::look(data, asked)).await?);
    Ok(Beside { faults: faults(&printed, host), free: number(&printed, "free: ") })
}

impl Beside {
    /// Why a copy of a source with that many `bytes` has no room there.
    pub fn room(&self, copy: &CopyServer, world: &World, bytes: u64) -> Option<Failure> {
        let free = self.free.filter(|free| *free < needed(bytes))?;
        let data = files::data(copy, world).unwrap_or_default();
        let answer = format!("free space beside {data}: {}; the copy needs {}", Bytes(free), Bytes(needed(bytes)));
        let help = "free space there: the copy is kept beside the old data directory until that is cleaned up";
        Some(refuse(answer, copy.target_host(world), help))
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "an estimate")]
fn needed(bytes: u64) -> u64 {
    (bytes as f64 * MORE) as u64
}

/// What a look printed, as text.
pub fn printed(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// The refusals that a look at `host` printed, a line each.
pub fn faults(printed: &str, host: &str) -> Vec<Failure> {
    let found = printed.lines().filter_map(|line| line.strip_prefix("fault: "));
    found.map(|fault| refuse(fault, host, "fix that on the host, or use the engine `dump`")).collect()
}

/// The number in the line that begins with `before`.
pub fn number(printed: &str, before: &str) -> Option<u64> {
    printed.lines().find_map(|line| line.strip_prefix(before)?.trim().parse().ok())
}
