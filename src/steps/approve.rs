//! `approve`: a person says whether the run goes on.

use super::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::error::{Failure, Result};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output { name: "by", kind: OutputType::Text, about: "Who approved." }];

/// How often decisions are looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until a person approves: on the terminal, or with `cutover approve RUN STEP`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "There is nothing to undo.",
    "examples" = [{ "message": "Switch the application over now?" }]
))]
pub struct Approve {
    /// What people are asked.
    #[serde(default = "question")]
    message: String,
}

fn question() -> String {
    "Go on?".into()
}

#[async_trait]
impl Step for Approve {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }
    fn preview(&self, _: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        Ok(vec![Action::note(format!("wait until a person answers: {}", self.message))])
    }
    fn unproved(&self, _: &World) -> Vec<String> {
        vec!["who answers, what, and when".to_owned()]
    }
    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }
    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        cx.progress.note(format!("waiting for approval: {}", self.message));
        loop {
            if let Some(decision) = cx.fx.approvals().decision(cx.step, &self.message).await? {
                if decision.approved {
                    return Ok([("by".to_owned(), decision.by.into())].into_iter().collect());
                }
                let reason = decision.reason.unwrap_or_else(|| "no reason was given".into());
                return Err(Failure::refused("go on", format!("{} said no: {reason}", decision.by)));
            }
            cx.pause(LOOK, "wait for approval").await?;
        }
    }
    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}
