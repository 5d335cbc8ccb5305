//! `C022`: the promoted server's file closes it, or leaves it configured for an import, at its next restart.

use crate::kinds::role::{Opens, SetsVariables, WritesConfiguration};
use crate::lint::finding::{File, Finding};
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::{Pair, Subject};
use serde_json::Value;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C022",
    name: "closed-after-restart",
    severity: Severity::Warning,
    title: "the new server is closed to writes after its next restart",
    page: include_str!("closed_after_restart.md"),
    check,
};

const VARIABLES: [&str; 2] = ["read_only", "super_read_only"];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (_, Opens { server, .. }) in subject.playing() {
        found.extend(left_as_import(subject, server));
        found.extend(kept_closed(subject, server));
        found.extend(closed_by_settings(subject, server));
    }
    found
}

/// The last file is the one for an import.
fn left_as_import(subject: &Subject<'_>, server: &str) -> Option<Finding> {
    let import = last(subject, |step| is_for_import(step, server) == Some(true))?;
    let opens = |step| is_for_import(step, server) == Some(false) || persists(step, server) == Some(false);
    if subject.steps().any(|step| opens(step) && subject.is_before(import, step)) {
        return None;
    }
    let message = format!("`{server}` keeps the configuration file for an import, which closes it");
    let finding = Finding::new(&RULE, import.place_of("profile"), message).label("nothing is rendered after it");
    Some(finding.help(format!(
        "after the switch: `uses: render`, `with: {{ template: my.cnf.j2, server: {server}, profile: production }}`"
    )))
}

/// The last `set_variables` that persists it closes the server, and no file is rendered later.
fn kept_closed(subject: &Subject<'_>, server: &str) -> Option<Finding> {
    let closing = last(subject, |step| persists(step, server) == Some(true))?;
    let undone =
        |step: &Pair<'_>| persists(*step, server) == Some(false) || is_for_import(*step, server) == Some(false);
    if subject.steps().any(|step| undone(&step) && subject.is_before(closing, step)) {
        return None;
    }
    let message = format!("`{server}` is opened, but `{}` closes it in its configuration file", closing.written.id);
    let finding = Finding::new(&RULE, closing.written.uses_place, message).label("read-only after a restart");
    Some(finding.help("after the switch: `uses: set_variables` with `persist: true` and `read_only: false`"))
}

/// The inventory's settings, which stand last in every rendered file.
fn closed_by_settings(subject: &Subject<'_>, server: &str) -> Option<Finding> {
    subject.playing::<WritesConfiguration>().find(|(_, file)| file.server == server)?;
    let settings = subject.inventory?.root.get("servers")?.get(server)?.get("settings")?;
    let (name, value) = settings
        .entries()
        .iter()
        .find(|(name, value)| VARIABLES.contains(&name.text.replace('-', "_").as_str()) && is_on(&value.to_json()))?;
    let message = format!("`{server}` is opened, but its `settings` put `{}` into every configuration file", name.text);
    let finding = Finding::new(&RULE, value.span, message).file(File::Inventory).label("read-only after a restart");
    Some(finding.help("remove it: the import profile closes the server until the switch without it"))
}

/// The last step that does something, in the order of the file.
fn last<'a>(subject: &Subject<'a>, does: impl Fn(Pair<'a>) -> bool) -> Option<Pair<'a>> {
    subject.steps().filter(|step| does(*step)).last()
}

/// Whether a step leaves the server with the file of an import, or with the one of production; `None` when it writes none.
fn is_for_import(step: Pair<'_>, server: &str) -> Option<bool> {
    step.role::<WritesConfiguration>().filter(|file| file.server == server).map(|file| file.for_import)
}

/// Whether a step leaves the server closed or open in its file; `None` when it does neither.
fn persists(step: Pair<'_>, server: &str) -> Option<bool> {
    step.role::<SetsVariables>().filter(|set| set.kept && set.server == server)?.closed
}

fn is_on(value: &Value) -> bool {
    *value == Value::Bool(true)
        || *value == 1
        || value
            .as_str()
            .is_some_and(|text| text == "1" || ["on", "true"].iter().any(|on| text.eq_ignore_ascii_case(on)))
}
