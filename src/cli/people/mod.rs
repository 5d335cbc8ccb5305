//! `cutover people`: which file of people a run's answers come from.

use super::conduct::give_up;
use super::identity::Identity;
use super::output::{self, Format};
use super::state::State;
use crate::engine::approvals::accept_file;
use crate::engine::run_id;
use crate::error::{Failure, exit};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `people`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Accept a new or changed file of people for a run. People who have already approved must answer again.
    Accept(Accept),
}

/// Arguments of `people accept`.
#[derive(Debug, clap::Args)]
struct Accept {
    /// Id of the run.
    run: String,
    /// The file of people.
    #[arg(long, value_name = "FILE", env = "CUTOVER_PEOPLE")]
    people: PathBuf,
    /// Why it has changed; recorded in the journal with your account.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the subcommand.
pub fn run(args: &Args) -> u8 {
    let Command::Accept(args) = &args.command;
    accept(args).unwrap_or_else(|code| code)
}

fn accept(args: &Accept) -> Result<u8, u8> {
    if args.why.trim().is_empty() {
        let failure = Failure::permanent("accept the file of people", "no reason is given").now("nothing was written");
        output::complain(&failure.help("state with --why what has changed, and why"));
        return Err(exit::INVALID);
    }
    let Some((_, file)) = Identity::of(Some(args.people.clone())).file()? else { return Err(exit::INVALID) };
    let by = run_id::runner();
    let accepted = args.state.record(Some(&args.run)).and_then(|record| {
        let changes = accept_file(&*args.state.journal()?, &record.head.id, &file, &by, &args.why)?;
        Ok((record.head.id, changes))
    });
    let (run, changes) = accepted.map_err(|failure| give_up(&failure))?;
    match args.format {
        Format::Json => output::json(&json!({
            "run": run, "by": by, "path": file.path, "sha256": file.sha256, "changes": changes,
        })),
        Format::Text => {
            let again = "people who have already approved must answer again";
            output::text(&format!("run {run} is bound to {file}: {changes}\n{again}\n"));
        }
    }
    Ok(exit::DONE)
}
