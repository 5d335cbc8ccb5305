//! `clean_up`: removes the files and jobs of a run from a host at the end.

use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::effects::{Ran, places};
use crate::error::{Failure, Result};
use crate::kinds::support::place::{dump_dir, is_there, run_dir, run_marker};
use crate::kinds::{Action, Complaint, Ctx, Output, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[];

/// Ends the run's jobs on a host, including tunnels, and removes the run's folder with dumps and logs. Put it at the
/// end, when nothing can be rolled back any more. Backups beside configuration files are kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "It is not undone: it runs at the end.",
    "examples" = [{ "host": "{{ servers.target.host }}" }]
))]
pub struct CleanUp {
    /// Host to clean up.
    #[schemars(extend("format" = "host"))]
    host: String,
    /// Steps whose jobs keep running, such as the tunnel for reverse replication. Needed if both hosts are one machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keep: Vec<String>,
    /// Addresses on which tunnels of earlier runs listen on that host: these tunnels are ended as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tunnels: Vec<Address>,
    /// Old data directory that a copy has replaced: `"{{ steps.copy.old_data }}"`. It is removed. Empty means that
    /// there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old_data: Option<String>,
}

/// Where a tunnel listens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Address(#[schemars(extend("format" = "address"))] String);

/// Longest time to remove a data directory: many files may lie there.
const REMOVAL: Duration = Duration::from_hours(1);

fn removed(ran: &Ran, path: &str) -> Result<()> {
    if ran.code == Some(0) {
        return Ok(());
    }
    Err(Failure::permanent(format!("remove {path}"), ran.last_words())
        .help("nothing needs it any more: remove it by hand"))
}

/// Names folders of jobs below `folder` whose script forwards `address`.
fn forwarding(folder: &Words, address: &str) -> Script {
    sh!(
        "cd -- {} 2>/dev/null || exit 0; \
         for job in */*/; do ! grep -qsF -e {} -e {} -- \"$job/script\" || printf '%s\\n' \"${{job%/}}\"; done",
        argument(folder),
        argument(format!("-L {address}:")),
        argument(format!("-L '{address}:")) // as an address is quoted that is no plain word
    )
}

/// Names the jobs in a run's folder.
fn jobs(folder: &Words) -> Script {
    sh!("for job in {}/*/; do [ ! -f \"$job/script\" ] || basename -- \"$job\"; done", argument(folder))
}

/// Removes a run's folder, or everything in it but what is kept.
fn removal(folder: &Words, keep: &[String]) -> Script {
    let folder = argument(folder);
    if keep.is_empty() {
        return sh!("rm -rf -- {}", folder);
    }
    let others = Script::join(keep.iter().map(|step| sh!("! -name {}", argument(step))), " ");
    sh!("[ ! -d {} ] || find {} -mindepth 1 -maxdepth 1 {} -exec rm -rf -- {{}} +", &folder, &folder, others)
}

/// Removes a data directory that a copy of this run has replaced; a folder with another name is not touched.
fn remove_old_data(path: &str, run: &str) -> Script {
    sh!(
        "{}path={}; case $path in *.cutover-{}-*.old) ;; *) refuse \"$path is no old data directory of this run\"; exit ;; esac; \
         own_folder \"${{path%/*}}\" && rm -rf -- \"./${{path##*/}}\"",
        places::functions(),
        argument(path),
        argument(run)
    )
}

impl CleanUp {
    fn folder(&self, world: &World, run: &str) -> Words {
        run_dir(world, &self.host, run)
    }

    /// The data directory that a copy has replaced, if there was one.
    fn old_data(&self) -> Option<&str> {
        self.old_data.as_deref().filter(|path| !path.is_empty())
    }

    /// The run's folder for dumps, where they have one of their own.
    fn dumps(&self, world: &World, run: &str) -> Option<Words> {
        Some(dump_dir(world, &self.host, run)).filter(|dumps| *dumps != self.folder(world, run))
    }

    fn work_dir(&self, world: &World) -> Words {
        world.inventory.host(&self.host).map(|host| host.work_dir.place()).unwrap_or_default()
    }

    /// Ends the tunnels that listen on `address`, whichever run opened them.
    async fn end_tunnels(&self, cx: &Ctx<'_>, address: &str) -> Result<()> {
        let host = cx.fx.host(&self.host).await?;
        let work = self.work_dir(cx.world);
        for job in host.print(&forwarding(&work, address)).await?.lines() {
            host.clear_job(&work.clone().then(format!("/{job}"))).await?;
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
            Action::look(&self.host, jobs(&folder)),
            Action::note(format!("end every job of this run on {}, including its tunnel{kept}:", self.host)),
            Action::end(&self.host, folder.clone().then(format!("/{}", marker::late("each step")))),
            Action::command(&self.host, removal(&folder, &self.keep)),
        ];
        let dumps = self.dumps(world, &run_marker());
        actions.extend(dumps.map(|dumps| Action::command(&self.host, removal(&dumps, &[]))));
        if self.keep.is_empty() {
            actions.push(Action::look(&self.host, is_there(&folder)));
        }
        let old = self.old_data().map(|path| remove_old_data(path, &run_marker()));
        actions.extend(old.map(|script| Action::command(&self.host, script)));
        let work = self.work_dir(world);
        for Address(address) in &self.tunnels {
            actions.push(Action::look(&self.host, forwarding(&work, address)));
            actions.push(Action::note(format!("end every tunnel that listens on {address} of {}:", self.host)));
            actions.push(Action::end(&self.host, work.clone().then(format!("/{}", marker::late("each run and step")))));
        }
        Ok(actions)
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![format!("the files of this run on {}", self.host)]
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let host = cx.fx.host(&self.host).await?;
        let folder = self.folder(cx.world, cx.run);
        for step in host.print(&jobs(&folder)).await?.lines().filter(|step| !self.keep.iter().any(|kept| kept == step))
        {
            host.clear_job(&folder.clone().then(format!("/{step}"))).await?;
        }
        host.print(&removal(&folder, &self.keep)).await?;
        if let Some(dumps) = self.dumps(cx.world, cx.run) {
            host.print(&removal(&dumps, &[])).await?;
        }
        let left = self.keep.is_empty() && host.succeeds(&is_there(&folder)).await?;
        if left {
            return Err(Failure::transient("clean up", format!("{folder} still exists")).at(&self.host));
        }
        if let Some(path) = self.old_data() {
            host.run_within(&remove_old_data(path, cx.run), None, REMOVAL).await.and_then(|ran| removed(&ran, path))?;
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
