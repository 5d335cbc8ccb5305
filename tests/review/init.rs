//! `cutover init`: a repository that passes what it sets up, and never at the price of a file that was there.

use crate::review::desk::{program, text};
use std::collections::BTreeSet;
use std::path::Path;

fn init(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program().arg("init").arg(folder).args(arguments).output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found
}

const COMMON: [&str; 7] = [
    ".gitignore",
    ".pre-commit-config.yaml",
    "README.md",
    "inventory.yaml",
    "playbooks/replication_swap.yaml",
    "schemas/inventory.schema.json",
    "schemas/playbook.schema.json",
];

#[test]
fn writes_what_the_code_host_needs() {
    let github = ".github/workflows/cutover.yml";
    for (ci, more) in [
        ("both", &[github, ".gitlab-ci.yml"][..]),
        ("github", &[github]),
        ("gitlab", &[".gitlab-ci.yml"]),
        ("none", &[]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new/one");
        let (code, said, _) = init(&folder, &["--ci", ci]);
        let wanted: BTreeSet<String> = COMMON.iter().chain(more).map(|name| (*name).to_owned()).collect();
        assert_eq!((code, files(&folder)), (Some(0), wanted.clone()), "{ci}");
        assert!(wanted.iter().all(|name| said.contains(&format!("wrote {name}\n"))), "{said}");
    }
}

#[test]
fn passes_check_and_plan_and_names_its_schemas() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(init(folder.path(), &[]).0, Some(0));
    for command in [&["check", "--strict"][..], &["plan"]] {
        let mut program = program();
        program.current_dir(folder.path()).args(command).args([
            "playbooks/replication_swap.yaml",
            "-i",
            "inventory.yaml",
        ]);
        let output = program.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    }
    for path in ["playbooks/replication_swap.yaml", "inventory.yaml"] {
        let path = folder.path().join(path);
        let document = std::fs::read_to_string(&path).unwrap();
        let named = document.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
        assert!(path.parent().unwrap().join(named).is_file(), "{} names {named}", path.display());
    }
}

#[test]
fn overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("inventory.yaml"), "mine").unwrap();
    let (code, _, said) = init(folder.path(), &[]);
    assert_eq!(code, Some(5));
    assert!(said.contains("inventory.yaml") && said.contains("nothing was written"), "{said}");
    assert_eq!(files(folder.path()), BTreeSet::from(["inventory.yaml".to_owned()]));
    assert_eq!(std::fs::read_to_string(folder.path().join("inventory.yaml")).unwrap(), "mine");
    // a second time everything is there
    let other = tempfile::tempdir().unwrap();
    assert_eq!((init(other.path(), &[]).0, init(other.path(), &[]).0), (Some(0), Some(5)));
}

/// A repository has a README and a .gitignore of its own before it has playbooks.
#[test]
fn keeps_readme_and_gitignore() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("README.md"), "mine").unwrap();
    let (code, said, _) = init(folder.path(), &["--ci", "none"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("kept  README.md"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join("README.md")).unwrap(), "mine");
    assert!(folder.path().join(".gitignore").is_file());
}
