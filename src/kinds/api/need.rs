//! What the runner's account must be allowed to do on a server, as data.

use crate::dialect::{AnyOf, OwnDatabase};
use crate::effects::past_read_only::AccountName;
use std::fmt;

/// Something that an account must be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The server.
    pub server: String,
    /// What for, in words that follow "to".
    pub purpose: &'static str,
    /// Privileges of which one is enough, as this server's version spells them; the first is the one to be granted.
    pub any_of: AnyOf,
    /// Where it must hold.
    pub scope: Scope,
    /// Whether the account grants it to others, and so needs `WITH GRANT OPTION`.
    pub passed_on: bool,
    /// When it is needed; `None` for always.
    pub only_if: Option<Condition>,
}

/// Where a privilege must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `*.*`
    Everywhere,
    /// In a database of the tool's own; who holds it everywhere holds it there.
    Own(OwnDatabase),
}

/// When a privilege is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The event scheduler runs on the server that the application leaves, and so will run on the new one.
    EventsRun,
    /// A variable of the server has another value.
    Differs {
        /// Its name, in lower case.
        variable: String,
        /// The value with which the privilege is not needed; `ON` and `OFF` for switches.
        value: String,
    },
    /// Events are enabled on the server that the application leaves.
    EventsEnabled,
    /// Views, code or events on the server that the application leaves belong to an administrator.
    AdministratorsDefine,
    /// One of these accounts does not exist yet.
    Missing(Vec<AccountName>),
    /// Something that cannot be known in advance, in words.
    MayCome(&'static str),
}

impl Condition {
    /// Variables that conditions of the shipped kinds ask for.
    pub const VARIABLES: [&'static str; 5] = [
        "event_scheduler",
        "innodb_flush_log_at_trx_commit",
        "log_bin_trust_function_creators",
        "read_only",
        "sync_binlog",
    ];
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("*.*"),
            Self::Own(database) => write!(f, "{}.*", database.name()),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EventsRun => {
                f.write_str("SELECT @@GLOBAL.event_scheduler returns ON on the server that the application leaves")
            }
            Self::Differs { variable, value } => write!(f, "SELECT @@GLOBAL.{variable} does not return {value}"),
            Self::AdministratorsDefine => f.write_str(
                "code or events on the server that the application leaves belong to an account with SYSTEM_USER, such \
                 as root",
            ),
            Self::EventsEnabled => f.write_str("events are enabled on the server that the application leaves"),
            Self::Missing(accounts) => {
                let names: Vec<String> = accounts.iter().map(ToString::to_string).collect();
                write!(f, "{} does not exist yet", names.join(" or "))
            }
            Self::MayCome(what) => f.write_str(what),
        }
    }
}

/// Needs on one server for one purpose, put together.
#[derive(Debug)]
pub struct Needs {
    server: String,
    purpose: &'static str,
    all: Vec<Need>,
}

impl Needs {
    /// None yet, on `server`, to do `purpose`.
    #[must_use]
    pub fn on(server: &str, purpose: &'static str) -> Self {
        Self { server: server.to_owned(), purpose, all: Vec::new() }
    }
    fn add(
        mut self,
        groups: impl IntoIterator<Item = AnyOf>,
        (scope, passed_on, only_if): (Scope, bool, Option<&Condition>),
    ) -> Self {
        let (server, purpose) = (self.server.clone(), self.purpose);
        self.all.extend(groups.into_iter().map(|any_of| Need {
            server: server.clone(),
            purpose,
            any_of,
            scope,
            passed_on,
            only_if: only_if.cloned(),
        }));
        self
    }
    /// With privileges on everything.
    #[must_use]
    pub fn everywhere(self, groups: impl IntoIterator<Item = AnyOf>) -> Self {
        self.add(groups, (Scope::Everywhere, false, None))
    }
    /// With privileges in a database of the tool's own.
    #[must_use]
    pub fn own(self, database: OwnDatabase, groups: impl IntoIterator<Item = AnyOf>) -> Self {
        self.add(groups, (Scope::Own(database), false, None))
    }
    /// With privileges on everything that others are given, always or where `condition` holds.
    #[must_use]
    pub fn passed_on(self, condition: Option<&Condition>, groups: impl IntoIterator<Item = AnyOf>) -> Self {
        self.add(groups, (Scope::Everywhere, true, condition))
    }
    /// With privileges on everything, where `condition` holds.
    #[must_use]
    pub fn only_if(self, condition: &Condition, groups: impl IntoIterator<Item = AnyOf>) -> Self {
        self.add(groups, (Scope::Everywhere, false, Some(condition)))
    }
}

impl From<Needs> for Vec<Need> {
    fn from(needs: Needs) -> Self {
        needs.all
    }
}
