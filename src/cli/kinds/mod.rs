//! `cutover kinds`

mod markdown;
mod text;

use super::output;
use crate::error::exit;
use crate::kinds::{self, KINDS, Kind};
use crate::plan::{reference, schema};
use crate::playbook::suggest;
use clap::ValueEnum;
use serde_json::{Value, json};

/// Arguments of `kinds`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The kind to explain. Default: list all kinds, one per line.
    kind: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the reference is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people at a terminal.
    #[default]
    Text,
    /// For programs, each kind with the JSON Schema of its parameters.
    Json,
    /// A page for a repository.
    Markdown,
}

/// Lists or explains.
pub fn run(args: &Args) -> u8 {
    let kinds: Vec<&Kind> = match &args.kind {
        None => KINDS.iter().collect(),
        Some(name) => {
            let Some(kind) = kinds::find(name) else {
                let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                output::say(&format!("there is no step kind `{name}`: {}", suggest::help(name, names)));
                return exit::INVALID;
            };
            vec![kind]
        }
    };
    let references: Vec<_> = kinds.iter().map(|kind| reference::of(kind)).collect();
    match args.format {
        Format::Json => output::json(&kinds.iter().map(|kind| as_json(kind)).collect::<Vec<_>>()),
        Format::Markdown => output::text(&markdown::page(&references)),
        Format::Text if args.kind.is_some() => output::text(&text::explain(&references[0])),
        Format::Text => output::text(&text::list(&references)),
    }
    exit::DONE
}

fn as_json(kind: &Kind) -> Value {
    let mut explained = json!(reference::of(kind));
    explained["with"] = schema::of_kind(kind);
    explained
}
