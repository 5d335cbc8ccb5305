//! Checks that the playbooks and inventories of schedules can be read and planned without faults.

use super::file::{Action, Schedule, Schedules};
use crate::plan::load;
use crate::playbook::document::Document;
use crate::playbook::fault::Faults;
use crate::playbook::file;

/// Every fault, once per file and schedule, with the schedule's name.
#[must_use]
pub fn faults(schedules: &Schedules) -> Vec<(String, Vec<Faults>)> {
    let of_one = |schedule: &Schedule| (schedule.name.clone(), check(schedule));
    schedules.all.iter().map(of_one).filter(|(_, reports)| !reports.is_empty()).collect()
}

fn check(schedule: &Schedule) -> Vec<Faults> {
    if schedule.action != Action::Rehearse {
        return load::plan(&schedule.sources).err().unwrap_or_default();
    }
    // the inventory of a rehearsal is made with its servers: only the playbook can be checked
    match Document::open(&schedule.sources.playbook) {
        Err(report) => vec![report],
        Ok(document) => {
            let (_, faults) = file::read(&document);
            if faults.is_empty() { Vec::new() } else { vec![document.faults(faults)] }
        }
    }
}
