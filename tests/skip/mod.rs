//! A test that cannot run here says so in one line, which `make test` counts at its end. Where `CI=true` promises a whole
//! machine, a skip is a failure, unless the mirror itself answered that it does not have the thing.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use cutover::domain::product::Family;
use cutover::rehearsal::server::{Choice, Program};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Why something cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Whoever would give it answered that it is not there: no machine can do anything about it.
    NotThere,
    /// Anything else: nobody answered, something is not installed, or a right is missing.
    Other,
}

/// Whether `MySQL` is there; when it is not, the test that asks is skipped.
pub async fn mysql() -> bool {
    has(&Choice::Family(Family::MySql), "MySQL").await
}

/// Whether this version of `MariaDB` is there; when it is not, the test that asks is skipped.
pub async fn mariadb(first: u16, second: u16) -> bool {
    has(&Choice::Version(Family::MariaDb, (first, second)), &format!("MariaDB {first}.{second}")).await
}

async fn has(choice: &Choice, name: &str) -> bool {
    let found = Program::find(choice).await;
    if let Err(failure) = &found {
        let why = if Program::is_lacking(failure) { Why::NotThere } else { Why::Other };
        skip(&format!("{name} cannot be had: {failure}"), why);
    }
    found.is_ok()
}

/// Notes that the test which calls this is skipped: it returns next.
pub fn skip(reason: &str, why: Why) {
    let line = line(&test(), reason);
    eprintln!("SKIPPED {line}");
    note(&file(), &line);
    let is_whole = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(is_allowed(is_whole, why), "CI=true allows no test to be skipped: {line}");
}

/// Whether a test may be skipped, where `CI=true` promises a whole machine or elsewhere.
pub fn is_allowed(is_whole: bool, why: Why) -> bool {
    !is_whole || why == Why::NotThere
}

/// What is counted: one line, however many the reason has.
pub fn line(test: &str, reason: &str) -> String {
    let words: Vec<&str> = reason.split_whitespace().collect();
    format!("{test}: {}", words.join(" "))
}

/// Adds a line in one write, for many tests may do so at once.
///
/// # Panics
/// When the file cannot be written: a skip that nobody counts would pass for a success.
pub fn note(file: &Path, line: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// `make test` names the file and reads it; any other run leaves it where cargo keeps what tests write.
fn file() -> PathBuf {
    let named = std::env::var_os("CUTOVER_SKIPPED").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped"))
}

/// The binary, and the test in it: a thread has its test's name, except where there is one thread alone.
fn test() -> String {
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main").unwrap_or("a test");
    format!("{} {name}", env!("CARGO_CRATE_NAME"))
}
