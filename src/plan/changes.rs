//! What differs between two plans, for people: only the parts that changed, and of those only the changed lines.
//!
//! Pure. A plan holds no secret, so nothing here can.

use super::Plan;
use serde::Serialize;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Number of lines shown; `cutover plan` shows the rest.
const LINES: usize = 60;
/// A longer line is cut: the content of a file may be one.
const WIDTH: usize = 160;

/// One part of a plan that is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The part: ``step `dump` ``.
    pub part: String,
    /// What became of it.
    pub became: Became,
    /// Its changed lines, as a diff.
    pub diff: String,
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was not there before.
    New,
    /// It is not there any more.
    Gone,
    /// It has changed.
    Changed,
}

/// The parts of `begun` that are different in `now`, in the order of a plan.
#[must_use]
pub fn list(begun: &Plan, now: &Plan) -> Vec<Change> {
    let (old, new) = (parts(begun), parts(now));
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let mut changed: Vec<&(usize, String)> = new.keys().filter(|name| old.get(*name) != new.get(*name)).collect();
    changed.extend(gone);
    changed.sort();
    let change = |name: &(usize, String)| {
        let became = match (old.contains_key(name), new.contains_key(name)) {
            (true, false) => Became::Gone,
            (false, true) => Became::New,
            _ => Became::Changed,
        };
        let text = |parts: &Parts| parts.get(name).cloned().unwrap_or_default();
        let (old, new) = (text(&old), text(&new));
        let diff = TextDiff::from_lines(&old, &new).unified_diff().context_radius(1).to_string();
        let lines = diff.lines().filter(|line| !line.starts_with("@@"));
        let diff = lines.fold(String::new(), |mut out, line| {
            out.push_str(line);
            out.push('\n');
            out
        });
        Change { part: name.1.clone(), became, diff }
    };
    changed.into_iter().map(change).collect()
}

/// What of `begun` is different in `now`, as a list of the changed parts and a diff of each. At most some sixty lines.
#[must_use]
pub fn between(begun: &Plan, now: &Plan) -> String {
    let changes = list(begun, now);
    if changes.is_empty() {
        return "no visible change; another version of cutover may write the same plan differently\n".to_owned();
    }
    bounded(&text(&changes, Some(WIDTH)))
}

/// Changes for terminals; lines longer than `width` characters are cut.
#[must_use]
pub fn text(changes: &[Change], width: Option<usize>) -> String {
    let mut out = String::new();
    for change in changes {
        let became = match change.became {
            Became::New => " (new)",
            Became::Gone => " (gone)",
            Became::Changed => "",
        };
        // writing into a String cannot fail
        let _ = writeln!(out, "{}{became}:", change.part);
        for line in change.diff.lines() {
            let _ = writeln!(out, "  {}", cut(line, width.unwrap_or(usize::MAX)));
        }
    }
    out
}

/// Parts by place and name, each as text of many short lines.
type Parts = BTreeMap<(usize, String), String>;

fn parts(plan: &Plan) -> Parts {
    let mut parts = Parts::new();
    let mut add = |place: usize, name: String, text: String| parts.insert((place, name), text);
    let inventory = &plan.world.inventory;
    add(0, "name and description".into(), pretty(&(&plan.name, &plan.description)));
    add(1, "inputs".into(), pretty(&plan.inputs));
    for (name, host) in &inventory.hosts {
        add(2, format!("host `{name}`"), pretty(host));
    }
    for (name, server) in &inventory.servers {
        add(3, format!("server `{name}`"), pretty(server));
    }
    for (name, application) in &inventory.applications {
        add(4, format!("application `{name}`"), pretty(application));
    }
    add(5, "policy".into(), pretty(&inventory.policy));
    let order: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    add(6, "order of the steps".into(), pretty(&order));
    for block in &plan.blocks {
        add(7, format!("block `{}`", block.id), pretty(block));
    }
    for step in &plan.steps {
        add(8, format!("step `{}`", step.id), pretty(step));
    }
    for (name, template) in &plan.world.templates.0 {
        add(9, format!("template {name}"), template.clone());
    }
    if !plan.on.is_empty() {
        add(10, "notifications".into(), pretty(&plan.on));
    }
    for (name, webhook) in &inventory.webhooks {
        add(10, format!("webhook `{name}`"), pretty(webhook));
    }
    add(11, "setup".into(), pretty(&plan.opening));
    parts
}

/// JSON, with the lines of a text in it on lines of their own: a file of which one line changed shows that line.
fn pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default().replace("\\n", "\n        ") + "\n"
}

fn cut(line: &str, width: usize) -> String {
    match line.char_indices().nth(width) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

fn bounded(text: &str) -> String {
    let count = text.lines().count();
    if count <= LINES {
        return text.to_owned();
    }
    let kept: String = text.split_inclusive('\n').take(LINES).collect();
    let more = count - LINES;
    format!("{kept}... and {more} more {}\n", if more == 1 { "line" } else { "lines" })
}

#[cfg(test)]
mod tests {
    use super::{bounded, cut};

    #[test]
    fn much_is_cut_at_a_whole_character() {
        assert_eq!(bounded(&"x\n".repeat(60)), "x\n".repeat(60));
        assert_eq!(bounded(&"x\n".repeat(62)), "x\n".repeat(60) + "... and 2 more lines\n");
        assert_eq!(cut(&"ü".repeat(200), 160), "ü".repeat(160) + "...");
    }
}
