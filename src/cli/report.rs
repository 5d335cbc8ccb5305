//! `cutover report`: everything about a run, for people, programs and auditors.

use super::output;
use super::state::State;
use crate::error::Result;
use crate::report::document::Document;
use crate::report::html::{Material, page};
use crate::report::progress::{Reader, lag};
use clap::ValueEnum;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of the run. Default: the newest run.
    run: Option<String>,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout; `cutover schema report` describes it.
    Json,
    /// One self-contained HTML page on stdout.
    Html,
}

/// Shows everything about a run: its summary, the evidence, and every entry of its journal.
pub fn run(args: &Args) -> u8 {
    output::shown(&show(args))
}

fn show(args: &Args) -> Result<()> {
    let summary = args.state.summary(args.run.as_deref())?;
    let entries = args.state.existing()?.entries(&summary.run)?;
    match args.format {
        Format::Json => output::json(&Document::new(summary, entries)),
        Format::Html => {
            let mut progress = Reader::new(args.state.dir(), &summary.run);
            progress.look()?;
            let alive = args.state.worker(&summary.run);
            let (alive, lag) = (alive.as_deref(), lag(progress.news()));
            output::text(&page(&Material { summary: &summary, entries: &entries, alive, lag: &lag }));
        }
        Format::Text => {
            output::text(&args.state.shown(&summary, args.state.worker(&summary.run).as_deref()));
            output::text("\njournal:\n");
            for entry in entries {
                let at = jiff::Timestamp::from_millisecond(entry.at)
                    .map_or_else(|_| entry.at.to_string(), |at| at.to_string());
                let event = serde_json::to_string(&entry.event).unwrap_or_default();
                output::text(&format!("{:>5}  {at}  {event}\n", entry.seq));
            }
        }
    }
    Ok(())
}
