//! What was found out about hosts and servers where the inventory states nothing: it fills gaps, and never overrides.

use super::inventory::{Facts, Inventory};
use crate::domain::product::Product;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Facts by the inventory's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Learned {
    /// Memory and processors of hosts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, Facts>,
    /// Family and version of servers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub servers: BTreeMap<String, Product>,
}

impl Learned {
    /// Whether nothing was found out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.servers.is_empty()
    }
    /// The inventory with its gaps filled.
    #[must_use]
    pub fn complete(&self, mut inventory: Inventory) -> Inventory {
        for (name, facts) in &self.hosts {
            if let Some(host) = inventory.hosts.get_mut(name) {
                host.facts.get_or_insert(*facts);
            }
        }
        for (name, product) in &self.servers {
            if let Some(server) = inventory.servers.get_mut(name)
                && server.family.is_none_or(|family| family == product.family)
            {
                server.family = Some(product.family);
                server.version.get_or_insert(product.version);
            }
        }
        inventory
    }
}
