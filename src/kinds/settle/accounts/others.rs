//! The accounts and roles of a server that stay behind when only an application's are brought.

use super::subject::Subject;
use crate::effects::Rows;
use crate::playbook::world::World;
use std::collections::BTreeSet;

/// Hosts that mean the server's own machine.
const LOOPBACK: [&str; 4] = ["localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1"];

/// Accounts and roles on `from` that `to` does not have: those of the servers' own machine's administrator, of the runner
/// and of replication left out, and the anonymous ones, which only stand in the way of others. Rows are the answers of both
/// servers to [`accounts_and_roles`](crate::dialect::Dialect::accounts_and_roles); `machine` is what `from` is
/// called ([`machine_name`](crate::dialect::Dialect::machine_name)).
pub fn behind(world: &World, (from, to): (&str, &str), there: &Rows, here: &Rows, machine: &str) -> Vec<Subject> {
    let present: BTreeSet<(String, String)> = Subject::all(here).iter().map(Subject::pair).collect();
    let servers = || [from, to].into_iter().filter_map(|name| world.inventory.server(name));
    let runner = |user: &str| servers().any(|server| server.user == user);
    let replica = |user: &str| servers().filter_map(|server| server.replication.as_ref()).any(|one| one.user == user);
    let is_local = |host: &str| LOOPBACK.contains(&host) || host.eq_ignore_ascii_case(machine);
    let wanted = |subject: &Subject| {
        let user = subject.user.as_str();
        let is_administrator = user == "root" && is_local(&subject.host);
        let is_apart = user.is_empty() || runner(user) || replica(user) || is_administrator;
        !is_apart && !present.contains(&subject.pair())
    };
    Subject::all(there).into_iter().filter(wanted).collect()
}
