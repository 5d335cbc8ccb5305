//! How a server proves who it is.

use crate::domain::endpoint::Endpoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How others know that a server is the one it says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// File with the authority that has signed the server's certificate, as PEM: on the runner's machine, as seen from the
    /// inventory's folder.
    #[schemars(extend("format" = "path", "examples" = ["ca.pem", "/etc/mysql/ca.pem"]))]
    pub ca: String,
    /// The same file on the hosts that connect to the server: a replica's, one that dumps. Default: `ca`, where that is a
    /// full path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path", "examples" = ["/etc/mysql/ca.pem"]))]
    pub ca_on_host: Option<String>,
    /// The name that the certificate must be for when the runner connects. Default: the host in the address; behind `ssh`
    /// that is often 127.0.0.1, so state it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "server-name", "examples" = ["db1.example"]))]
    pub server_name: Option<String>,
    /// What of the certificate is verified.
    #[serde(default, skip_serializing_if = "is_default")]
    pub verify: Verify,
}

/// What of a server's certificate is verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Who has signed it, that it is not out of date, and that it is for the server's name.
    #[default]
    Name,
    /// Who has signed it and that it is not out of date: any server with a certificate of that authority will do.
    Chain,
}

/// Whether nothing was chosen, and so nothing need be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Certificate {
    /// The authority's file on the hosts that connect to the server; `None` when nobody has said where it is there.
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
