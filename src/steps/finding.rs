//! What a look at the world finds that a reviewer wants to see before a step runs.

use serde::{Deserialize, Serialize};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// A file that the step will write, beside what stands there.
    File(FileChange),
    /// Data that the step will read, as the server estimates it.
    Volume(Volume),
    /// A variable that the step will set.
    Setting(Setting),
}

/// A file that will be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Host it is on.
    pub host: String,
    /// Its path.
    pub path: String,
    /// `blake3` of what stands there, in hexadecimal; nothing when there is no file.
    pub digest: Option<String>,
    /// Unified diff from there to what will be written, passwords hidden; empty when nothing changes.
    pub diff: String,
}

/// Data that will be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Server that holds it.
    pub server: String,
    /// Base tables.
    pub tables: u64,
    /// Rows, estimated.
    pub rows: u64,
    /// Bytes of data and indexes, estimated.
    pub bytes: u64,
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
