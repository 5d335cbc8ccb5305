//! The committed schemas are those of the program, and editors that use them see what the program would say.

use crate::{INVENTORY, PLAYBOOK, SAMPLE, printed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn schema(name: &str) -> Value {
    serde_json::from_str(&printed(&["schema", name])).unwrap()
}

fn faults(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn yaml(path: impl AsRef<Path>) -> Value {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

#[test]
fn the_committed_schemas_are_what_the_program_prints() {
    for name in ["playbook", "inventory"] {
        let path = format!("schemas/{name}.schema.json");
        let committed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
        let made = printed(&["schema", name]);
        assert!(committed == made, "{path} is out of date: run `cutover schema {name} > {path}`");
    }
}

#[test]
fn every_shipped_playbook_and_the_sample_validate() {
    let folder = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks")).unwrap();
    let shipped: Vec<PathBuf> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    assert!(shipped.iter().any(|path| path.ends_with(PLAYBOOK)));
    let schema_of_playbooks = schema("playbook");
    for path in shipped.into_iter().chain([PathBuf::from(SAMPLE)]) {
        assert_eq!(faults(&schema_of_playbooks, &yaml(&path)), Vec::<String>::new(), "{}", path.display());
    }
    assert_eq!(faults(&schema("inventory"), &yaml(INVENTORY)), Vec::<String>::new());
}

/// Each change alone makes the sample a document that an editor underlines.
#[test]
fn broken_documents_do_not_validate() {
    let broken: [(&str, fn(&mut Value)); 9] = [
        ("a step kind that is not there", |p| p["steps"][0]["uses"] = json!("benchmrak")),
        ("a field of a step that is not there", |p| p["steps"][0]["neds"] = json!([])),
        ("a parameter that is not there", |p| p["steps"][0]["with"]["hots"] = json!("new")),
        ("a parameter that is missing", |p| drop(p["steps"][0]["with"].as_object_mut().unwrap().remove("host"))),
        ("a parameter of another type", |p| p["steps"][1]["with"]["restart"] = json!("sometimes")),
        ("a value that is none of the known ones", |p| p["steps"][1]["with"]["profile"] = json!("fast")),
        ("no steps", |p| drop(p.as_object_mut().unwrap().remove("steps"))),
        ("another version", |p| p["version"] = json!(2)),
        ("a kind that is not there within a block", |p| p["steps"][9]["block"][0]["uses"] = json!("fenc")),
    ];
    let schema_of_playbooks = schema("playbook");
    for (what, damage) in broken {
        let mut playbook = yaml(SAMPLE);
        damage(&mut playbook);
        assert!(!faults(&schema_of_playbooks, &playbook).is_empty(), "{what}");
    }
    let mut inventory = yaml(INVENTORY);
    inventory["servers"]["source"]["password"] = json!("literal");
    assert!(!faults(&schema("inventory"), &inventory).is_empty(), "a literal password");
}
