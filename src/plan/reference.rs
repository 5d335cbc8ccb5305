//! The reference of the step kinds: their schemas in words. It cannot state anything that the program does not do,
//! because parameters are decoded and checked by the very same schemas.
//!
//! Pure. Knows the registry of kinds and their schemas.

use super::schema;
use crate::kinds::Kind;
use serde::Serialize;
use serde_json::{Map, Value};

/// A step kind, explained.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    /// Its name, as in `uses`.
    pub name: &'static str,
    /// What it does.
    pub about: String,
    /// How it is undone.
    pub undo: String,
    /// What stands in `with`; a parameter's own fields follow it, with a dotted name.
    pub parameters: Vec<Parameter>,
    /// What later steps can refer to.
    pub outputs: Vec<Output>,
    /// Parameters that work, as YAML on one line.
    pub example: String,
}

/// One parameter.
#[derive(Debug, Clone, Serialize)]
pub struct Parameter {
    /// Its name; `require.write_iops` is a field of `require`.
    pub name: String,
    /// Its type, in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be stated.
    pub required: bool,
    /// Its value when it is not stated, as YAML; none where that means "not at all".
    pub default: Option<String>,
    /// What it means.
    pub about: String,
}

/// One output.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    /// Its name, as in `{{ steps.ID.NAME }}`.
    pub name: &'static str,
    /// Its type, in one word.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it means.
    pub about: &'static str,
}

/// Explains `kind`.
#[must_use]
pub fn of(kind: &Kind) -> Reference {
    let schema = schema::of_kind(kind);
    let mut parameters = Vec::new();
    collect(&mut parameters, &schema, "");
    let outputs = kind.outputs.iter().map(|output| Output {
        name: output.name,
        kind: format!("{:?}", output.kind).to_lowercase(),
        about: output.about,
    });
    Reference {
        name: kind.name,
        about: text(&schema, "description"),
        undo: text(&schema, "x-undo"),
        parameters,
        outputs: outputs.collect(),
        example: yaml(&schema["examples"][0]),
    }
}

fn text(schema: &Value, field: &str) -> String {
    let text = schema.get(field).and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn collect(parameters: &mut Vec<Parameter>, schema: &Value, prefix: &str) {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let default = property.get("default").filter(|default| !default.is_null() && !default.is_object());
        let full = format!("{prefix}{name}");
        parameters.push(Parameter {
            name: full.clone(),
            kind: type_of(property),
            required: required.contains(&name.as_str()),
            default: default.map(yaml),
            about: text(property, "description"),
        });
        if property.get("format").is_none() {
            collect(parameters, property, &format!("{full}."));
        }
    }
}

/// The type of a value in words.
fn type_of(schema: &Value) -> String {
    let choices = schema.get("oneOf").and_then(Value::as_array);
    if let Some(choices) = choices {
        let words: Vec<String> =
            choices.iter().map(|choice| choice.get("const").map_or(type_of(choice), yaml)).collect();
        return any(&words);
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("duration-text") => return "length of time, such as 30s".to_owned(),
        Some("duration-or-none") => return "length of time, such as 30s, or none".to_owned(),
        Some("bytes-text") => return "amount of bytes, such as 4GiB".to_owned(),
        Some("position") => return "position in a binary log".to_owned(),
        Some("tunnel") => return "id of a tunnel step".to_owned(),
        Some("host-or-server") => return "host or server".to_owned(),
        Some(named @ ("server" | "host" | "application" | "template" | "address")) => return named.to_owned(),
        _ => {}
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => return "any value".to_owned(),
    };
    any(&kinds.iter().map(|kind| simple(kind, schema)).collect::<Vec<_>>())
}

fn simple(kind: &str, schema: &Value) -> String {
    match kind {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => format!("list of {}", schema.get("items").map_or_else(|| "any value".to_owned(), type_of)),
        "object" => match schema.get("additionalProperties") {
            Some(values @ Value::Object(_)) => format!("map of {}", type_of(values)),
            Some(Value::Bool(true)) => "map of any value".to_owned(),
            _ => "map".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn any(words: &[String]) -> String {
    match words {
        [] => "any value".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A value as YAML on one line.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => flow(fields),
        other => other.to_string(),
    }
}

fn flow(fields: &Map<String, Value>) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {}", yaml(value))).collect();
    format!("{{ {} }}", fields.join(", "))
}

/// Whether a text means itself in YAML without quotes: names, and amounts such as `5ms`. YAML's own words do not, nor
/// what may be a number (`1e5`, `0x1f`).
fn is_plain(text: &str) -> bool {
    let word = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let known = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let unit = |letter: char| letter.is_ascii_alphabetic() && !matches!(letter, 'e' | 'E');
    let begins = match text.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => true,
        Some('1'..='9') => text.contains(unit),
        _ => false,
    };
    begins && text.chars().all(word) && !known.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::{type_of, yaml};
    use serde_json::{Value, json};

    #[test]
    fn values_are_yaml_that_reads_back() {
        let value =
            json!({ "a": "5ms", "b": "{{ x }}", "c": ["sh", "-c", "on", "1e5", "0x1f"], "d": { "e": 1, "f": true } });
        let text = yaml(&value);
        assert_eq!(text, r#"{ a: 5ms, b: "{{ x }}", c: [sh, "-c", "on", "1e5", "0x1f"], d: { e: 1, f: true } }"#);
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn types_are_words() {
        assert_eq!(
            type_of(&json!({ "type": ["string", "null"], "format": "duration-text" })),
            "length of time, such as 30s"
        );
        assert_eq!(type_of(&json!({ "type": "array", "items": { "type": "string" } })), "list of text");
        assert_eq!(type_of(&json!({ "oneOf": [{ "const": "a" }, { "const": "b" }, { "const": "c" }] })), "a, b or c");
        let mixed = json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } });
        assert_eq!(type_of(&mixed), "map of text, number or true or false");
    }
}
