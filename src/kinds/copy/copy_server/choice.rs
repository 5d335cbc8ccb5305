//! Which engine makes the copy: the one that is named, or the fastest that fits. Pure.

use super::backup::{Backup, MARIABACKUP, XTRABACKUP};
use super::clone::Clone;
use super::dump::DUMP;
use super::engine::{Arrival, CopyEngine};
use super::mydumper::MYDUMPER;
use crate::dialect::Dialect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Engine that copies the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// The fastest engine that works for both servers; the plan states which one, and why.
    #[default]
    Auto,
    /// `mariadb-backup`: the files of a running `MariaDB`, streamed from host to host.
    Mariabackup,
    /// The clone plugin of `MySQL`: the new server itself reads the data of the old one.
    Clone,
    /// Percona `XtraBackup`: the counterpart of `mariadb-backup` for `MySQL`. Not tested with the real program.
    Xtrabackup,
    /// `mysqldump` or `mariadb-dump`, streamed into the running target. Works with any pair of versions and any
    /// databases.
    Dump,
    /// `mydumper` and `myloader`: many tables in parallel, through files on the target's host. Never chosen by `auto`.
    Mydumper,
}

/// The fastest first, and of two alike the one that was run here; what stands behind `dump`, which fits everything, is used by
/// name only.
static ENGINES: [(EngineName, &dyn CopyEngine); 5] = [
    (EngineName::Mariabackup, &Backup { tool: &MARIABACKUP }),
    (EngineName::Clone, &Clone),
    (EngineName::Xtrabackup, &Backup { tool: &XTRABACKUP }),
    (EngineName::Dump, &DUMP),
    (EngineName::Mydumper, &MYDUMPER),
];

/// Every engine, the fastest first.
pub fn engines() -> impl Iterator<Item = &'static dyn CopyEngine> {
    ENGINES.iter().map(|&(_, engine)| engine)
}

/// What was chosen, and why nothing else was.
#[derive(Debug)]
pub struct Choice {
    /// The engine; the reasons of all when there is none.
    pub engine: Result<&'static dyn CopyEngine, String>,
    /// Why, in words.
    pub why: String,
}

impl std::fmt::Debug for dyn CopyEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The engine for a pair of servers. `no_files` is why none that brings files can be used at all, by what the inventory
/// and the step say; a named engine that cannot be used is reported elsewhere.
#[must_use]
pub fn choose(asked: EngineName, source: Dialect, target: Dialect, no_files: Option<&str>) -> Choice {
    let candidates = ENGINES.iter().filter(|(name, _)| asked == EngineName::Auto || *name == asked);
    let mut against = Vec::new();
    for &(_, engine) in candidates {
        let none = no_files.filter(|_| asked == EngineName::Auto && engine.arrival() == Arrival::Files);
        if let Some(why) = engine.unfit(source, target).or_else(|| none.map(str::to_owned)) {
            against.push(format!("{}: {why}", engine.name()));
            continue;
        }
        let others = if against.is_empty() { String::new() } else { format!("; not {}", against.join("; not ")) };
        let word = if asked == EngineName::Auto { "chosen" } else { "asked for" };
        let name = engine.name();
        let what = match engine.arrival() {
            Arrival::Files => "it copies the files at the speed of the disk",
            Arrival::Statements => "it loads the databases into the running server, whatever its version",
        };
        let why = format!("the engine is {name}, {word}: {what}{others}");
        return Choice { engine: Ok(engine), why };
    }
    let why = against.join("; ");
    Choice { engine: Err(why.clone()), why }
}

#[cfg(test)]
mod tests {
    use super::super::CopyServer;
    use super::CopyEngine;
    use crate::playbook::world::World;
    use serde_json::json;

    /// Everything that the inventory may state of a target.
    const ALL: &[&str] = &["data_dir", "config_file", "restart"];

    fn world(source: &str, target: &str, stated: &[&str]) -> World {
        let server = |version: &str| {
            let (family, version) = version.split_once(' ').unwrap();
            json!({ "host": "h", "address": "127.0.0.1:3306", "user": "u", "family": family, "version": version })
        };
        let mut target = server(target);
        for (name, value) in
            [("data_dir", json!("/d")), ("config_file", json!("/c")), ("restart", json!(["systemctl", "restart", "m"]))]
        {
            if stated.contains(&name) {
                target[name] = value;
            }
        }
        let servers = json!({ "source": server(source), "target": target });
        let inventory = json!({ "hosts": { "h": {} }, "servers": servers });
        World { inventory: serde_json::from_value(inventory).unwrap(), ..World::default() }
    }

    /// Pairs, what the inventory states, the databases that are named, what is asked for; then the engine, and a part of why.
    #[test]
    fn inventories_and_what_is_chosen_for_each() {
        type Row = (
            &'static str,
            &'static str,
            &'static [&'static str],
            bool,
            &'static str,
            Option<&'static str>,
            &'static str,
        );
        let (old, new, newest) = ("mariadb 10.5.23", "mariadb 10.11.19", "mariadb 11.8.9");
        let table: [Row; 23] = [
            (new, new, ALL, false, "auto", Some("mariabackup"), "at the speed of the disk"),
            ("mariadb 10.11.4", new, ALL, false, "auto", Some("mariabackup"), "chosen"),
            (new, new, ALL, true, "auto", Some("dump"), "`databases` names some"),
            (
                new,
                new,
                &["config_file", "restart"],
                false,
                "auto",
                Some("dump"),
                "does not state the `data_dir` of `target`",
            ),
            (new, new, &["data_dir", "restart"], false, "auto", Some("dump"), "the `config_file`"),
            (new, new, &["data_dir", "config_file"], false, "auto", Some("dump"), "the `restart`"),
            (new, new, &[], false, "auto", Some("dump"), "`data_dir` and `config_file` and `restart`"),
            (old, newest, ALL, false, "auto", Some("dump"), "another series"),
            (old, new, ALL, false, "auto", Some("dump"), "another series"),
            (newest, newest, ALL, false, "auto", Some("mariabackup"), "chosen"),
            (
                "mysql 8.0.36",
                "mysql 8.0.40",
                ALL,
                false,
                "auto",
                Some("xtrabackup"),
                "not mariabackup: it copies MariaDB",
            ),
            ("mysql 9.7.4", "mysql 9.7.4", ALL, false, "auto", Some("clone"), "chosen"),
            ("mysql 8.0.36", "mysql 8.0.36", ALL, false, "auto", Some("clone"), "not mariabackup"),
            ("mysql 8.0.36", "mysql 8.0.40", ALL, false, "clone", None, "8.0.3"),
            ("mysql 8.0.36", "mysql 8.4.3", ALL, false, "auto", Some("dump"), "not xtrabackup"),
            ("mysql 8.0.36", "mysql 8.0.36", &[], false, "auto", Some("dump"), "not xtrabackup: the inventory"),
            ("mysql 9.7.4", "mysql 9.7.4", ALL, true, "auto", Some("dump"), "it copies every database"),
            ("mysql 8.0.36", new, ALL, false, "auto", Some("dump"), "whatever its version"),
            (new, new, ALL, false, "mydumper", Some("mydumper"), "asked for"),
            (old, newest, &[], true, "mydumper", Some("mydumper"), "asked for"),
            (new, new, ALL, false, "dump", Some("dump"), "asked for"),
            (old, newest, ALL, false, "mariabackup", None, "another series"),
            (new, new, ALL, false, "xtrabackup", None, "it copies MySQL"),
        ];
        for (source, target, stated, some, asked, engine, why) in table {
            let databases = if some { json!(["shop"]) } else { json!([]) };
            let step = json!({ "from": "source", "to": "target", "engine": asked, "databases": databases });
            let copy: CopyServer = serde_json::from_value(step).unwrap();
            let choice = copy.choice(&world(source, target, stated));
            let about = format!("{source} {target} {stated:?} {some} {asked}: {}", choice.why);
            assert_eq!(choice.engine.ok().map(CopyEngine::name), engine, "{about}");
            assert!(choice.why.contains(why), "{about}");
        }
    }
}
