//! `cutover schema`

use super::output;
use crate::error::exit;
use crate::plan::schema;
use crate::{people, report, schedule};
use clap::ValueEnum;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which document.
    #[arg(value_enum)]
    document: Document,
}

/// A kind of document.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Document {
    /// What is done.
    Playbook,
    /// Where it is done.
    Inventory,
    /// What will be done, as `plan --format json` prints it.
    Plan,
    /// What was done, as `report --format json` prints it.
    Report,
    /// Who may start runs and answer what they ask.
    People,
    /// When it is started.
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
