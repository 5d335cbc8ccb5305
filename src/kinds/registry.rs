//! The registry: every step kind, what it puts out, how it is decoded, and its schema.

use crate::kinds::Step;
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
    kind::<crate::kinds::look::preflight::Preflight>("preflight", crate::kinds::look::preflight::OUTPUTS),
    kind::<crate::kinds::look::latency::Latency>("latency", crate::kinds::look::latency::OUTPUTS),
    kind::<crate::kinds::look::benchmark::Benchmark>("benchmark", crate::kinds::look::benchmark::OUTPUTS),
    kind::<crate::kinds::settle::render::Render>("render", crate::kinds::settle::render::OUTPUTS),
    kind::<crate::kinds::copy::dump::Dump>("dump", crate::kinds::copy::dump::OUTPUTS),
    kind::<crate::kinds::copy::import::Import>("import", crate::kinds::copy::import::OUTPUTS),
    kind::<crate::kinds::settle::accounts::Accounts>("accounts", crate::kinds::settle::accounts::OUTPUTS),
    kind::<crate::kinds::follow::tunnel::Tunnel>("tunnel", crate::kinds::follow::tunnel::OUTPUTS),
    kind::<crate::kinds::follow::replication_account::ReplicationAccount>(
        "replication_account",
        crate::kinds::follow::replication_account::OUTPUTS,
    ),
    kind::<crate::kinds::follow::change_source::ChangeSource>(
        "change_source",
        crate::kinds::follow::change_source::OUTPUTS,
    ),
    kind::<crate::kinds::follow::wait_for_lag::WaitForLag>("wait_for_lag", crate::kinds::follow::wait_for_lag::OUTPUTS),
    kind::<crate::kinds::look::verify::Verify>("verify", crate::kinds::look::verify::OUTPUTS),
    kind::<crate::kinds::settle::set_variables::SetVariables>(
        "set_variables",
        crate::kinds::settle::set_variables::OUTPUTS,
    ),
    kind::<crate::kinds::general::approve::Approve>("approve", crate::kinds::general::approve::OUTPUTS),
    kind::<crate::kinds::general::notify::Notify>("notify", crate::kinds::general::notify::OUTPUTS),
    kind::<crate::kinds::switch::fence::Fence>("fence", crate::kinds::switch::fence::OUTPUTS),
    kind::<crate::kinds::follow::wait_for_position::WaitForPosition>(
        "wait_for_position",
        crate::kinds::follow::wait_for_position::OUTPUTS,
    ),
    kind::<crate::kinds::switch::promote::Promote>("promote", crate::kinds::switch::promote::OUTPUTS),
    kind::<crate::kinds::switch::repoint::Repoint>("repoint", crate::kinds::switch::repoint::OUTPUTS),
    kind::<crate::kinds::switch::events::Events>("events", crate::kinds::switch::events::OUTPUTS),
    kind::<crate::kinds::follow::forget_source::ForgetSource>(
        "forget_source",
        crate::kinds::follow::forget_source::OUTPUTS,
    ),
    kind::<crate::kinds::follow::reverse_replication::ReverseReplication>(
        "reverse_replication",
        crate::kinds::follow::reverse_replication::OUTPUTS,
    ),
    kind::<crate::kinds::settle::clean_up::CleanUp>("clean_up", crate::kinds::settle::clean_up::OUTPUTS),
    kind::<crate::kinds::general::command::Command>("command", crate::kinds::general::command::OUTPUTS),
    Kind {
        read: crate::kinds::general::sql::READ,
        ..kind::<crate::kinds::general::sql::Sql>("sql", crate::kinds::general::sql::OUTPUTS)
    },
];

/// The kind called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
