//! Where the runner's own connections would leave its machine in plain text, as far as the inventory shows. Pure.
//!
//! Names that stand for an address of another machine show only at run time, and are refused then.

use super::{Plan, opening};
use crate::domain::endpoint::Endpoint;
use crate::playbook::document::Document;
use crate::playbook::fault::Fault;
use crate::playbook::inventory::{Encryption, Host, Inventory};
use crate::playbook::node::Span;
use std::net::IpAddr;

/// Servers that the plan works on and that the runner would reach in plain text on another machine, each underlined in
/// the inventory.
pub(super) fn faults(plan: &Plan, written: &Document) -> Vec<Fault> {
    let inventory = &plan.world.inventory;
    if inventory.policy.encrypted_replication != Encryption::Required {
        return Vec::new();
    }
    opening::asked(plan).into_iter().filter_map(|name| fault(inventory, written, name)).collect()
}

fn fault(inventory: &Inventory, written: &Document, name: &str) -> Option<Fault> {
    let server = inventory.server(name)?;
    let is_here = inventory.host(&server.host).is_none_or(Host::is_local);
    if server.tls.is_some() || !is_here || !leads_away(&server.address) {
        return None;
    }
    let message = format!(
        "the runner would speak to `{name}` at {} in plain text, which `policy.encrypted_replication: required` refuses",
        server.address
    );
    let help = format!(
        "add `tls: {{ ca: FILE }}` to servers.{name}; or give host `{}` its `ssh`; or, when the server is on this machine, \
         write 127.0.0.1; or set `policy.encrypted_replication: optional`, which reviewers will read",
        server.host
    );
    Some(Fault::new(place(written, name), message).label("another machine").help(help))
}

/// Whether an address is known to be of another machine.
fn leads_away(address: &str) -> bool {
    let host = Endpoint::of(address).host.parse::<IpAddr>();
    host.is_ok_and(|host| !host.to_canonical().is_loopback())
}

fn place(written: &Document, name: &str) -> Span {
    let server = written.root.get("servers").and_then(|servers| servers.entry(name));
    server.map(|(key, server)| server.get("address").map_or(key.span, |address| address.span)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::leads_away;

    #[test]
    fn only_what_is_known_to_lead_away_does() {
        for away in ["10.0.0.7:3306", "[2001:db8::7]:3306", "[::ffff:10.0.0.7]:3306", "0.0.0.0:3306"] {
            assert!(leads_away(away), "{away}");
        }
        for here in ["127.0.0.1:3306", "127.8.0.1:1", "[::1]:3306", "[::ffff:127.0.0.1]:1", "localhost:1", "db1:3306"] {
            assert!(!leads_away(here), "{here}");
        }
    }
}
