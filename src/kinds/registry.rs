//! The registry: every step kind, its outputs, how it is decoded, and its schema.

use crate::kinds::{RoleName, Step, copy, follow, general, look, settle, switch};
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
    /// A position in a server's binary log.
    Position,
    /// Several values, for reports; no parameter takes them.
    List,
}

/// When a step may begin while the application waits, and its intent is still on its way into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// When its intent is durable, as everywhere else.
    Noted,
    /// At once: it changes nothing at all, or nothing before a note of its own is durable.
    Looking,
    /// At once after the point of no return: it does no harm a second time, even by a runner that knows nothing of the
    /// first.
    Again,
}

/// A step kind.
pub struct Kind {
    /// Its name, as in `uses`.
    pub name: &'static str,
    /// The outputs of its steps.
    pub outputs: &'static [Output],
    /// Roles that its steps may play, for those who have no step decoded.
    pub roles: &'static [RoleName],
    /// Parameters that it reads for markers itself, because secrets may stand in them: what steps put out comes in there as
    /// data.
    pub read: &'static [&'static str],
    /// Parameters that a rehearsal leaves out: one person at any time of the day could not meet them.
    pub eased: &'static [&'static str],
    /// When its steps may begin while the application waits.
    pub begins: Begins,
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
        roles: &[],
        read: &[],
        eased: &[],
        begins: Begins::Noted,
        decode: |value| {
            T::deserialize(value).map(|step| Box::new(step) as Box<dyn Step>).map_err(|error| error.to_string())
        },
        schema: T::json_schema,
    }
}

impl Kind {
    const fn playing(self, roles: &'static [RoleName]) -> Self {
        Self { roles, ..self }
    }
    const fn reading(self, read: &'static [&'static str]) -> Self {
        Self { read, ..self }
    }
    const fn beginning(self, begins: Begins) -> Self {
        Self { begins, ..self }
    }
    const fn easing(self, eased: &'static [&'static str]) -> Self {
        Self { eased, ..self }
    }
    /// Whether steps of it may play `role`.
    #[must_use]
    pub fn plays(&self, role: RoleName) -> bool {
        self.roles.contains(&role)
    }
}

/// Every kind there is, in the order of the procedure. A new kind is one file and one line here.
pub static KINDS: &[Kind] = &[
    kind::<look::preflight::Preflight>("preflight", look::preflight::OUTPUTS).playing(&[RoleName::Examines]),
    kind::<look::latency::Latency>("latency", look::latency::OUTPUTS),
    kind::<look::benchmark::Benchmark>("benchmark", look::benchmark::OUTPUTS).playing(&[RoleName::MeasuresDisk]),
    kind::<settle::render::Render>("render", settle::render::OUTPUTS).playing(&[RoleName::WritesConfiguration]),
    kind::<copy::dump::Dump>("dump", copy::dump::OUTPUTS).playing(&[RoleName::CopiesFrom]),
    kind::<copy::import::Import>("import", copy::import::OUTPUTS).playing(&[RoleName::CopiesTo]),
    kind::<copy::copy_server::CopyServer>("copy", copy::copy_server::OUTPUTS)
        .playing(&[RoleName::CopiesFrom, RoleName::CopiesTo]),
    kind::<settle::accounts::Accounts>("accounts", settle::accounts::OUTPUTS),
    kind::<follow::tunnel::Tunnel>("tunnel", follow::tunnel::OUTPUTS).playing(&[RoleName::Tunnels]),
    kind::<follow::replication_account::ReplicationAccount>(
        "replication_account",
        follow::replication_account::OUTPUTS,
    ),
    kind::<follow::change_source::ChangeSource>("change_source", follow::change_source::OUTPUTS)
        .playing(&[RoleName::Follows]),
    kind::<follow::wait_for_lag::WaitForLag>("wait_for_lag", follow::wait_for_lag::OUTPUTS)
        .playing(&[RoleName::WaitsForLag]),
    kind::<look::verify::Verify>("verify", look::verify::OUTPUTS).playing(&[RoleName::ProvesEquality]),
    kind::<settle::set_variables::SetVariables>("set_variables", settle::set_variables::OUTPUTS)
        .playing(&[RoleName::SetsVariables]),
    kind::<general::approve::Approve>("approve", general::approve::OUTPUTS)
        .playing(&[RoleName::AsksPeople])
        .easing(general::approve::EASED),
    kind::<general::notify::Notify>("notify", general::notify::OUTPUTS).playing(&[RoleName::Tells]),
    kind::<switch::fence::Fence>("fence", switch::fence::OUTPUTS).playing(&[RoleName::Closes]),
    kind::<follow::wait_for_position::WaitForPosition>("wait_for_position", follow::wait_for_position::OUTPUTS)
        .playing(&[RoleName::WaitsForPosition])
        .beginning(Begins::Looking),
    kind::<switch::promote::Promote>("promote", switch::promote::OUTPUTS)
        .playing(&[RoleName::Opens])
        .beginning(Begins::Looking),
    kind::<switch::repoint::Repoint>("repoint", switch::repoint::OUTPUTS)
        .playing(&[RoleName::MovesApplication])
        .beginning(Begins::Again),
    kind::<switch::events::Events>("events", switch::events::OUTPUTS).playing(&[RoleName::MovesEvents]),
    kind::<follow::forget_source::ForgetSource>("forget_source", follow::forget_source::OUTPUTS),
    kind::<follow::reverse_replication::ReverseReplication>(
        "reverse_replication",
        follow::reverse_replication::OUTPUTS,
    )
    .playing(&[RoleName::Follows]),
    kind::<settle::clean_up::CleanUp>("clean_up", settle::clean_up::OUTPUTS),
    kind::<general::command::Command>("command", general::command::OUTPUTS).playing(&[RoleName::RunsUsersProgram]),
    kind::<general::sql::Sql>("sql", general::sql::OUTPUTS)
        .playing(&[RoleName::RunsUsersStatements])
        .reading(general::sql::READ),
];

/// The kind called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Whether steps of the kind `uses` may play `role`; no step of an unknown kind does.
#[must_use]
pub fn plays(uses: &str, role: RoleName) -> bool {
    find(uses).is_some_and(|kind| kind.plays(role))
}
