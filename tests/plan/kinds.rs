//! The reference of the step kinds: the committed page is the program's, and its examples work.

use crate::plan::printed;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn the_committed_page_is_what_the_program_prints() {
    let path = "docs/kinds.md";
    let committed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default();
    let made = printed(&["kinds", "--format", "markdown"]);
    assert!(committed == made, "{path} is out of date: run `cutover kinds --format markdown > {path}`");
}

#[test]
fn every_kind_is_explained_and_its_example_works() {
    let schema: Value = serde_json::from_str(&printed(&["schema", "playbook"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let kinds: Value = serde_json::from_str(&printed(&["kinds", "--format", "json"])).unwrap();
    let listed = printed(&["kinds"]);
    assert!(kinds.as_array().unwrap().len() >= 19);
    for kind in kinds.as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        assert!(listed.contains(&format!("\n{name} ")) || listed.starts_with(name), "{name}");
        for field in ["about", "undo"] {
            assert!(kind[field].as_str().unwrap().ends_with('.'), "{name} has no sentence in `{field}`");
        }
        let example: Value = serde_saphyr::from_str(kind["example"].as_str().unwrap()).unwrap();
        let step = json!({ "id": "example", "uses": name, "with": example });
        let playbook = json!({ "version": 1, "name": "example", "steps": [step] });
        let faults: Vec<String> = validator.iter_errors(&playbook).map(|error| error.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}");
        for parameter in kind["parameters"].as_array().unwrap() {
            assert!(!parameter["about"].as_str().unwrap().is_empty(), "{name}.{}", parameter["name"]);
        }
    }
}

#[test]
fn one_kind_in_words() {
    insta::assert_snapshot!(printed(&["kinds", "benchmark"]));
}

#[test]
fn the_committed_page_of_pairs_is_what_the_program_prints() {
    let path = "docs/pairs.md";
    let committed = std::fs::read_to_string(path).unwrap();
    let made = printed(&["pairs", "--format", "markdown"]);
    assert!(committed == made, "{path} is out of date: run `cutover pairs --format markdown > {path}`");
}
