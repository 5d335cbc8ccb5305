//! `C014`: a server in replication whose `server_id` the inventory does not state.

use crate::kinds::role::WritesConfiguration;
use crate::lint::edit;
use crate::lint::finding::{File, Finding};
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C014",
    name: "unpinned-server-id",
    severity: Severity::Note,
    title: "a server_id that changes with the inventory",
    page: include_str!("unpinned_server_id.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(document) = subject.inventory else { return Vec::new() };
    let world = &subject.plan.world.inventory;
    let files = subject.playing::<WritesConfiguration>();
    let mut rendered: Vec<&str> = files.map(|(_, file)| file.server.as_str()).collect();
    rendered.sort_unstable();
    rendered.dedup();
    let unpinned = rendered.into_iter().filter(|name| world.server(name).is_some_and(|s| s.server_id.is_none()));
    let finding = |name: &str| {
        let (key, node) = document.root.get("servers")?.entry(name)?;
        let id = world.server_id(name);
        let message = format!("`{name}` gets the server_id {id}, derived from its name, host and address");
        let finding = Finding::new(&RULE, key.span, message).file(File::Inventory).label("has no server_id");
        let fix = edit::set_field(document, node, "server_id", &id.to_string());
        Some(finding.help(format!("state it, so that it never changes: `server_id: {id}`")).fix(fix))
    };
    unpinned.filter_map(finding).collect()
}
