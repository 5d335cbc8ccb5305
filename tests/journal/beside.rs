//! Commands beside a run: those that look, and `cutover state`.

use crate::desk::{Desk, ended};
use crate::reader::{desk, entries, file};
use cutover::store::Entry;
use rusqlite::Connection;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const SHORT: [(&str, &str); 1] = [("a", "touch a")];
/// No account of the system; what it may read is what everybody may.
const NOBODY: u32 = 65_534;

fn done() -> Desk {
    let desk = desk(&SHORT);
    let end = desk.run(&[]);
    assert_eq!(end.code, 0, "{end:?}");
    desk
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn looking_waits_for_no_writer() {
    let desk = done();
    let writer = Connection::open(file(&desk)).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; UPDATE overview SET last = 7").unwrap();
    for args in [&["list"][..], &["status"], &["report"], &["outbox", "list"], &["state", "check"]] {
        let begin = Instant::now();
        let end = desk.say(args);
        // the lock of another program was waited for 5 s; a busy machine is allowed something
        assert!(begin.elapsed() < Duration::from_secs(3), "{args:?}: {:?}", begin.elapsed());
        assert_eq!(end.code, 0, "{args:?}: {end:?}");
    }
    writer.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn looking_makes_no_journal_and_brings_none_up_to_date() {
    let desk = desk(&SHORT);
    for args in [&["list"][..], &["status"], &["report"], &["state", "check"], &["state", "upgrade"]] {
        assert_ne!(desk.say(args).code, 0);
        assert!(!desk.exists("state/journal.sqlite"), "{args:?}");
    }
    std::fs::create_dir_all(desk.path("state")).unwrap();
    let old = Connection::open(file(&desk)).unwrap();
    old.execute_batch("CREATE TABLE run (id); PRAGMA user_version = 2").unwrap();
    let end = desk.say(&["list"]);
    assert!(end.words().contains("schema version 2") && end.words().contains("cutover state upgrade"), "{end:?}");
    let version: u32 = old.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
}

/// `cutover report` of somebody who may read the state directory, and not write it.
fn report_without_permission(desk: &Desk) -> Value {
    mode(desk.path("").as_path(), 0o755);
    for entry in std::fs::read_dir(desk.path("state")).unwrap().map(|entry| entry.unwrap().path()) {
        mode(&entry, if entry.is_dir() { 0o555 } else { 0o444 });
    }
    mode(&desk.path("state"), 0o555);
    // the checkout may stand in a folder that nobody else can enter
    let program = desk.path("program");
    let built = env!("CARGO_BIN_EXE_cutover");
    std::fs::hard_link(built, &program).or_else(|_| std::fs::copy(built, &program).map(drop)).unwrap();
    let mut command = Command::new(&program);
    command.args(["report", "--format", "json", "--state"]).arg(desk.path("state")).current_dir("/");
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY); // root may write anything
    }
    let output = command.output().unwrap();
    mode(&desk.path("state"), 0o755);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn same(report: &Value, kept: &[Entry]) {
    let shown = report["entries"].as_array().unwrap();
    assert_eq!(shown.len(), kept.len());
    assert!(shown.iter().zip(kept).all(|(shown, kept)| shown["hash"] == kept.hash), "{shown:?}");
}

#[test]
fn a_state_directory_that_may_not_be_written_is_read() {
    let desk = done();
    assert!(!desk.exists("state/journal.sqlite-wal"), "a run that ended leaves no log");
    same(&report_without_permission(&desk), &entries(&desk));
}

#[test]
fn so_is_that_of_a_runner_that_died() {
    let desk = desk(&[("a", "touch a; sleep 30")]);
    let mut run = desk.begin(&[]);
    desk.until("a");
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(desk.exists("state/journal.sqlite-wal"));
    same(&report_without_permission(&desk), &entries(&desk));
}

#[test]
fn a_backup_beside_a_run_is_whole_and_overwrites_nothing() {
    let desk = desk(&[("a", "touch a; while ! [ -e go ]; do sleep 0.05; done"), ("b", "touch b")]);
    let run = desk.begin(&[]);
    desk.until("a");
    let copy = desk.path("copy.sqlite").display().to_string();
    let end = desk.say(&["state", "backup", &copy, "--format", "json"]);
    let printed: Value = serde_json::from_str(&end.out).unwrap_or_else(|_| panic!("{end:?}"));
    assert_eq!((&printed["runs"], &printed["file"]), (&1.into(), &copy.as_str().into()));
    let meta = Path::new(&copy).metadata().unwrap();
    assert_eq!((meta.permissions().mode() & 0o777, &printed["bytes"]), (0o600, &meta.len().into()));
    let again = desk.say(&["state", "backup", &copy]);
    assert_eq!(again.code, 5, "{again:?}");
    assert!(again.words().contains("the file exists"), "{again:?}");
    desk.write("go", "");
    assert_eq!(ended(run).code, 0);
    let check = desk.say(&["state", "check"]);
    assert!(check.out.starts_with("the journal is intact: 1 run with "), "{check:?}");
    assert!(entries(&desk).len() as u64 > printed["entries"].as_u64().unwrap());
    // the copy stands in for the journal
    std::fs::rename(&copy, file(&desk)).unwrap();
    assert_eq!(entries(&desk).len() as u64, printed["entries"].as_u64().unwrap());
}

#[test]
fn what_somebody_changed_is_named() {
    let desk = done();
    let journal = Connection::open(file(&desk)).unwrap();
    journal
        .execute("UPDATE event SET data = replace(data, 'succeeded', 'failed'), at = at + 1 WHERE seq = 2", [])
        .unwrap();
    for args in [&["status"][..], &["report"], &["state", "check"], &["state", "backup", "/nowhere/copy"]] {
        let end = desk.say(args);
        assert_ne!(end.code, 0, "{args:?}: {end:?}");
        assert!(args[0] == "state" && args[1] == "backup" || end.words().contains("entry 2 is not the one"), "{end:?}");
    }
}
