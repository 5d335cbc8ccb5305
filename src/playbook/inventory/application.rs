//! Applications, and how they are switched to another server.

use super::Account;
use crate::domain::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// An application that uses one of the servers and is switched to the other one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its configuration file, rendered with the new server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigFile>,
    /// Command that makes it read the file again, run on the file's host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reload: Vec<String>,
    /// Longest time that this command may take, because the application waits. Default: `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_limit: Option<Span>,
    /// A proxy in front of the servers that is switched instead of the file, or in addition to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub haproxy: Option<Haproxy>,
    /// Accounts the application logs in with; a step can prove that they work on the target before the switch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
}

/// A rendered configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Template it is rendered from.
    #[schemars(extend("format" = "template"))]
    pub template: String,
    /// Path of the file.
    #[schemars(extend("format" = "path"))]
    pub path: String,
    /// Host that it is written on: one of `hosts`, or a name that your ssh knows.
    #[schemars(extend("format" = "host-or-ssh-name"))]
    pub host: String,
    /// Further values for the template, such as the names the application gives its settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, serde_json::Value>,
}

/// The account that packages of `HAProxy` create.
fn haproxy() -> String {
    "haproxy".into()
}

/// An `HAProxy` that is switched over its runtime socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Haproxy {
    /// Host it runs on: one of `hosts`, or a name that your ssh knows.
    #[schemars(extend("format" = "host-or-ssh-name"))]
    pub host: String,
    /// Its runtime socket (`stats socket ... level admin`).
    #[schemars(extend("format" = "path"))]
    pub socket: String,
    /// Account that it runs as. Only this account, root and the account that cutover uses may own the socket and the
    /// folders above it.
    #[serde(default = "haproxy")]
    pub account: String,
    /// The backend that contains both servers.
    pub backend: String,
    /// Names in that backend, by the inventory's server name.
    pub servers: BTreeMap<String, String>,
}

impl Application {
    /// How long its reload command may take.
    #[must_use]
    pub fn reload_limit(&self) -> Span {
        self.reload_limit.unwrap_or(Span(Duration::from_secs(10)))
    }
}
