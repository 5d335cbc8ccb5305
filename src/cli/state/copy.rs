//! `cutover state copy`: moves what is kept from a directory of one machine to a store that many share, and back.

use super::State;
use crate::cli::output::{self, Format};
use crate::engine::Home;
use crate::error::{Failure, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct CopyArgs {
    /// Where to: an empty directory, or the address of a PostgreSQL database without a store.
    #[arg(value_name = "DIR|URL")]
    to: PathBuf,
    #[command(flatten)]
    state: State,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn copy(args: &CopyArgs) -> Result<()> {
    args.state.open()?; // reports that there is none
    let from = args.state.home()?;
    if let Some(worker) = from.workers().first() {
        return Err(Failure::locked("copy the store", format!("it is being worked on by {worker}"))
            .now("nothing was copied")
            .help("wait for it, or stop it (`cutover stop RUN`); stop `cutover serve` and `cutover runner` too"));
    }
    let copied = from.store.copy_to(&Home::at(&args.to)?.store)?;
    match args.format {
        Format::Json => output::json(&copied),
        Format::Text => {
            let (to, words) = (args.to.display(), super::command::words(&copied));
            output::text(&format!("copied to {to}, and both hold the same: {words}\n"));
            output::text(
                "the original is as it was; from now on name the copy (`--state`, CUTOVER_STATE) on every machine\n",
            );
        }
    }
    Ok(())
}
