//! Rules of the company.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rules of the company.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whether replication between hosts, and the runner's own connections to other machines, must be encrypted.
    pub encrypted_replication: Encryption,
    /// Allowed regions for every host that a playbook uses; empty allows all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["NO", "DE"]]))]
    pub regions: Vec<String>,
}

/// Whether replication between hosts, and the runner's own connections to other machines, must be encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// Plain text between hosts is refused.
    #[default]
    Required,
    /// Plain text is allowed, at your own risk.
    Optional,
}
