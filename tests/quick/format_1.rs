//! Plans and runs of format 1, as cutover 0.1 has left them: they are listed, shown and reported, and nothing else is done
//! with them. The plan is one that such a program has printed.

use crate::plan::cutover;
use cutover::plan::Plan;
use cutover::plan::stored::has_its_hash;
use cutover::store::{Event, Journal, Outcome, RunHead, RunRecord, Store};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// As it was printed, on one line.
const PLAN: &str = include_str!("older/format_1.plan.json");
const RUN: &str = "20261122-153000-4f2a";
const STATEMENT: &str = "source> CHANGE MASTER TO MASTER_HOST = '127.0.0.1'";

struct Ended {
    code: i32,
    out: String,
    words: String,
}

fn say(args: &[&str], state: &Path) -> Ended {
    let ended = cutover(args).arg("--state").arg(state).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    let plain: String = said.chars().map(|c| if "│╭╰─·×".contains(c) { ' ' } else { c }).collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    Ended { code: ended.status.code().unwrap(), out: String::from_utf8(ended.stdout).unwrap(), words }
}

fn head() -> RunHead {
    let plan: Value = serde_json::from_str(PLAN).unwrap();
    let text = |key: &str| plan[key].as_str().unwrap().to_owned();
    RunHead { id: RUN.into(), playbook: text("name"), hash: text("hash"), created: 1 }
}

/// A state directory with an interrupted run.
fn state() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let journal = Store::open(folder.path()).unwrap();
    journal.create_run(&RunRecord { head: head(), plan: PLAN.trim().into() }).unwrap();
    let started = Event::RunStarted {
        runner: "anna@ops1, process 4711".into(),
        epoch: 1,
        by: None,
        folder: String::new(),
        sources: None,
        revision: None,
    };
    let events = [started, Event::RunAdmitted, Event::RunFinished { outcome: Outcome::Interrupted }];
    journal.append(RUN, 1_795_361_400_000, &events).unwrap();
    folder
}

/// A plan that was saved, with the hash that its program gave it.
fn saved(folder: &Path, change: impl FnOnce(&mut Value)) -> PathBuf {
    let mut saved = json!({
        "saved_plan": 1,
        "hash": "",
        "sources": { "playbook": "p.yaml", "inventory": null, "inputs": null, "set": [], "rehearsal": false },
        "plan": serde_json::from_str::<Value>(PLAN).unwrap(),
        "survey": { "hosts": {}, "servers": {}, "steps": [] },
    });
    saved["hash"] = blake3::hash(&serde_json::to_vec(&saved).unwrap()).to_hex().as_str().into();
    change(&mut saved);
    let path = folder.join("old.plan.json");
    std::fs::write(&path, serde_json::to_string_pretty(&saved).unwrap()).unwrap();
    path
}

#[test]
fn a_run_is_listed_and_reported() {
    let state = state();
    for args in
        [&["list"][..], &["status"], &["report"], &["report", "--format", "json"], &["report", "--format", "html"]]
    {
        let ended = say(args, state.path());
        assert_eq!((ended.code, ended.out.contains(RUN)), (0, true), "{args:?}: {}", ended.words);
    }
    let status = say(&["status", RUN], state.path()).out;
    let next = format!("with cutover 0.1.x, which made its plan: cutover resume {RUN}, or cutover rollback {RUN}");
    assert!(status.contains(&next), "{status}");
}

#[test]
fn a_run_is_neither_taken_up_nor_answered() {
    let state = state();
    let entries = || Store::open(state.path()).unwrap().entries(RUN).unwrap();
    let before = entries();
    for args in [
        &["resume", RUN][..],
        &["resume", RUN, "--as-planned"],
        &["resume", RUN, "--accept-writes", "seen"],
        &["rollback", RUN],
        &["approve", RUN, "go"],
        &["mark-undone", RUN, "disk", "--why", "done"],
    ] {
        let ended = say(args, state.path());
        assert_eq!(ended.code, 5, "{args:?}: {}", ended.words);
        let said = format!("could not continue with run {RUN}: its plan has format 1, made by cutover 0.1.x");
        for words in [&said, "now: nothing was changed", "use cutover 0.1.x for it"] {
            assert!(ended.words.contains(words), "{args:?}: {}", ended.words);
        }
    }
    assert_eq!(entries(), before);
}

#[test]
fn a_saved_plan_is_shown_and_not_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), |_| {});
    let (file, state) = (path.to_str().unwrap(), folder.path().join("state"));
    for format in ["text", "markdown", "html", "dot", "mermaid", "json"] {
        let shown = cutover(&["plan", file, "--format", format]).output().unwrap();
        assert!(shown.status.success(), "{format}: {}", String::from_utf8_lossy(&shown.stderr));
        let out = String::from_utf8(shown.stdout).unwrap();
        assert!(!["text", "json"].contains(&format) || out.contains(STATEMENT), "{format}: {out}");
    }
    let ran = say(&["run", file], &state);
    assert_eq!((ran.code, state.exists()), (5, false), "{}", ran.words);
    for words in
        ["its plan has format 1, made by cutover 0.1.x", "nothing was changed", "or save a new one: cutover plan"]
    {
        assert!(ran.words.contains(words), "{}", ran.words);
    }
    let compared = cutover(&["diff", file, file]).output().unwrap();
    assert_eq!(compared.status.code(), Some(2));
}

#[test]
fn what_is_not_as_it_was_written_is_not_even_shown() {
    let folder = tempfile::tempdir().unwrap();
    for change in [
        |saved: &mut Value| saved["plan"]["steps"][3]["timeout_ms"] = 1.into(),
        |saved: &mut Value| saved["survey"]["hosts"]["x"] = json!({ "free": 1 }),
        |saved: &mut Value| saved["saved_plan"] = 3.into(),
        |saved: &mut Value| saved["plan"]["format"] = 3.into(),
        |saved: &mut Value| *saved = json!([1, { "format": 1 }]),
    ] {
        let path = saved(folder.path(), change);
        let shown = say(&["plan", path.to_str().unwrap()], folder.path());
        assert_eq!((shown.code, shown.words.contains("nothing was changed")), (5, true), "{}", shown.words);
    }
    let changed = RunRecord { head: head(), plan: PLAN.replacen("SELECT", "select", 1) };
    assert!(changed.plan_to_read().unwrap_err().answer.contains("the hash in the plan does not match its contents"));
    let newer = RunRecord { head: head(), plan: PLAN.replacen("\"format\":1", "\"format\":3", 1) };
    assert!(newer.plan_to_read().unwrap_err().answer.contains("it has format 3, made by a newer program"));
}

#[test]
fn a_plan_that_is_read_keeps_its_format_and_its_hash() {
    let plan = Plan::kept(PLAN).unwrap();
    assert_eq!((plan.format, &plan.hash), (1, &head().hash));
    assert!(plan.may_be_carried_out("it").is_err());
    let again = serde_json::to_value(&plan).unwrap();
    assert!(!again.to_string().contains(r#""do":"sql""#));
}

#[test]
fn whether_a_plan_is_as_it_was_written_is_told_from_its_text_alone() {
    for playbook in crate::plan::shipped() {
        let printed = crate::plan::printed(&[
            "plan",
            playbook.to_str().unwrap(),
            "-i",
            crate::plan::INVENTORY,
            "--format",
            "json",
        ]);
        assert!(has_its_hash(&serde_json::from_str(&printed).unwrap()), "{}", playbook.display());
    }
}
