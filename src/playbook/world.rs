//! What a plan is made for: the inventory and the templates it uses, as they were at plan time.

use super::inventory::Inventory;
use super::template::Templates;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Inventory and templates together; part of the plan, so that a run never reads them again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct World {
    /// Hosts, servers, applications, policy.
    pub inventory: Inventory,
    /// Sources of the templates that the playbook names.
    pub templates: Templates,
}
