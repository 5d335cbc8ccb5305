//! `cutover check`

use super::inputs::{self, Inputs};
use super::output::{self, Format};
use crate::error::exit;
use serde_json::json;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Checks, and says so.
pub fn run(args: &Args) -> u8 {
    let plan = args.inputs.plan();
    if args.format == Format::Json {
        output::json(&match &plan {
            Ok(plan) => json!({ "valid": true, "steps": plan.steps.len(), "hash": plan.hash, "faults": [] }),
            Err(reports) => json!({ "valid": false, "faults": inputs::faults_json(reports) }),
        });
    }
    match plan {
        Ok(plan) => {
            if args.format == Format::Text {
                let name = args.inputs.playbook.display();
                output::text(&format!("{name} is valid: {} steps, plan {}\n", plan.steps.len(), &plan.hash[..16]));
            }
            exit::DONE
        }
        Err(reports) => {
            inputs::complain(reports);
            exit::INVALID
        }
    }
}
