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
/// a program of the right family parse it; the other family's may be installed under the same name.
#[must_use]
pub fn command(dialect: Dialect) -> Script {
    let programs = Script::words(dialect.server_programs().iter().copied());
    let (skip, take) = if dialect.is_mariadb() { ("", "*MariaDB*") } else { ("*MariaDB*|'') ;; ", "*") };
    sh!(
        "PATH=\"$PATH:/usr/sbin:/usr/local/sbin\"; for p in {}; do \
         case \"$($p --no-defaults --version 2>/dev/null)\" in {}{}) \
         cat | $p --defaults-file=/dev/stdin --verbose --help >/dev/null; exit;; esac; done; echo {}",
        programs,
        skip,
        take,
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
    Err(Failure::refused(format!("use the new {path}"), format!("the server program refuses it: {answer}"))
        .at(host.name())
        .now("the file that was there still stands")
        .help("correct the template or the server's `settings` in the inventory"))
}
