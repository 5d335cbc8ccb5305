//! `cutover explain`

use super::output::{self, Format};
use crate::error::exit;
use crate::lint::{self, RULES, Rule};
use crate::playbook::suggest;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The rule to explain, such as C007. Default: list all rules, one per line.
    code: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists or explains.
pub fn run(args: &Args) -> u8 {
    let Some(code) = &args.code else {
        match args.format {
            Format::Text => output::text(&list()),
            Format::Json => output::json(&RULES.iter().map(|rule| as_json(rule)).collect::<Vec<_>>()),
        }
        return exit::DONE;
    };
    let Some(rule) = lint::find(code) else {
        let help = suggest::help(code, RULES.iter().map(|rule| rule.code));
        output::say(&format!("there is no rule `{code}`: {help}"));
        return exit::INVALID;
    };
    match args.format {
        Format::Text => output::text(&rule.explanation()),
        Format::Json => output::json(&as_json(rule)),
    }
    exit::DONE
}

fn list() -> String {
    let mut lines = String::new();
    for rule in RULES {
        let _ = writeln!(lines, "{}  {:<8} {}", rule.code, rule.severity, rule.title);
    }
    lines
}

fn as_json(rule: &Rule) -> Value {
    json!({
        "code": rule.code, "name": rule.name, "severity": rule.severity.to_string(), "title": rule.title,
        "explanation": rule.explanation(),
    })
}
