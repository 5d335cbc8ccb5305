//! `clean_up`: removes from a host what the run has left there, once it is of no use any more.

use super::long_work;
use super::place::{job_dir, quoted, run_marker};
use super::{Action, Complaint, Ctx, Output, Outputs, Probe, Reversibility, Step};
use crate::error::{Failure, Result};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[];

/// Ends the run's jobs on a host, tunnels among them, and removes the run's folder with dumps and logs. It stands at
/// the end, when nothing can be rolled back any more; backups beside configuration files stay.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "It is not undone: it stands at the end.",
    "examples" = [{ "host": "{{ servers.target.host }}" }]
))]
pub struct CleanUp {
    /// Host that is cleaned up.
    #[schemars(extend("format" = "host"))]
    host: String,
    /// Steps whose jobs go on, such as the tunnel of the way back: they matter where both hosts are one machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keep: Vec<String>,
    /// Where tunnels of earlier runs listen on that host that nobody needs any more: they are ended as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tunnels: Vec<Address>,
}

/// Where a tunnel listens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Address(#[schemars(extend("format" = "address"))] String);

/// Folders of jobs below `$1` whose script forwards the address `$2`.
const FORWARDING: &str = "cd -- \"$1\" 2>/dev/null || exit 0; \
    for job in */*/; do ! grep -qsF -e \"-L $2:\" -- \"$job/script\" || printf '%s\\n' \"${job%/}\"; done";

/// Removes a run's folder, or everything in it but what is kept.
fn removal(folder: &str, keep: &[String]) -> String {
    if keep.is_empty() {
        return format!("rm -rf -- {}", quoted(folder));
    }
    let others: Vec<String> = keep.iter().map(|step| format!("! -name {}", quoted(step))).collect();
    let folder = quoted(folder);
    format!("[ ! -d {folder} ] || find {folder} -mindepth 1 -maxdepth 1 {} -exec rm -rf -- {{}} +", others.join(" "))
}

impl CleanUp {
    fn folder(&self, world: &World, run: &str) -> String {
        let one = job_dir(world, &self.host, run, "");
        one.trim_end_matches('/').to_owned()
    }

    /// Ends the tunnels that listen on `address`, whichever run opened them.
    async fn end_tunnels(&self, cx: &Ctx<'_>, address: &str) -> Result<()> {
        let host = cx.fx.host(&self.host).await?;
        let work = cx.world.inventory.host(&self.host).map(|host| host.work_dir.0.clone()).unwrap_or_default();
        for job in host.sh(FORWARDING, &[&work, address], None).await?.lines() {
            long_work::clear(cx, &self.host, &format!("{work}/{job}")).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Step for CleanUp {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let folder = self.folder(world, &run_marker());
        let kept = if self.keep.is_empty() { String::new() } else { format!(", but not {}", self.keep.join(", ")) };
        let mut actions = vec![
            Action::note(format!("end every job of this run on {}, its tunnel among them{kept}", self.host)),
            Action::command(&self.host, removal(&folder, &self.keep)),
        ];
        let end = |Address(address): &Address| format!("end every tunnel that listens on {address} of {}", self.host);
        actions.extend(self.tunnels.iter().map(|address| Action::note(end(address))));
        Ok(actions)
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!("what this run left on {}", self.host)]
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let host = cx.fx.host(&self.host).await?;
        let folder = self.folder(cx.world, cx.run);
        let list = "for job in \"$1\"/*/; do [ ! -f \"$job/script\" ] || basename -- \"$job\"; done";
        let jobs = host.sh(list, &[&folder], None).await?;
        for step in jobs.lines().filter(|step| !self.keep.iter().any(|kept| kept == step)) {
            long_work::clear(cx, &self.host, &format!("{folder}/{step}")).await?;
        }
        host.sh(&removal(&folder, &self.keep), &[], None).await?;
        let left = self.keep.is_empty() && host.run(&["test", "-e", &folder], None).await?.code == Some(0);
        if left {
            return Err(Failure::transient("clean up", format!("{folder} is still there")).at(&self.host));
        }
        for Address(address) in &self.tunnels {
            self.end_tunnels(cx, address).await?;
        }
        Ok(Outputs::new())
    }

    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}
