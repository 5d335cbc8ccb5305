//! The program as the planner's tests call it, and the documents they share.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The shipped playbook.
pub const PLAYBOOK: &str = "playbooks/replication_swap.yaml";
/// The playbook of section 2 of the design, as it stands there.
pub const SAMPLE: &str = "tests/plan/design_sample.yaml";
/// The inventory of section 2 of the design, with an account of the shop.
pub const INVENTORY: &str = "tests/plan/inventory.yaml";

/// Every shipped playbook, and the sample.
#[must_use]
pub fn shipped() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(root.join("playbooks")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    found.sort();
    assert!(found.iter().any(|path| path.ends_with(PLAYBOOK)));
    found.push(root.join(SAMPLE));
    found
}

/// The program, in the repository's folder.
#[must_use]
pub fn cutover(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("RUST_LOG");
    command
}

/// What it prints on stdout; it must end well and say nothing on stderr.
#[must_use]
pub fn printed(args: &[&str]) -> String {
    text(&cutover(args).output().unwrap())
}

/// The same, of a program that has ended.
#[must_use]
pub fn text(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{complaint}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A file in a folder of its own.
#[must_use]
pub fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}
