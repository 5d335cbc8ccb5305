//! Checks a tree against a JSON Schema and reports every fault with its position, in words.
//!
//! The schemas are generated from the structs that decode the very same trees (`schemars`), so this understands just
//! what those produce, plus the formats that name things of ours (`host`, `server`, `duration-text` ...).

use super::fault::Fault;
use super::node::{Key, Node, Value};
use super::suggest;
use super::window::WallTime;
use crate::domain::endpoint::Endpoint;
use crate::domain::marker;
use crate::domain::units::{Bytes, Span};
use serde_json::Value as Json;
use std::net::IpAddr;

/// Checks that need more than the schema: names in the inventory, references to outputs.
pub trait Names {
    /// A fault if `text` is no known name for `format` (`host`, `server`, `application`, `template`).
    fn unknown(&self, format: &str, text: &str) -> Option<(String, String)>;
    /// Whether the run-time value `reference` (`steps.dump.position`) fits where `schema` stands.
    /// If not: what is wrong, and the fix.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    fn fits(&self, reference: &str, schema: &Json) -> Result<(), (String, String)>;
}

/// Knows no names: for documents that stand alone.
pub struct NoNames;

impl Names for NoNames {
    fn unknown(&self, _: &str, _: &str) -> Option<(String, String)> {
        None
    }
    fn fits(&self, _: &str, _: &Json) -> Result<(), (String, String)> {
        Ok(())
    }
}

/// Every fault of `node`, called `what`, against `schema`.
pub fn check(node: &Node, schema: &Json, names: &dyn Names, what: &str) -> Vec<Fault> {
    let mut shape = Shape { root: schema, names, faults: Vec::new() };
    shape.visit(node, schema, What::Said(what));
    shape.faults
}

/// What a fault calls the value; written out only when there is one.
#[derive(Clone, Copy)]
enum What<'a> {
    Said(&'a str),
    Named(&'a str),
    EntryOf(&'a What<'a>),
}

impl std::fmt::Display for What<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(words) => f.write_str(words),
            Self::Named(name) => write!(f, "`{name}`"),
            Self::EntryOf(list) => write!(f, "an entry of {list}"),
        }
    }
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

    fn visit(&mut self, node: &Node, schema: &'a Json, what: What<'_>) {
        let schema = self.resolve(schema);
        if let Some(reference) = node.as_str().and_then(marker::whole_reference) {
            if let Err((message, help)) = self.names.fits(reference, schema) {
                self.faults.push(Fault::new(node.span, message).label("wrong type").help(help));
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
            self.visit_enum(node, allowed, &[], what);
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
                        let named = item.get("id").and_then(Node::as_str).map(What::Named);
                        self.visit(item, inner, named.unwrap_or(What::EntryOf(&what)));
                    }
                }
            }
            Value::Str(text) => self.visit_text(node, text, schema),
            Value::Int(number) => self.visit_number(node, *number, schema, what),
            _ => {}
        }
    }

    /// Of several variants the one that the value is evidently meant to be is checked; its faults then mean something.
    fn visit_variants(&mut self, node: &Node, schema: &'a Json, variants: &'a [Json], what: What<'_>) {
        let resolved: Vec<&'a Json> = variants.iter().map(|variant| self.resolve(variant)).collect();
        let constants: Vec<Json> = resolved.iter().filter_map(|variant| variant.get("const").cloned()).collect();
        if constants.len() == resolved.len() {
            let meaning = |variant: &&Json| {
                let (value, about) = (variant.get("const")?.as_str()?, variant.get("description")?.as_str()?);
                Some(format!("`{value}`: {}", about.trim_end_matches('.')))
            };
            let meanings: Vec<String> = resolved.iter().filter_map(meaning).collect();
            self.visit_enum(node, &constants, &meanings, what);
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

    /// `meanings` explains the values: after a mistake a reader wants to know what the others do.
    fn visit_enum(&mut self, node: &Node, allowed: &[Json], meanings: &[String], what: What<'_>) {
        if allowed.contains(&node.to_json()) {
            return;
        }
        let names: Vec<String> =
            allowed.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
        let word = node.as_str().unwrap_or_default();
        let message = format!("{what} must be one of {}", names.join(", "));
        let fault = Fault::new(node.span, message).label("not one of them");
        let near = suggest::nearest(word, names.iter().map(String::as_str)).is_some();
        let mut help = Vec::new();
        if near || meanings.is_empty() {
            help.push(suggest::help(word, names.iter().map(String::as_str)));
        }
        if !meanings.is_empty() {
            help.push(meanings.join("; "));
        }
        self.faults.push(fault.help(help.join(" ")));
    }

    fn visit_map(&mut self, node: &Node, entries: &[(Key, Node)], schema: &'a Json, what: What<'_>) {
        let none = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let rest = schema.get("additionalProperties");
        for (key, value) in entries {
            let known = properties.and_then(|properties| properties.get(&key.text));
            match (known, rest) {
                (Some(inner), _) => self.visit(value, inner, What::Named(&key.text)),
                (None, Some(Json::Bool(false))) => {
                    let names = properties.unwrap_or(&none).keys().map(String::as_str);
                    let fault = Fault::new(key.span, format!("unknown field `{}` in {what}", key.text));
                    self.faults.push(fault.label("not a field").help(suggest::help(&key.text, names)));
                }
                (None, Some(inner)) if inner.is_object() => self.visit(value, inner, What::Named(&key.text)),
                (None, _) => {}
            }
        }
        for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if node.get(key).is_none() {
                let inner = properties.and_then(|properties| properties.get(key));
                let about = inner.and_then(|inner| inner.get("description")).and_then(Json::as_str);
                let fault = Fault::new(node.span, format!("{what} has no field `{key}`")).label("in here");
                self.faults.push(fault.help(match inner.and_then(|inner| inner.get("const")) {
                    Some(only) => format!("add `{key}: {only}`"),
                    None => format!("add `{key}`: {}", about.unwrap_or("it has no default")),
                }));
            }
        }
    }

    fn visit_text(&mut self, node: &Node, text: &str, schema: &Json) {
        let Some(format) = schema.get("format").and_then(Json::as_str) else { return };
        if marker::find(text).next().is_some() {
            return; // known only at run time
        }
        let wrong = |message: String| (message, written(format).map_or_else(String::new, |how| format!("write {how}")));
        let problem = match format {
            "duration-text" => text.parse::<Span>().err().map(wrong),
            "duration-or-none" => (text != "none").then(|| text.parse::<Span>().err().map(wrong)).flatten(),
            "bytes-text" => text.parse::<Bytes>().err().map(wrong),
            "version-text" => text.parse::<crate::domain::product::Version>().err().map(wrong),
            "address" => bad_address(text).map(wrong),
            "identifier" => bad_identifier(text),
            "wall-time" => text.parse::<WallTime>().err().map(wrong),
            "time-zone" => unknown_zone(text),
            "path" => with_control_signs(text),
            "variable" => bad_variable(text).map(wrong),
            "server-name" => bad_server_name(text),
            "host-folder" => bad_host_folder(text),
            "ssh-destination" => like_an_option(text),
            "host-or-ssh-name" => like_an_option(text).or_else(|| self.names.unknown(format, text)),
            name => self.names.unknown(name, text),
        };
        if let Some((message, help)) = problem {
            self.faults.push(Fault::new(node.span, message).help(help));
        }
    }

    fn visit_number(&mut self, node: &Node, number: i64, schema: &Json, what: What<'_>) {
        let bound = |name: &str| schema.get(name).and_then(Json::as_i64);
        let (least, most) = (bound("minimum"), bound("maximum").or_else(|| largest(schema)));
        let help = match (least, most) {
            (Some(least), Some(most)) => format!("write a number from {least} to {most}"),
            (Some(least), None) => format!("write {least} or more"),
            (None, Some(most)) => format!("write {most} or less"),
            (None, None) => return,
        };
        if let Some(least) = least.filter(|least| number < *least) {
            let fault = Fault::new(node.span, format!("{what} must be at least {least}"));
            self.faults.push(fault.label("too small").help(help));
        } else if let Some(most) = most.filter(|most| number > *most) {
            let fault = Fault::new(node.span, format!("{what} must be at most {most}"));
            self.faults.push(fault.label("too large").help(help));
        }
    }

    fn mismatch(&mut self, node: &Node, schema: &'a Json, what: What<'_>) {
        let expected = self.expected(schema);
        let message = match (schema.get("const"), node.to_json()) {
            (Some(_), actual @ (Json::Number(_) | Json::Bool(_))) => {
                format!("{what} must be {expected}, but this is `{actual}`")
            }
            _ => format!("{what} must be {expected}, but this is {}", node.describe()),
        };
        let format = schema.get("format").and_then(Json::as_str);
        let how = match (node.as_str(), format.and_then(written)) {
            (_, Some(how)) => how.to_owned(),
            (Some(text), None) if expected == "a list" => format!("[{}]", shown_words(text)),
            _ => expected,
        };
        // of a switch that is not switched, the reader does not know what it does
        let about = schema.get("description").and_then(Json::as_str).filter(|_| schema["type"] == "boolean");
        let one_line = |about: &str| about.split_whitespace().collect::<Vec<_>>().join(" ");
        let about = about.map_or_else(String::new, |about| format!(". {}", one_line(about)));
        self.faults.push(Fault::new(node.span, message).label(node.describe()).help(format!("write {how}{about}")));
    }

    fn expected(&self, schema: &'a Json) -> String {
        let schema = self.resolve(schema);
        if let Some(what) = schema.get("x-expected").and_then(Json::as_str) {
            return what.to_owned();
        }
        if let Some(value) = schema.get("const") {
            return format!("`{value}`");
        }
        match schema.get("format").and_then(Json::as_str) {
            Some("duration-text") => return "a length of time".to_owned(),
            Some("duration-or-none") => return "a length of time or `none`".to_owned(),
            Some("bytes-text") => return "an amount of bytes".to_owned(),
            Some("version-text") => return "a version in quotes".to_owned(),
            Some("address") => return "an address with a port".to_owned(),
            Some("wall-time") => return "a time of day in quotes".to_owned(),
            _ => {}
        }
        let mut words: Vec<String> = Vec::new();
        for variant in ["anyOf", "oneOf"].iter().filter_map(|list| schema.get(*list)?.as_array()).flatten() {
            words.push(self.expected(variant));
        }
        let word = |name: &str| match name {
            "boolean" => "`true` or `false`",
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "text",
            "array" => "a list",
            _ => "a mapping",
        };
        // that a field may also be left empty helps nobody who wrote something
        let one = schema.get("type").and_then(Json::as_str).into_iter();
        let many = schema.get("type").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        words.extend(one.chain(many).filter(|name| *name != "null").map(|name| word(name).to_owned()));
        words.retain(|word| !word.is_empty());
        words.join(" or ")
    }
}

/// How values of a format are written.
fn written(format: &str) -> Option<&'static str> {
    Some(match format {
        "duration-text" => "250ms, 30s or 1h 30m",
        "duration-or-none" => "30s, 1h 30m or none",
        "bytes-text" => "512MiB or 4GiB",
        "version-text" => "it in quotes, such as \"10.11\"",
        "address" => "host:port, such as 127.0.0.1:3306",
        "variable" => "its name, such as DB_PASSWORD",
        "wall-time" => "it with 24 hours and in quotes, such as \"02:00\"",
        _ => return None,
    })
}

fn shown_words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(", ")
}

/// The largest number of the type that a schema stands for.
fn largest(schema: &Json) -> Option<i64> {
    match schema.get("format").and_then(Json::as_str)? {
        "uint8" => Some(u8::MAX.into()),
        "uint16" => Some(u16::MAX.into()),
        "uint32" => Some(u32::MAX.into()),
        _ => None,
    }
}

fn fits_type(node: &Node, schema: &Json) -> bool {
    let one = |name: &str| {
        matches!(
            (&node.value, name),
            (Value::Null, "null")
                | (Value::Bool(_), "boolean")
                | (Value::Int(_), "integer" | "number")
                | (Value::Float(_), "number")
                | (Value::Str(_), "string")
                | (Value::Seq(_), "array")
                | (Value::Map(_), "object")
        )
    };
    match schema.get("type") {
        Some(Json::String(name)) => one(name),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).any(one),
        _ => true,
    }
}

fn bad_address(text: &str) -> Option<String> {
    Endpoint::parse(text).is_none().then(|| format!("`{text}` is not an address with a port"))
}

fn bad_identifier(text: &str) -> Option<(String, String)> {
    let bad = text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    bad.then(|| (format!("`{text}` is not a plain name"), "use letters, digits, `_` and `-` only".into()))
}

/// What a certificate can be for: a host's name or an address, without a port.
fn bad_server_name(text: &str) -> Option<(String, String)> {
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let fits = text.parse::<IpAddr>().is_ok() || text.split('.').all(label);
    (!fits).then(|| {
        let message = format!("`{text}` is neither a host name nor an IP address");
        (message, "write the name in the server's certificate, such as db1.example".to_owned())
    })
}

/// A name that ends a line ends it in every file and list that it is written into.
fn with_control_signs(text: &str) -> Option<(String, String)> {
    let message = format!("{} contains a control character", text.escape_debug());
    text.chars().any(char::is_control).then(|| (message, "remove it, and rename the thing with this name".to_owned()))
}

/// A shell can set these; anything else would be more than a name in the files that name it.
fn bad_variable(text: &str) -> Option<String> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = begins && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (!plain).then(|| format!("`{}` is not the name of an environment variable", text.escape_debug()))
}

/// A folder of ours is found without knowing where one stands.
fn bad_host_folder(text: &str) -> Option<(String, String)> {
    let below = text.strip_prefix("~/").or_else(|| text.strip_prefix('/'));
    if below.is_none_or(|below| below.trim_matches('/').is_empty()) {
        let help =
            "write an absolute path, such as /var/lib/cutover, or one below the home folder: ~/.cutover".to_owned();
        return Some((format!("`{}` is not a usable folder on a host", text.escape_debug()), help));
    }
    with_control_signs(text)
}

/// What begins with a dash is an option to every program that is given it.
fn like_an_option(text: &str) -> Option<(String, String)> {
    let help = "write user@address, ssh://user@address:port, or an alias of your ssh configuration".to_owned();
    if text.starts_with('-') {
        return Some((format!("ssh would treat `{}` as an option", text.escape_debug()), help));
    }
    with_control_signs(text).map(|(message, _)| (message, help))
}

fn unknown_zone(text: &str) -> Option<(String, String)> {
    if jiff::tz::TimeZone::get(text).is_ok() {
        return None;
    }
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    let help = match suggest::nearest(text, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write its IANA name, such as Europe/Oslo".to_owned(),
    };
    Some((format!("there is no time zone `{text}`"), help))
}
