//! `cutover schedule list`

use super::{File, Format};
use crate::cli::conduct::give_up;
use crate::cli::output;
use crate::cli::state::State;
use crate::error::exit;
use crate::schedule::overview::{Standing, standings};
use crate::store::{Start, Starts};
use jiff::Timestamp;

/// Arguments of `schedule list`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Lists all schedules.
pub fn run(args: &Args) -> Result<u8, u8> {
    let schedules = args.file.open()?;
    let journal = args.state.existing_store().map_err(|failure| give_up(&failure))?;
    let journal = journal.as_ref().map(|journal| journal as &dyn Starts);
    let standings = standings(&schedules, journal, Timestamp::now()).map_err(|failure| give_up(&failure))?;
    match args.format {
        Format::Json => output::json(&standings),
        Format::Text => output::text(&standings.iter().map(line).collect::<String>()),
    }
    Ok(exit::DONE)
}

fn line(standing: &Standing) -> String {
    let playbook = standing.playbook.file_name().unwrap_or_default().to_string_lossy();
    let action = format!("{:?}", standing.action).to_lowercase();
    let last =
        standing.last.as_ref().map_or_else(|| "not started yet".to_owned(), |start| format!("last {}", came(start)));
    let next = standing.next.as_deref().unwrap_or("never");
    format!("{:<20} {action:<8} {playbook:<26} next {next}  {last}\n", standing.schedule)
}

/// The result of a start, in words.
pub fn came(start: &Start) -> String {
    let how = match (start.ended, start.exit_code) {
        (Some(_), Some(0)) => ", done".to_owned(),
        (Some(_), Some(code)) => format!(", exit {code}"),
        (Some(_), None) => ", died".to_owned(),
        (None, _) if start.claimed.is_some() => ", running".to_owned(),
        (None, _) => String::new(),
    };
    format!("{}{how}", start.verdict)
}
