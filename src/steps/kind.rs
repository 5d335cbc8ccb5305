//! The registry: every step kind, what it puts out, how it is decoded, and its schema.

use super::Step;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One output that a kind declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: OutputType,
    /// What it means.
    pub about: &'static str,
}

/// Type of an output, checked against the parameter that refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputType {
    /// Text, such as a path.
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A place in a server's binary log.
    Position,
    /// Several values, for reports; no parameter takes them.
    List,
}

/// A step kind.
pub struct Kind {
    /// Its name, as in `uses`.
    pub name: &'static str,
    /// What a step of it puts out.
    pub outputs: &'static [Output],
    /// Parameters that it reads for markers itself, because secrets may stand in them: what steps put out comes in there as
    /// data.
    pub read: &'static [&'static str],
    /// Decodes its parameters, every value known.
    pub decode: fn(&Value) -> Result<Box<dyn Step>, String>,
    /// The schema of its parameters; its description is the kind's.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

const fn kind<T: Step + DeserializeOwned + JsonSchema + 'static>(
    name: &'static str,
    outputs: &'static [Output],
) -> Kind {
    Kind {
        name,
        outputs,
        read: &[],
        decode: |value| {
            T::deserialize(value).map(|step| Box::new(step) as Box<dyn Step>).map_err(|error| error.to_string())
        },
        schema: T::json_schema,
    }
}

/// Every kind there is, in the order of the procedure. A new kind is one file and one line here.
pub static KINDS: &[Kind] = &[
    kind::<super::preflight::Preflight>("preflight", super::preflight::OUTPUTS),
    kind::<super::latency::Latency>("latency", super::latency::OUTPUTS),
    kind::<super::benchmark::Benchmark>("benchmark", super::benchmark::OUTPUTS),
    kind::<super::render::Render>("render", super::render::OUTPUTS),
    kind::<super::dump::Dump>("dump", super::dump::OUTPUTS),
    kind::<super::import::Import>("import", super::import::OUTPUTS),
    kind::<super::accounts::Accounts>("accounts", super::accounts::OUTPUTS),
    kind::<super::tunnel::Tunnel>("tunnel", super::tunnel::OUTPUTS),
    kind::<super::replication_account::ReplicationAccount>("replication_account", super::replication_account::OUTPUTS),
    kind::<super::change_source::ChangeSource>("change_source", super::change_source::OUTPUTS),
    kind::<super::wait_for_lag::WaitForLag>("wait_for_lag", super::wait_for_lag::OUTPUTS),
    kind::<super::verify::Verify>("verify", super::verify::OUTPUTS),
    kind::<super::set_variables::SetVariables>("set_variables", super::set_variables::OUTPUTS),
    kind::<super::approve::Approve>("approve", super::approve::OUTPUTS),
    kind::<super::notify::Notify>("notify", super::notify::OUTPUTS),
    kind::<super::fence::Fence>("fence", super::fence::OUTPUTS),
    kind::<super::wait_for_position::WaitForPosition>("wait_for_position", super::wait_for_position::OUTPUTS),
    kind::<super::promote::Promote>("promote", super::promote::OUTPUTS),
    kind::<super::repoint::Repoint>("repoint", super::repoint::OUTPUTS),
    kind::<super::events::Events>("events", super::events::OUTPUTS),
    kind::<super::forget_source::ForgetSource>("forget_source", super::forget_source::OUTPUTS),
    kind::<super::reverse_replication::ReverseReplication>("reverse_replication", super::reverse_replication::OUTPUTS),
    kind::<super::clean_up::CleanUp>("clean_up", super::clean_up::OUTPUTS),
    kind::<super::command::Command>("command", super::command::OUTPUTS),
    Kind { read: super::sql::READ, ..kind::<super::sql::Sql>("sql", super::sql::OUTPUTS) },
];

/// The kind called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
