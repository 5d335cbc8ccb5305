//! Which server a person asks for, in words: a family, a version, or a program's path.

use super::release::RELEASES;
use crate::domain::product::Family;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// `MariaDB` has numbers from here on; what is below, or has the year for its first number, is `MySQL`.
const MARIADB: std::ops::Range<u16> = 10..20;

/// Which server program is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The family's server on this machine; `MySQL` is fetched where there is none.
    Family(Family),
    /// This release of the family, by the first two numbers of its version: the machine's own if it is that one, else
    /// fetched.
    Version(Family, (u16, u16)),
    /// This program.
    Path(PathBuf),
}

impl Default for Choice {
    fn default() -> Self {
        Self::Family(Family::MariaDb)
    }
}

impl FromStr for Choice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let families = [("mariadb", Family::MariaDb), ("mysql", Family::MySql)];
        if let Some((_, family)) = families.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Family(*family));
        }
        let named = families.iter().find_map(|(name, family)| {
            let version = text.strip_prefix(name)?.strip_prefix('-')?;
            Some(Self::Version(*family, numbers(version)?))
        });
        let bare = || {
            let version = numbers(text)?;
            let family = if MARIADB.contains(&version.0) { Family::MariaDb } else { Family::MySql };
            Some(Self::Version(family, version))
        };
        named
            .or_else(bare)
            .or_else(|| Path::new(text).is_file().then(|| Self::Path(PathBuf::from(text))))
            .ok_or_else(|| format!("`{text}` is no server: give {}", what_can_be_given()))
    }
}

/// What a person can give, for messages.
#[must_use]
pub fn what_can_be_given() -> String {
    let version = |family: Family| {
        let all = RELEASES.iter().filter(move |release| release.family == family);
        all.map(|release| format!("{}.{}", release.version.0, release.version.1)).collect::<Vec<_>>().join(", ")
    };
    let (mariadb, mysql) = (version(Family::MariaDb), version(Family::MySql));
    format!("mariadb (this machine's), {mariadb} (MariaDB), mysql, {mysql} (MySQL), or a server program's path")
}

/// `10.11` as numbers; `None` for anything else.
fn numbers(text: &str) -> Option<(u16, u16)> {
    let (first, second) = text.split_once('.')?;
    let number = |part: &str| part.bytes().all(|sign| sign.is_ascii_digit()).then(|| part.parse().ok()).flatten();
    Some((number(first)?, number(second)?))
}

#[cfg(test)]
mod tests {
    use super::Choice;
    use crate::domain::product::Family::{MariaDb, MySql};
    use std::path::PathBuf;

    #[test]
    fn a_family_a_version_and_a_path_are_told_apart() {
        for (text, wanted) in [
            ("mariadb", Choice::Family(MariaDb)),
            ("mysql", Choice::Family(MySql)),
            ("10.5", Choice::Version(MariaDb, (10, 5))),
            ("mariadb-10.11", Choice::Version(MariaDb, (10, 11))),
            ("11.8", Choice::Version(MariaDb, (11, 8))),
            ("9.7", Choice::Version(MySql, (9, 7))),
            ("mysql-8.4", Choice::Version(MySql, (8, 4))),
            ("26.7", Choice::Version(MySql, (26, 7))), // numbered by the year from there on
            ("/bin/sh", Choice::Path(PathBuf::from("/bin/sh"))),
        ] {
            assert_eq!(text.parse::<Choice>(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_told_what_there_is() {
        for text in ["", "10", "10.", ".5", "+10.5", "mariadb-", "mariadb10.5", "10.11.4", "postgres", "/nowhere"] {
            let complaint = text.parse::<Choice>().unwrap_err();
            assert!(
                complaint.contains("10.5, 10.11, 11.8 (MariaDB)") && complaint.contains("9.7 (MySQL)"),
                "{complaint}"
            );
        }
    }
}
