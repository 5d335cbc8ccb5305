//! `cutover check` of a file of schedules: its own faults, and those of the playbooks and inventories it names.

use super::{Args, invalid, print};
use crate::cli::output;
use crate::error::exit;
use crate::lint::Report;
use crate::playbook::fault::Faults;
use crate::schedule::{Schedules, check};
use serde_json::json;
use std::path::Path;

/// Whether the file holds schedules.
pub fn is_one(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| crate::schedule::file::is_schedules(&text))
}

/// Checks the file.
pub fn run(args: &Args) -> u8 {
    let path = &args.inputs.playbook;
    let faults: Vec<Faults> = match Schedules::open(path) {
        Err(faults) => vec![faults],
        Ok(schedules) => {
            let found = check::faults(&schedules);
            if found.is_empty() {
                return valid(args, &schedules);
            }
            let name = |(name, reports): (String, Vec<Faults>)| {
                output::say(&format!("schedule {name}:"));
                reports
            };
            found.into_iter().flat_map(name).collect()
        }
    };
    invalid(args.format, faults)
}

fn valid(args: &Args, schedules: &Schedules) -> u8 {
    let count = schedules.all.len();
    print(args.format, &Report::default(), || {
        json!({
            "valid": true, "passed": true, "schedules": count, "faults": [], "findings": [], "allowed": [],
        })
    });
    if args.format == super::Format::Text {
        let schedules = if count == 1 { "schedule" } else { "schedules" };
        output::text(&format!("{} is valid: {count} {schedules}\n", args.inputs.playbook.display()));
    }
    exit::DONE
}
