//! Deployments of runners on a shared store, one for each set of labels that a schedule asks for.

use super::pod::{needs, pod};
use super::yaml::yaml;
use crate::schedule::export::{Exported, Place};
use crate::schedule::file::Schedules;
use crate::schedule::look::runs_on;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// `cutover-runner.deployment.yaml`, and one for each set of labels.
pub fn files(schedules: &Schedules, place: &Place) -> Vec<Exported> {
    let wanted: BTreeSet<BTreeMap<String, String>> = schedules.all.iter().map(runs_on).collect();
    wanted.iter().map(|labels| file(labels, place)).collect()
}

fn file(labels: &BTreeMap<String, String>, place: &Place) -> Exported {
    let told: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let name =
        std::iter::once("cutover-runner").chain(labels.values().map(String::as_str)).collect::<Vec<_>>().join("-");
    let name = super::object_name(&name);
    let mut words =
        vec![place.program.clone(), "runner".into(), "--drain".into(), "--state".into(), place.state.clone()];
    words.extend(told.iter().flat_map(|label| ["--labels".to_owned(), label.clone()]));
    let check = json!({ "exec": { "command": [place.program, "runner", "--check", "--state", place.state] }, "timeoutSeconds": 10 });
    let (mut ready, mut alive) = (check.clone(), check);
    (ready["periodSeconds"], alive["periodSeconds"]) = (10.into(), 30.into());
    // a runner that no longer looks for work is ended, and another resumes its runs
    alive["initialDelaySeconds"] = 60.into();
    let probes = json!({ "readinessProbe": ready, "livenessProbe": alive });
    let app = json!({ "app": name });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "labels": app },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": app },
            "template": { "metadata": { "labels": app }, "spec": pod(place, &words, "Always", probes) },
        },
    });
    let what = if told.is_empty() { "runs without labels".to_owned() } else { told.join(", ") };
    let heading = format!("# cutover: runners for {what}; a runner that is asked to stop finishes its runs first\n");
    Exported { name: format!("{name}.deployment.yaml"), text: heading + &needs(place) + &yaml(&deployment, 0) }
}
