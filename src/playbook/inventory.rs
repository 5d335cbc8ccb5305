//! The inventory: *where* a playbook is carried out. Hosts, servers, applications, credentials by reference, policy.

use crate::domain::Words;
use crate::domain::endpoint::Endpoint;
use crate::domain::product::{Family, Product, Version};
use crate::domain::secret::SecretRef;
use crate::domain::units::{Bytes, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where the playbook is carried out: hosts, servers, applications and policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Inventory {
    /// Machines, by name.
    pub hosts: BTreeMap<String, Host>,
    /// Database servers, by name.
    pub servers: BTreeMap<String, Server>,
    /// Applications that use the servers, by name.
    pub applications: BTreeMap<String, Application>,
    /// What the company allows.
    pub policy: Policy,
    /// Webhooks that runs may tell something, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub webhooks: BTreeMap<String, Webhook>,
}

/// An address that takes messages over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Its address, which often lets whoever knows it send: a secret.
    pub url: SecretRef,
    /// What is sent.
    #[serde(default)]
    pub format: MessageFormat,
    /// Further headers, such as `Authorization`; their values are secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretRef>,
}

/// What a webhook is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageFormat {
    /// A JSON object with the run, what happened, and a sentence for people.
    #[default]
    Json,
    /// What Slack and those that speak like it take: an object with a `text`.
    Slack,
}

/// A machine. Without `ssh` it is the one the runner itself is on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Host {
    /// How to reach it: `user@address`, `ssh://user@address:port`, or an alias of your ssh configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "ssh-destination"))]
    pub ssh: Option<String>,
    /// The ssh configuration file, on the runner's machine, to reach it with. Default: yours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub ssh_config: Option<String>,
    /// The ssh configuration file, on this host, that it reaches other hosts with (for tunnels). Default: its user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub peer_ssh_config: Option<String>,
    /// Country or region it stands in: for the report, and for `policy.regions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What is known of the machine; asked at run time when missing (`cutover facts` prints it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// Variables of the runner's environment that programs on this host find, besides those of a login (`PATH`, `HOME`,
    /// `LANG`, `SSH_AUTH_SOCK` ...). For the runner's own machine only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["AWS_PROFILE"]]))]
    pub pass_env: Vec<String>,
    /// Folder on this host for what runs leave there: job logs, option files, leases. It is made with mode 0700. It and
    /// every folder that leads to it must belong to root or to the account that is worked as there, and nobody else may
    /// write to them.
    #[schemars(extend("examples" = ["/var/lib/cutover"]))]
    pub work_dir: WorkDir,
    /// Folder on this host for dumps, which need room; the same holds for it. Default: `work_dir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["/srv/dumps"]))]
    pub dump_dir: Option<WorkDir>,
}

/// A folder of ours on a host: absolute, or `~/…` below the home folder of the account that is worked as there.
/// `~/.cutover` unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct WorkDir(#[schemars(extend("format" = "host-folder"))] pub String);

impl Default for WorkDir {
    fn default() -> Self {
        Self("~/.cutover".into())
    }
}

impl WorkDir {
    /// As a path on its host.
    #[must_use]
    pub fn place(&self) -> Words {
        Words::folder(self.0.trim_end_matches('/'))
    }
}

/// What is known of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Memory for the database server.
    pub memory: Bytes,
    /// Processors for the database server.
    pub cpus: u32,
}

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
    /// Administrative account that the runner works with.
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
    /// Command that starts the server when it is down, run on its host: once, when a rollback finds that the server refuses
    /// connections there. A server that only cannot be reached is not started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// Longest time that either command may take: `5m` when missing. The server's answer is waited for after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_limit: Option<Span>,
    /// Family; the plan is written for `mariadb` when missing, and the run refuses a server that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Version; the run refuses a server with another one (`10.11` matches 10.11.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The `server_id` it is to have. Default: a number derived from its name and address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub server_id: Option<u32>,
    /// What its certificate is verified by. The runner's own connections to it are then encrypted, and so are those of
    /// steps with `tls: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Certificate>,
    /// Accounts that get past `read_only` and may stay until the fence, `user` or `user@host`: jobs that make backups, a
    /// monitor. The fence ends their sessions, and locks them where nothing else keeps them out. The accounts of an
    /// application count as named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["backup", "nagios@10.0.0.%"]]))]
    pub past_read_only: Vec<String>,
    /// Further lines for the server's configuration file: what is particular to it, such as its socket.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, serde_json::Value>,
}

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

/// A login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Host part of the account, as the server sees the connection arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Password.
    pub password: SecretRef,
}

/// An application that uses one of the servers and is sent to the other at the switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its configuration file, rendered with the new server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigFile>,
    /// Command that makes it read the file again, run on the file's host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reload: Vec<String>,
    /// Longest time that command may take: `10s` when missing, for the application waits meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_limit: Option<Span>,
    /// A proxy in front of the servers that is switched instead of, or besides, the file.
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
    /// Where it is written.
    #[schemars(extend("format" = "path"))]
    pub path: String,
    /// Host it is written on: one of `hosts`, or else a name that your ssh knows.
    #[schemars(extend("format" = "host-or-ssh-name"))]
    pub host: String,
    /// Further values for the template, such as the names the application gives its settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, serde_json::Value>,
}

/// What packages of `HAProxy` call its account.
fn haproxy() -> String {
    "haproxy".into()
}

/// An `HAProxy` that is switched over its runtime socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Haproxy {
    /// Host it runs on: one of `hosts`, or else a name that your ssh knows.
    #[schemars(extend("format" = "host-or-ssh-name"))]
    pub host: String,
    /// Its runtime socket (`stats socket ... level admin`).
    #[schemars(extend("format" = "path"))]
    pub socket: String,
    /// Account that it runs as. Nobody but this one, root and the account that cutover works as may own the socket and the
    /// folders that lead to it.
    #[serde(default = "haproxy")]
    pub account: String,
    /// The backend that holds both servers.
    pub backend: String,
    /// Names in that backend, by the inventory's server name.
    pub servers: BTreeMap<String, String>,
}

/// What the company allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whether replication between hosts must be encrypted, and the runner's own connections to other machines.
    pub encrypted_replication: Encryption,
    /// Regions in which every host that a playbook uses must stand; empty means that any will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("examples" = [["NO", "DE"]]))]
    pub regions: Vec<String>,
}

/// Whether replication between hosts must be encrypted, and the runner's own connections to other machines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// Plain text between hosts is refused.
    #[default]
    Required,
    /// Plain text is allowed, at your own risk.
    Optional,
}

impl Webhook {
    /// Every secret that it refers to.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        std::iter::once(&self.url).chain(self.headers.values())
    }
}

impl Host {
    /// Where dumps are kept.
    #[must_use]
    pub fn dumps(&self) -> &WorkDir {
        self.dump_dir.as_ref().unwrap_or(&self.work_dir)
    }
    /// Whether commands run on the runner's own machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.ssh.is_none()
    }
}

impl Application {
    /// How long its reload command may take.
    #[must_use]
    pub fn reload_limit(&self) -> Span {
        self.reload_limit.unwrap_or(Span(Duration::from_secs(10)))
    }
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

impl Inventory {
    /// Adds the hosts that only an application names: each is reached by ssh under that very name.
    pub fn add_application_hosts(&mut self) {
        for application in self.applications.values() {
            let config = application.config.as_ref().map(|config| &config.host);
            for name in config.into_iter().chain(application.haproxy.as_ref().map(|haproxy| &haproxy.host)) {
                let host = || Host { ssh: Some(name.clone()), ..Host::default() };
                self.hosts.entry(name.clone()).or_insert_with(host);
            }
        }
    }
    /// A host by name; documents are checked for names before anything asks.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name)
    }
    /// A server by name.
    #[must_use]
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.get(name)
    }
    /// The host that a server or host name stands for.
    #[must_use]
    pub fn host_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.servers.get(name).map_or(name, |server| &server.host)
    }
    /// The `server_id` a server is to have: declared, or derived from its name and address and so the same each time.
    #[must_use]
    pub fn server_id(&self, name: &str) -> u32 {
        let Some(server) = self.servers.get(name) else { return 0 };
        server.server_id.unwrap_or_else(|| {
            let hash = blake3::hash(format!("{name} {} {}", server.host, server.address).as_bytes());
            let mut first = [0; 4];
            first.copy_from_slice(&hash.as_bytes()[..4]);
            u32::from_be_bytes(first) | 1
        })
    }
    /// Accounts that may get past `read_only` on a server until the fence: `past_read_only`, and those of applications.
    #[must_use]
    pub fn named_past_read_only(&self, server: &str) -> Vec<String> {
        let named = self.servers.get(server).into_iter().flat_map(|server| server.past_read_only.iter().cloned());
        let application = |account: &Account| match &account.host {
            Some(host) => format!("{}@{host}", account.user),
            None => account.user.clone(),
        };
        named.chain(self.applications.values().flat_map(|app| app.accounts.iter().map(application))).collect()
    }
    /// Every secret that its webhooks refer to.
    pub fn webhook_secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.webhooks.values().flat_map(Webhook::secrets)
    }
    /// Every secret that its servers and applications refer to.
    #[must_use]
    pub fn secrets(&self) -> Vec<&SecretRef> {
        let servers = self.servers.values().flat_map(|server| {
            server.password.iter().chain(server.replication.iter().map(|account| &account.password))
        });
        let applications = self.applications.values().flat_map(|app| app.accounts.iter().map(|a| &a.password));
        let mut all: Vec<_> = servers.chain(applications).collect();
        all.sort();
        all.dedup();
        all
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
