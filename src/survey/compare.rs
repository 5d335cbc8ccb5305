//! Changes between two surveys that matter for a plan: the identity of servers, the size of hosts, and the files to be
//! replaced. Amounts of data and free space change all the time and are not compared.

use super::Survey;
use crate::kinds::Finding;
use std::collections::BTreeMap;

/// Every change, one per line: the fact, its old and its new value.
#[must_use]
pub fn changes(then: &Survey, now: &Survey) -> Vec<String> {
    let (then, now) = (facts(then), facts(now));
    let gone = "nothing".to_owned();
    let keys = then.keys().chain(now.keys().filter(|key| !then.contains_key(*key)));
    keys.filter(|key| then.get(*key) != now.get(*key))
        .map(|key| {
            let value = |facts: &BTreeMap<String, String>| facts.get(key).unwrap_or(&gone).clone();
            format!("{key}: {} when the plan was saved, {} now", value(&then), value(&now))
        })
        .collect()
}

fn facts(survey: &Survey) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut add = |key: String, value: String| facts.insert(key, value);
    for (name, server) in &survey.servers {
        add(format!("version of server `{name}`"), server.version_text.clone());
        add(format!("server_id of server `{name}`"), server.server_id.to_string());
        add(format!("identity of server `{name}`"), server.identity.clone());
    }
    for (name, host) in &survey.hosts {
        add(format!("memory of host `{name}`"), host.facts.memory.to_string());
        add(format!("processors of host `{name}`"), host.facts.cpus.to_string());
    }
    for step in &survey.steps {
        for finding in &step.findings {
            match finding {
                Finding::File(file) => {
                    let digest = file.digest.as_ref().map_or("no file", |digest| &digest[..digest.len().min(16)]);
                    add(format!("content of {} on {}", file.path, file.host), digest.to_owned());
                }
                Finding::Setting(setting) => {
                    add(format!("`{}` of server `{}`", setting.name, setting.server), setting.now.clone());
                }
                Finding::Volume(_) | Finding::Copy(_) | Finding::Check(_) => {}
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::changes;
    use crate::domain::product::Product;
    use crate::survey::{ServerFound, Survey};

    #[test]
    fn another_server_id_is_told_with_both_values() {
        let found = |server_id| {
            let (version_text, identity) = ("10.11.6-MariaDB".to_owned(), "db1:3306 /var/lib/mysql/".to_owned());
            let server = ServerFound { product: Product::default(), version_text, server_id, identity };
            Survey { servers: [("source".to_owned(), server)].into(), ..Survey::default() }
        };
        assert_eq!(changes(&found(1), &found(1)), [""; 0]);
        assert_eq!(changes(&found(1), &found(7)), ["server_id of server `source`: 1 when the plan was saved, 7 now"]);
    }
}
