//! `cutover diff`: between files, between revisions of git.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SHIPPED: &str = "playbooks/replication_swap.yaml";

/// A folder with the shipped playbook and an inventory for it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::copy(SHIPPED, folder.path().join("swap.yaml")).unwrap();
    std::fs::copy("tests/plan/inventory.yaml", folder.path().join("inventory.yaml")).unwrap();
    folder
}

fn edit(folder: &TempDir, from: &str, to: &str, name: &str) {
    let text = std::fs::read_to_string(folder.path().join("swap.yaml")).unwrap();
    assert!(text.contains(from));
    std::fs::write(folder.path().join(name), text.replacen(from, to, 1)).unwrap();
}

fn diff(folder: &Path, args: &[&str]) -> Output {
    let mut cutover = Command::new(env!("CARGO_BIN_EXE_cutover"));
    cutover.arg("diff").args(args).args(["-i", "inventory.yaml"]).current_dir(folder).output().unwrap()
}

fn changes(folder: &Path, args: &[&str]) -> Value {
    let ran = diff(folder, &[args, &["--format", "json"]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn git(folder: &TempDir, args: &[&str]) {
    let settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let ran = Command::new("git").arg("-C").arg(folder.path()).args(settings).args(args).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn one_edited_value_is_one_change_and_nothing_else() {
    let folder = folder();
    edit(&folder, "for: 2s", "for: 3s", "edited.yaml");
    let found = changes(folder.path(), &["swap.yaml", "edited.yaml"]);
    let changes = found["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{found:#}");
    assert_eq!((&changes[0]["part"], &changes[0]["became"]), (&"step `catch_up`".into(), &"changed".into()));
    let signs = |sign| changes[0]["diff"].as_str().unwrap().lines().filter(move |line| line.starts_with(sign));
    assert!(signs('-').all(|line| line.contains("2s")) && signs('+').all(|line| line.contains("3s")), "{found:#}");

    let same = diff(folder.path(), &["swap.yaml", "swap.yaml"]);
    assert_eq!(String::from_utf8(same.stdout).unwrap(), "nothing changes\n");
}

#[test]
fn a_branch_is_compared_with_another_and_with_the_files_as_they_are() {
    let folder = folder();
    git(&folder, &["init", "-q", "-b", "main"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-qm", "as it was"]);
    edit(&folder, "max_lag: 250ms", "max_lag: 500ms", "swap.yaml");
    git(&folder, &["checkout", "-qb", "later"]);
    git(&folder, &["commit", "-qam", "more patience"]);
    let between = diff(folder.path(), &["main..HEAD", "swap.yaml", "--format", "markdown"]);
    let between = String::from_utf8(between.stdout).unwrap();
    assert!(between.contains("has 1 change (") && between.contains("**step `catch_up`**"), "{between}");
    assert!(between.contains("```diff") && between.contains("500ms"), "{between}");

    edit(&folder, "max_lag: 500ms", "max_lag: 1s", "swap.yaml");
    let found = changes(folder.path(), &["HEAD..", "swap.yaml"]);
    assert!(found["changes"][0]["diff"].as_str().unwrap().contains("1s"), "{found:#}");

    let unknown = diff(folder.path(), &["nowhere..HEAD", "swap.yaml"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no such commit"));
}
