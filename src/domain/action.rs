//! What a step declares in advance. Pure data: reviewers read it, the plan is hashed over it, and nothing else may be
//! done.

use super::{Contents, Script, Sql, Words};
use crate::domain::marker;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One effect. Secrets appear as references, and values that only the run will know as `late`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// A statement on a server of the inventory.
    Sql {
        /// Server name.
        server: String,
        /// The statement.
        statement: Sql,
    },
    /// A login to a server over the path that another client will take, and a logout.
    Login {
        /// Server name.
        server: String,
        /// The account's user.
        user: Words,
        /// Host that the login comes from.
        host: String,
        /// Address that it connects to, seen from that host.
        address: Words,
    },
    /// A program or script on a host of the inventory.
    Command {
        /// Host name.
        host: String,
        /// The command line.
        command: Script,
        /// Its input.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Contents>,
    },
    /// A read-only program or script on a host of the inventory.
    Look {
        /// Host name.
        host: String,
        /// The command line.
        command: Script,
    },
    /// A script that continues even if the runner dies: it is started once, watched, and ended if necessary.
    Job {
        /// Host name.
        host: String,
        /// Its working folder, which is created for it and removed afterwards.
        folder: Words,
        /// The script.
        command: Script,
        /// Prints the number of bytes done.
        #[serde(default)]
        progress: Script,
    },
    /// Jobs that earlier steps started: they are ended and removed, with their folders.
    End {
        /// Host name.
        host: String,
        /// The folder of each.
        folder: Words,
    },
    /// A file written on a host.
    File {
        /// Host name.
        host: String,
        /// Absolute path.
        path: Words,
        /// Its whole content.
        content: Contents,
    },
    /// A file read on a host.
    Read {
        /// Host name.
        host: String,
        /// Absolute path.
        path: Words,
    },
    /// A file removed on a host.
    Remove {
        /// Host name.
        host: String,
        /// Absolute path.
        path: Words,
    },
    /// A line sent to a unix socket on a host, and its answer read.
    Socket {
        /// Host name.
        host: String,
        /// Absolute path.
        path: Words,
        /// The line.
        line: Words,
    },
    /// A connection to an address, as seen from a host. It is closed without a login.
    Connect {
        /// Host name.
        host: String,
        /// `host:port` or the path of a socket.
        address: Words,
    },
    /// A forward from an address on one host, through the runner, to an address seen from another host.
    Forward {
        /// Host that listens.
        host: String,
        /// Where it listens.
        listen: Words,
        /// Host that it leads to.
        to: String,
        /// Address there.
        address: Words,
    },
    /// A wait, or a check by the runner itself, in words.
    Note {
        /// The sentence.
        text: String,
    },
}

impl Action {
    /// A statement. What it is made from are documents, whose markers are read here and in the other functions of this
    /// type, and nowhere else.
    pub fn sql(server: impl Into<String>, statement: impl Into<Sql>) -> Self {
        Self::Sql { server: server.into(), statement: statement.into().in_document() }
    }
    /// A login.
    pub fn login(
        server: impl Into<String>,
        user: impl Into<Words>,
        host: impl Into<String>,
        address: impl Into<Words>,
    ) -> Self {
        let (user, address) = (user.into().in_document(), address.into().in_document());
        Self::Login { server: server.into(), user, host: host.into(), address }
    }
    /// A command.
    pub fn command(host: impl Into<String>, command: impl Into<Script>) -> Self {
        Self::Command { host: host.into(), command: command.into().in_document(), input: None }
    }
    /// A command that is given something to read.
    pub fn command_with(host: impl Into<String>, command: impl Into<Script>, input: &Contents) -> Self {
        let (command, input) = (command.into().in_document(), Some(input.in_document()));
        Self::Command { host: host.into(), command, input }
    }
    /// A read-only command.
    pub fn look(host: impl Into<String>, command: impl Into<Script>) -> Self {
        Self::Look { host: host.into(), command: command.into().in_document() }
    }
    /// A job.
    pub fn job(
        host: impl Into<String>,
        folder: impl Into<Words>,
        command: impl Into<Script>,
        progress: impl Into<Script>,
    ) -> Self {
        let (command, progress) = (command.into().in_document(), progress.into().in_document());
        Self::Job { host: host.into(), folder: folder.into().in_document(), command, progress }
    }
    /// Jobs that are ended.
    pub fn end(host: impl Into<String>, folder: impl Into<Words>) -> Self {
        Self::End { host: host.into(), folder: folder.into().in_document() }
    }
    /// A file that is written.
    pub fn file(host: impl Into<String>, path: impl Into<Words>, content: &Contents) -> Self {
        Self::File { host: host.into(), path: path.into().in_document(), content: content.in_document() }
    }
    /// A file that is read.
    pub fn read(host: impl Into<String>, path: impl Into<Words>) -> Self {
        Self::Read { host: host.into(), path: path.into().in_document() }
    }
    /// A file that is removed.
    pub fn remove(host: impl Into<String>, path: impl Into<Words>) -> Self {
        Self::Remove { host: host.into(), path: path.into().in_document() }
    }
    /// A line for a socket.
    pub fn socket(host: impl Into<String>, path: impl Into<Words>, line: impl Into<Words>) -> Self {
        let (path, line) = (path.into().in_document(), line.into().in_document());
        Self::Socket { host: host.into(), path, line }
    }
    /// A connection.
    pub fn connect(host: impl Into<String>, address: impl Into<Words>) -> Self {
        Self::Connect { host: host.into(), address: address.into().in_document() }
    }
    /// A forwarded address.
    pub fn forward(
        host: impl Into<String>,
        listen: impl Into<Words>,
        to: impl Into<String>,
        address: impl Into<Words>,
    ) -> Self {
        let (listen, address) = (listen.into().in_document(), address.into().in_document());
        Self::Forward { host: host.into(), listen, to: to.into(), address }
    }
    /// Words.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into() }
    }
    /// The statement that it is, with its server.
    #[must_use]
    pub fn statement(&self) -> Option<(&str, &Sql)> {
        if let Self::Sql { server, statement } = self { Some((server, statement)) } else { None }
    }
    /// Host that it runs on, if the host is stated by name.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Sql { .. } | Self::Note { .. } => None,
            Self::Login { host, .. }
            | Self::Command { host, .. }
            | Self::Look { host, .. }
            | Self::Job { host, .. }
            | Self::End { host, .. }
            | Self::File { host, .. }
            | Self::Read { host, .. }
            | Self::Remove { host, .. }
            | Self::Socket { host, .. }
            | Self::Connect { host, .. }
            | Self::Forward { host, .. } => Some(host),
        }
    }
    /// The command line that it starts.
    #[must_use]
    pub fn script(&self) -> Option<&Script> {
        match self {
            Self::Command { command, .. } | Self::Look { command, .. } | Self::Job { command, .. } => Some(command),
            _ => None,
        }
    }
    /// Whether it only reads: by its type, or by a statement's first word.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        match self {
            Self::Look { .. } | Self::Read { .. } => true,
            Self::Sql { statement, .. } => {
                let upper = statement.to_string().trim_start().to_uppercase();
                ["SELECT ", "SHOW "].iter().any(|word| upper.starts_with(word)) && !upper.contains(" INTO ")
            }
            _ => false,
        }
    }
    /// The same with the late values that `known` has: for people who finish by hand what a run did not do.
    #[must_use]
    pub fn filled(&self, known: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut action = self.clone();
        let fill = |words: &mut Words| *words = words.filled(known);
        match &mut action {
            Self::Sql { statement, .. } => *statement = statement.filled(known),
            Self::Login { user: one, address: other, .. }
            | Self::Socket { path: one, line: other, .. }
            | Self::Forward { listen: one, address: other, .. } => {
                fill(one);
                fill(other);
            }
            Self::Command { command, input, .. } => {
                *command = command.filled(known);
                *input = input.as_ref().map(|input| input.filled(known));
            }
            Self::Look { command, .. } => *command = command.filled(known),
            Self::Job { folder, command, progress, .. } => {
                fill(folder);
                (*command, *progress) = (command.filled(known), progress.filled(known));
            }
            Self::File { path, content, .. } => {
                fill(path);
                *content = content.filled(known);
            }
            Self::End { folder: one, .. }
            | Self::Read { path: one, .. }
            | Self::Remove { path: one, .. }
            | Self::Connect { address: one, .. } => fill(one),
            Self::Note { text } => *text = marker::replace(text, known),
        }
        action
    }
}

impl fmt::Display for Action {
    /// On one line, without the content of files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql { server, statement } => write!(f, "{server}> {statement}"),
            Self::Login { server, user, host, address } => {
                write!(f, "· log in to `{server}` as {user} from {host} ({address}), and log out")
            }
            Self::Command { host, command, .. } | Self::Look { host, command } | Self::Job { host, command, .. } => {
                write!(f, "{host}$ {command}")
            }
            Self::End { host, folder } => write!(f, "{host}: end the job in {folder}, and remove it"),
            Self::File { host, path, .. } => write!(f, "{host}: write {path}"),
            Self::Read { host, path } => write!(f, "{host}: read {path}"),
            Self::Remove { host, path } => write!(f, "{host}: remove {path}"),
            Self::Socket { host, path, line } => write!(f, "{host}: send to {path}: {line}"),
            Self::Connect { host, address } => write!(f, "· connect to {address} as seen from {host}, without a login"),
            Self::Forward { host, listen, to, address } => {
                write!(f, "· forward {listen} on {host} through the runner's ssh connections to {address} on {to}")
            }
            Self::Note { text } => write!(f, "· {text}"),
        }
    }
}

/// Actions on one server.
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
