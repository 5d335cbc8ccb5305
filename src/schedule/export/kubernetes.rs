//! A `CronJob` for each schedule, and runners where many machines share the store.

mod pod;
mod runners;
mod yaml;

use super::{Exported, Place, beyond_minutes, five_fields, heading, left_out_by_clocks, zone};
use crate::schedule::file::{CatchUp, Overlap, Schedule, Schedules};
use pod::{needs, pod};
use serde_json::{Value, json};
use std::fmt::Write as _;
pub(super) use yaml::yaml;

/// `cutover-NAME.cronjob.yaml` for each, and on a shared store the runners.
#[must_use]
pub fn files(schedules: &Schedules, place: &Place) -> Vec<Exported> {
    let mut files: Vec<Exported> = schedules.all.iter().flat_map(|schedule| jobs(schedule, place)).collect();
    if place.is_shared() {
        files.extend(runners::files(schedules, place));
    }
    files
}

/// A name as Kubernetes takes it.
fn object_name(name: &str) -> String {
    let allowed = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    name.chars().map(allowed).collect::<String>().trim_matches('-').chars().take(63).collect()
}

fn jobs(schedule: &Schedule, place: &Place) -> Vec<Exported> {
    let name = object_name(&format!("cutover-{}", schedule.name));
    let mut text = format!("# {}\n", heading(schedule));
    if let Some(why) = beyond_minutes(schedule) {
        let _ = writeln!(text, "# left out: {why}");
        return vec![Exported { name: format!("{name}.cronjob.yaml"), text }];
    }
    text += &needs(place);
    if !place.is_shared() {
        text += "# All jobs share one state directory, and so wait for each other or are skipped, depending on `overlap`.\n";
    }
    if schedule.rules.overlap == Overlap::Queue {
        text += "# overlap: queue works between schedules; within one schedule, Forbid skips a start while one is running\n";
    }
    if schedule.rules.catch_up == CatchUp::None && schedule.rules.latest_start.is_none() {
        text += "# catch_up: none is set by startingDeadlineSeconds\n";
    }
    text += &left_out_by_clocks(schedule, place, "Kubernetes does not call");
    text += &yaml(&cron_job(&name, schedule, place), 0);
    vec![Exported { name: format!("{name}.cronjob.yaml"), text }]
}

fn cron_job(name: &str, schedule: &Schedule, place: &Place) -> Value {
    let mut spec = json!({
        "schedule": five_fields(schedule),
        "timeZone": zone(schedule),
        "concurrencyPolicy": "Forbid",
    });
    // below ten seconds a CronJob may never start; the command itself keeps the exact time
    let latest = schedule.rules.latest_start.map(|latest| latest.0.as_secs().max(10));
    let none = (schedule.rules.catch_up == CatchUp::None).then_some(60);
    if let Some(seconds) = latest.or(none) {
        spec["startingDeadlineSeconds"] = seconds.into();
    }
    spec["jobTemplate"] = json!({ "spec": {
        "backoffLimit": 0,
        "template": { "spec": pod(place, &place.words(&schedule.name), "Never", json!({})) },
    } });
    json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": name }, "spec": spec })
}
