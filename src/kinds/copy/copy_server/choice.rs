//! Which engine makes the copy: the one that is named, or the fastest that fits. Pure.

use super::backup::{Backup, MARIABACKUP, XTRABACKUP};
use super::clone::Clone;
use super::engine::CopyEngine;
use crate::dialect::Dialect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the data is copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// The fastest one that fits both servers; the plan says which, and why.
    #[default]
    Auto,
    /// `mariadb-backup`: the files of a running `MariaDB`, streamed from host to host.
    Mariabackup,
    /// The clone plugin of `MySQL`: the new server reads the data of the old one by itself.
    Clone,
    /// Percona `XtraBackup`: what `mariadb-backup` is for `MariaDB`. It has never been run by those who wrote this.
    Xtrabackup,
}

/// The fastest first, and of two alike the one that was run here.
static ENGINES: [(EngineName, &dyn CopyEngine); 3] = [
    (EngineName::Mariabackup, &Backup { tool: &MARIABACKUP }),
    (EngineName::Clone, &Clone),
    (EngineName::Xtrabackup, &Backup { tool: &XTRABACKUP }),
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

/// The engine for a pair of servers.
#[must_use]
pub fn choose(asked: EngineName, source: Dialect, target: Dialect) -> Choice {
    let candidates = ENGINES.iter().filter(|(name, _)| asked == EngineName::Auto || *name == asked);
    let mut against = Vec::new();
    for &(_, engine) in candidates {
        if let Some(why) = engine.unfit(source, target) {
            against.push(format!("{}: {why}", engine.name()));
            continue;
        }
        let others = if against.is_empty() { String::new() } else { format!("; not {}", against.join("; not ")) };
        let word = if asked == EngineName::Auto { "chosen" } else { "asked for" };
        let name = engine.name();
        let why = format!("the engine is {name}, {word}: it brings the files at the speed of the disk{others}");
        return Choice { engine: Ok(engine), why };
    }
    let why = against.join("; ");
    Choice { engine: Err(why.clone()), why }
}

#[cfg(test)]
mod tests {
    use super::{CopyEngine, EngineName, choose};
    use crate::dialect::Dialect;
    use crate::domain::product::Product;

    #[test]
    fn the_engine_that_fits_is_chosen_and_the_reasons_are_told() {
        for (asked, from, to, engine) in [
            (EngineName::Auto, "10.11.4-MariaDB", "10.11.19-MariaDB", Some("mariabackup")),
            (EngineName::Auto, "10.5.23-MariaDB", "11.8.9-MariaDB", None),
            (EngineName::Auto, "8.0.36", "8.0.36", Some("clone")),
            (EngineName::Auto, "8.0.36", "8.0.40", Some("xtrabackup")),
            (EngineName::Auto, "8.0", "8.0", Some("xtrabackup")),
            (EngineName::Auto, "9.7.4", "9.7.4", Some("clone")),
            (EngineName::Auto, "5.7.44", "5.7.44", Some("xtrabackup")),
            (EngineName::Auto, "8.0.40", "10.11.4-MariaDB", None),
            (EngineName::Clone, "8.0.36", "8.0.40", None),
            (EngineName::Xtrabackup, "9.7.4", "9.7.4", Some("xtrabackup")),
            (EngineName::Auto, "8.0.36", "8.4.3", None),
            (EngineName::Xtrabackup, "10.11.4-MariaDB", "10.11.19-MariaDB", None),
            (EngineName::Mariabackup, "11.8.9-MariaDB", "11.8.9-MariaDB", Some("mariabackup")),
        ] {
            let [source, target] = [from, to].map(|text| Dialect::from(Product::from_version_text(text).unwrap()));
            let choice = choose(asked, source, target);
            assert_eq!(choice.engine.ok().map(CopyEngine::name), engine, "{from} {to}");
            assert!(!choice.why.is_empty());
        }
    }
}
