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
    text += "# Needs a runner of your own with the label cutover, on which the program is installed: the state directory must\n\
             # still be there at the next start, and servers be in reach. Jobs are known to begin hours late; the command\n\
             # then refuses by latest_start, and the job fails. It never starts a due time twice.\n";
    if schedule.rules.latest_start.is_none() {
        text += "# The schedule has no latest_start: set one, or a start may come hours late.\n";
    }
    if schedule.rules.catch_up == CatchUp::Last {
        text += "# catch_up: last cannot be expressed: what was due while no job could begin is not made up for.\n";
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

/// A command line in which GitHub finds no expression of its own.
fn escaped(command: &str) -> String {
    command.replace("${{", "${{ '${{' }}")
}
