//! A `CronJob`.

use super::{Exported, Place, beyond_minutes, five_fields, heading, left_out_by_clocks, zone};
use crate::domain::visible_json;
use crate::schedule::file::{CatchUp, Overlap, Schedule};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// `cutover-NAME.cronjob.yaml`.
#[must_use]
pub fn files(schedule: &Schedule, place: &Place) -> Vec<Exported> {
    let name = format!("cutover-{}", schedule.name.to_ascii_lowercase().replace('_', "-").trim_matches('-'));
    let folder = place.file.parent().unwrap_or(Path::new("/"));
    let mut text = format!("# {}\n", heading(schedule));
    if let Some(why) = beyond_minutes(schedule) {
        let _ = writeln!(text, "# left out: {why}");
        return vec![Exported { name: format!("{name}.cronjob.yaml"), text }];
    }
    let _ = write!(
        text,
        "# Needs an image with this program and ssh in it, and in the same namespace:\n\
         #   the PersistentVolumeClaim cutover-state (ReadWriteOnce, no network file system): the journal\n\
         #   the PersistentVolumeClaim or ConfigMap cutover-files: {} with everything it names\n\
         #   the Secret cutover-secrets: the variables that the inventories name\n\
         # All jobs share one state directory, and so wait for each other or are left out, as `overlap` says.\n",
        place.file.display()
    );
    if schedule.rules.overlap == Overlap::Queue {
        text += "# overlap: queue holds between schedules; of one schedule, Forbid leaves a start out while one is at work\n";
    }
    if schedule.rules.catch_up == CatchUp::None && schedule.rules.latest_start.is_none() {
        text += "# catch_up: none is said by startingDeadlineSeconds\n";
    }
    text += &left_out_by_clocks(schedule, place, "Kubernetes does not call");
    text += &yaml(&cron_job(&name, schedule, place, folder), 0);
    vec![Exported { name: format!("{name}.cronjob.yaml"), text }]
}

fn cron_job(name: &str, schedule: &Schedule, place: &Place, folder: &Path) -> Value {
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
    // Kubernetes puts variables in where it finds $(NAME), and takes $$ for a dollar sign
    let words: Vec<String> = place.words(&schedule.name).iter().map(|word| word.replace('$', "$$")).collect();
    let mount =
        |name: &str, path: &Path, read_only: bool| json!({ "name": name, "mountPath": path, "readOnly": read_only });
    let claim = |name: &str, claim: &str| json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } });
    spec["jobTemplate"] = json!({ "spec": {
        "backoffLimit": 0,
        "template": { "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 3600,
            "containers": [{
                "name": "cutover",
                "image": place.image,
                "command": [words[0]],
                "args": words[1..],
                "envFrom": [{ "secretRef": { "name": "cutover-secrets", "optional": true } }],
                "volumeMounts": [mount("files", folder, true), mount("state", &place.state_dir, false)],
            }],
            "volumes": [claim("files", "cutover-files"), claim("state", "cutover-state")],
        } },
    } });
    json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": name }, "spec": spec })
}

/// A document as people write YAML; every text in quotes, so that none is taken for something else.
pub(super) fn yaml(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let Some(entries) = value.as_object() else { return format!("{indent}{}\n", visible_json(value.to_string())) };
    let mut text = String::new();
    for (key, value) in entries {
        match value {
            Value::Object(_) => {
                let _ = write!(text, "{indent}{key}:\n{}", yaml(value, depth + 1));
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let _ = writeln!(text, "{indent}{key}:");
                for item in items {
                    // the first line of an entry takes the place of two blanks
                    let entry = yaml(item, depth + 2);
                    let _ = write!(text, "{indent}  - {}", entry.trim_start());
                }
            }
            value => {
                let _ = writeln!(text, "{indent}{key}: {}", visible_json(value.to_string()));
            }
        }
    }
    text
}
