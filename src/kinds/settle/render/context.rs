//! What a template of a server's configuration may use, from the inventory alone. Pure.

use super::Profile;
use crate::domain::endpoint::Endpoint;
use crate::domain::marker;
use crate::domain::product::{Family, Version};
use crate::kinds::Complaint;
use crate::kinds::support::option_file::quoted;
use crate::playbook::inventory::{Facts, Server};
use crate::playbook::sizing::{Sizing, size_text};
use crate::playbook::world::World;
use serde_json::{Map, Value, json};

/// Sizes by the name that templates know them by.
const SIZES: [&str; 6] = [
    "buffer_pool_size",
    "buffer_pool_instances",
    "redo_log_size",
    "redo_log_file_size",
    "io_threads",
    "replica_workers",
];

/// The context for the server `name`.
///
/// # Errors
/// Settings that cannot stand in an option file, and a `MySQL` server of unknown version.
pub fn for_server(world: &World, name: &str, server: &Server, profile: Profile) -> Result<Value, Vec<Complaint>> {
    let product = server.product();
    let mut complaints = Vec::new();
    if product.family == Family::MySql && server.version.is_none() {
        let message = format!("the version of server `{name}` is not known, but MySQL's option names depend on it");
        complaints.push(Complaint::new("server", message).help(format!("state servers.{name}.version: \"8.4\"")));
    }
    let settings = settings(name, server).map_err(|more| complaints.extend(more));
    let (Ok(settings), true) = (settings, complaints.is_empty()) else { return Err(complaints) };
    let Endpoint { host, port } = Endpoint::of(&server.address);
    let Version(major, minor, patch) = product.version;
    Ok(json!({
        "server": {
            "name": name,
            "host": host,
            "address": server.address,
            "port": port,
            "bind_address": bind_address(server),
            "data_dir": server.data_dir,
            "log_dir": server.log_dir,
            "server_id": world.inventory.server_id(name),
            "settings": settings,
        },
        "profile": profile,
        "mariadb": product.family == Family::MariaDb,
        "mysql": product.family == Family::MySql,
        "version": u32::from(major) * 10_000 + u32::from(minor) * 100 + u32::from(patch),
        "sizing": sizing(&server.host, world.inventory.host(&server.host).and_then(|host| host.facts)),
    }))
}

/// Sizes as text: numbers where the machine is known, else markers that are filled on the machine itself.
fn sizing(host: &str, facts: Option<Facts>) -> Map<String, Value> {
    let value = |size: &str| match facts {
        Some(facts) => known_size(size, facts).unwrap_or_default(),
        None => marker::late(&format!("hosts.{host}.{size}")),
    };
    SIZES.iter().map(|size| ((*size).to_owned(), Value::String(value(size)))).collect()
}

/// Whether `text` waits for facts of a host.
#[must_use]
pub fn needs_facts(text: &str) -> bool {
    marker::find(text).any(|(_, inside)| inside.starts_with("hosts."))
}

/// Puts sizes in the places of their markers.
#[must_use]
pub fn fill(text: &str, host: &str, facts: Facts) -> String {
    marker::replace(text, |inside| {
        known_size(inside.strip_prefix("hosts.")?.strip_prefix(host)?.strip_prefix('.')?, facts)
    })
}

fn known_size(size: &str, facts: Facts) -> Option<String> {
    let sizing = Sizing::of(facts);
    Some(match size {
        "buffer_pool_size" => size_text(sizing.buffer_pool),
        "buffer_pool_instances" => sizing.buffer_pool_instances.to_string(),
        "redo_log_size" => size_text(sizing.redo_log),
        "redo_log_file_size" => size_text(sizing.redo_log / 2),
        "io_threads" => sizing.io_threads.to_string(),
        "replica_workers" => sizing.replica_workers.to_string(),
        _ => return None,
    })
}

/// Where the server listens: on its one address, or everywhere when applications come by another one.
fn bind_address(server: &Server) -> &str {
    let own = Endpoint::of(&server.address).host;
    if Endpoint::of(server.endpoint()).host == own { own } else { "*" }
}

fn settings(name: &str, server: &Server) -> Result<Map<String, Value>, Vec<Complaint>> {
    let mut lines = Map::new();
    let mut complaints = Vec::new();
    for (option, value) in &server.settings {
        let text = match value {
            Value::Bool(on) => if *on { "ON" } else { "OFF" }.to_owned(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => quoted(text),
            _ => "\n".to_owned(), // refused below, like a text of several lines
        };
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if option.is_empty() || !option.chars().all(known) || text.contains(['\n', '\r']) {
            let message = format!("servers.{name}.settings.{option} cannot be a line of an option file");
            complaints.push(
                Complaint::new("server", message)
                    .help("use one word as the name, and a number, text or boolean as the value"),
            );
        }
        lines.insert(option.clone(), Value::String(text));
    }
    if complaints.is_empty() { Ok(lines) } else { Err(complaints) }
}

#[cfg(test)]
mod tests {
    use super::{bind_address, fill, needs_facts};
    use crate::domain::units::Bytes;
    use crate::playbook::inventory::{Facts, Server};

    #[test]
    fn listens_where_it_is_asked() {
        let server = |json: &str| serde_json::from_str::<Server>(json).unwrap();
        let one = server(r#"{"host": "h", "address": "127.0.0.1:3306", "user": "u"}"#);
        assert_eq!(bind_address(&one), "127.0.0.1");
        let two = server(r#"{"host": "h", "address": "127.0.0.1:3306", "endpoint": "10.0.0.2:3306", "user": "u"}"#);
        assert_eq!(bind_address(&two), "*");
        let six = server(r#"{"host": "h", "address": "[::1]:3307", "user": "u"}"#);
        assert_eq!(bind_address(&six), "::1");
    }

    #[test]
    fn fills_sizes_of_its_own_host_only() {
        let facts = Facts { memory: Bytes(32 << 30), cpus: 8 };
        let text = "a ‹hosts.new.buffer_pool_size› ‹hosts.old.io_threads›";
        assert_eq!(fill(text, "new", facts), "a 24G ‹hosts.old.io_threads›");
        assert!(needs_facts(text) && !needs_facts("‹steps.a.b›"));
    }
}
