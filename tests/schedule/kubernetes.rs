//! The shape of a `CronJob` and of a `Deployment`, by the schema of Kubernetes itself.

use serde_json::{Value, json};

const POD: &str = "io.k8s.api.core.v1.PodTemplateSpec";

/// What Kubernetes would say against a document.
pub fn faults(document: &Value) -> Vec<String> {
    against(&cron_job(), document)
}

/// The same of a `Deployment`: its pods have the shape that those of a `CronJob` have.
pub fn faults_of_deployment(document: &Value) -> Vec<String> {
    let definitions = cron_job()["$defs"].take();
    assert!(definitions[POD].is_object(), "the schema has the shape of pods");
    let strict = |required: &[&str], properties: Value| json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties });
    let labels = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let metadata =
        strict(&["name"], json!({ "name": { "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" }, "labels": labels }));
    let spec = json!({
        "replicas": { "type": "integer" },
        "selector": strict(&["matchLabels"], json!({ "matchLabels": labels })),
        "template": { "$ref": format!("#/$defs/{POD}") },
    });
    let envelope = json!({
        "apiVersion": { "const": "apps/v1" },
        "kind": { "const": "Deployment" },
        "metadata": metadata,
        "spec": strict(&["selector", "template"], spec),
    });
    let mut schema = strict(&["apiVersion", "kind", "metadata", "spec"], envelope);
    schema["$defs"] = definitions;
    against(&schema, document)
}

fn cron_job() -> Value {
    serde_json::from_str(include_str!("cronjob-batch-v1.schema.json")).unwrap()
}

fn against(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
