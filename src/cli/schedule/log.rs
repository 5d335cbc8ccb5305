//! `cutover schedule log`

use super::Format;
use super::list::came;
use crate::cli::conduct::give_up;
use crate::cli::output;
use crate::cli::state::State;
use crate::error::exit;
use crate::schedule::look::instant;
use crate::store::{Start, Starts};

/// Arguments of `schedule log`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this schedule.
    name: Option<String>,
    /// Number of decisions, the newest first.
    #[arg(short = 'n', long, default_value_t = 20)]
    count: usize,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Shows decisions, the newest first.
pub fn run(args: &Args) -> Result<u8, u8> {
    let journal = args.state.existing_store().map_err(|failure| give_up(&failure))?;
    let starts = journal.map_or(Ok(Vec::new()), |journal| journal.starts(args.name.as_deref(), args.count));
    let starts = starts.map_err(|failure| give_up(&failure))?;
    match args.format {
        Format::Json => output::json(&starts),
        Format::Text => output::text(&starts.iter().map(line).collect::<String>()),
    }
    Ok(exit::DONE)
}

/// A start as a line.
pub fn line(start: &Start) -> String {
    let asked = if start.on_demand { format!("  requested by {}", start.by) } else { String::new() };
    let reason = start.reason.as_ref().map(|reason| format!("  ({reason})")).unwrap_or_default();
    let run = start.run.as_deref().unwrap_or("-");
    format!("{}  {:<20} {:<24} {run}{asked}{reason}\n", instant(start.due), start.schedule, came(start))
}
