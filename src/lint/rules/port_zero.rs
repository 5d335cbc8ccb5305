//! `C025`: an address with the port 0, which only a rehearsal fills in.

use crate::lint::finding::{File, Finding};
use crate::lint::rule::{Rule, Severity};
use crate::lint::subject::Subject;
use crate::playbook::node::{Node, Value};

/// The rule.
pub static RULE: Rule = Rule {
    code: "C025",
    name: "port-zero",
    severity: Severity::Error,
    title: "an address with the port 0",
    page: include_str!("port_zero.md"),
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut places = Vec::new();
    if let Some(inputs) = subject.document.root.get("inputs") {
        let defaults = inputs.entries().iter().filter_map(|(_, input)| input.get("default"));
        defaults.for_each(|value| gather(value, &mut places));
    }
    for step in subject.steps() {
        gather(&step.written.with, &mut places);
    }
    let mut found: Vec<Finding> = places.iter().map(|(node, text)| finding(node, text)).collect();
    let mut places = Vec::new();
    if let Some(servers) = subject.inventory.and_then(|inventory| inventory.root.get("servers")) {
        gather(servers, &mut places);
    }
    found.extend(places.iter().map(|(node, text)| finding(node, text).file(File::Inventory)));
    found
}

fn finding(node: &Node, text: &str) -> Finding {
    let message = format!("nothing listens on the port 0 of `{text}`");
    Finding::new(&RULE, node.span, message)
        .label("no port")
        .help("write the port; for a free port in each rehearsal, give the input `rehearsal: 127.0.0.1:0`")
}

fn gather<'a>(node: &'a Node, places: &mut Vec<(&'a Node, &'a str)>) {
    match &node.value {
        Value::Seq(items) => items.iter().for_each(|item| gather(item, places)),
        Value::Map(entries) => entries.iter().for_each(|(_, value)| gather(value, places)),
        Value::Str(text) if has_port_zero(text) => places.push((node, text)),
        _ => {}
    }
}

/// Whether a text is an address with the port 0: a name, an IPv4 address or an IPv6 address in brackets before it.
fn has_port_zero(text: &str) -> bool {
    let Some(host) = text.strip_suffix(":0") else { return false };
    let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_v6 = name.len() != host.len();
    let sign = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c) || (is_v6 && c == ':');
    !name.is_empty() && name.chars().all(sign) && (is_v6 || name == "localhost" || name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::has_port_zero;

    #[test]
    fn an_address_is_told_from_a_time_of_day() {
        for text in ["127.0.0.1:0", "localhost:0", "db.example:0", "[::1]:0"] {
            assert!(has_port_zero(text), "{text}");
        }
        for text in ["127.0.0.1:3306", "12:0", "::0", "a b.c:0", ":0", "{{ inputs.x }}:0", "[::1]:10"] {
            assert!(!has_port_zero(text), "{text}");
        }
    }
}
