//! What could not be had because of faults that are reported already: it gives rise to no further ones.

use std::collections::BTreeSet;

/// Parts of the documents that cannot be checked.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    /// The inventory is at fault.
    pub inventory: bool,
    /// No inventory was named.
    pub no_inventory: bool,
    /// Webhooks are not looked for: a rehearsal notifies nobody.
    pub webhooks: bool,
    /// Inputs without a usable value.
    pub inputs: BTreeSet<String>,
    /// Steps that could not be read.
    pub steps: BTreeSet<String>,
}

impl Gaps {
    /// Whether `name` cannot be checked, as in `servers.source.host`.
    #[must_use]
    pub fn cover(&self, name: &str) -> bool {
        let mut parts = name.split('.');
        match (parts.next(), parts.next()) {
            (Some("hosts" | "servers" | "applications" | "policy"), _) => self.inventory,
            (Some("inputs"), Some(input)) => self.inputs.contains(input),
            (Some("steps"), Some(step)) => self.steps.contains(step),
            _ => false,
        }
    }
}
