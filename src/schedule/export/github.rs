//! A workflow.

use super::{Exported, Place, beyond_minutes, five_fields, heading, kubernetes, secret_variables, zone};
use crate::schedule::file::{CatchUp, Schedule};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// `cutover-NAME.yml`, for `.github/workflows`.
#[must_use]
pub fn files(schedule: &Schedule, place: &Place) -> Vec<Exported> {
    let name = format!("cutover-{}.yml", schedule.name);
    let mut text = format!("# {}\n", heading(schedule));
    if let Some(why) = beyond_minutes(schedule) {
        let _ = writeln!(text, "# left out: {why}");
        return vec![Exported { name, text }];
    }
    text += "# Needs a self-hosted runner with the label cutover and the program installed: its state directory must survive\n\
             # until the next start, and it must reach the servers. Jobs may start hours late; the command then refuses\n\
             # because of latest_start, and the job fails. It never starts a due time twice.\n";
    if schedule.rules.latest_start.is_none() {
        text += "# The schedule has no latest_start: set one, or a start may happen hours late.\n";
    }
    if schedule.rules.catch_up == CatchUp::Last {
        text += "# catch_up: last is not possible: due times at which no job could start are lost.\n";
    }
    text += &kubernetes::yaml(&workflow(schedule, place), 0);
    vec![Exported { name, text }]
}

fn workflow(schedule: &Schedule, place: &Place) -> Value {
    let secret = |name: String| (name.clone(), Value::from(format!("${{{{ secrets.{name} }}}}")));
    let secrets: Map<String, Value> = secret_variables(schedule).into_iter().map(secret).collect();
    let mut run = json!({ "run": escaped(&place.shell(&schedule.name)) });
    if !secrets.is_empty() {
        run["env"] = Value::Object(secrets);
    }
    json!({
        "name": heading(schedule),
        "on": { "schedule": [{ "cron": five_fields(schedule), "timezone": zone(schedule) }] },
        "permissions": { "contents": "read" },
        "concurrency": { "group": format!("cutover-{}", schedule.name), "cancel-in-progress": false },
        "jobs": { "cutover": {
            "runs-on": ["self-hosted", "cutover"],
            "timeout-minutes": 1440,
            "steps": [{ "uses": "actions/checkout@v4" }, run],
        } },
    })
}

/// A command line without GitHub expressions.
fn escaped(command: &str) -> String {
    command.replace("${{", "${{ '${{' }}")
}
