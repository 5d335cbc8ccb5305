//! `C015`: a replica and a source to which the inventory gives the same `server_id`.

use crate::kinds::role::Follows;
use crate::lint::finding::{File, Finding};
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C015",
    name: "server-id-twice",
    severity: Severity::Error,
    title: "two servers of one replication with the same server_id",
    page: include_str!("server_id_twice.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(document) = subject.inventory else { return Vec::new() };
    let world = &subject.plan.world.inventory;
    let finding = |(_, Follows { replica, source, .. }): (Pair<'_>, &Follows)| {
        let id = world.server(replica)?.server_id?;
        if replica == source || world.server(source)?.server_id != Some(id) {
            return None;
        }
        let place = document.root.get("servers")?.get(replica)?.get("server_id")?.span;
        let message = format!("`{replica}` replicates from `{source}`, but both have server_id {id}");
        let finding = Finding::new(&RULE, place, message).file(File::Inventory).label("the same as its source's");
        Some(finding.help("give each server its own number"))
    };
    subject.playing().filter(|(_, follows): &(_, &Follows)| !follows.way_back).filter_map(finding).collect()
}
