//! A database server.

use super::{Account, Certificate};
use crate::domain::product::{Family, Product, Version};
use crate::domain::secret::SecretRef;
use crate::domain::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A database server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Host it runs on.
    #[schemars(extend("format" = "host"))]
    pub host: String,
    /// Address and port as seen from its own host.
    #[schemars(extend("format" = "address", "examples" = ["127.0.0.1:3306"]))]
    pub address: String,
    /// Address and port as seen by the applications. Default: `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "address", "examples" = ["10.0.0.2:3306"]))]
    pub endpoint: Option<String>,
    /// Administrative account that the runner uses.
    pub user: String,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Account that a replica logs in with, once this server is its source or it is the replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<Account>,
    /// The server's configuration file on its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub config_file: Option<String>,
    /// The server's data directory on its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub data_dir: Option<String>,
    /// Directory for the binary logs, when not the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub log_dir: Option<String>,
    /// Command that restarts the server, run on its host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<String>,
    /// Command that starts the server when it is down, run on its host: once, when a rollback finds that the server
    /// refuses connections on its own host. A server that is only unreachable is not started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// Longest time that either command may take. Default: `5m`. The runner then waits for the server to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_limit: Option<Span>,
    /// Family. Default: `mariadb`. The run refuses a server of another family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Version; the run refuses a server with another version (`10.11` matches 10.11.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Its `server_id`. Default: a number derived from its name and address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub server_id: Option<u32>,
    /// How its certificate is verified. With this, the runner's own connections to it are encrypted, and those of steps
    /// with `tls: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Certificate>,
    /// Accounts that can write despite `read_only` and may do so until the fence, as `user` or `user@host`: backup
    /// jobs, a monitor. The fence ends their sessions, and locks these accounts where nothing else keeps them out. The
    /// accounts of an application count as listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["backup", "nagios@10.0.0.%"]]))]
    pub past_read_only: Vec<String>,
    /// Further lines for the server's configuration file, such as its socket.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, serde_json::Value>,
}

impl Server {
    /// Where applications reach it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(&self.address)
    }
    /// How long its restart command may take.
    #[must_use]
    pub fn restart_limit(&self) -> Span {
        self.restart_limit.unwrap_or(Span(Duration::from_mins(5)))
    }
    /// Family and version the statements are written for: as declared, or else the oldest supported `MariaDB`.
    #[must_use]
    pub fn product(&self) -> Product {
        let Product { family, version } = Product::default();
        let family = self.family.unwrap_or(family);
        let oldest = match family {
            Family::MariaDb => version,
            Family::MySql => Version(8, 0, 0),
        };
        Product { family, version: self.version.unwrap_or(oldest) }
    }
    /// What the plan is written for, in words.
    #[must_use]
    pub fn wanted(&self) -> String {
        format!("{}{}", self.product(), if self.version.is_some() { "" } else { " or newer" })
    }
    /// Whether `actual` is what the plan was written for.
    #[must_use]
    pub fn accepts(&self, actual: Product) -> bool {
        let Product { family, version } = self.product();
        let Version(major, minor, patch) = version;
        family == actual.family
            && match self.version {
                None => actual.version >= version,
                Some(_) => {
                    (major, minor) == (actual.version.0, actual.version.1) && (patch == 0 || patch == actual.version.2)
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::Server;
    use crate::domain::product::Product;

    fn server(json: &str) -> Server {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_declared_version_matches_its_series_and_an_undeclared_one_anything_newer() {
        let actual = Product::from_version_text("10.11.19-MariaDB").unwrap();
        let base = r#""host": "h", "address": "127.0.0.1:3306", "user": "u""#;
        assert!(server(&format!("{{{base}}}")).accepts(actual));
        assert!(server(&format!("{{{base}, \"version\": \"10.11\"}}")).accepts(actual));
        assert!(!server(&format!("{{{base}, \"version\": \"10.6\"}}")).accepts(actual));
        assert!(!server(&format!("{{{base}, \"family\": \"mysql\"}}")).accepts(actual));
    }
}
