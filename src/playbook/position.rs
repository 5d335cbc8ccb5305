//! A position in a server's binary log: file and offset. At plan time both may still be markers.

use crate::domain::marker;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// A position in a binary log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// File, such as `binlog.000004`.
    pub file: String,
    /// Byte offset as digits, or a marker.
    pub offset: String,
}

impl Position {
    /// The position that a server reported.
    #[must_use]
    pub fn new(file: impl Into<String>, offset: impl fmt::Display) -> Self {
        Self { file: file.into(), offset: offset.to_string() }
    }
    /// Which of two positions in one server's log comes first; files count by their number, not their text.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        (self.file_number(), self.offset_number()).cmp(&(other.file_number(), other.offset_number()))
    }
    fn file_number(&self) -> u64 {
        self.file.rsplit('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }
    fn offset_number(&self) -> u64 {
        self.offset.parse().unwrap_or(0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.offset)
    }
}

#[derive(Serialize, Deserialize)]
struct Parts {
    file: String,
    offset: u64,
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Parts { file: self.file.clone(), offset: self.offset_number() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Parts(Parts),
            Marker(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Parts(parts) => Ok(Self::new(parts.file, parts.offset)),
            Written::Marker(text) => {
                let reference = marker::whole_reference(&text)
                    .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a binlog position")))?;
                let part = |name: &str| marker::late(&format!("{reference}.{name}"));
                Ok(Self { file: part("file"), offset: part("offset") })
            }
        }
    }
}

impl JsonSchema for Position {
    fn schema_name() -> Cow<'static, str> {
        "Position".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object", "format": "position", "additionalProperties": false, "required": ["file", "offset"],
            "x-expected": "a binlog position: \"{{ steps.ID.position }}\" or { file: binlog.000004, offset: 543 }",
            "properties": {
                "file": { "type": "string", "description": "Name of the binary log's file." },
                "offset": { "type": "integer", "minimum": 4, "description": "Byte offset in it." }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Position;
    use std::cmp::Ordering;

    #[test]
    fn files_count_by_number() {
        let place = |file: &str, offset: u64| Position::new(file, offset);
        assert_eq!(place("b.000009", 900).order(&place("b.000010", 4)), Ordering::Less);
        assert_eq!(place("b.999999", 900).order(&place("b.1000000", 4)), Ordering::Less);
        assert_eq!(place("b.000009", 90).order(&place("b.000009", 100)), Ordering::Less);
    }

    #[test]
    fn a_marker_becomes_two() {
        let position: Position = serde_json::from_str("\"‹steps.dump.position›\"").unwrap();
        assert_eq!(position.to_string(), "‹steps.dump.position.file›:‹steps.dump.position.offset›");
        let known: Position = serde_json::from_str(r#"{"file":"b.000001","offset":543}"#).unwrap();
        assert_eq!(serde_json::to_string(&known).unwrap(), r#"{"file":"b.000001","offset":543}"#);
    }
}
