//! How a server proves its identity.

use crate::domain::endpoint::Endpoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How clients verify the identity of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// PEM file with the authority that signed the server's certificate: on the runner's machine, relative to the
    /// inventory's folder.
    #[schemars(extend("format" = "path", "examples" = ["ca.pem", "/etc/mysql/ca.pem"]))]
    pub ca: String,
    /// The same file on the hosts that connect to the server: the host of a replica, or of a dump. Default: `ca`, if
    /// that is an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path", "examples" = ["/etc/mysql/ca.pem"]))]
    pub ca_on_host: Option<String>,
    /// The name that the certificate must contain when the runner connects. Default: the host in the address; behind
    /// `ssh` that is often 127.0.0.1, so state the name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "server-name", "examples" = ["db1.example"]))]
    pub server_name: Option<String>,
    /// Which parts of the certificate are verified.
    #[serde(default, skip_serializing_if = "is_default")]
    pub verify: Verify,
}

/// Which parts of a server's certificate are verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Its signature, that it has not expired, and the server's name.
    #[default]
    Name,
    /// Its signature, and that it has not expired: any server with a certificate of that authority is accepted.
    Chain,
}

/// Whether nothing was chosen, and so nothing need be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Certificate {
    /// The authority's file on the hosts that connect to the server; `None` if its path there is not stated.
    #[must_use]
    pub fn ca_on_host(&self) -> Option<&str> {
        self.ca_on_host.as_deref().or_else(|| self.ca.starts_with('/').then_some(self.ca.as_str()))
    }
    /// The name that the certificate must be for on a connection to `address`.
    #[must_use]
    pub fn name_at(&self, address: &str) -> String {
        self.server_name.clone().unwrap_or_else(|| Endpoint::of(address).plain_host())
    }
}
