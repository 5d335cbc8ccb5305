//! `cutover plan`

use super::inputs::{self, Inputs};
use super::output;
use crate::error::exit;
use crate::plan::display;
use clap::ValueEnum;
use serde_json::json;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Display,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Display {
    /// For people at a terminal.
    #[default]
    Text,
    /// For a pull request, with a graph and folded details.
    Markdown,
    /// The plan itself, by the schema of `cutover schema plan`.
    Json,
    /// The graph as a Mermaid flowchart.
    Mermaid,
    /// The graph for Graphviz.
    Dot,
    /// One page for a browser, which loads nothing.
    Html,
}

/// Makes the plan and prints it.
pub fn run(args: &Args) -> u8 {
    match args.inputs.plan() {
        Ok(plan) => {
            match args.format {
                Display::Text => output::text(&display::text(&plan)),
                Display::Markdown => output::text(&display::markdown(&plan)),
                Display::Json => output::json(&plan),
                Display::Mermaid => output::text(&display::mermaid(&plan)),
                Display::Dot => output::text(&display::dot(&plan)),
                Display::Html => output::text(&display::html(&plan)),
            }
            exit::DONE
        }
        Err(reports) => {
            if args.format == Display::Json {
                output::json(&json!({ "valid": false, "faults": inputs::faults_json(&reports) }));
            }
            inputs::complain(reports);
            exit::INVALID
        }
    }
}
