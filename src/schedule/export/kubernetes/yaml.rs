//! Writes a manifest.

use crate::domain::visible_json;
use serde_json::Value;
use std::fmt::Write as _;

/// A document as YAML; every text is quoted, so that none is read as another type.
pub fn yaml(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let Some(entries) = value.as_object() else { return format!("{indent}{}\n", visible_json(value.to_string())) };
    let mut text = String::new();
    for (key, value) in entries {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                let _ = write!(text, "{indent}{key}:\n{}", yaml(value, depth + 1));
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let _ = writeln!(text, "{indent}{key}:");
                for item in items {
                    // the first line of an entry takes the place of two blanks
                    let entry = yaml(item, depth + 2);
                    let _ = write!(text, "{indent}  - {}", entry.trim_start());
                }
            }
            value => {
                let _ = writeln!(text, "{indent}{key}: {}", visible_json(value.to_string()));
            }
        }
    }
    text
}
