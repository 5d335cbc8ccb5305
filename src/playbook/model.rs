//! The playbook: *what* is done, as reviewed in git. Places are kept, so that later checks can point at them.

use super::node::{Node, Span as Place};
use super::window::Window;
use crate::domain::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A playbook, decoded but not yet checked against its step kinds.
#[derive(Debug, Clone)]
pub struct Playbook {
    /// Name, for lists and reports.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Values that a user may set for a run.
    pub inputs: BTreeMap<String, Input>,
    /// Where each input stands.
    pub input_places: BTreeMap<String, Place>,
    /// What a rehearsal needs to know.
    pub rehearsal: Rehearsal,
    /// Timeouts and retries for steps that set none.
    pub defaults: Defaults,
    /// Steps in file order; those of a block follow it directly.
    pub steps: Vec<Step>,
    /// Blocks in file order.
    pub blocks: Vec<Block>,
    /// Steps that could not be read, for faults of their own.
    pub unread: Vec<String>,
    /// Webhooks that are notified about the run.
    pub on: Occasions,
    /// Where the names of webhooks stand, with the names.
    pub webhook_places: Vec<(String, Place)>,
}

/// Who is notified about a run: names of webhooks in the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Occasions {
    /// A step waits for people, or for its window to open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
    /// The run failed and was rolled back, was refused, or was postponed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// The run has stopped, and a person must decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<String>,
    /// The run is done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
    /// A schedule starts it late, or no longer starts it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
    /// After the switch, `watch` finds a new problem, or that one is gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<String>,
}

impl Occasions {
    /// Whether nobody is notified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Settings of a playbook for rehearsals, besides its inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// The playbook that must run before this one, as a path relative to this file: a failback needs a switch before
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A value that may be set for a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Its value if none is set; without a default the input is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// Its value in a rehearsal, if none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<serde_json::Value>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of texts.
    List,
}

impl InputType {
    /// Whether `value` is of this type.
    #[must_use]
    pub fn accepts(self, value: &serde_json::Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.as_array().is_some_and(|items| items.iter().all(serde_json::Value::is_string)),
        }
    }
}

/// Timeouts and retries for steps that set none of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// Longest time for one attempt of a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How temporary failures are retried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// How temporary failures are retried. Gates are never retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Least number of attempts in all.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: u32,
    /// Least time for which it is tried, counted from the first of several failures in a row: useful for a server that
    /// restarts, or a network that is down.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub time: Option<Span>,
    /// Pause before the second attempt.
    pub delay: Span,
    /// How the pause grows.
    pub backoff: Backoff,
    /// Longest pause.
    pub max_delay: Span,
}

impl Default for Retry {
    fn default() -> Self {
        let seconds = |s| Span(std::time::Duration::from_secs(s));
        Self { attempts: 1, time: None, delay: seconds(5), backoff: Backoff::Exponential, max_delay: seconds(60) }
    }
}

/// How the pause between attempts grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backoff {
    /// Always the same.
    Constant,
    /// Grows by `delay` each time.
    Linear,
    /// Twice as long each time.
    #[default]
    Exponential,
}

/// What happens to the run when a step fails for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Before the point of no return everything is rolled back; after it the run stops.
    #[default]
    Rollback,
    /// The run stops without a rollback; a person can resume it or roll it back.
    Stop,
    /// The failure is recorded and the run continues; a failed point of no return still stops it.
    Continue,
}

/// A step as written.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name, unique in the playbook.
    pub id: String,
    /// Where the id stands.
    pub id_place: Place,
    /// Its kind.
    pub uses: String,
    /// Where the kind stands.
    pub uses_place: Place,
    /// Parameters of the kind.
    pub with: Node,
    /// Steps or blocks that come before, with their places.
    pub needs: Vec<(String, Place)>,
    /// Condition under which it runs.
    pub when: Option<Node>,
    /// Longest time for one attempt.
    pub timeout: Option<Span>,
    /// How it is retried.
    pub retry: Option<Retry>,
    /// Steps that run when this one is undone.
    pub rollback: Vec<Hook>,
    /// What its failure means for the run.
    pub on_failure: OnFailure,
    /// Whether it is a checkpoint: after a later failure, only the steps after it are undone.
    pub keep: bool,
    /// Its block, as an index into `blocks`.
    pub block: Option<usize>,
    /// When it may start.
    pub window: Option<Window>,
}

/// A step that runs when the step it belongs to is undone.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its kind.
    pub uses: String,
    /// Where the kind stands.
    pub uses_place: Place,
    /// Parameters of the kind.
    pub with: Node,
}

/// Steps that run in order under one deadline.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its name, in the same namespace as steps.
    pub id: String,
    /// Where the id stands.
    pub id_place: Place,
    /// Time for the whole block, rollback included.
    pub deadline: Option<Span>,
    /// When it may start.
    pub window: Option<Window>,
}
