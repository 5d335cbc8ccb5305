//! What a step says, in advance, that it will do. Pure data: review reads it, the plan is hashed over it.

use crate::domain::Sql;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One effect, written out. Secrets stand as `‹secret NAME›`, run-time values as `‹steps.ID.output›` or `‹words›`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// A statement on a server of the inventory.
    Sql {
        /// Server name.
        server: String,
        /// The statement.
        statement: Sql,
    },
    /// A program on a host of the inventory.
    Command {
        /// Host name.
        host: String,
        /// The command line, quoted for a POSIX shell.
        command: String,
    },
    /// A file written on a host.
    File {
        /// Host name.
        host: String,
        /// Absolute path.
        path: String,
        /// Its whole content.
        content: String,
    },
    /// Something that is waited for, or looked at by the runner itself, in words.
    Note {
        /// The sentence.
        text: String,
    },
}

impl Action {
    /// A statement. What it is made from are documents, whose markers are read here and nowhere else.
    pub fn sql(server: impl Into<String>, statement: impl Into<Sql>) -> Self {
        Self::Sql { server: server.into(), statement: statement.into().in_document() }
    }
    /// The statement that it is, with its server.
    #[must_use]
    pub fn statement(&self) -> Option<(&str, &Sql)> {
        if let Self::Sql { server, statement } = self { Some((server, statement)) } else { None }
    }
    /// A command line.
    pub fn command(host: impl Into<String>, command: impl Into<String>) -> Self {
        Self::Command { host: host.into(), command: command.into() }
    }
    /// A file.
    pub fn file(host: impl Into<String>, path: impl Into<String>, content: impl Into<String>) -> Self {
        Self::File { host: host.into(), path: path.into(), content: content.into() }
    }
    /// Words.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into() }
    }
}

impl fmt::Display for Action {
    /// On one line, without the content of files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql { server, statement } => write!(f, "{server}> {statement}"),
            Self::Command { host, command } => write!(f, "{host}$ {command}"),
            Self::File { host, path, .. } => write!(f, "{host}: write {path}"),
            Self::Note { text } => write!(f, "· {text}"),
        }
    }
}

/// Statements for one server.
#[derive(Debug, Clone, Copy)]
pub struct On<'a>(
    /// Its name in the inventory.
    pub &'a str,
);

impl On<'_> {
    /// A statement there.
    pub fn sql(&self, statement: impl Into<Sql>) -> Action {
        Action::sql(self.0, statement)
    }
}

/// A fault that only the kind itself can find in its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Path of the parameter below `with`, dotted: `require.write_iops`. Empty means the step as a whole.
    pub field: String,
    /// Byte range inside the parameter's string value (a template's expression), where known.
    pub range: Option<std::ops::Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Complaint {
    /// A fault of one parameter.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), range: None, message: message.into(), help: None }
    }
    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
