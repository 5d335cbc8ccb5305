//! The inventory: *where* a playbook runs. Hosts, servers, applications, credentials by reference, policy.

mod account;
mod application;
mod certificate;
mod host;
mod policy;
mod server;
mod webhook;

pub use account::Account;
pub use application::{Application, ConfigFile, Haproxy};
pub use certificate::{Certificate, Verify};
pub use host::{Facts, Host, WorkDir};
pub use policy::{Encryption, Policy};
pub use server::Server;
pub use webhook::{MessageFormat, Webhook};

use crate::domain::secret::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the playbook runs: hosts, servers, applications and policy.
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
    /// Webhooks that runs may notify, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub webhooks: BTreeMap<String, Webhook>,
    /// Labels of the machines whose runners may run it, if several share a store: `site: oslo`.
    #[serde(rename = "runs-on", skip_serializing_if = "BTreeMap::is_empty")]
    pub runs_on: BTreeMap<String, String>,
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
    /// Accounts that may write despite `read_only` on a server until the fence: `past_read_only`, and those of
    /// applications.
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
