//! A run as one JSON document, with a schema that other programs may rely on.

use super::evidence::Evidence;
use super::fold::Summary;
use crate::plan::schema::describe_tags;
use crate::store::Entry;
use schemars::JsonSchema;
use serde::Serialize;

/// Everything that is known of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "cutover report")]
pub struct Document {
    /// How it stands.
    pub summary: Summary,
    /// What an auditor asks.
    pub evidence: Evidence,
    /// Its journal.
    pub entries: Vec<Entry>,
}

impl Document {
    /// The document of a run.
    #[must_use]
    pub fn new(summary: Summary, entries: Vec<Entry>) -> Self {
        let evidence = Evidence::new(&summary, &entries);
        Self { summary, evidence, entries }
    }
}

/// The schema of the document.
#[must_use]
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Document>().to_value();
    describe_tags(&mut schema, "Action", "do", "What kind of effect it is.");
    describe_tags(&mut schema, "Entry", "event", "What kind of fact it is.");
    schema
}
