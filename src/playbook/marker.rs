//! Markers stand in plans for what a plan must not or cannot hold: `‹secret NAME›` for secrets,
//! `‹steps.ID.output›` for values known only at run time. The signs ‹ and › are refused in documents, so a marker is
//! always one of ours.

use serde_json::Value;
use std::ops::Range;

/// Opens a marker.
pub const OPEN: char = '‹';
/// Closes a marker.
pub const CLOSE: char = '›';

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
    fn binds_with_types_where_the_marker_is_the_whole_value() {
        let mut lookup = |name: &str| (name == "steps.d.p").then(|| json!({ "offset": 4 }));
        let bound = bind(&json!({ "p": "‹steps.d.p›", "t": "at ‹steps.d.p›", "u": "‹steps.x.y›" }), &mut lookup);
        assert_eq!(bound, json!({ "p": { "offset": 4 }, "t": "at {\"offset\":4}", "u": "‹steps.x.y›" }));
    }
}
