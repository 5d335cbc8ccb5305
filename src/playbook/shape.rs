//! Checks a tree against a JSON Schema and says every fault at its place, in words.
//!
//! The schemas are generated from the structs that decode the very same trees (`schemars`), so this understands just
//! what those produce, plus the formats that name things of ours (`host`, `server`, `duration-text` ...).

use super::fault::Fault;
use super::marker;
use super::node::{Key, Node, Value};
use super::suggest;
use super::units::{Bytes, Span};
use serde_json::Value as Json;

/// Checks that need more than the schema: names in the inventory, references to outputs.
pub trait Names {
    /// A fault if `text` is no known name for `format` (`host`, `server`, `application`, `template`).
    fn unknown(&self, format: &str, text: &str) -> Option<(String, String)>;
    /// Whether the run-time value `reference` (`steps.dump.position`) fits where `schema` stands.
    fn fits(&self, reference: &str, schema: &Json) -> Result<(), String>;
}

/// Knows no names: for documents that stand alone.
pub struct NoNames;

impl Names for NoNames {
    fn unknown(&self, _: &str, _: &str) -> Option<(String, String)> {
        None
    }
    fn fits(&self, _: &str, _: &Json) -> Result<(), String> {
        Ok(())
    }
}

/// Every fault of `node` against `schema`.
pub fn check(node: &Node, schema: &Json, names: &dyn Names) -> Vec<Fault> {
    let mut shape = Shape { root: schema, names, faults: Vec::new() };
    shape.visit(node, schema, "the document");
    shape.faults
}

struct Shape<'a> {
    root: &'a Json,
    names: &'a dyn Names,
    faults: Vec<Fault>,
}

impl<'a> Shape<'a> {
    fn resolve(&self, mut schema: &'a Json) -> &'a Json {
        while let Some(target) = schema.get("$ref").and_then(Json::as_str) {
            match self.root.pointer(target.trim_start_matches('#')) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    fn visit(&mut self, node: &Node, schema: &'a Json, what: &str) {
        let schema = self.resolve(schema);
        if let Some(reference) = node.as_str().and_then(marker::whole_reference) {
            if let Err(message) = self.names.fits(reference, schema) {
                self.faults.push(Fault::new(node.span, message).label("wrong type"));
            }
            return;
        }
        for list in ["anyOf", "oneOf"] {
            if let Some(variants) = schema.get(list).and_then(Json::as_array) {
                self.visit_variants(node, schema, variants, what);
                return;
            }
        }
        if let Some(expected) = schema.get("const") {
            if node.to_json() != *expected {
                self.mismatch(node, schema, what);
            }
            return;
        }
        if let Some(allowed) = schema.get("enum").and_then(Json::as_array) {
            self.visit_enum(node, allowed, what);
            return;
        }
        if !fits_type(node, schema) {
            self.mismatch(node, schema, what);
            return;
        }
        match &node.value {
            Value::Map(entries) => self.visit_map(node, entries, schema, what),
            Value::Seq(items) => {
                if let Some(inner) = schema.get("items") {
                    for item in items {
                        self.visit(item, inner, what);
                    }
                }
            }
            Value::Str(text) => self.visit_text(node, text, schema),
            Value::Int(number) => self.visit_number(node, *number, schema, what),
            _ => {}
        }
    }

    /// Of several variants the one that the value is evidently meant to be is checked; its faults then mean something.
    fn visit_variants(&mut self, node: &Node, schema: &'a Json, variants: &'a [Json], what: &str) {
        let resolved: Vec<&'a Json> = variants.iter().map(|variant| self.resolve(variant)).collect();
        let constants: Vec<Json> = resolved.iter().filter_map(|variant| variant.get("const").cloned()).collect();
        if constants.len() == resolved.len() {
            self.visit_enum(node, &constants, what);
            return;
        }
        let meant = resolved.iter().find(|variant| {
            let required = variant.get("required").and_then(Json::as_array);
            fits_type(node, variant)
                && required.is_none_or(|keys| keys.iter().filter_map(Json::as_str).all(|key| node.get(key).is_some()))
                || variant.get("enum").and_then(Json::as_array).is_some_and(|all| all.contains(&node.to_json()))
        });
        match meant {
            Some(variant) => self.visit(node, variant, what),
            None => self.mismatch(node, schema, what),
        }
    }

    fn visit_enum(&mut self, node: &Node, allowed: &[Json], what: &str) {
        if allowed.contains(&node.to_json()) {
            return;
        }
        let names: Vec<String> =
            allowed.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
        let word = node.as_str().unwrap_or_default();
        let message = format!("{what} must be one of {}", names.join(", "));
        let fault = Fault::new(node.span, message).label("not one of them");
        self.faults.push(fault.help(suggest::help(word, names.iter().map(String::as_str))));
    }

    fn visit_map(&mut self, node: &Node, entries: &[(Key, Node)], schema: &'a Json, what: &str) {
        let none = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let rest = schema.get("additionalProperties");
        for (key, value) in entries {
            let known = properties.and_then(|properties| properties.get(&key.text));
            match (known, rest) {
                (Some(inner), _) => self.visit(value, inner, &format!("`{}`", key.text)),
                (None, Some(Json::Bool(false))) => {
                    let names = properties.unwrap_or(&none).keys().map(String::as_str);
                    let fault = Fault::new(key.span, format!("unknown field `{}` in {what}", key.text));
                    self.faults.push(fault.label("not a field").help(suggest::help(&key.text, names)));
                }
                (None, Some(inner)) if inner.is_object() => self.visit(value, inner, &format!("`{}`", key.text)),
                (None, _) => {}
            }
        }
        for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if node.get(key).is_none() {
                let about = properties.and_then(|p| p.get(key)).and_then(|inner| inner.get("description"));
                let fault = Fault::new(node.span, format!("{what} lacks the field `{key}`")).label("in here");
                let about = about.and_then(Json::as_str).unwrap_or("it has no default");
                self.faults.push(fault.help(format!("add `{key}`: {about}")));
            }
        }
    }

    fn visit_text(&mut self, node: &Node, text: &str, schema: &Json) {
        let Some(format) = schema.get("format").and_then(Json::as_str) else { return };
        if marker::find(text).next().is_some() {
            return; // known only at run time
        }
        let problem = match format {
            "duration-text" => text.parse::<Span>().err().map(|message| (message, "write 250ms, 30s or 1h 30m".into())),
            "bytes-text" => text.parse::<Bytes>().err().map(|message| (message, "write 512MiB or 4GiB".into())),
            "version-text" => {
                let parsed = text.parse::<super::product::Version>();
                parsed.err().map(|message| (message, "write it in quotes, as \"10.11\"".into()))
            }
            "address" => bad_address(text),
            "identifier" => bad_identifier(text),
            name => self.names.unknown(name, text),
        };
        if let Some((message, help)) = problem {
            self.faults.push(Fault::new(node.span, message).help(help));
        }
    }

    fn visit_number(&mut self, node: &Node, number: i64, schema: &Json, what: &str) {
        let bound = |name: &str| schema.get(name).and_then(Json::as_i64);
        if bound("minimum").is_some_and(|least| number < least) {
            let least = bound("minimum").unwrap_or(0);
            self.faults.push(Fault::new(node.span, format!("{what} must be at least {least}")).label("too small"));
        }
        if bound("maximum").is_some_and(|most| number > most) {
            let most = bound("maximum").unwrap_or(0);
            self.faults.push(Fault::new(node.span, format!("{what} must be at most {most}")).label("too large"));
        }
    }

    fn mismatch(&mut self, node: &Node, schema: &Json, what: &str) {
        let expected = expected(schema);
        let fault = Fault::new(node.span, format!("{what} must be {expected}, but this is {}", node.describe()));
        let fault = fault.label(node.describe()).help(format!("write {expected}"));
        let secret = schema.get("x-secret").is_some();
        self.faults.push(if secret { fault.masked() } else { fault });
    }
}

fn fits_type(node: &Node, schema: &Json) -> bool {
    let one = |name: &str| match (&node.value, name) {
        (Value::Null, "null")
        | (Value::Bool(_), "boolean")
        | (Value::Int(_), "integer" | "number")
        | (Value::Float(_), "number")
        | (Value::Str(_), "string")
        | (Value::Seq(_), "array")
        | (Value::Map(_), "object") => true,
        (Value::Float(f), "integer") => f.fract() == 0.0,
        _ => false,
    };
    match schema.get("type") {
        Some(Json::String(name)) => one(name),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).any(one),
        _ => true,
    }
}

fn expected(schema: &Json) -> String {
    if let Some(what) = schema.get("x-expected").and_then(Json::as_str) {
        return what.to_owned();
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    let word = |name: &str| match name {
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        "object" => "a mapping",
        _ => "nothing",
    };
    match schema.get("type") {
        Some(Json::String(name)) => word(name).to_owned(),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).map(word).collect::<Vec<_>>().join(" or "),
        _ => "something else".to_owned(),
    }
}

fn bad_address(text: &str) -> Option<(String, String)> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let bad = host.is_empty() || port.parse::<u16>().is_err();
    bad.then(|| (format!("`{text}` is not an address with a port"), "write host:port, as 127.0.0.1:3306".into()))
}

fn bad_identifier(text: &str) -> Option<(String, String)> {
    let bad = text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    bad.then(|| (format!("`{text}` is not a plain name"), "use letters, digits, `_` and `-` only".into()))
}
