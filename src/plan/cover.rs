//! Where the runner's own connections would leave its machine in plain text, as far as the inventory shows. Pure.
//!
//! Names that stand for an address of another machine show only at run time, and are refused then.

use super::{Plan, opening};
use crate::domain::endpoint::Endpoint;
use crate::kinds::Action;
use crate::playbook::document::Document;
use crate::playbook::fault::Fault;
use crate::playbook::inventory::{Encryption, Host, Inventory};
use crate::playbook::node::Span;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A way that the runner takes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    server: String,
    /// Host that it starts from.
    host: String,
    /// Address, seen from there.
    address: String,
}

/// Ways on which the runner would speak in plain text to another machine, each underlined in the inventory: its own
/// connections, and the logins that it tries for others.
pub(super) fn faults(plan: &Plan, written: &Document) -> Vec<Fault> {
    let inventory = &plan.world.inventory;
    if inventory.policy.encrypted_replication != Encryption::Required {
        return Vec::new();
    }
    ways(plan).iter().filter_map(|way| fault(inventory, written, way)).collect()
}

fn ways(plan: &Plan) -> BTreeSet<Way> {
    let own = opening::asked(plan).into_iter().filter_map(|name| {
        let server = plan.world.inventory.server(name)?;
        Some(Way { server: name.to_owned(), host: server.host.clone(), address: server.address.clone() })
    });
    let tried = plan.actions().filter_map(|action| match action {
        Action::Login { server, host, address, .. } => {
            Some(Way { server: server.clone(), host: host.clone(), address: address.known()? })
        }
        _ => None,
    });
    own.chain(tried).collect()
}

fn fault(inventory: &Inventory, written: &Document, Way { server, host, address }: &Way) -> Option<Fault> {
    let is_here = inventory.host(host).is_none_or(Host::is_local);
    if inventory.server(server)?.tls.is_some() || !is_here || !leads_away(address) {
        return None;
    }
    let message = format!(
        "the runner would talk to `{server}` at {address} in plain text, which `policy.encrypted_replication: \
         required` refuses"
    );
    let help = format!(
        "add `tls: {{ ca: FILE }}` to servers.{server}; or give host `{host}` its `ssh`; or, when the server is on this \
         machine, write 127.0.0.1; or set `policy.encrypted_replication: optional`, which reviewers will see"
    );
    Some(Fault::new(place(written, server, address), message).label("another machine").help(help))
}

/// Whether an address is known to be of another machine.
fn leads_away(address: &str) -> bool {
    let host = Endpoint::of(address).host.parse::<IpAddr>();
    host.is_ok_and(|host| !host.to_canonical().is_loopback())
}

/// Where the address is written.
fn place(written: &Document, server: &str, address: &str) -> Span {
    let Some((key, server)) = written.root.get("servers").and_then(|servers| servers.entry(server)) else {
        return Span::default();
    };
    let fields = ["address", "endpoint"].into_iter().filter_map(|field| server.get(field));
    fields.filter(|field| field.as_str() == Some(address)).map(|field| field.span).next().unwrap_or(key.span)
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
