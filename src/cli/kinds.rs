//! `cutover kinds`

use super::output::{self, Format};
use crate::error::exit;
use crate::plan::schema;
use crate::playbook::suggest;
use crate::steps::{self, KINDS, Kind};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Arguments of `kinds`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The kind to explain; all of them in a line each when left out.
    kind: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists or explains.
pub fn run(args: &Args) -> u8 {
    let kinds: Vec<&Kind> = match &args.kind {
        None => KINDS.iter().collect(),
        Some(name) => {
            let Some(kind) = steps::find(name) else {
                let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                eprintln!("there is no step kind `{name}`: {}", suggest::help(name, names));
                return exit::INVALID;
            };
            vec![kind]
        }
    };
    match args.format {
        Format::Json => output::json(&kinds.iter().map(|kind| as_json(kind)).collect::<Vec<_>>()),
        Format::Text if args.kind.is_some() => output::text(&explain(kinds[0])),
        Format::Text => output::text(&list(&kinds)),
    }
    exit::DONE
}

fn list(kinds: &[&Kind]) -> String {
    let mut lines = String::new();
    for kind in kinds {
        let about = about(&schema::of_kind(kind));
        let first = about.split(". ").next().unwrap_or_default().trim_end_matches('.');
        let _ = writeln!(lines, "{:<20} {first}", kind.name);
    }
    lines
}

fn about(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn as_json(kind: &Kind) -> Value {
    let output = |output: &steps::Output| json!({ "name": output.name, "type": format!("{:?}", output.kind).to_lowercase(), "about": output.about });
    let outputs: Vec<Value> = kind.outputs.iter().map(output).collect();
    json!({ "name": kind.name, "with": schema::of_kind(kind), "outputs": outputs })
}

fn explain(kind: &Kind) -> String {
    let schema = schema::of_kind(kind);
    let mut out = format!("{}\n\n{}\n\nwith:\n", kind.name, about(&schema));
    parameters(&mut out, &schema, 2);
    if !kind.outputs.is_empty() {
        out.push_str("\noutputs:\n");
    }
    for output in kind.outputs {
        let kind = format!("{:?}", output.kind).to_lowercase();
        let _ = writeln!(out, "  {:<18} {kind:<9} {}", output.name, output.about);
    }
    out
}

fn parameters(out: &mut String, schema: &Value, indent: usize) {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let default = match property.get("default") {
            _ if required.contains(&name.as_str()) => " (required)".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(default) => format!(" (default {default})"),
        };
        let _ = writeln!(out, "{:indent$}{name:<18} {}{default}", "", about(property));
        if property.get("properties").is_some() {
            parameters(out, property, indent + 2);
        }
    }
}
