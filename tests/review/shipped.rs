//! What is shipped is clean by its own rules, and tells editors where its schema is.

use crate::review::desk::program;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn playbooks() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("playbooks")).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn every_playbook_and_the_sample_pass_a_strict_check() {
    for path in playbooks().into_iter().chain([root().join("tests/plan/design_sample.yaml")]) {
        let inventory = root().join("tests/plan/inventory.yaml");
        let mut check = program();
        let output =
            check.arg("check").args([&path, &PathBuf::from("-i"), &inventory]).arg("--strict").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_playbook_names_its_schema() {
    for path in playbooks() {
        let text = std::fs::read_to_string(&path).unwrap();
        let named = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
        assert!(path.parent().unwrap().join(named).is_file(), "{} names {named}", path.display());
    }
}
