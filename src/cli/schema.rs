//! `cutover schema`

use super::output;
use crate::error::exit;
use crate::plan::schema;
use crate::{people, report, schedule};
use clap::ValueEnum;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Kind of document.
    #[arg(value_enum)]
    document: Document,
}

/// A kind of document.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Document {
    /// Playbook: what is done.
    Playbook,
    /// Inventory: where it is done.
    Inventory,
    /// Plan, as `plan --format json` prints it.
    Plan,
    /// Report of a run, as `report --format json` prints it.
    Report,
    /// File of people: who may start runs and approve steps.
    People,
    /// File of schedules: when runs are started.
    Schedules,
}

/// Prints the schema.
pub fn run(args: &Args) -> u8 {
    output::json(&match args.document {
        Document::Playbook => schema::playbook(),
        Document::Inventory => schema::inventory(),
        Document::Plan => schema::plan(),
        Document::Report => report::document::schema(),
        Document::People => people::schema(),
        Document::Schedules => schedule::file::schema(),
    });
    exit::DONE
}
