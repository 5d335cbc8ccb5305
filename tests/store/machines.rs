//! Machines that share a store: a runner that falls silent is taken over from, and changes nothing when it wakes.

use crate::cluster::Cluster;
use cutover::engine::Home;
use cutover::store::{Event, Journal, Outcome};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PLAYBOOK: &str =
    "version: 1\nname: nap\nsteps:\n  - id: nap\n    uses: command\n    with: { host: here, run: [sleep, '15'] }\n";
const INVENTORY: &str = "hosts: { here: {} }\nruns-on: { site: oslo }\n";

/// A machine of its own: nothing but the store is shared.
fn machine(folder: &Path, name: &str, address: &str, words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(words).args(["--state", address]).env("XDG_STATE_HOME", folder.join(name)).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

pub fn ended(child: Child) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// So that no earlier test has had the same.
pub fn millis() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(3), "{what} did not come about");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_frozen_runner_is_taken_over_from_by_a_machine_with_its_labels_and_wakes_to_do_nothing() {
    let (folder, cluster) = (tempfile::tempdir().unwrap(), Cluster::start());
    let (folder, address) = (folder.path(), cluster.address());
    fs::write(folder.join("p.yaml"), PLAYBOOK).unwrap();
    fs::write(folder.join("i.yaml"), INVENTORY).unwrap();
    // hosts remember a run by its id
    let run = format!("machines-{}", millis());
    let first = machine(folder, "one", &address, &["run", "p.yaml", "-i", "i.yaml", "--yes", "--run-id", &run]);
    let store = Home::at(Path::new(&address)).unwrap().store;
    let entries = || store.entries(&run).unwrap();
    let has = |wanted: fn(&Event) -> bool| entries().iter().any(|entry| wanted(&entry.event));
    wait_until("the first step", || has(|event| matches!(event, Event::StepIntent { .. })));
    signal(&first, Signal::STOP);
    let others = [("two", "site=bergen"), ("three", "site=oslo")];
    let others = others.map(|(name, labels)| machine(folder, name, &address, &["runner", "--labels", labels]));
    wait_until("the end", || has(|event| matches!(event, Event::RunFinished { outcome: Outcome::Done })));
    let before = entries();
    signal(&first, Signal::CONT);
    let (code, said) = ended(first); // refused by the host or by the store, whichever it meets first
    assert!(code == Some(6) && said.contains("another runner has"), "{code:?}: {said}");
    assert_eq!(entries(), before, "the one that woke has written nothing");
    let said = others.map(|other| {
        signal(&other, Signal::TERM);
        ended(other).1
    });
    assert!(!said[0].contains("resumes") && said[1].contains("resumes"), "{said:?}");
}
