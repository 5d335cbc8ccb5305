//! The shape of a `CronJob` and of a `Deployment`, by the schema of Kubernetes itself.

use serde_json::{Value, json};

/// What Kubernetes would say against a document.
pub fn faults(document: &Value) -> Vec<String> {
    against(&cron_job(), document)
}

/// The same of a `Deployment`: its pods have the shape that those of a `CronJob` have.
pub fn faults_of_deployment(document: &Value) -> Vec<String> {
    let cron_job = cron_job();
    let pods =
        &cron_job["properties"]["spec"]["properties"]["jobTemplate"]["properties"]["spec"]["properties"]["template"];
    assert!(pods["properties"]["spec"].is_object(), "the schema has the shape of pods");
    let strict = |required: &[&str], properties: Value| json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties });
    let labels = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let metadata =
        strict(&["name"], json!({ "name": { "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" }, "labels": labels }));
    let spec = json!({
        "replicas": { "type": "integer" },
        "selector": strict(&["matchLabels"], json!({ "matchLabels": labels })),
        "template": pods,
    });
    let envelope = json!({
        "apiVersion": { "const": "apps/v1" },
        "kind": { "const": "Deployment" },
        "metadata": metadata,
        "spec": strict(&["selector", "template"], spec),
    });
    against(&strict(&["apiVersion", "kind", "metadata", "spec"], envelope), document)
}

fn cron_job() -> Value {
    serde_json::from_str(include_str!("cronjob-batch-v1.schema.json")).unwrap()
}

fn against(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
