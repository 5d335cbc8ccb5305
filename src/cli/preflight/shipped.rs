//! The playbook that is checked when none is given: the shipped swap between these servers, so that every step is checked;
//! with an incomplete inventory only the preflight step.

use super::Args;
use crate::kinds::{RoleName, plays};
use crate::plan::load::{self, Sources};
use crate::playbook::document::Document;
use serde_json::{Value, json};

const SWAP: &str = include_str!("../../../playbooks/replication_swap.yaml");
const ALONE: &str = include_str!("../../../playbooks/preflight_only.yaml");

/// Parameters that name a server.
const SERVERS: [&str; 7] = ["server", "source", "target", "replica", "from", "to", "on"];

/// The playbook, and its inputs as `NAME=VALUE`.
pub fn playbook(args: &Args) -> (String, Vec<String>) {
    let application = application(args);
    let mut swap = tree(SWAP);
    rename(&mut swap, &args.source, &args.target);
    each_preflight(&mut swap, |with| accept(with, args));
    let mut set = vec![format!("databases={}", json!(args.databases))];
    set.extend(application.iter().map(|name| format!("application={name}")));
    let sources = Sources { inventory: Some(args.inventory.clone()), set: set.clone(), ..Sources::default() };
    let swap = swap.to_string(); // JSON is YAML
    if load::plan_of(&swap, &sources).is_ok() {
        return (swap, set);
    }
    let mut alone = tree(ALONE);
    each_preflight(&mut alone, |with| {
        accept(with, args);
        if let Some(application) = &application {
            with["application"] = application.as_str().into();
        }
    });
    let set = vec![
        format!("source={}", args.source),
        format!("target={}", args.target),
        format!("databases={}", json!(args.databases)),
    ];
    (alone.to_string(), set)
}

fn accept(with: &mut Value, args: &Args) {
    with["allow"] = json!(args.allow);
    with["way_back"] = args.way_back.as_str().into();
    with["accept_older_target"] = args.accept_older_target.into();
}

fn tree(text: &str) -> Value {
    Document::parse("playbook", text).map(|document| document.root.to_json()).unwrap_or_default()
}

fn each_preflight(playbook: &mut Value, change: impl Fn(&mut Value)) {
    let steps = playbook["steps"].as_array_mut().into_iter().flatten();
    let examines = |step: &&mut Value| step["uses"].as_str().is_some_and(|uses| plays(uses, RoleName::Examines));
    for step in steps.filter(examines) {
        change(&mut step["with"]);
    }
}

/// Replaces `source` and `target` in the shipped playbook with the names of these servers.
fn rename(value: &mut Value, source: &str, target: &str) {
    let name = |text: &str| match text {
        "source" => Some(source.to_owned()),
        "target" => Some(target.to_owned()),
        _ => None,
    };
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                match field.as_str().filter(|_| SERVERS.contains(&key.as_str())).and_then(name) {
                    Some(renamed) => *field = renamed.into(),
                    None => rename(field, source, target),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, source, target)),
        Value::String(text) => {
            for (role, name) in [("source", source), ("target", target)] {
                *text = text.replace(&format!("servers.{role}."), &format!("servers[{}].", json!(name)));
            }
        }
        _ => {}
    }
}

/// The application that is named, or the only one of the inventory.
fn application(args: &Args) -> Option<String> {
    let only = || {
        let inventory = Document::open(&args.inventory).and_then(|document| load::inventory(&document)).ok()?;
        let mut names = inventory.applications.into_keys();
        names.next().filter(|_| names.next().is_none())
    };
    args.application.clone().or_else(only)
}

#[cfg(test)]
mod tests {
    use super::{SWAP, rename, tree};

    #[test]
    fn servers_of_other_names_take_the_roles() {
        let mut swap = tree(SWAP);
        rename(&mut swap, "db \"1\"", "db2");
        let text = swap.to_string();
        assert!(text.contains(r#""source":"db \"1\"""#) && text.contains(r#""on":"db2""#), "{text}");
        assert!(text.contains(r#"servers[\"db \\\"1\\\"\"].address"#), "{text}");
        for role in ["source", "target"] {
            assert!(!text.contains(&format!("servers.{role}")) && !text.contains(&format!(":\"{role}\"")), "{text}");
        }
    }
}
