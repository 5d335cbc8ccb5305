//! Where the hosts of a plan stand, and whether the company's policy lets its data there. Pure.

use super::Plan;
use crate::kinds::Action;
use crate::playbook::document::Document;
use crate::playbook::fault::Fault;
use crate::playbook::node::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Every host on which the plan does something or that holds one of its servers, with its region where one is stated. A
/// host that only runs a command counts: the command may bring data there.
#[must_use]
pub fn regions(plan: &Plan) -> BTreeMap<String, Option<String>> {
    let inventory = &plan.world.inventory;
    let region = |name: &str| inventory.host(name).and_then(|host| host.region.clone());
    used(plan).into_iter().map(|name| (name.to_owned(), region(name))).collect()
}

/// Hosts outside the regions that `policy` allows, each underlined in the inventory.
pub(super) fn faults(plan: &Plan, inventory: &Document) -> Vec<Fault> {
    let allowed = &plan.world.inventory.policy.regions;
    if allowed.is_empty() {
        return Vec::new();
    }
    let listed = allowed.join(", ");
    let outside = |(name, region): (String, Option<String>)| match region {
        Some(region) if allowed.contains(&region) => None,
        Some(region) => {
            let message = format!("the plan uses host `{name}` in {region}, and `policy.regions` allows {listed}");
            let fault = Fault::new(place(inventory, &name), message).label("not an allowed region");
            Some(fault.help("take another host, or add the region to `policy.regions` if the data may be there"))
        }
        None => {
            let message =
                format!("the plan uses host `{name}`, which has no `region`; `policy.regions` allows {listed}");
            let fault = Fault::new(place(inventory, &name), message).label("which region is it in?");
            // a host without `ssh` is the runner's own machine
            let ssh = plan.world.inventory.hosts.get(&name).and_then(|host| host.ssh.as_deref());
            let ssh = ssh.map_or_else(String::new, |ssh| format!("ssh: {ssh}, "));
            Some(fault.help(format!("state it under `hosts`: `{name}: {{ {ssh}region: ... }}`")))
        }
    };
    regions(plan).into_iter().filter_map(outside).collect()
}

fn used(plan: &Plan) -> BTreeSet<&str> {
    let steps = plan.steps.iter().filter(|step| step.skip.is_none());
    let actions = steps.flat_map(|step| {
        let hooks = step.rollback.iter().flat_map(|hook| &hook.actions);
        step.actions.iter().chain(&step.undo).chain(hooks)
    });
    let hosts = actions.chain(&plan.opening).filter_map(|action| match action {
        Action::Sql { server, .. } => Some(plan.world.inventory.host_of(server)),
        other => other.host(),
    });
    hosts.collect()
}

/// The region as written, or else the host's name; for a host that only an application names, where it does.
fn place(inventory: &Document, name: &str) -> Span {
    if let Some((key, host)) = inventory.root.get("hosts").and_then(|hosts| hosts.entry(name)) {
        return host.get("region").map_or(key.span, |region| region.span);
    }
    let applications = inventory.root.get("applications").map_or(&[][..], |applications| applications.entries());
    let named = applications.iter().flat_map(|(_, application)| {
        ["config", "haproxy"].into_iter().filter_map(|part| application.get(part)?.get("host"))
    });
    named.filter(|host| host.as_str() == Some(name)).map(|host| host.span).next().unwrap_or_default()
}
