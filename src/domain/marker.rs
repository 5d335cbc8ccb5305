//! Markers stand in plans for what a plan must not or cannot hold: `‹secret NAME›` for secrets,
//! `‹steps.ID.output›` for values known only at run time. The signs ‹ and › are refused in documents, so a marker is
//! always one of ours.

use serde_json::Value;
use std::ops::Range;

/// Opens a marker.
pub const OPEN: char = '‹';
/// Closes a marker.
pub const CLOSE: char = '›';
/// How the inside of a marker begins that holds a value.
const DATA: &str = "data ";

/// The marker of a secret.
#[must_use]
pub fn secret(label: &str) -> String {
    format!("{OPEN}secret {label}{CLOSE}")
}

/// The marker of a value known at run time, `steps.dump.position`, or of one described in words.
#[must_use]
pub fn late(what: &str) -> String {
    format!("{OPEN}{what}{CLOSE}")
}

/// Every marker in `text`: its byte range and what stands inside.
pub fn find(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(OPEN)?;
        let inside = start + OPEN.len_utf8();
        let end = inside + text[inside..].find(CLOSE)?;
        from = end + CLOSE.len_utf8();
        Some((start..from, &text[inside..end]))
    })
}

/// What stands inside, when the whole of `text` is one marker of a step's output.
#[must_use]
pub fn whole_reference(text: &str) -> Option<&str> {
    let (range, inside) = find(text).next()?;
    (range == (0..text.len()) && inside.starts_with("steps.")).then_some(inside)
}

/// Replaces every marker for which `value` has an answer.
pub fn replace(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = 0;
    for (range, inside) in find(text) {
        out.push_str(&text[last..range.start]);
        match value(inside) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&text[range.clone()]),
        }
        last = range.end;
    }
    out.push_str(&text[last..]);
    out
}

/// Puts run-time values in their places: a string that is one marker takes the value with its type, a marker within
/// text takes its text. `lookup` gets `steps.ID.output`.
pub fn bind(value: &Value, lookup: &mut impl FnMut(&str) -> Option<Value>) -> Value {
    match value {
        Value::String(text) => {
            if let Some(bound) = whole_reference(text).and_then(&mut *lookup) {
                return bound;
            }
            Value::String(replace(text, |inside| {
                let bound = inside.starts_with("steps.").then(|| lookup(inside)).flatten()?;
                Some(bound.as_str().map_or_else(|| bound.to_string(), str::to_owned))
            }))
        }
        Value::Array(items) => items.iter().map(|item| bind(item, lookup)).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), bind(v, lookup))).collect()),
        other => other.clone(),
    }
}

/// As [`bind`] does it with the parameters of a kind, of which those called `read` are read for markers once more: what
/// comes in there is marked as data.
pub fn bind_all(value: &Value, read: &[&str], lookup: &mut impl FnMut(&str) -> Option<Value>) -> Value {
    let Value::Object(map) = value else { return bind(value, lookup) };
    let field = |(name, value): (&String, &Value)| {
        let bound = if read.contains(&name.as_str()) {
            bind(value, &mut |reference: &str| lookup(reference).map(|value| as_data(&value)))
        } else {
            bind(value, lookup)
        };
        (name.clone(), bound)
    };
    Value::Object(map.iter().map(field).collect())
}

/// A value as a marker that holds it in hexadecimal, so that no sign of it can end the marker or begin another one.
fn as_data(value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let digits = text.bytes().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
    Value::String(late(&format!("{DATA}{digits}")))
}

/// The value in a marker of [`bind_all`]; `None` for any other marker.
#[must_use]
pub fn data(inside: &str) -> Option<String> {
    let digits = inside.strip_prefix(DATA)?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::{bind, find, late, replace, secret, whole_reference};
    use serde_json::json;

    #[test]
    fn finds_and_replaces() {
        let text = format!("a {} b {}", secret("PW"), late("steps.dump.file"));
        assert_eq!(find(&text).map(|(_, inside)| inside).collect::<Vec<_>>(), ["secret PW", "steps.dump.file"]);
        assert_eq!(replace(&text, |inside| (inside == "secret PW").then(|| "x".into())), "a x b ‹steps.dump.file›");
        assert_eq!(whole_reference("‹steps.a.b›"), Some("steps.a.b"));
        assert_eq!(whole_reference("x‹steps.a.b›"), None);
    }

    #[test]
    fn what_comes_in_is_data_where_markers_are_read_again() {
        let mut lookup = |name: &str| (name == "steps.r.v").then(|| json!("‹secret PW›"));
        let with = json!({ "statements": ["INSERT ('‹steps.r.v›')"], "other": "‹steps.r.v›" });
        let bound = super::bind_all(&with, &["statements"], &mut lookup);
        let marked = bound["statements"][0].as_str().unwrap();
        let inside = super::find(marked).map(|(_, inside)| super::data(inside)).collect::<Vec<_>>();
        assert_eq!(inside, [Some("‹secret PW›".to_owned())], "{marked}");
        assert_eq!(bound["other"], "‹secret PW›");
        assert_eq!(super::data("steps.a.b"), None);
    }

    #[test]
    fn binds_with_types_where_the_marker_is_the_whole_value() {
        let mut lookup = |name: &str| (name == "steps.d.p").then(|| json!({ "offset": 4 }));
        let bound = bind(&json!({ "p": "‹steps.d.p›", "t": "at ‹steps.d.p›", "u": "‹steps.x.y›" }), &mut lookup);
        assert_eq!(bound, json!({ "p": { "offset": 4 }, "t": "at {\"offset\":4}", "u": "‹steps.x.y›" }));
    }
}
