//! `C016`: an input that no step mentions.

use crate::lint::finding::Finding;
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;
use crate::playbook::node::{Node, Value};
use crate::playbook::template;
use std::collections::BTreeSet;

/// The rule.
pub static RULE: Rule = Rule {
    code: "C016",
    name: "unused-input",
    severity: Severity::Warning,
    title: "an input that nothing uses",
    page: include_str!("unused_input.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.playbook.inputs.is_empty() {
        return Vec::new();
    }
    let mut used = BTreeSet::new();
    let env = template::environment();
    if let Some(steps) = subject.document.root.get("steps") {
        gather(steps, false, &env, &mut used);
    }
    let unused =
        subject.playbook.input_places.iter().filter(|(name, _)| !used.contains("*") && !used.contains(name.as_str()));
    unused
        .map(|(name, place)| {
            Finding::new(&RULE, *place, format!("no step uses the input `{name}`"))
                .label("has no effect")
                .help(format!("use it, `{{{{ inputs.{name} }}}}`, or remove it"))
        })
        .collect()
}

/// The inputs that the texts below `node` name; a condition is an expression without braces.
fn gather(node: &Node, condition: bool, env: &minijinja::Environment<'_>, used: &mut BTreeSet<String>) {
    match &node.value {
        Value::Seq(items) => items.iter().for_each(|item| gather(item, false, env, used)),
        Value::Map(entries) => entries.iter().for_each(|(key, value)| gather(value, key.text == "when", env, used)),
        Value::Str(text) if text.contains("inputs") => {
            let bare = condition && !template::is_template(text);
            let text = if bare { format!("{{{{{text}}}}}") } else { text.clone() };
            let names = template::names_used(env, &text).unwrap_or_default();
            if names.iter().any(|name| name == "inputs") {
                used.insert("*".into()); // all of them at once
            }
            used.extend(
                names
                    .iter()
                    .filter_map(|name| name.strip_prefix("inputs."))
                    .map(|name| name.split('.').next().unwrap_or_default().to_owned()),
            );
        }
        _ => {}
    }
}
