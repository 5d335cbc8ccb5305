//! `cutover preflight`

mod findings;
mod shipped;

use super::live;
use super::output::{self, Format};
use super::state::State;
use crate::error::exit;
use crate::kinds::Mark;
use crate::plan::load::{self, Sources};
use std::path::PathBuf;

/// Arguments of `preflight`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes:  0 nothing blocks, 2 invalid input, 5 something blocks or could not be asked")]
pub struct Args {
    /// The playbook whose run is looked at in advance; the shipped `replication_swap.yaml` when left out.
    playbook: Option<PathBuf>,
    /// The inventory.
    #[arg(short, long, value_name = "FILE")]
    inventory: PathBuf,
    /// An input of the playbook; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", requires = "playbook")]
    set: Vec<String>,
    /// The server that is left.
    #[arg(long, value_name = "SERVER", default_value = "source", conflicts_with = "playbook")]
    source: String,
    /// The server that takes its place.
    #[arg(long, value_name = "SERVER", default_value = "target", conflicts_with = "playbook")]
    target: String,
    /// The application whose logins are tried; the only one of the inventory when left out.
    #[arg(long, conflicts_with = "playbook")]
    application: Option<String>,
    /// A database that would move; may be given several times. All user databases when left out.
    #[arg(long = "database", value_name = "NAME", conflicts_with = "playbook")]
    databases: Vec<String>,
    /// A check that may block without making this fail; may be given several times.
    #[arg(long, value_name = "CHECK", conflicts_with = "playbook")]
    allow: Vec<String>,
    /// Whether the old server is to follow the new one: `required`, `if_possible` or `none`.
    #[arg(long, value_name = "WHETHER", default_value = "required", conflicts_with = "playbook", value_parser = ["required", "if_possible", "none"])]
    way_back: String,
    /// Accept a target that is older than its source.
    #[arg(long, conflicts_with = "playbook")]
    accept_older_target: bool,
    #[command(flatten)]
    state: State,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Looks at everything that a run would look at before its first step, and prints what every check and every step says.
pub fn run(args: &Args) -> u8 {
    let sources = Sources { inventory: Some(args.inventory.clone()), ..Sources::default() };
    let looked = if let Some(path) = &args.playbook {
        let sources = Sources { playbook: path.clone(), set: args.set.clone(), ..sources };
        live::plan(load::plan, sources, &args.state)
    } else {
        let (playbook, set) = shipped::playbook(args);
        live::plan(|sources| load::plan_of(&playbook, sources), Sources { set, ..sources }, &args.state)
    };
    let survey = match looked {
        Ok((_, _, survey)) => survey,
        Err(code) => return code,
    };
    let found = findings::of(&survey);
    match args.format {
        Format::Text => output::text(&findings::table(&args.title(), &found)),
        Format::Json => output::json(&findings::document(args, &found, &survey)),
    }
    for failure in &survey.failures {
        output::complain(failure);
    }
    let fine = survey.failures.is_empty() && found.iter().all(|check| check.result != Mark::Block);
    if fine { exit::DONE } else { exit::REFUSED }
}

impl Args {
    /// What was looked at, for the last line.
    fn title(&self) -> String {
        match &self.playbook {
            Some(path) => path.display().to_string(),
            None => format!("{} to {}", self.source, self.target),
        }
    }
}
