//! Broken playbooks, each refused with the right code and the right token underlined. A row changes the clean playbook
//! or its inventory in places; the one token that must be underlined stands between `⟦` and `⟧`.

/// Replaces the end of the playbook by itself and another step.
macro_rules! with_step {
    ($step:literal) => {
        &[("    on_failure: stop\n", concat!("    on_failure: stop\n", $step))]
    };
}

mod bad_ideas;
mod invalid;
mod outcome;
mod switch;

use crate::review::desk::{Desk, INVENTORY, PLAYBOOK, between, changed};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// What is broken, the code and severity, and each change.
type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const ERROR: &str = "error";
const WARNING: &str = "warning";

const TIDY: &str = "    on_failure: stop\n";

fn rows() -> impl Iterator<Item = &'static Row> {
    [invalid::ROWS, bad_ideas::ROWS, switch::ROWS].into_iter().flatten()
}

/// The change is in the inventory where only that has the text.
fn broken(changes: &[(&str, &str)]) -> (String, String) {
    let (mut playbook, mut inventory) = (PLAYBOOK.to_owned(), INVENTORY.to_owned());
    for (from, to) in changes {
        if playbook.contains(from) {
            playbook = changed(&playbook, from, to);
        } else {
            inventory = changed(&inventory, from, to);
        }
    }
    (playbook, inventory)
}

fn marked(text: &str) -> (String, Option<String>) {
    let Some((before, rest)) = text.split_once('⟦') else { return (text.to_owned(), None) };
    let (token, after) = rest.split_once('⟧').unwrap();
    (format!("{before}{token}{after}"), Some(token.to_owned()))
}

/// A row's documents without their marks, and what a strict check answers.
struct Checked {
    playbook: String,
    inventory: String,
    exit: Option<i32>,
    report: Value,
}

impl Checked {
    fn new((.., changes): &Row) -> Self {
        let (playbook, inventory) = broken(changes);
        let (playbook, inventory) = (marked(&playbook).0, marked(&inventory).0);
        let (exit, report) = Desk::new(&playbook, &inventory).json(&["--strict"]);
        Self { playbook, inventory, exit, report }
    }
}

/// Every row with its check, made once for all tests.
fn checked() -> impl Iterator<Item = (&'static Row, &'static Checked)> {
    static CHECKED: LazyLock<Vec<Checked>> = LazyLock::new(|| rows().map(Checked::new).collect());
    rows().zip(CHECKED.iter())
}

/// Complaints about a row.
fn judge(((name, code, severity, changes), checked): (&Row, &Checked)) -> Option<String> {
    let (playbook, inventory) = broken(changes);
    let place = playbook.find('⟦').or_else(|| inventory.find('⟦')).unwrap();
    let file = if playbook.contains('⟦') { "playbook.yaml" } else { "inventory.yaml" };
    let token = marked(&playbook).1.or(marked(&inventory).1).unwrap();
    let Checked { exit, report, .. } = checked;
    let document = |file: &Value| if file == "playbook.yaml" { &checked.playbook } else { &checked.inventory };
    let text = document(&file.into());
    let findings = report["findings"].as_array().unwrap().iter().filter(|found| found["severity"] != "note");
    let found: Vec<Value> = findings
        .map(|found| {
            let start = json!({ "line": found["line"], "column": found["column"] });
            let token = between(document(&found["file"]), &start, &found["end"]);
            json!([found["file"], found["code"], found["severity"], start, token])
        })
        .collect();
    let line = text[..place].matches('\n').count() + 1;
    let column = text[..place].rsplit('\n').next().unwrap().chars().count() + 1;
    let wanted = json!([[file, code, severity, { "line": line, "column": column }, token]]);
    let faults = report["faults"].as_array().unwrap().len();
    let (valid, fits) = (report["valid"] == true, json!(found) == wanted);
    if *exit == Some(2) && fits && valid == (*code != "C000") && (faults > 0) != valid {
        return None;
    }
    Some(format!("{name}: exit {exit:?}, valid {valid}\n  found  {}\n  wanted {wanted}\n", json!(found)))
}

#[test]
fn each_broken_playbook_is_refused_at_the_right_token() {
    assert!(rows().count() >= 40);
    let complaints: String = checked().filter_map(judge).collect();
    assert!(complaints.is_empty(), "{complaints}");
}

/// The table says something only if the playbook it breaks is clean.
#[test]
fn the_playbook_of_the_table_is_clean() {
    let (code, report) = Desk::new(PLAYBOOK, INVENTORY).json(&["--strict"]);
    assert_eq!((code, &report["findings"]), (Some(0), &json!([])));
}

/// Every rule that can fail a check has a row.
#[test]
fn every_rule_is_in_the_table() {
    for rule in cutover::lint::RULES.iter().filter(|rule| rule.severity > cutover::lint::Severity::Note) {
        assert!(
            rows().any(|(_, code, severity, _)| *code == rule.code && *severity == rule.severity.to_string()),
            "{}",
            rule.code
        );
    }
}
