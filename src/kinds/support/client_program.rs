//! The client programs of a host, as scripts there find them. What a server understands is known from the inventory;
//! which options a program has, only that program knows, so it is asked where it runs.
//!
//! They read no option file but ours, and find nobody's settings in their environment.

use crate::dialect::Dialect;
use crate::domain::product::Family;
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::playbook::inventory::Verify;
use crate::sh;

/// Defines `find_program`, `says` and `unverified` for the rest of a script.
const FUNCTIONS: &str = include_str!("client_program.sh");

/// Lines of a script that set `program` to the dump program of the server's own family: another family's asks for
/// statements that the server has not.
#[must_use]
pub fn find_dump_program(dialect: Dialect) -> Script {
    find(if dialect.is_mariadb() { "mariadb" } else { "mysql" }, dialect.dump_programs())
}

/// Lines of a script that set `program` to a command-line client, the server's own family first: any of them talks to
/// any server.
#[must_use]
pub fn find_client(dialect: Dialect) -> Script {
    find("any", dialect.client_programs())
}

/// The line of a script that adds to the option file `file` what the program must be told of TLS: to verify the server, or
/// how to log in where nothing is verified.
#[must_use]
pub fn told_of_tls(verify: Option<Verify>, file: impl Into<Words>) -> Script {
    let told = match verify {
        Some(Verify::Name) => "verified VERIFY_IDENTITY",
        Some(Verify::Chain) => "verified VERIFY_CA",
        None => "unverified",
    };
    sh!("{} >> {}\n", told, argument(file.into()))
}

fn find(family: &str, names: &[&str]) -> Script {
    sh!(
        "{}find_program {} {} || exit 1\n",
        Script::ours("client programs", FUNCTIONS),
        argument(family),
        Script::words(names.iter().copied())
    )
}

/// The name of a family for people.
#[must_use]
pub fn family_name(dialect: Dialect) -> &'static str {
    if dialect.product.family == Family::MariaDb { "MariaDB" } else { "MySQL" }
}

/// Debian's package of the family's client programs.
#[must_use]
pub fn client_package(dialect: Dialect) -> &'static str {
    if dialect.is_mariadb() { "mariadb-client" } else { "mysql-client" }
}

#[cfg(test)]
mod tests {
    use super::FUNCTIONS;

    #[test]
    fn a_program_of_the_family_is_found_behind_one_of_the_other() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, version: &str| {
            let program = folder.path().join(name);
            std::fs::create_dir_all(program.parent().unwrap()).unwrap();
            std::fs::write(&program, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        write("first/mysqldump", "mysqldump from 11.8.9-MariaDB");
        write("of both/mysqldump", "mysqldump  Ver 9.7.4");
        let found = |family: &str| {
            let script = format!("{FUNCTIONS}\nset -eu\nfind_program {family} mysqldump && echo \"$program\"");
            let path = |name: &str| folder.path().join(name).display().to_string();
            let path = format!("{}::{}:/usr/bin:/bin", path("first"), path("of both"));
            let ran = std::process::Command::new("/bin/sh").args(["-c", &script]).env("PATH", path).output().unwrap();
            String::from_utf8(ran.stdout).unwrap().replace(folder.path().to_str().unwrap(), "").trim().to_owned()
        };
        assert_eq!(found("mysql"), "/of both/mysqldump");
        assert_eq!(found("any"), "/first/mysqldump");
        assert_eq!(found("other"), "");
    }

    #[test]
    fn the_connection_string_is_for_programs_that_know_it() {
        let takes = |version: &str| {
            let script = format!("{FUNCTIONS}\nset -eu\nversion='{version}'\ntakes_session");
            std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success()
        };
        for version in [
            "mariadb-dump from 11.8.9-MariaDB, client 10.19 for debian-linux-gnu (x86_64)",
            "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)",
            "mysqldump from 12.0.2-MariaDB, client 10.19 for Linux (x86_64)",
        ] {
            assert!(takes(version), "{version}");
        }
        for version in [
            "mariadb-dump  Ver 10.19 Distrib 10.5.23-MariaDB, for debian-linux-gnu (x86_64)",
            "mysqldump  Ver 10.17 Distrib 10.3.39-MariaDB, for debian-linux-gnu (x86_64)",
            "mysqldump  Ver 10.19 Distrib 10.6.21-MariaDB, for Linux (x86_64)",
            "mysqldump  Ver 9.7.4-2 for Linux on x86_64 (Debian)",
            "",
        ] {
            assert!(!takes(version), "{version}");
        }
    }
}
