//! Identity and size of hosts and servers.

use super::{HostFound, ServerFound};
use crate::dialect::Dialect;
use crate::domain::Sql;
use crate::domain::product::{Family, Product};
use crate::effects::{Effects, facts, greeting};
use crate::error::{Failure, Result};
use crate::playbook::inventory::Inventory;
use crate::playbook::learned::Learned;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest time for one question.
const LOOK: Duration = Duration::from_secs(10);

/// Finds facts that the inventory lacks: the product of a server, by its greeting, and the size of a host. Hosts and servers
/// that do not answer are left out: the step that needs them reports it.
pub async fn learn(fx: &Effects, inventory: &Inventory) -> Learned {
    let mut learned = Learned::default();
    for (name, _) in inventory.hosts.iter().filter(|(_, host)| host.facts.is_none()) {
        if let Ok(host) = fx.host(name).await
            && let Ok(facts) = facts::facts(&host).await
        {
            learned.hosts.insert(name.clone(), facts);
        }
    }
    for (name, server) in inventory.servers.iter().filter(|(_, server)| server.version.is_none()) {
        if let Ok(address) = fx.connect(&server.host, &server.address).await
            && let Ok(version) = greeting(&address, LOOK).await
            && let Ok(product) = Product::from_version_text(&version)
        {
            learned.servers.insert(name.clone(), product);
        }
    }
    learned
}

/// Who answered, and who did not.
#[derive(Debug, Default, Serialize)]
pub struct Answers {
    /// Hosts, by the inventory's names.
    pub hosts: BTreeMap<String, HostFound>,
    /// Servers, by the inventory's names.
    pub servers: BTreeMap<String, ServerFound>,
    /// Why the others are missing.
    pub failures: Vec<Failure>,
}

/// Asks every host and every server what it is.
pub async fn everyone(fx: &Effects, inventory: &Inventory) -> Answers {
    let mut answers = Answers::default();
    for name in inventory.hosts.keys() {
        match host(fx, inventory, name).await {
            Ok(found) => drop(answers.hosts.insert(name.clone(), found)),
            Err(failure) => answers.failures.push(failure),
        }
    }
    for (name, access) in &inventory.servers {
        if !answers.hosts.contains_key(&access.host) {
            let answer = format!("its host `{}` did not answer", access.host);
            answers.failures.push(Failure::transient("ask the server", answer).at(name));
            continue;
        }
        match server(fx, name).await {
            Ok(found) => drop(answers.servers.insert(name.clone(), found)),
            Err(failure) => answers.failures.push(failure),
        }
    }
    answers
}

/// The facts of a host, and its free space.
async fn host(fx: &Effects, inventory: &Inventory, name: &str) -> Result<HostFound> {
    let host = fx.host(name).await?;
    let folder = inventory.host(name).map(|host| host.dumps().place()).unwrap_or_default();
    Ok(HostFound { facts: facts::facts(&host).await?, free: facts::free_space(&host, &folder).await? })
}

/// What a server is.
async fn server(fx: &Effects, name: &str) -> Result<ServerFound> {
    let session = fx.sql(name).await?;
    // plans are compared by these values: two empty answers would look equal
    let ask = async |question: Sql| -> Result<String> {
        let rows = session.query(&question, LOOK).await?;
        let unread = || Failure::permanent(format!("read the answer to `{question}`"), "the answer is empty").at(name);
        rows.value().map(str::to_owned).ok_or_else(unread)
    };
    let version_text = ask(Dialect::from(Product::default()).version().into()).await?;
    let product = Product::from_version_text(&version_text)
        .map_err(|answer| Failure::permanent("read the server's version", answer).at(name))?;
    let dialect = Dialect::from(product);
    let read = async |variable: &'static str| ask(dialect.read_variable(variable)).await;
    let id = read("server_id").await?;
    let unread = |_| Failure::permanent("read the server's id", format!("the answer is `{id}`")).at(name);
    let server_id = id.parse().map_err(unread)?;
    let identity = if product.family == Family::MySql {
        read("server_uuid").await?
    } else {
        format!("{}:{} {}", read("hostname").await?, read("port").await?, read("datadir").await?)
    };
    Ok(ServerFound { product, version_text, server_id, identity })
}
