//! Pairs of servers that people move between: whether the new one can follow the old one, whether the old one can follow
//! the new one afterwards, where that is known from, and whether it was run here. Pure.

mod direction;
mod tried;

use direction::LATE;
pub use direction::{Direction, direction};
pub use tried::{Outcome, TRIED, Tried};

use crate::domain::product::{Family, Product, Version};
use serde::Serialize;

/// Long-term series that moves lead from and to, oldest first.
const SERIES: [(Family, u16, u16); 9] = [
    (Family::MariaDb, 10, 5),
    (Family::MariaDb, 10, 6),
    (Family::MariaDb, 10, 11),
    (Family::MariaDb, 11, 4),
    (Family::MariaDb, 11, 8),
    (Family::MySql, 5, 7),
    (Family::MySql, 8, 0),
    (Family::MySql, 8, 4),
    (Family::MySql, 9, 7),
];

/// A pair, judged both ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The old server.
    pub source: Product,
    /// The new one.
    pub target: Product,
    /// Whether the new one can follow the old one.
    pub forward: Direction,
    /// Whether the old one can follow the new one after the switch.
    pub way_back: Direction,
    /// What must hold for the forward direction, and for the way back where stated, in words.
    pub conditions: Vec<&'static str>,
    /// Where the verdicts are from.
    pub basis: &'static str,
    /// What came of it when it was run here.
    pub tried: Option<Tried>,
}

impl Pair {
    /// Judges a pair.
    #[must_use]
    pub fn of(source: Product, target: Product) -> Self {
        Self {
            source,
            target,
            forward: direction(source, target),
            way_back: direction(target, source),
            conditions: conditions(source, target),
            basis: basis(source.family, target.family),
            tried: tried::of(source, target),
        }
    }
}

/// Every pair of long-term series, each judged by its latest release.
#[must_use]
pub fn all() -> Vec<Pair> {
    let series = SERIES.map(|(family, major, minor)| Product { family, version: Version(major, minor, 0) });
    series.iter().flat_map(|source| series.iter().map(|target| of_series(*source, *target))).collect()
}

/// The pair of two series.
fn of_series(source: Product, target: Product) -> Pair {
    let late = |series: Product| Product { version: Version(series.version.0, series.version.1, LATE), ..series };
    let judged = Pair::of(late(source), late(target));
    let (forward, way_back) = (judged.forward.of_series(), judged.way_back.of_series());
    Pair { source, target, forward, way_back, ..judged }
}

/// The pair of two versions; one of two numbers (`10.11`) is taken for a series.
#[must_use]
pub fn of_versions(source: Product, target: Product) -> Pair {
    if source.version.2 == 0 && target.version.2 == 0 { of_series(source, target) } else { Pair::of(source, target) }
}

/// What the vendors require, in addition to what `preflight` checks for every pair.
fn conditions(source: Product, target: Product) -> Vec<&'static str> {
    let mut conditions = forward_conditions(source, target);
    let may_come_back = !matches!(direction(target, source), Direction::Impossible(_));
    if may_come_back && writes_uca1400(target) && !knows_uca1400(source) {
        conditions.push(
            "for the way back, on the target: character_set_collations = '' and a collation_server without uca1400, which the \
             source does not know; otherwise it stops at the application's first CREATE, ALTER, DROP or TRUNCATE",
        );
    }
    conditions
}

/// The release from which on `MariaDB` has the collations of Unicode 14, `uca1400` (its release notes of 10.10).
pub const KNOWS_UCA1400: Version = Version(10, 10, 0);
/// The one from which on clients get them without asking: `character_set_collations` has them by default (the notes of 11.5).
const WRITES_UCA1400: Version = Version(11, 5, 0);

/// Whether a server knows those collations.
#[must_use]
pub fn knows_uca1400(server: Product) -> bool {
    server.family == Family::MariaDb && server.version >= KNOWS_UCA1400
}

/// Whether it puts them beside statements in its binary log, as it is installed.
fn writes_uca1400(server: Product) -> bool {
    server.family == Family::MariaDb && server.version >= WRITES_UCA1400
}

fn forward_conditions(source: Product, target: Product) -> Vec<&'static str> {
    match (source.family, target.family) {
        (Family::MySql, Family::MariaDb) => vec![
            "by position, not by GTID",
            "on the source: binlog_row_value_options = '' and binlog_transaction_compression = OFF",
            "no JSON columns",
            "an account with mysql_native_password, or MariaDB from 11.4.9, 11.8.4 or 12.1.1 on with caching_sha2_password.so in plugin_dir",
            "MySQL's mysqldump on the host that dumps, in any folder of its PATH",
            "the application's accounts with their passwords in the inventory: they are created again",
        ],
        (Family::MariaDb, Family::MySql) => {
            vec!["by position", "on the source: encrypt_binlog = OFF and log_bin_compress = OFF"]
        }
        (Family::MySql, Family::MySql) if target.version >= Version(9, 5, 0) && source.version < Version(9, 5, 0) => {
            vec!["the same gtid_mode on both: the target's default is ON"]
        }
        _ => Vec::new(),
    }
}

/// Where verdicts on two families are from.
fn basis(source: Family, target: Family) -> &'static str {
    match (source, target) {
        (Family::MySql, Family::MySql) => {
            "MySQL manual: Replication Compatibility Between MySQL Versions, and Upgrade Paths"
        }
        (Family::MariaDb, Family::MariaDb) => {
            "MariaDB documentation: Replication Overview, Cross-Version Replication Compatibility"
        }
        (Family::MySql, Family::MariaDb) => "MariaDB documentation: MariaDB Replication with MySQL",
        (Family::MariaDb, Family::MySql) => {
            "the vendors contradict each other (MariaDB: Global Transaction ID, and Replication with MySQL)"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Direction, Pair, all};
    use crate::domain::product::Product;

    #[test]
    fn a_way_back_to_who_does_not_know_the_new_collations_has_a_condition() {
        let has = |from, to| {
            let [source, target] = [from, to].map(|text| Product::from_version_text(text).unwrap());
            Pair::of(source, target).conditions.iter().any(|words| words.contains("character_set_collations"))
        };
        assert!(has("10.5.23-MariaDB", "11.8.9-MariaDB") && has("10.6.21-MariaDB", "11.5.2-MariaDB"));
        assert!(has("8.0.36", "11.8.9-MariaDB") && !has("9.7.4", "11.8.9-MariaDB"));
        assert!(!has("10.11.19-MariaDB", "11.8.9-MariaDB") && !has("10.5.23-MariaDB", "11.4.9-MariaDB"));
        assert!(!has("9.7.4", "9.7.4"));
    }

    #[test]
    fn every_pair_is_judged_both_ways() {
        let pairs = all();
        assert_eq!(pairs.len(), 81);
        for pair in &pairs {
            let back = pairs.iter().find(|other| other.source == pair.target && other.target == pair.source).unwrap();
            assert_eq!(pair.way_back, back.forward);
        }
    }

    /// A pair that was seen to work, or not to, is not judged otherwise.
    #[test]
    fn what_was_run_agrees_with_what_is_said() {
        for pair in all().iter().filter(|pair| pair.tried.is_some()) {
            let tried = pair.tried.clone().unwrap();
            for (outcome, direction) in [(tried.forward, &pair.forward), (tried.way_back, &pair.way_back)] {
                let impossible = matches!(direction, Direction::Impossible(_));
                let failed = outcome == super::Outcome::Failed;
                assert!(
                    outcome == super::Outcome::NotRun || failed == impossible,
                    "{} to {}",
                    pair.source,
                    pair.target
                );
            }
        }
    }
}
