//! The shape of a `CronJob`, by the schema of Kubernetes itself.

use serde_json::Value;

/// What Kubernetes would say against a document.
pub fn faults(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("cronjob-batch-v1.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
