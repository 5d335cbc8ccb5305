//! Which server a person asks for, in words: a family, a version, or a program's path.

use super::release::RELEASES;
use crate::domain::product::{Family, Product, Version};
use std::path::PathBuf;
use std::str::FromStr;

/// Where a server program lies in the folder of an installation, and what it is called.
const PROGRAMS: [&str; 6] =
    ["bin/mariadbd", "bin/mysqld", "sbin/mariadbd", "sbin/mysqld", "libexec/mariadbd", "libexec/mysqld"];

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
        if let Ok(Product { family, version: Version(major, minor, 0) }) = text.parse() {
            return Ok(Self::Version(family, (major, minor)));
        }
        let path = PathBuf::from(text);
        if !path.is_dir() {
            return path
                .is_file()
                .then_some(Self::Path(path))
                .ok_or_else(|| format!("`{text}` is not a server: give {}", what_can_be_given()));
        }
        let found = PROGRAMS.iter().map(|program| path.join(program)).find(|program| program.is_file());
        found.map(Self::Path).ok_or_else(|| {
            format!("there is no server program in the folder `{text}`: none of {}", PROGRAMS.join(", "))
        })
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
    format!(
        "mariadb (this machine's), {mariadb} (MariaDB), mysql, {mysql} (MySQL), or the path of a server program or of its installation"
    )
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
    fn an_installation_is_known_by_its_program() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        let complaint = text.parse::<Choice>().unwrap_err();
        assert!(
            complaint.contains("no server program in the folder") && complaint.contains("bin/mysqld"),
            "{complaint}"
        );
        let program = folder.path().join("bin/mysqld");
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::fs::write(&program, "").unwrap();
        assert_eq!(text.parse(), Ok(Choice::Path(program)));
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
