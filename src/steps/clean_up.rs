//! `clean_up`: removes from a host what the run has left there, once it is of no use any more.

use super::long_work;
use super::place::{job_dir, run_marker};
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
}

impl CleanUp {
    fn folder(&self, world: &World, run: &str) -> String {
        let one = job_dir(world, &self.host, run, "");
        one.trim_end_matches('/').to_owned()
    }
}

#[async_trait]
impl Step for CleanUp {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let folder = self.folder(world, &run_marker());
        Ok(vec![
            Action::note(format!("end every job of this run on {}, its tunnel among them", self.host)),
            Action::command(&self.host, format!("rm -rf -- '{folder}'")),
        ])
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
        for step in host.sh(list, &[&folder], None).await?.lines() {
            long_work::clear(cx, &self.host, &format!("{folder}/{step}")).await?;
        }
        host.sh("rm -rf -- \"$1\"", &[&folder], None).await?;
        if host.run(&["test", "-e", &folder], None).await?.code == Some(0) {
            return Err(Failure::transient("clean up", format!("{folder} is still there")).at(&self.host));
        }
        Ok(Outputs::new())
    }

    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}
