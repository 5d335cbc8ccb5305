//! Corrections of a run's inventory: how its servers and hosts are reached and restarted, never what is done to them.
//! Pure.

use crate::playbook::inventory::Inventory;
use crate::playbook::learned::Learned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// Fields about how something is reached, restarted or logged in to, by the part of the inventory they stand in.
const OPEN: [(&str, &[&str]); 3] = [
    ("hosts", &["ssh", "ssh_config", "peer_ssh_config"]),
    ("servers", &["address", "password", "restart", "restart_limit", "start"]),
    ("applications", &["reload", "reload_limit"]),
];

/// Those of them that may lead to another server.
const LEADS: [&str; 3] = ["address", "ssh", "ssh_config"];

/// One field that changes from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Correction {
    /// Part, name and field: `servers`, `target`, `restart`.
    pub at: [String; 3],
    /// The old value; missing if there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Value>,
    /// The new value; missing if it was removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<Value>,
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.join(".");
        let mut line = |sign: char, value: &Option<Value>| match value {
            Some(value) => writeln!(f, "{sign} {at}: {value}"),
            None => Ok(()),
        };
        line('-', &self.from)?;
        line('+', &self.to)
    }
}

/// What `new` corrects in `old`, the inventory that a run was begun with. What was found out then is no difference.
///
/// # Errors
/// The fields, as `servers.target.data_dir`, that differ and decide what is done.
pub fn corrections(old: &Inventory, new: Inventory, learned: &Learned) -> Result<Vec<Correction>, Vec<String>> {
    let (old, new) = (tree(old), tree(&learned.complete(new)));
    let (mut corrections, mut refused) = (Vec::new(), Vec::new());
    for part in keys(&old, &new) {
        let (before, after) = (object(old.get(&part)), object(new.get(&part)));
        let open = OPEN.iter().find(|(name, _)| *name == part).map_or(&[][..], |(_, fields)| fields);
        for name in keys(&before, &after) {
            let there = before.get(&name).zip(after.get(&name));
            let Some((before, after)) = there.filter(|(before, after)| before.is_object() && after.is_object()) else {
                if before.get(&name) != after.get(&name) {
                    refused.push(format!("{part}.{name}"));
                }
                continue;
            };
            let (before, after) = (object(Some(before)), object(Some(after)));
            for field in keys(&before, &after) {
                let (from, to) = (before.get(&field).cloned(), after.get(&field).cloned());
                if from == to {
                    continue;
                }
                if open.contains(&field.as_str()) {
                    corrections.push(Correction { at: [part.clone(), name.clone(), field], from, to });
                } else {
                    refused.push(format!("{part}.{name}.{field}"));
                }
            }
        }
    }
    if refused.is_empty() { Ok(corrections) } else { Err(refused) }
}

/// `inventory` with `corrections` made in it.
///
/// # Errors
/// When it does not hold what they correct, or cannot be used with them: the journal is damaged.
pub fn corrected<'a>(
    inventory: &Inventory,
    corrections: impl IntoIterator<Item = &'a Correction>,
) -> Result<Inventory, String> {
    let mut tree = Value::Object(tree(inventory));
    for Correction { at: [part, name, field], to, .. } in corrections {
        let entry = tree.get_mut(part).and_then(|part| part.get_mut(name)).and_then(Value::as_object_mut);
        let entry = entry.ok_or_else(|| format!("there is no {part}.{name}"))?;
        match to {
            Some(value) => drop(entry.insert(field.clone(), value.clone())),
            None => drop(entry.remove(field)),
        }
    }
    serde_json::from_value(tree).map_err(|error| error.to_string())
}

/// Servers whose address may lead elsewhere after `corrections`.
#[must_use]
pub fn moved<'a>(inventory: &'a Inventory, corrections: &[Correction]) -> Vec<&'a str> {
    let touches = |part: &str, name: &str| {
        corrections.iter().any(|made| made.at[0] == part && made.at[1] == name && LEADS.contains(&made.at[2].as_str()))
    };
    let servers = inventory.servers.iter();
    let moved = servers.filter(|(name, server)| touches("servers", name) || touches("hosts", &server.host));
    moved.map(|(name, _)| name.as_str()).collect()
}

fn tree(inventory: &Inventory) -> Map<String, Value> {
    object(serde_json::to_value(inventory).ok().as_ref())
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

fn keys(left: &Map<String, Value>, right: &Map<String, Value>) -> Vec<String> {
    let mut keys: Vec<String> = left.keys().chain(right.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::{corrected, corrections, moved};
    use crate::playbook::inventory::Inventory;
    use crate::playbook::learned::Learned;

    fn inventory(more: &str) -> Inventory {
        let server = format!(r#""host": "h", "address": "127.0.0.1:3306", "user": "u"{more}"#);
        serde_json::from_str(&format!(r#"{{"hosts":{{"h":{{}}}},"servers":{{"target":{{{server}}}}}}}"#)).unwrap()
    }

    #[test]
    fn how_to_restart_is_corrected_and_shown() {
        let old = inventory(r#", "restart": ["systemctl", "restart", "mysql"]"#);
        let new = inventory(r#", "restart": ["systemctl", "restart", "mariadb"]"#);
        let made = corrections(&old, new.clone(), &Learned::default()).unwrap();
        let shown: String = made.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            "- servers.target.restart: [\"systemctl\",\"restart\",\"mysql\"]\n\
             + servers.target.restart: [\"systemctl\",\"restart\",\"mariadb\"]\n"
        );
        assert_eq!(corrected(&old, &made).unwrap(), new);
        assert!(moved(&old, &made).is_empty());
    }

    #[test]
    fn another_address_may_lead_to_another_server() {
        let old = inventory("");
        let mut new = old.clone();
        new.servers.get_mut("target").unwrap().address = "127.0.0.1:3399".into();
        new.hosts.get_mut("h").unwrap().ssh = Some("root@new".into());
        let made = corrections(&old, new.clone(), &Learned::default()).unwrap();
        assert_eq!((made.len(), moved(&old, &made)), (2, vec!["target"]));
        assert_eq!(corrected(&old, &made).unwrap(), new);
    }

    #[test]
    fn what_decides_what_is_done_is_refused_by_name() {
        let old = inventory("");
        let refused = |new| corrections(&old, new, &Learned::default()).unwrap_err();
        assert_eq!(refused(inventory(r#", "data_dir": "/other""#)), ["servers.target.data_dir"]);
        assert_eq!(refused(Inventory::default()), ["hosts.h", "servers.target"]);
        let made = corrections(&old, inventory(r#", "restart": ["x"]"#), &Learned::default()).unwrap();
        assert!(corrected(&Inventory::default(), &made).is_err(), "a journal of another run");
    }
}
