//! Which program can be the replica of which.
//!
//! Facts: the manuals of `MySQL` on replication compatibility and upgrade paths, `MariaDB`'s page on replication
//! compatibility, and trials with `MariaDB` 10.11.19 and 11.8.9 and `MySQL` 9.7.4 (each stated where it is used).

use crate::dialect::Dialect;
use crate::domain::product::{Family, Product, Version};
use serde::Serialize;

/// Whether a target can follow a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Direction {
    /// Its makers support it.
    Supported,
    /// Not documented to work, and not seen to fail: why.
    Gap(String),
    /// The same, because the replica is older than its source: what the newer one writes in a way that the older one does not
    /// know stops it.
    Older(String),
    /// It cannot work: why.
    Impossible(String),
}

/// A release of a series that is newer than every one that a verdict names.
pub(super) const LATE: u16 = 99;

impl Direction {
    /// The same, for series instead of their latest releases.
    pub(super) fn of_series(self) -> Self {
        let plain = |why: String| why.replace(&format!(".{LATE}"), "");
        match self {
            Self::Supported => Self::Supported,
            Self::Gap(why) => Self::Gap(plain(why)),
            Self::Older(why) => Self::Older(plain(why)),
            Self::Impossible(why) => Self::Impossible(plain(why)),
        }
    }
}

/// Whether `target` can follow `source`.
#[must_use]
pub fn direction(source: Product, target: Product) -> Direction {
    match (source.family, target.family) {
        (Family::MySql, Family::MySql) => within_mysql(source.version, target.version),
        (Family::MariaDb, Family::MariaDb) => within_mariadb(source.version, target.version),
        (Family::MySql, Family::MariaDb) => mysql_to_mariadb(source, target),
        (Family::MariaDb, Family::MySql) => mariadb_to_mysql(source, target),
    }
}

fn series(version: Version) -> (u16, u16) {
    (version.0, version.1)
}

/// An upgrade path leads from each long-term series through the innovation releases to the next one, never past it.
fn within_mysql(source: Version, target: Version) -> Direction {
    let (from, to) = (series(source), series(target));
    if from == to {
        return Direction::Supported;
    }
    if to < from {
        return Direction::Older(format!(
            "MySQL {target} is older than {source}: replication to an older version may break"
        ));
    }
    let (train, next) = (train(from), train(to));
    if train == next || next == train + 1 && LONG_TERM.contains(&from) {
        return Direction::Supported;
    }
    let through = LONG_TERM.get(train + usize::from(LONG_TERM.contains(&from))).filter(|_| next > train);
    let through = through.map_or(String::new(), |(major, minor)| format!("; go through {major}.{minor} first"));
    Direction::Gap(format!("no upgrade path leads from MySQL {source} to {target}{through}"))
}

/// The long-term series, each the last of its train.
const LONG_TERM: [(u16, u16); 5] = [(5, 6), (5, 7), (8, 0), (8, 4), (9, 7)];

/// The place of a series in the sequence of upgrades: that of the first long-term series that is not older.
fn train(series: (u16, u16)) -> usize {
    LONG_TERM.iter().position(|last| series <= *last).unwrap_or(LONG_TERM.len())
}

fn within_mariadb(source: Version, target: Version) -> Direction {
    if series(target) >= series(source) {
        return Direction::Supported;
    }
    Direction::Older(format!(
        "MariaDB {target} is older than {source}, and MariaDB supports no replica that is older than its source"
    ))
}

fn mysql_to_mariadb(source: Product, target: Product) -> Direction {
    let (from, to) = (source.version, target.version);
    if from >= Version(9, 0, 0) && !Dialect::from(target).speaks_caching_sha2() {
        return Direction::Impossible(format!(
            "MySQL {from} offers no login that MariaDB {to} supports: its receiver cannot load caching_sha2_password \
             (error 2059, measured with 9.7.4 and 10.11.19)"
        ));
    }
    if from >= Version(9, 0, 0) {
        return Direction::Gap(format!(
            "MariaDB does not document that it can follow MySQL {from}; a whole move by position worked from 9.7.4 to \
             11.8.9, with caching_sha2_password.so of its client library in its plugin_dir"
        ));
    }
    if from >= Version(8, 1, 0) {
        return Direction::Gap(format!(
            "MariaDB's page on replication does not state that it can follow MySQL {from}; its Migrator accepts 8.4 as \
             a source"
        ));
    }
    let least = if from >= Version(8, 0, 0) {
        match series(to) {
            (10, 11) => Version(10, 11, 11),
            (11, 4) => Version(11, 4, 5),
            older if older < (10, 11) => Version(10, 6, 21),
            _ => Version(11, 7, 2),
        }
    } else {
        Version(10, 2, 0)
    };
    if to >= least {
        return Direction::Supported;
    }
    Direction::Gap(format!("MariaDB follows MySQL {from} from version {least} on, and this is {to}"))
}

fn mariadb_to_mysql(source: Product, target: Product) -> Direction {
    let (from, to) = (source.version, target.version);
    if series(from) >= (10, 11) && to >= Version(9, 0, 0) {
        return Direction::Impossible(format!(
            "MySQL {to} stops at the first row event of MariaDB {from} (error 13121, measured with 10.11.19, 11.8.9 and 9.7.4)"
        ));
    }
    Direction::Gap(format!(
        "no vendor supports MySQL {to} as a replica of MariaDB {from}; their documentation is contradictory"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Direction, direction};
    use crate::domain::product::Product;

    fn word(from: &str, to: &str) -> &'static str {
        let read = |text| Product::from_version_text(text).unwrap();
        match direction(read(from), read(to)) {
            Direction::Supported => "yes",
            Direction::Gap(_) => "gap",
            Direction::Older(_) => "older",
            Direction::Impossible(_) => "no",
        }
    }

    /// The rulebook's matrix: what each program can follow, and which upgrades leave a series out.
    #[test]
    fn who_can_follow_whom() {
        for (from, to, expected) in [
            ("5.6.51", "5.7.44", "yes"),
            ("5.7.44", "8.0.36", "yes"),
            ("8.0.36", "8.4.3", "yes"),
            ("8.0.36", "8.2.0", "yes"),
            ("8.4.3", "9.7.4", "yes"),
            ("8.4.3", "9.3.0", "yes"),
            ("9.7.4", "9.7.4", "yes"),
            ("9.7.4", "26.7.0", "yes"),
            ("8.0.36", "8.0.30", "yes"),
            ("9.0.1", "9.7.4", "yes"),
            ("5.6.51", "8.0.36", "gap"),
            ("5.7.44", "8.4.3", "gap"),
            ("5.6.51", "9.7.4", "gap"),
            ("8.0.36", "9.7.4", "gap"),
            ("8.2.0", "9.7.4", "gap"),
            ("9.7.4", "8.4.3", "older"),
            ("8.0.36", "5.7.44", "older"),
            ("10.6.21-MariaDB", "10.11.19-MariaDB", "yes"),
            ("10.11.19-MariaDB", "10.11.4-MariaDB", "yes"),
            ("10.11.19-MariaDB", "11.8.2-MariaDB", "yes"),
            ("11.8.2-MariaDB", "10.11.19-MariaDB", "older"),
            ("5.7.44", "10.11.19-MariaDB", "yes"),
            ("5.7.44", "10.1.48-MariaDB", "gap"),
            ("8.0.36", "10.11.19-MariaDB", "yes"),
            ("8.0.36", "10.11.4-MariaDB", "gap"),
            ("8.0.36", "10.6.21-MariaDB", "yes"),
            ("8.0.36", "11.4.4-MariaDB", "gap"),
            ("8.0.36", "11.8.2-MariaDB", "yes"),
            ("8.4.3", "10.11.19-MariaDB", "gap"),
            ("9.7.4", "10.11.19-MariaDB", "no"),
            ("9.7.4", "11.4.8-MariaDB", "no"),
            ("9.7.4", "11.8.4-MariaDB", "gap"),
            ("10.11.19-MariaDB", "9.7.4", "no"),
            ("10.11.19-MariaDB", "8.0.36", "gap"),
            ("11.8.2-MariaDB", "9.7.4", "no"),
        ] {
            assert_eq!(word(from, to), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn a_gap_names_the_version_in_between() {
        let read = |text| Product::from_version_text(text).unwrap();
        let Direction::Gap(why) = direction(read("5.7.44"), read("8.4.3")) else { panic!("no gap") };
        assert!(why.ends_with("go through 8.0 first"), "{why}");
        let Direction::Gap(why) = direction(read("8.2.0"), read("9.7.4")) else { panic!("no gap") };
        assert!(why.ends_with("go through 8.4 first"), "{why}");
    }
}
