//! `cutover plan`

use super::inputs::{self, Inputs};
use super::output::{self, Format};
use crate::error::exit;
use crate::plan::display;
use serde_json::json;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Makes the plan and prints it.
pub fn run(args: &Args) -> u8 {
    match args.inputs.plan() {
        Ok(plan) => {
            match args.format {
                Format::Text => output::text(&display::text(&plan)),
                Format::Json => output::json(&plan),
            }
            exit::DONE
        }
        Err(reports) => {
            if args.format == Format::Json {
                output::json(&json!({ "valid": false, "faults": inputs::faults_json(&reports) }));
            }
            inputs::complain(reports);
            exit::INVALID
        }
    }
}
