//! `cutover facts`

use super::inputs;
use super::live::Nobody;
use super::output::{self, Format};
use super::state::State;
use crate::domain::folder_of;
use crate::effects::{Effects, Secrets};
use crate::error::{Failure, exit};
use crate::plan::load;
use crate::playbook::document::Document;
use crate::playbook::inventory::Inventory;
use crate::survey::{self, Answers, HostFound};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `facts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The inventory.
    #[arg(short, long, value_name = "FILE")]
    inventory: PathBuf,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks every host and server, and prints lines for the inventory.
pub fn run(args: &Args) -> u8 {
    let inventory = match Document::open(&args.inventory).and_then(|document| load::inventory(&document)) {
        Ok(inventory) => inventory,
        Err(faults) => {
            inputs::complain(vec![faults]);
            return exit::INVALID;
        }
    };
    let folder = folder_of(&args.inventory);
    let passwords = inventory.servers.values().filter_map(|server| server.password.as_ref());
    let secrets = match Secrets::read(passwords, folder) {
        Ok(secrets) => secrets,
        Err(failures) => {
            for failure in &failures {
                output::complain(failure);
            }
            return exit::INVALID;
        }
    };
    let found = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(ask_all(inventory, secrets, args.state.dir().join("ssh"))),
        Err(error) => {
            Answers { failures: vec![Failure::permanent("ask the hosts", error.to_string())], ..Answers::default() }
        }
    };
    match args.format {
        Format::Json => output::json(&found),
        Format::Text => output::text(&lines(&found)),
    }
    for failure in &found.failures {
        output::complain(failure);
    }
    if found.failures.is_empty() { exit::DONE } else { exit::REFUSED }
}

/// Asks every host and server. The inventory's claims about a server are ignored: the user wants to know the facts.
async fn ask_all(mut inventory: Inventory, secrets: Secrets, control_dir: PathBuf) -> Answers {
    for server in inventory.servers.values_mut() {
        (server.family, server.version) = (None, None);
    }
    let secrets = Arc::new(secrets);
    let effects = |inventory| Effects::new(Arc::new(inventory), secrets.clone(), Arc::new(Nobody), control_dir.clone());
    let greeted = effects(inventory.clone());
    let learned = survey::learn(&greeted, &inventory).await;
    greeted.close().await;
    let inventory = learned.complete(inventory);
    let fx = effects(inventory.clone());
    let answers = survey::everyone(&fx, &inventory).await;
    fx.close().await;
    answers
}

/// Lines to be pasted into the inventory. A version is given as its series, so that a security update does not make
/// the inventory wrong.
fn lines(found: &Answers) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}"); // a String takes everything
    };
    if !found.hosts.is_empty() {
        line("hosts:".into());
    }
    for (name, HostFound { facts, .. }) in &found.hosts {
        line(format!("  {name}:"));
        line(format!("    facts: {{ memory: {}MiB, cpus: {} }}", facts.memory.0 >> 20, facts.cpus));
    }
    if !found.servers.is_empty() {
        line("servers:".into());
    }
    for (name, server) in &found.servers {
        let family = server.product.family.to_string().to_lowercase();
        let (major, minor) = (server.product.version.0, server.product.version.1);
        line(format!("  {name}:"));
        line(format!("    family: {family}"));
        line(format!("    version: \"{major}.{minor}\" # {}", server.version_text));
        match found.servers.iter().find(|(other, with)| *other != name && with.server_id == server.server_id) {
            None => line(format!("    server_id: {}", server.server_id)),
            Some((other, _)) => line(format!(
                "    # server_id is {}, as on {other}: left out, so that the one that is rendered gets its own",
                server.server_id
            )),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Answers, lines};
    use crate::domain::product::Product;
    use crate::domain::units::Bytes;
    use crate::playbook::document::Document;
    use crate::playbook::inventory::Facts;
    use crate::survey::{HostFound, ServerFound};

    fn server(server_id: u32) -> ServerFound {
        let version_text = "10.11.19-MariaDB-log".to_owned();
        let product = Product::from_version_text(&version_text).unwrap();
        ServerFound { product, version_text, server_id, identity: String::new() }
    }

    #[test]
    fn what_is_printed_is_yaml_and_gives_no_two_servers_one_id() {
        let mut found = Answers::default();
        found.hosts.insert("old".into(), HostFound { facts: Facts { memory: Bytes(3 << 30), cpus: 4 }, free: 0 });
        found.servers.insert("source".into(), server(1));
        found.servers.insert("target".into(), server(1));
        found.servers.insert("third".into(), server(3));
        let text = lines(&found);
        let document = Document::parse("facts", &text).unwrap().root.to_json();
        assert_eq!(document["hosts"]["old"]["facts"]["memory"], "3072MiB");
        assert_eq!(document["servers"]["source"]["version"], "10.11");
        assert_eq!(document["servers"]["target"].get("server_id"), None);
        assert_eq!(document["servers"]["third"]["server_id"], 3);
    }
}
