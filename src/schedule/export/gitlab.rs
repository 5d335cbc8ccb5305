//! Jobs for pipeline schedules.

use super::{
    Exported, Place, beyond_minutes, five_fields, heading, kubernetes, left_out_by_clocks, secret_variables, zone,
};
use crate::schedule::file::{CatchUp, Schedules};
use serde_json::json;
use std::fmt::Write as _;

/// `cutover.gitlab-ci.yml`, to be included in `.gitlab-ci.yml`.
#[must_use]
pub fn file(schedules: &Schedules, place: &Place) -> Exported {
    let mut text = String::from(
        "# Include it from .gitlab-ci.yml. GitLab keeps the times of schedules in the project, not in a file: create one pipeline\n\
         # schedule for each job, with the variable CUTOVER_SCHEDULE, as shown above the job.\n\
         # Needs a self-hosted runner with the tag cutover and the program installed (executor shell): its state directory\n\
         # must survive until the next start, and it must reach the servers.\n\
         # The command refuses starts later than latest_start, and starts no due time twice.\n",
    );
    for schedule in &schedules.all {
        let name = &schedule.name;
        let _ = write!(text, "\n# {}\n", heading(schedule));
        if let Some(why) = beyond_minutes(schedule) {
            let _ = writeln!(text, "# left out: {why}");
            continue;
        }
        let _ = writeln!(
            text,
            "# Pipeline schedule: cron \"{}\", cron_timezone \"{}\", variable CUTOVER_SCHEDULE={name}",
            five_fields(schedule),
            zone(schedule)
        );
        if schedule.rules.catch_up == CatchUp::Last {
            text += "# catch_up: last is not possible: due times at which no pipeline could start are lost.\n";
        }
        text += &left_out_by_clocks(schedule, place, "GitLab may not call");
        let secrets = secret_variables(schedule);
        if !secrets.is_empty() {
            let _ = writeln!(text, "# Masked variables of the project: {}", secrets.join(", "));
        }
        let job = json!({ format!("cutover-{name}"): {
            "tags": ["cutover"],
            "rules": [{ "if": format!("$CI_PIPELINE_SOURCE == \"schedule\" && $CUTOVER_SCHEDULE == \"{name}\"") }],
            "resource_group": format!("cutover-{name}"),
            "interruptible": false,
            "timeout": "24h",
            "script": [place.shell(name)],
        } });
        text += &kubernetes::yaml(&job, 0);
    }
    Exported { name: "cutover.gitlab-ci.yml".into(), text }
}
