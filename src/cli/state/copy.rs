//! `cutover state copy`: copies the stored state from a directory to a shared store, and back.

use super::State;
use crate::cli::output::{self, Format};
use crate::engine::Home;
use crate::error::{Failure, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct CopyArgs {
    /// Destination: an empty directory, or the address of a PostgreSQL database without a store.
    #[arg(value_name = "DIR|URL")]
    to: PathBuf,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn copy(args: &CopyArgs) -> Result<()> {
    args.state.open()?; // reports that there is none
    let from = args.state.home()?;
    if let Some(worker) = from.workers().first() {
        return Err(Failure::locked("copy the store", format!("it is in use by {worker}"))
            .now("nothing was copied")
            .help("wait for it, or interrupt it (Ctrl-C or SIGTERM, it can be resumed); stop `cutover serve` and `cutover runner` too"));
    }
    let copied = from.store.copy_to(&Home::at(&args.to)?.store)?;
    match args.format {
        Format::Json => output::json(&copied),
        Format::Text => {
            let (to, words) = (args.to.display(), super::command::words(&copied));
            output::text(&format!("copied to {to}, and both hold the same: {words}\n"));
            output::text(
                "the original is unchanged; from now on use the copy (`--state`, CUTOVER_STATE) on every machine\n",
            );
        }
    }
    Ok(())
}
