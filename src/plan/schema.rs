//! The JSON Schemas that editors use: the documents' shapes with every kind's parameters put in. And the one of plans,
//! for programs that read them.

use super::Plan;
use crate::kinds::{KINDS, Kind};
use crate::playbook::inventory::Inventory;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// The schema of a kind's parameters, as they are once templates are resolved.
#[must_use]
pub fn of_kind(kind: &Kind) -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut generator = SchemaGenerator::new(settings);
    (kind.schema)(&mut generator).to_value()
}

/// The schema of playbooks, as people write them: any parameter may also be a template.
#[must_use]
pub fn playbook() -> Value {
    let mut schema = crate::playbook::file::schema();
    let mut definitions = Map::new();
    let mut choices = Vec::new();
    for kind in KINDS {
        let mut parameters = of_kind(kind);
        allow_templates(&mut parameters);
        definitions.insert(format!("with-{}", kind.name), parameters);
        choices.push(json!({
            "if": { "required": ["uses"], "properties": { "uses": { "const": kind.name } } },
            "then": { "properties": { "with": { "$ref": format!("#/$defs/with-{}", kind.name) } } },
        }));
    }
    let names: Vec<Value> = KINDS
        .iter()
        .map(|kind| {
            let about = definitions.get(&format!("with-{}", kind.name)).and_then(|s| s.get("description")).cloned();
            json!({ "const": kind.name, "description": about.unwrap_or_default() })
        })
        .collect();
    if let Some(known) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for (name, uses) in [("StepFile", true), ("HookFile", true)] {
            if let Some(step) = known.get_mut(name).and_then(Value::as_object_mut).filter(|_| uses) {
                step.insert("allOf".into(), Value::Array(choices.clone()));
                if let Some(uses) = step.get_mut("properties").and_then(|p| p.get_mut("uses")) {
                    let about = uses.get("description").cloned().unwrap_or_default();
                    *uses = json!({ "description": about, "oneOf": names });
                }
            }
        }
        known.append(&mut definitions);
    }
    schema
}

/// Describes the tag of an enumeration: it has no field in the program that could carry a description.
pub fn describe_tags(schema: &mut Value, definition: &str, tag: &str, about: &str) {
    let cases = schema.pointer_mut(&format!("/$defs/{definition}/oneOf")).and_then(Value::as_array_mut);
    for case in cases.into_iter().flatten() {
        if let Some(tag) = case.pointer_mut(&format!("/properties/{tag}")).and_then(Value::as_object_mut) {
            tag.insert("description".into(), about.into());
        }
    }
}

/// The schema of inventories.
#[must_use]
pub fn inventory() -> Value {
    let mut schema = schemars::schema_for!(Inventory).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), "cutover inventory".into());
    }
    schema
}

/// The schema of plans, as `cutover plan --format json` prints them.
#[must_use]
pub fn plan() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Plan>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), "cutover plan".into());
    }
    describe_tags(&mut schema, "Action", "do", "Kind of effect.");
    describe_tags(&mut schema, "Role", "role", "Kind of role.");
    schema
}

/// Lets every value below the top also be a text with a template in it.
fn allow_templates(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            allow_templates(property);
            let mut wrapped = Map::new();
            for outer in ["description", "default"] {
                if let Some(moved) = property.as_object_mut().and_then(|inner| inner.remove(outer)) {
                    wrapped.insert(outer.into(), moved);
                }
            }
            let template = json!({ "type": "string", "pattern": r"\{\{" });
            wrapped.insert("anyOf".into(), json!([property.take(), template]));
            *property = Value::Object(wrapped);
        }
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(inner).filter(|inner| inner.is_object()) {
            allow_templates(inner);
        }
    }
}
