//! The arguments that name a playbook, its inventory and its inputs; shared by every command that makes a plan.

use super::output;
use crate::plan::Plan;
use crate::plan::load::{self, Sources};
use crate::playbook::fault::{Fault, Faults};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What a plan is made from.
#[derive(Debug, Clone, clap::Args)]
#[allow(clippy::struct_field_names, reason = "the field names the flag `--inputs`")]
pub struct Inputs {
    /// The playbook.
    pub playbook: PathBuf,
    /// The inventory. Optional when no step names a host or server.
    #[arg(short, long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// A YAML file with inputs.
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// An input; can be repeated, and overrides the file.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Use the inputs' `rehearsal` values instead of their defaults.
    #[arg(long, hide = true)]
    pub rehearsal: bool,
    /// In a rehearsal: wait for windows as a run does.
    #[arg(long, hide = true, requires = "rehearsal")]
    pub windows: bool,
}

impl Inputs {
    /// The same for the planner.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources {
            playbook: self.playbook.clone(),
            inventory: self.inventory.clone(),
            inputs: self.inputs.clone(),
            set: self.set.clone(),
            rehearsal: self.rehearsal,
            windows: self.windows,
            ..Sources::default()
        }
    }
    /// Whether nothing but the playbook is named.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.inventory.is_none() && self.inputs.is_none() && self.set.is_empty()
    }
    /// Makes the plan.
    ///
    /// # Errors
    /// Every fault of every file.
    pub fn plan(&self) -> Result<Plan, Vec<Faults>> {
        load::plan(&self.sources())
    }
}

/// The folder of `inventory`, as seen from any other: a later resume may be called from another one.
#[must_use]
pub fn secrets_folder(inventory: Option<&Path>) -> PathBuf {
    let folder = inventory.and_then(Path::parent).unwrap_or(Path::new(""));
    std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_path_buf())
}

/// Number of faults shown per file: each costs a pass over the whole text, and nobody reads more at once.
const SHOWN: usize = 50;

/// Prints reports for people.
pub fn complain(reports: Vec<Faults>) {
    for mut report in reports {
        let more = report.faults.len().saturating_sub(SHOWN);
        report.faults.truncate(SHOWN);
        output::complain(&report);
        if more > 0 {
            output::say(&format!("... and {more} more; `cutover check --format json` lists them all"));
        }
    }
}

/// The same as data.
#[must_use]
pub fn faults_json(reports: &[Faults]) -> Value {
    let fault = |report: &Faults, fault: &Fault| {
        json!({
            "file": report.name,
            "message": fault.message,
            "help": fault.help,
            "start": fault.span.map(|span| span.start),
            "end": fault.span.map(|span| span.end),
        })
    };
    reports.iter().flat_map(|report| report.faults.iter().map(|shown| fault(report, &shown.fault))).collect()
}
