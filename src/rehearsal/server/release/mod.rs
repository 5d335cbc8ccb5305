//! Servers that are fetched from Debian's packages into the user's cache folder, each from the suite that has it.

use super::process;
use super::program::cache;
use crate::dialect::LOGIN_PLUGIN;
use crate::domain::product::Family;
use crate::error::{Failure, Result};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Brings the packages of a server into a folder, beside what the machine has.
const FETCH: &str = include_str!("fetch.sh");
/// Start of its last message when a mirror does not have the packages.
const LACKING: &str = "the mirror does not have ";
/// Programs of `MariaDB`, the server first; older packages lack some.
const MARIADB: &str =
    "sbin/mariadbd bin/mariadb bin/mariadb-dump bin/mariadb-admin bin/mariadb-binlog bin/mariadb-backup bin/mbstream";
/// Programs of `MySQL`, the server first.
const MYSQL: &str = "sbin/mysqld bin/mysql bin/mysqldump bin/mysqladmin bin/mysqlbinlog";

/// A server as a suite of Debian has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Its family.
    pub family: Family,
    /// First two numbers of its version.
    pub version: (u16, u16),
    suite: &'static str,
    packages: &'static [&'static str],
    /// Its folder in the cache.
    folder: &'static str,
}

/// All that can be fetched.
pub const RELEASES: &[Release] = &[
    Release {
        family: Family::MariaDb,
        version: (10, 5),
        suite: "bullseye",
        packages: &["mariadb-server-core-10.5", "mariadb-client-10.5", "mariadb-backup"],
        folder: "mariadb-10.5",
    },
    Release {
        family: Family::MariaDb,
        version: (10, 11),
        suite: "bookworm",
        packages: &["mariadb-server-core", "mariadb-client", "mariadb-backup"],
        folder: "mariadb-10.11",
    },
    Release {
        family: Family::MariaDb,
        version: (11, 8),
        suite: "trixie",
        packages: &["mariadb-server-core", "mariadb-client", "mariadb-backup"],
        folder: "mariadb-11.8",
    },
    Release {
        family: Family::MySql,
        version: (9, 7),
        suite: "unstable",
        packages: &["mysql-server-core", "mysql-client-core"],
        folder: "mysql",
    },
];

impl Release {
    /// The one of this family and version, if it can be fetched.
    #[must_use]
    pub fn of(family: Family, version: (u16, u16)) -> Option<&'static Self> {
        RELEASES.iter().find(|release| release.family == family && release.version == version)
    }

    /// For people: `MariaDB 10.5`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}.{}", self.family, self.version.0, self.version.1)
    }

    /// Its server program, fetched if it is not there yet, which takes some ten seconds.
    ///
    /// # Errors
    /// When there is no cache folder, or apt does not get it: with apt's words.
    pub async fn fetched(&self) -> Result<PathBuf> {
        let failed = |answer: String| {
            let failure = Failure::permanent(format!("fetch {} from Debian's packages", self.name()), answer);
            let mirror =
                if is_lacking(&failure) { "give apt another mirror" } else { "check that apt can reach its mirror" };
            failure.help(format!("{mirror}, or give the path of a server program"))
        };
        let root = cache().ok_or_else(|| failed("neither XDG_CACHE_HOME nor HOME is set".into()))?.join(self.folder);
        if !root.join("complete").exists() {
            let _ = writeln!(std::io::stderr(), "fetching {} into {} ...", self.name(), root.display());
        }
        let programs = if self.family == Family::MariaDb { MARIADB } else { MYSQL };
        let mut fetch = Command::new("sh");
        fetch.args(["-c", FETCH, "fetch.sh"]).arg(&root).arg(self.name()).args([self.suite, programs]);
        process::run(fetch.args(self.packages)).await.map_err(failed)?;
        if self.family == Family::MariaDb {
            login_plugin(&root).map_err(|error| failed(format!("{}: {error}", root.display())))?;
        }
        let server = programs.split_whitespace().next().unwrap_or_default();
        Ok(root.join("run").join(server.trim_start_matches("sbin/")))
    }
}

/// Puts the plugin by which a replica logs in to `MySQL` where the server looks for it: packages have it in the folder of the
/// client library alone (seen with 11.8.9), and the receiver then stops with error 2059.
fn login_plugin(root: &Path) -> std::io::Result<()> {
    let folder = root.join("usr/lib/mysql/plugin");
    let link = folder.join(LOGIN_PLUGIN);
    if link.exists() {
        return Ok(());
    }
    for library in root.join("usr/lib").read_dir()? {
        let plugin = library?.path().join("libmariadb3/plugin").join(LOGIN_PLUGIN);
        if plugin.exists() {
            std::fs::create_dir_all(&folder)?;
            return match std::os::unix::fs::symlink(plugin, &link) {
                Err(_) if link.exists() => Ok(()), // somebody else was quicker
                made => made,
            };
        }
    }
    Ok(()) // preflight reports what is missing, where it is needed
}

/// Whether something was not fetched because the mirror answered that it does not have it: no later attempt helps.
#[must_use]
pub fn is_lacking(failure: &Failure) -> bool {
    failure.answer.trim_end().lines().last().is_some_and(|last| last.contains(LACKING))
}

#[cfg(test)]
mod tests {
    use super::{RELEASES, Release};
    use crate::domain::product::Family;

    #[test]
    fn each_release_has_a_folder_of_its_own_and_is_found_by_its_version() {
        for release in RELEASES {
            let folders = RELEASES.iter().filter(|other| other.folder == release.folder).count();
            assert_eq!(folders, 1, "{}", release.name());
            assert_eq!(Release::of(release.family, release.version), Some(release));
        }
        assert_eq!(Release::of(Family::MySql, (10, 5)), None);
    }
}
