//! Tests that cannot run are counted, and where `CI=true` promises a whole machine they fail.

use crate::skip::{Why, is_allowed, line, note, skip};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const COUNT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/skips");
const FETCH: &str = include_str!("../../src/rehearsal/server/release/fetch.sh");
/// Asks `skips_when_asked` to skip, for this reason.
const PROBE: &str = "CUTOVER_SKIP_PROBE";

#[test]
fn a_skip_is_one_line_and_ci_forgives_only_what_is_not_there() {
    assert_eq!(line("kinds a::b", "no MySQL:\n  E: not\tfound\n"), "kinds a::b: no MySQL: E: not found");
    assert!(is_allowed(false, Why::Other) && is_allowed(false, Why::NotThere));
    assert!(is_allowed(true, Why::NotThere) && !is_allowed(true, Why::Other));
}

#[test]
fn skips_of_many_tests_at_once_are_all_noted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made/skipped");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let file = &file;
            scope.spawn(move || (0..50).for_each(|_| note(file, &number.to_string().repeat(200))));
        }
    });
    let text = std::fs::read_to_string(&file).unwrap();
    let is_whole = |line: &str| line.len() == 200 && line.chars().all(|one| line.starts_with(one));
    assert_eq!((text.lines().count(), text.lines().all(is_whole)), (400, true));
}

/// Does nothing, except where a test below runs this one in a process of its own.
#[test]
fn skips_when_asked() {
    let Ok(reason) = std::env::var(PROBE) else { return };
    skip("not here", if reason == "not there" { Why::NotThere } else { Why::Other });
}

/// Runs the test above as `make test` would; whether it passed, and what is said at the end.
fn counted(folder: &Path, ci: &str, reason: &str) -> (bool, String) {
    let mut make = Command::new(COUNT);
    make.arg(std::env::current_exe().unwrap()).args(["--exact", "skips::skips_when_asked", "--test-threads=2"]);
    make.env("CUTOVER_SKIPPED", folder.join("skipped")).env("CI", ci).env(PROBE, reason);
    let ran = make.output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    (ran.status.success(), said.lines().skip_while(|line| !line.ends_with(" skipped:")).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_test_that_skips_is_counted_and_fails_under_ci() {
    let folder = tempfile::tempdir().unwrap();
    let told = "1 test skipped:\nquick skips::skips_when_asked: not here".to_owned();
    assert_eq!(counted(folder.path(), "", "no server"), (true, told.clone()));
    assert_eq!(counted(folder.path(), "true", "not there"), (true, told.clone()));
    assert_eq!(counted(folder.path(), "true", "no server"), (false, told));
}

fn shell(script: &str, file: &Path) -> Output {
    Command::new(COUNT).args(["sh", "-c", script]).env("CUTOVER_SKIPPED", file).output().unwrap()
}

#[test]
fn the_count_says_zero_too_names_each_once_and_ends_as_the_tests_did() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("target/skipped");
    let ran = shell("exit 0", &file);
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(0), &b"0 tests skipped\n"[..]));
    let ran = shell("printf 'b: x\\na: y\\nb: x\\n' >>\"$CUTOVER_SKIPPED\"; exit 101", &file);
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(101), &b"2 tests skipped:\na: y\nb: x\n"[..]));
    let ran = shell("exit 3", &file);
    assert_eq!(
        (ran.status.code(), ran.stdout.as_slice()),
        (Some(3), &b"0 tests skipped\n"[..]),
        "the last run's are gone"
    );
}

/// What fetching `MySQL` says when apt's only mirror is at this port.
fn fetched_from(port: u16) -> String {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let dir = folder.path().display();
    write("sources.list", &format!("deb http://127.0.0.1:{port}/debian stable main\n"));
    let config = format!(
        "Dir::Etc::sourcelist \"{dir}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
         Acquire::Retries \"0\";\nAcquire::http::Proxy \"DIRECT\";\n"
    );
    write("apt.conf", &config);
    let mut fetch = Command::new("sh");
    fetch.args(["-c", FETCH, "fetch.sh"]).arg(folder.path().join("mysql")).stdin(Stdio::null());
    fetch.args(["MySQL 9.7", "unstable", "sbin/mysqld bin/mysql", "mysql-server-core", "mysql-client-core"]);
    let ran = fetch.env("APT_CONFIG", folder.path().join("apt.conf")).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(!ran.status.success());
    String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned()
}

#[test]
fn a_mirror_that_lacks_mysql_is_told_from_one_that_does_not_answer() {
    if Command::new("apt-get").arg("--version").output().is_err() {
        return skip("there is no apt-get", Why::Other);
    }
    let mirror = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mirror.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for line in mirror.incoming() {
            let mut line = line.unwrap();
            let _ = line.read(&mut [0; 4096]);
            let _ = line.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let lacking = fetched_from(port);
    assert!(is_lacking(&lacking), "{lacking}");
    let silent = fetched_from(cutover::effects::free_port().unwrap());
    assert!(!is_lacking(&silent) && silent.contains("E: "), "{silent}");
}

fn is_lacking(said: &str) -> bool {
    let failure = cutover::error::Failure::permanent("fetch MySQL", said.trim());
    cutover::rehearsal::server::Program::is_lacking(&failure)
}
