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
#[command(after_help = "Exit codes:  0 nothing blocks, 2 invalid input, 5 a check blocks, or a server did not answer")]
pub struct Args {
    /// The playbook to check. Default: the shipped `replication_swap.yaml`.
    playbook: Option<PathBuf>,
    /// The inventory.
    #[arg(short, long, value_name = "FILE")]
    inventory: PathBuf,
    /// An input of the playbook; can be repeated.
    #[arg(long, value_name = "NAME=VALUE", requires = "playbook")]
    set: Vec<String>,
    /// The old server.
    #[arg(long, value_name = "SERVER", default_value = "source", conflicts_with = "playbook")]
    source: String,
    /// The new server.
    #[arg(long, value_name = "SERVER", default_value = "target", conflicts_with = "playbook")]
    target: String,
    /// The application whose logins are tested. Default: the only one in the inventory.
    #[arg(long, conflicts_with = "playbook")]
    application: Option<String>,
    /// A database to move; can be repeated. Default: all user databases.
    #[arg(long = "database", value_name = "NAME", conflicts_with = "playbook")]
    databases: Vec<String>,
    /// Report this check as a warning when it blocks; can be repeated.
    #[arg(long, value_name = "CHECK", conflicts_with = "playbook")]
    allow: Vec<String>,
    /// Whether the old server must replicate from the new one after the switch: `required`, `if_possible` or `none`.
    #[arg(long, value_name = "WHETHER", default_value = "required", conflicts_with = "playbook", value_parser = ["required", "if_possible", "none"])]
    way_back: String,
    /// Accept a target that is older than its source.
    #[arg(long, conflicts_with = "playbook")]
    accept_older_target: bool,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs all checks that a run makes before its first step, and prints every finding.
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
    /// What was checked, for the last line.
    fn title(&self) -> String {
        match &self.playbook {
            Some(path) => path.display().to_string(),
            None => format!("{} to {}", self.source, self.target),
        }
    }
}
