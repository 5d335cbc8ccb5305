//! Variables that an inventory passes to the programs of a host (`pass_env`), where that cannot be.

use crate::domain::secret::SecretRef;
use crate::playbook::document::Document;
use crate::playbook::fault::Fault;
use crate::playbook::inventory::Inventory;
use std::collections::BTreeSet;

/// Those of hosts behind ssh, whose programs find the environment there, and those that hold a secret.
pub(super) fn faults(inventory: &Inventory, document: &Document) -> Vec<Fault> {
    let secrets: BTreeSet<&str> = inventory.secrets().into_iter().filter_map(variable).collect();
    let mut faults = Vec::new();
    for (name, host) in &inventory.hosts {
        let written = document.root.at("hosts");
        let written = written.get(name).and_then(|host| host.get("pass_env")).unwrap_or(written);
        if host.ssh.is_some() && !host.pass_env.is_empty() {
            let message = format!("programs on `{name}` get the environment of a login there, not the runner's");
            let fault = Fault::new(written.span, message).label("has no effect over ssh");
            faults.push(fault.help("set the variables on that host, or in the command: [env, NAME=value, program]"));
            continue;
        }
        for odd in host.pass_env.iter().filter(|variable| variable.is_empty() || variable.contains(['=', '\0'])) {
            let message = format!("`{}` is not the name of an environment variable", odd.escape_debug());
            faults.push(Fault::new(written.span, message).help("write its name, such as AWS_PROFILE"));
        }
        for secret in host.pass_env.iter().filter(|variable| secrets.contains(variable.as_str())) {
            let message = format!("the variable {secret} holds a secret of this inventory");
            let fault = Fault::new(written.span, message).label("never passed to a program");
            faults.push(fault.help("let the program read a file, or another variable"));
        }
    }
    faults
}

fn variable(secret: &SecretRef) -> Option<&str> {
    match secret {
        SecretRef::Env(name) => Some(name),
        SecretRef::File(_) | SecretRef::Command(_) => None,
    }
}
