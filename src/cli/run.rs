//! `cutover run`

use super::conduct::{self, Conduct, Errand, Manner};
use super::inputs::{self, Inputs};
use super::state::State;
use crate::error::exit;
use std::path::Path;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    manner: Manner,
}

/// Plans and carries out.
pub fn run(args: Args) -> u8 {
    let plan = match args.inputs.plan() {
        Ok(plan) => plan,
        Err(reports) => {
            inputs::complain(reports);
            return exit::INVALID;
        }
    };
    let folder = args.inputs.inventory.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    // a later resume may be called from another folder
    let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_path_buf());
    let sources = args.inputs.sources().absolute();
    let (run, compare) = (conduct::new_run(), false);
    let conduct = Conduct { state: args.state, run, plan, folder, sources, compare, manner: args.manner };
    conduct.carry_out(Errand::Run)
}
