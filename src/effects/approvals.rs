//! People's decisions, as a step sees them. The runner knows where they come from (terminal, command, page).

use crate::error::Result;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was decided, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Whether the run may continue.
    pub approved: bool,
    /// Who decided: a person by name, or an account as `user@host`.
    pub by: String,
    /// Why, if a reason was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Hash of the plan that the person saw.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan: Option<String>,
    /// SHA-256 of the file of people that the person is known by; missing for an account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub people: Option<String>,
}

/// Whose approval is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Rule {
    /// How many different people must approve.
    pub count: u32,
    /// Whether the person who started the run does not count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_starter: bool,
    /// Who counts; empty for everybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// How long the question is open, in milliseconds; without a limit if missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
}

impl Default for Rule {
    fn default() -> Self {
        Self { count: 1, not_starter: false, people: Vec::new(), expires_ms: None }
    }
}

impl Rule {
    /// Whether one answer of anybody is enough, at any time.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// State of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It waits for people.
    Open,
    /// Enough people approved.
    Approved(Vec<String>),
    /// Somebody refused.
    Refused(Decision),
    /// It lapsed: in words, who had approved by then.
    Lapsed(String),
}

/// A source of decisions.
#[async_trait]
pub trait Approvals: Send + Sync {
    /// The current state of the question of `step`. `message` is the question for people.
    ///
    /// # Errors
    /// When the answers of people cannot be read.
    async fn answer(&self, step: &str, message: &str, rule: &Rule) -> Result<Answer>;
}
