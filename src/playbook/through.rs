//! The tunnel that a step's connection goes through: named in the playbook by its step, in the plan with its address.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A tunnel step and where it listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Through {
    /// Id of the tunnel step.
    pub step: String,
    /// Address it listens on, as seen from the host it starts on.
    pub listen: String,
}

impl JsonSchema for Through {
    fn schema_name() -> Cow<'static, str> {
        "Through".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "tunnel", "x-expected": "the id of a tunnel step" })
    }
}
