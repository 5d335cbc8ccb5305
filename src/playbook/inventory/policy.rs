//! What the company allows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the company allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whether replication between hosts must be encrypted, and the runner's own connections to other machines.
    pub encrypted_replication: Encryption,
    /// Regions in which every host that a playbook uses must stand; empty means that any will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["NO", "DE"]]))]
    pub regions: Vec<String>,
}

/// Whether replication between hosts must be encrypted, and the runner's own connections to other machines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// Plain text between hosts is refused.
    #[default]
    Required,
    /// Plain text is allowed, at your own risk.
    Optional,
}
