//! People's decisions, as a step sees them. Where they come from (terminal, command, page) is the runner's business.

use crate::error::Result;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was decided, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Whether the run may go on.
    pub approved: bool,
    /// Who decided.
    pub by: String,
    /// Why, if a reason was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// A source of decisions.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// The decision on `step`, if there is one by now. `message` is what people are asked.
    async fn decision(&self, step: &str, message: &str) -> Result<Option<Decision>>;
}
