//! What is kept of a run for those who ask later.

use crate::desk::Desk;
use serde_json::Value;
use std::process::Command;

const PLAYBOOK: &str = "
version: 1
name: small
steps:
  - { id: asked, uses: approve, with: { message: Go on? } }
  - { id: first, needs: [asked], uses: command, with: { host: local, run: [\"true\"], undo: [\"true\"] } }
  - { id: second, needs: [first], uses: command, with: { host: local, run: [sh, -c, 'echo <b>bold</b> >&2; exit 1'] } }
";

fn git(desk: &Desk, args: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(desk.path("")).args(["-c", "user.name=A", "-c", "user.email=a@b"]).args(args);
    assert!(git.output().unwrap().status.success(), "git {args:?}");
}

#[test]
fn the_json_report_is_what_its_schema_says_and_names_the_commit() {
    let desk = Desk::new(PLAYBOOK);
    for args in [["init", "-q"].as_slice(), &["add", "."], &["commit", "-q", "-m", "a"]] {
        git(&desk, args);
    }
    assert_eq!(desk.run(&["--yes"]).code, 3);
    let report: Value = serde_json::from_str(&desk.say(&["report", "--format", "json"]).out).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../schemas/report.schema.json")).unwrap();
    let faults: Vec<_> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&report).map(|e| e.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    let evidence = &report["evidence"];
    let commit = evidence["revision"].as_str().unwrap();
    assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{commit}");
    assert_eq!(evidence["decisions"][0]["step"], "asked");
    assert_eq!(evidence["decisions"][0]["approved"], true);
    desk.edit("Go on?", "Well?");
    assert_eq!(desk.run(&["--yes"]).code, 3);
    let changed: Value = serde_json::from_str(&desk.say(&["report", "--format", "json"]).out).unwrap();
    assert_eq!(changed["evidence"]["revision"], format!("{commit}, changed since"));
}

#[test]
fn the_page_stands_alone_and_nothing_in_it_is_markup_of_others() {
    let desk = Desk::new(PLAYBOOK);
    assert_eq!(desk.run(&["--yes"]).code, 3);
    let page = desk.say(&["report", "--format", "html"]).out;
    for part in
        ["<!DOCTYPE html>", "rolled back", "Timeline", "Evidence", "What failed", "Journal", "default-src 'none'"]
    {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    assert!(page.contains("&lt;b&gt;bold") && !page.contains("<b>bold"), "{page}");
    for outside in ["http://", "https://", "<script", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_was_true_at_a_failure_is_told_as_past_and_commands_name_the_state_directory() {
    let playbook = PLAYBOOK.replace("undo: [\"true\"]", "undo: [\"false\"]");
    let desk = Desk::new(&playbook);
    let stuck = desk.run(&["--yes"]);
    assert_eq!(stuck.code, 4, "{}", stuck.said);
    let told = desk.say(&["report"]).out;
    let before_journal = told.split("\njournal:\n").next().unwrap();
    assert!(!before_journal.contains("now: ") && before_journal.contains("rollback started but not complete,"));
    let line = before_journal.lines().find(|line| line.contains("commands for this run need --state")).unwrap();
    let dir = line.trim_end_matches(')').rsplit(' ').next().unwrap();
    // as printed: the command that comes next, with what the line adds
    let next =
        before_journal.lines().find_map(|line| line.strip_prefix("next: fix what failed, then cutover ")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    let output = command.args(next.split(' ')).args(["--state", dir]).env_remove("CUTOVER_STATE").output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
}
