//! `cutover explain`: a page a rule, with examples that are what they say.

use crate::review::desk::{program, text};
use cutover::lint::{RULES, Rule};
use cutover::playbook::document::Document;

#[test]
fn lists_and_explains() {
    let listed = text(&program().arg("explain").output().unwrap().stdout);
    assert_eq!(listed.lines().count(), RULES.len());
    let page = text(&program().args(["explain", "c014"]).output().unwrap().stdout);
    assert!(page.starts_with("# C014 (note): ") && page.contains("# cutover: allow C014 because"), "{page}");
    let unknown = program().args(["explain", "C0O7"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("C007"), "{unknown:?}");
    let all = program().args(["explain", "--format", "json"]).output().unwrap();
    let all: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all.as_array().unwrap().len(), RULES.len());
}

/// The examples of the pages are YAML, and no line is too long for a terminal.
#[test]
fn pages_can_be_read() {
    for rule in RULES {
        let page = rule.explanation();
        for example in examples(&page) {
            Document::parse(rule.code, example).unwrap_or_else(|faults| panic!("{}: {faults}\n{example}", rule.code));
        }
        let long: Vec<&str> = page.lines().filter(|line| line.chars().count() > 120).collect();
        assert!(long.is_empty() && examples(&page).count() >= 2, "{}: {long:?}", rule.code);
    }
}

fn examples(page: &str) -> impl Iterator<Item = &str> {
    page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

/// What the documentation says of the rules is what the program says.
#[test]
fn the_documentation_lists_every_rule() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    let page = std::fs::read_to_string(path).unwrap();
    for Rule { code, severity, title, .. } in RULES {
        let line = format!("| {code} | {severity} | {title} |\n");
        assert!(page.contains(&line), "docs/check.md lacks\n{line}");
    }
}
