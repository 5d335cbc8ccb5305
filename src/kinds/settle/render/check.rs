//! Asking the server program on a host whether it would start with a file. Nothing is written for it.

use crate::dialect::Dialect;
use crate::domain::{Contents, Script};
use crate::effects::PlannedHost;
use crate::error::{Failure, Result};
use crate::sh;
use std::time::Duration;

/// How long the program may read.
const LIMIT: Duration = Duration::from_mins(2);
/// What the command prints where no such program is installed.
const ABSENT: &str = "absent";

/// Reads the file from standard input (through `cat`, because a socket cannot be opened again by its name) and makes
/// a program of the right family parse it; the other family's may be installed under the same name. Help with a file passes over
/// options that `MySQL` does not know (9.7.4), so it is asked to validate where it can: from 8.0.16 on.
#[must_use]
pub fn command(dialect: Dialect) -> Script {
    let programs = Script::words(dialect.server_programs().iter().copied());
    let (skip, take, how) = if dialect.is_mariadb() {
        ("", "*MariaDB*", "how='--verbose --help'")
    } else {
        let how = "how='--verbose --help'; ! $p --no-defaults --verbose --help 2>/dev/null | grep -q -e --validate-config || \
                   how=--validate-config";
        ("*MariaDB*|'') ;; ", "*", how)
    };
    sh!(
        "PATH=\"$PATH:/usr/sbin:/usr/local/sbin\"; for p in {}; do \
         case \"$($p --no-defaults --version 2>/dev/null)\" in {}{}) \
         {}; cat | $p --defaults-file=/dev/stdin $how >/dev/null; exit;; esac; done; echo {}",
        programs,
        skip,
        take,
        how,
        ABSENT
    )
}

/// Whether the program was there; a file it would refuse is a failure.
///
/// # Errors
/// With the program's own words when it refuses the file.
pub async fn check(host: &PlannedHost, dialect: Dialect, path: &str, content: &Contents) -> Result<bool> {
    let ran = host.run_within(&command(dialect), Some(content), LIMIT).await?;
    if ran.code == Some(0) {
        return Ok(String::from_utf8_lossy(&ran.stdout).trim() != ABSENT);
    }
    let errors: Vec<_> = ran.stderr.lines().filter(|line| line.contains("ERROR")).collect();
    let answer = if errors.is_empty() { ran.stderr.trim().to_owned() } else { errors.join("\n") };
    Err(Failure::refused(format!("use the new {path}"), format!("the server program rejects it: {answer}"))
        .at(host.name())
        .now("the existing file was not changed")
        .help("correct the template or the server's `settings` in the inventory"))
}

#[cfg(test)]
mod tests {
    use super::command;
    use crate::dialect::Dialect;
    use crate::domain::product::Product;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    /// What a stand-in for `mysqld` is asked, which says that it is `version` and has `options`.
    fn asked(version: &str, options: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (program, log) = (folder.path().join("mysqld"), folder.path().join("log"));
        let text = format!(
            "#!/bin/sh\ncase \"$*\" in *--version) echo 'mysqld Ver {version}' ;; *--no-defaults*--help) echo '{options}' ;; \
             *) echo \"$*\" >{}; cat >/dev/null ;; esac\n",
            log.display()
        );
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("mysqld", folder.path().join("mariadbd")).unwrap();
        let script = command(Dialect::from(Product::from_version_text(version).unwrap())).for_shell().unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let ran = Command::new("sh").args(["-c", &script]).env("PATH", path).stdin(Stdio::null()).status().unwrap();
        assert!(ran.success());
        std::fs::read_to_string(log).unwrap().trim().to_owned()
    }

    #[test]
    fn a_program_that_can_validate_is_asked_to() {
        let file = "--defaults-file=/dev/stdin";
        assert_eq!(asked("9.7.4 for Linux", "  --validate-config"), format!("{file} --validate-config"));
        assert_eq!(asked("5.7.44 for Linux", "  --verbose"), format!("{file} --verbose --help"));
        assert_eq!(asked("10.11.19-MariaDB", "  --verbose"), format!("{file} --verbose --help"));
    }
}
