//! A survey of the servers and hosts of a plan, for its reviewer: identities, what each step would find, how much data there
//! is to move. Changes nothing.
//!
//! May know the plan, the steps and the effects; neither the engine nor the journal.

mod compare;
mod forecast;
mod learn;
mod look;
mod memo;
pub mod saved;
mod text;

pub use compare::changes;
pub use forecast::PastCopy;
pub use learn::{Answers, everyone, learn};
pub use look::look;
pub use text::{copy_line, forecast_line, markdown, text};

use crate::domain::product::Product;
use crate::error::Failure;
use crate::kinds::Finding;
use crate::playbook::inventory::Facts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Hosts, by the inventory's names.
    pub hosts: BTreeMap<String, HostFound>,
    /// Servers, by the inventory's names.
    pub servers: BTreeMap<String, ServerFound>,
    /// Steps, in file order.
    pub steps: Vec<StepFound>,
    /// How much there is to move, and how long that may take.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub forecast: Option<Forecast>,
    /// How long each way to make a copy would take.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub copies: Vec<CopyForecast>,
    /// Hosts and servers that did not answer.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub failures: Vec<Failure>,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFound {
    /// Memory and processors.
    #[serde(flatten)]
    pub facts: Facts,
    /// Bytes an ordinary user may still write to the disk of the host's work folder.
    pub free: u64,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFound {
    /// Family and version.
    #[serde(flatten)]
    pub product: Product,
    /// Its answer to `SELECT VERSION()`.
    pub version_text: String,
    /// Its `server_id`.
    pub server_id: u32,
    /// Its unique identity: `server_uuid`, or for `MariaDB`, which has none, host, port and data directory.
    pub identity: String,
}

/// What a step would find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepFound {
    /// The step.
    pub id: String,
    /// The state.
    pub state: State,
    /// Files, variables and data.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<Finding>,
    /// Reasons why it cannot work, which would make the run refuse.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refusals: Vec<Failure>,
}

/// The state before a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", content = "why", rename_all = "snake_case")]
pub enum State {
    /// Its effect is there already.
    AlreadyTrue,
    /// It will change something.
    WillChange,
    /// It will run, and changes nothing that needs an undo.
    WillRun,
    /// Not known before the run.
    KnownAtRunTime(String),
    /// Something exists there that it must not touch.
    InTheWay(String),
    /// It is skipped in any case.
    Skipped(String),
}

impl Survey {
    /// Every reason why the run would be refused, with the step it is for.
    pub fn refusals(&self) -> impl Iterator<Item = (&str, &Failure)> {
        self.steps.iter().flat_map(|step| step.refusals.iter().map(|failure| (step.id.as_str(), failure)))
    }
}

/// How much there is to move, and how long that may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Bytes of data and indexes on the source, as it estimates them.
    pub data_bytes: u64,
    /// Bytes of the compressed dump.
    pub dump_bytes: u64,
    /// Seconds of the dump.
    pub dump_seconds: u64,
    /// Seconds of the import.
    pub import_seconds: u64,
    /// The sources of the figures.
    pub assumptions: Vec<String>,
}

/// How long one way to make a copy would take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyForecast {
    /// Its engine.
    pub engine: String,
    /// Whether the plan uses it.
    pub chosen: bool,
    /// Bytes to copy, estimated.
    pub bytes: u64,
    /// Seconds; missing where it does not work for this pair of servers.
    pub seconds: Option<u64>,
    /// The source of the figure, or why there is none.
    pub rests_on: String,
}
