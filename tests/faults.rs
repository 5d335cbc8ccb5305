//! `rehearse --fault`: the program is struck, taken up again, and judged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const PLAYBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/replication_swap.yaml");

fn rehearse(more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["rehearse", PLAYBOOK, "--rows", "2000", "--rate", "50", "--writers", "2", "--format", "json"]);
    command.args(more).output().unwrap()
}

#[test]
fn what_was_struck_ends_as_it_may_and_every_promise_is_kept() {
    let faults = [
        "kill@before:run_started", // it has taken the run, and nothing says so but hosts and servers
        "kill@before:step_done:promote",
        "kill@after:step_intent:fence",
        "rollback@after:step_done:replicate",
        "tunnel-killed",
        "write-past-fence",
        "state-full",
    ];
    let words: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let output = rehearse(&words);
    let sum: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(output.status.success(), "{sum:#}\n{}", String::from_utf8_lossy(&output.stderr));
    let figures = ["rounds", "lost", "split_brain", "unexpected"].map(|name| sum[name].as_u64().unwrap());
    assert_eq!(figures, [faults.len() as u64, 0, 0, 0]);
    let ends: Vec<&Value> = sum["faults"].as_array().unwrap().iter().map(|row| &row["outcome"]).collect();
    assert_eq!(ends, ["done", "done", "done", "rolled_back", "done", "done", "done"]);
    for row in sum["faults"].as_array().unwrap() {
        assert!(row["acknowledged"].as_u64().unwrap() > 100, "the application wrote: {row:#}");
        let resumed = row["ends"].as_array().unwrap().len() > 1;
        assert!(!resumed || row["status"].as_str().unwrap().contains("next: "), "{row:#}");
    }
}

#[test]
fn a_fault_nobody_knows_is_refused_and_the_list_is_shown() {
    let output = rehearse(&["--fault", "earthquake"]);
    let said = String::from_utf8_lossy(&output.stderr).replace("\n  │ ", "");
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("earthquake") && said.contains("tunnel-frozen"), "{said}");
    let output = rehearse(&["--fault", "kill@during:dump"]);
    let said = String::from_utf8_lossy(&output.stderr).replace("\n  │ ", ""); // lines are broken at a `|` too
    assert!(said.contains("before|after"), "{said}");
    let list = rehearse(&["--fault", "list"]);
    assert!(list.status.success() && String::from_utf8_lossy(&list.stdout).contains("target-crash-before-promote"));
}

/// Somebody changes their mind: no server, host or file of the sandbox stays.
#[test]
fn a_rehearsal_that_is_ended_leaves_nothing_behind() {
    for more in [&[] as &[&str], &["--fault", "tunnel-killed"]] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("s");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["rehearse", PLAYBOOK, "--rows", "2000", "--dir"]).arg(&dir).args(more);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let application = |line: &String| line.contains("rehearsal-application");
        until("the application writes", || processes_with(&dir).iter().any(application));
        let pid = Pid::from_child(&child);
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        until("nothing of it runs", || processes_with(&dir).is_empty());
        assert!(!dir.exists(), "its folder is there");
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Command lines of servers and hosts that name a folder.
fn processes_with(dir: &Path) -> Vec<String> {
    let own = std::process::id().to_string();
    let all = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| *entry.file_name() != *own);
    let lines = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    let programs = ["mariadbd", "sshd", "haproxy", "rehearsal-application"];
    let theirs =
        |line: &String| line.contains(dir.to_str().unwrap()) && programs.iter().any(|name| line.contains(name));
    lines.filter(theirs).collect()
}
