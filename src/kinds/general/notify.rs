//! `notify`: sends a message to a webhook.

use crate::error::Result;
use crate::kinds::role::{Role, Tells};
use crate::kinds::{Action, Complaint, Ctx, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output { name: "message", kind: OutputType::Text, about: "The message." }];

/// Sends a message to a webhook of the inventory. The message is written to the outbox together with the step's result
/// and is sent from there: the run does not wait for an answer, and does not fail without one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "There is nothing to undo: a message that was sent cannot be recalled.",
    "examples" = [{ "to": "ops", "message": "The copy is complete; the switch is planned for Sunday." }]
))]
pub struct Notify {
    /// The webhook.
    #[schemars(extend("format" = "webhook"))]
    to: String,
    /// The message.
    message: String,
}

#[async_trait]
impl Step for Notify {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn roles(&self) -> Vec<Role> {
        vec![Tells { webhook: self.to.clone(), message: self.message.clone() }.into()]
    }
    fn preview(&self, _: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        Ok(vec![Action::note(format!(
            "send to the webhook {}, without waiting for an answer: {}",
            self.to, self.message
        ))])
    }
    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }
    async fn execute(&self, _: &Ctx<'_>) -> Result<Outputs> {
        Ok([("message".to_owned(), self.message.clone().into())].into_iter().collect())
    }
    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}
