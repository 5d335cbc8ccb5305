//! The committed schemas are those of the program, and editors that use them see what the program would say.

use crate::plan::{INVENTORY, SAMPLE, printed, shipped};
use serde_json::{Value, json};
use std::path::Path;

const NAMES: [&str; 6] = ["playbook", "inventory", "plan", "report", "people", "schedules"];

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
    for name in NAMES {
        let path = format!("schemas/{name}.schema.json");
        let committed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
        let made = printed(&["schema", name]);
        assert!(committed == made, "{path} is out of date: run `cutover schema {name} > {path}`");
    }
}

#[test]
fn every_shipped_playbook_and_the_sample_validate() {
    let schema_of_playbooks = schema("playbook");
    for path in shipped() {
        assert_eq!(faults(&schema_of_playbooks, &yaml(&path)), Vec::<String>::new(), "{}", path.display());
    }
    assert_eq!(faults(&schema("inventory"), &yaml(INVENTORY)), Vec::<String>::new());
}

/// A change that breaks a document.
type Damage = fn(&mut Value);

/// Each change alone makes the sample a document that an editor underlines.
#[test]
fn broken_documents_do_not_validate() {
    let broken: [(&str, Damage); 9] = [
        ("a step kind that is not there", |p| p["steps"][0]["uses"] = json!("benchmrak")),
        ("a field of a step that is not there", |p| p["steps"][0]["neds"] = json!([])),
        ("a parameter that is not there", |p| p["steps"][0]["with"]["hots"] = json!("new")),
        ("a parameter that is missing", |p| drop(p["steps"][0]["with"].as_object_mut().unwrap().remove("host"))),
        ("a parameter of another type", |p| p["steps"][1]["with"]["restart"] = json!("sometimes")),
        ("a value that is none of the known ones", |p| p["steps"][1]["with"]["profile"] = json!("fast")),
        ("no steps", |p| drop(p.as_object_mut().unwrap().remove("steps"))),
        ("another version", |p| p["version"] = json!(2)),
        ("a kind that is not there within a block", |p| p["steps"][10]["block"][0]["uses"] = json!("fenc")),
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

#[test]
fn every_schema_is_one() {
    for name in NAMES {
        let schema = schema(name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let faults = jsonschema::meta::validate(&schema).map_err(|error| error.to_string());
        assert_eq!(faults, Ok(()), "{name}");
    }
}

#[test]
fn every_plan_validates_and_a_damaged_one_does_not() {
    let schema = schema("plan");
    for playbook in shipped() {
        let printed = printed(&["plan", playbook.to_str().unwrap(), "-i", INVENTORY, "--format", "json"]);
        let plan: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(faults(&schema, &plan), Vec::<String>::new(), "{}", playbook.display());
        let damages: [fn(&mut Value); 4] = [
            |plan| drop(plan.as_object_mut().unwrap().remove("hash")),
            |plan| plan["steps"][0]["timeout_ms"] = json!("30m"),
            |plan| plan["steps"][0]["actions"][0]["do"] = json!("dance"),
            |plan| plan["steps"][0]["reversibility"] = json!("perhaps"),
        ];
        for damage in damages {
            let mut plan = plan.clone();
            damage(&mut plan);
            assert!(!faults(&schema, &plan).is_empty());
        }
    }
}

/// Editors show it when the pointer rests on a name.
#[test]
fn every_property_has_a_description() {
    for name in NAMES {
        let mut nameless = Vec::new();
        without_description(&schema(name), name, &mut nameless);
        assert_eq!(nameless, Vec::<String>::new());
    }
}

/// Conditions (`if`, and what hangs on them) repeat names that are described where they are declared.
fn without_description(schema: &Value, path: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { return };
    for (key, inner) in schema {
        let at = format!("{path}/{key}");
        match (key.as_str(), inner) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    if property.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
                        found.push(format!("{path}.{name}"));
                    }
                    without_description(property, &format!("{path}.{name}"), found);
                }
            }
            ("$defs", Value::Object(definitions)) => {
                for (name, inner) in definitions {
                    without_description(inner, &format!("{at}/{name}"), found);
                }
            }
            ("anyOf" | "oneOf", Value::Array(choices)) => {
                for choice in choices {
                    without_description(choice, &at, found);
                }
            }
            ("items" | "additionalProperties", inner) => without_description(inner, &at, found),
            _ => {}
        }
    }
}
