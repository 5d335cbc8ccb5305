//! Addresses that take messages.

use crate::domain::secret::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An address that takes messages over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its address. A secret, because often anyone who knows it can send messages.
    pub url: SecretRef,
    /// What is sent.
    #[serde(default)]
    pub format: MessageFormat,
    /// Further headers, such as `Authorization`; their values are secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretRef>,
}

/// What a webhook is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageFormat {
    /// A JSON object with the run, the event, and a sentence for people.
    #[default]
    Json,
    /// The format of Slack and compatible services: an object with a `text`.
    Slack,
}

impl Webhook {
    /// Every secret that it refers to.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        std::iter::once(&self.url).chain(self.headers.values())
    }
}
