//! What a check of servers and hosts finds that a reviewer wants to see before a step runs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// A file that the step will write, compared with its present content.
    File(FileChange),
    /// Data that the step will read, as the server estimates it.
    Volume(Volume),
    /// An engine for the copy: the chosen one, and each other.
    Copy(CopyWay),
    /// A variable that the step will set.
    Setting(Setting),
    /// The result of one check of a migration.
    Check(CheckResult),
}

/// The result of one check of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check.
    pub name: String,
    /// Its result.
    pub result: Mark,
    /// What was found, in the servers' own names and numbers.
    pub evidence: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remedy: Option<String>,
}

/// Result of a check. A greater one is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Nothing stands in the way.
    Pass,
    /// The migration works, but people should know this.
    Warn,
    /// The migration cannot work, or would lose something.
    Block,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Block => "block",
        })
    }
}

/// A file that will be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Host it is on.
    pub host: String,
    /// Its path.
    pub path: String,
    /// `blake3` of the present content, in hexadecimal; missing when there is no file.
    pub digest: Option<String>,
    /// Unified diff from the present content to the new one, with passwords hidden; empty when nothing changes.
    pub diff: String,
}

/// Data that will be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Server with the data.
    pub server: String,
    /// Base tables.
    pub tables: u64,
    /// Rows, estimated.
    pub rows: u64,
    /// Bytes of data and indexes, estimated.
    pub bytes: u64,
}

/// An engine for a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyWay {
    /// Its engine.
    pub engine: String,
    /// Whether this step uses it.
    pub chosen: bool,
    /// Why it does not work for this pair of servers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unfit: Option<String>,
    /// Host that is copied from.
    pub from: String,
    /// Host that is copied to.
    pub to: String,
    /// Bytes to copy, estimated.
    pub bytes: u64,
    /// Bytes per second between this pair of hosts, just measured with a piece of the data.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub measured: Option<u64>,
}

/// A variable that will be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Server it belongs to.
    pub server: String,
    /// Its name.
    pub name: String,
    /// Its value now.
    pub now: String,
    /// Its value afterwards.
    pub then: String,
}
