//! `sql` steps of the built program that once went wrong: an answer held in memory, and a foreign `sql_mode`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// The most that the runner may hold, in KiB.
const MOST: u64 = 90_000;
/// As `sql_big.yaml` has it: 300 MB in 3 million rows, of which the first value is wanted.
const BIG: &str = "SELECT seq, REPEAT('x', 100) FROM mysql.seq_1_to_3000000";
/// A value that fits into no packet that is read, and one that just does.
const HUGE: [&str; 2] = ["SELECT REPEAT('x', 60000000)", "SELECT REPEAT('x', 4000000), REPEAT('y', 190000)"];

async fn server(folder: &Path) -> Server {
    let setup = Setup {
        name: "s".into(),
        dir: folder.join("s"),
        program: Choice::default(),
        port: None,
        profile: Profile::Bare,
        password: "pw".into(),
        options: ["innodb_buffer_pool_size = 32M", "max_allowed_packet = 128M"].map(Into::into).into(),
    };
    Server::start(setup).await.unwrap()
}

/// Runs a playbook with one `sql` step. Returns what came of it and the most memory that the program held, in KiB.
fn run(folder: &Path, server: &Server, statements: &[&str]) -> (Output, u64) {
    let with = serde_json::json!({ "server": "s", "statements": statements });
    let steps = format!("version: 1\nname: p\nsteps:\n  - {{ id: w, uses: sql, with: {with} }}\n");
    std::fs::write(folder.join("p.yaml"), steps).unwrap();
    let access = format!("host: local, address: \"{}\", user: migrate, password: {{ env: PW }}", server.address());
    std::fs::write(folder.join("i.yaml"), format!("hosts: {{ local: {{}} }}\nservers: {{ s: {{ {access} }} }}\n"))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["run", "p.yaml", "-i", "i.yaml", "--state", "state"]).current_dir(folder).env("PW", "pw");
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut peak = 0;
    while program.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
        let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = held.and_then(|held| held.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    (program.wait_with_output().unwrap(), peak)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runner_stays_small_and_the_server_keeps_its_sql_mode() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let (ran, peak) = run(folder.path(), &server, &[BIG]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!((1..MOST).contains(&peak), "{peak} KiB for 3 million rows");
    for statement in HUGE {
        let (ran, peak) = run(folder.path(), &server, &[statement]);
        let shown = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code() == Some(3) && shown.contains("is larger than"), "{shown}");
        assert!((1..MOST).contains(&peak), "{peak} KiB for {statement}");
    }

    let table = ["CREATE DATABASE d", "CREATE TABLE d.t (v VARCHAR(100), n TINYINT)"];
    assert_eq!(run(folder.path(), &server, &table).0.status.code(), Some(0));
    let strict = ["SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES'"];
    assert_eq!(run(folder.path(), &server, &strict).0.status.code(), Some(0));
    let (ran, _) = run(folder.path(), &server, &["INSERT INTO d.t (v, n) VALUES ('strict?', 300)"]);
    let shown = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.code() == Some(3) && shown.contains("error 1264"), "{shown}");
}

/// `secret_by_marker.yaml` and `marker_output.yaml`: what a step puts out is data, whatever it looks like.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_puts_out_is_data() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    for value in ["‹secret PW›", "‹steps.nope.x›", "it''s \\\\ \"x\"'); DROP TABLE d.t; -- "] {
        let insert = format!("REPLACE INTO d.evil VALUES (1, '{}')", value.replace("');", "'');"));
        let statements = [
            "CREATE DATABASE IF NOT EXISTS d",
            "CREATE TABLE IF NOT EXISTS d.evil (id INT PRIMARY KEY, v VARCHAR(80)) CHARACTER SET utf8mb4",
            "CREATE TABLE IF NOT EXISTS d.t (v VARCHAR(80)) CHARACTER SET utf8mb4",
            "DELETE FROM d.t",
        ];
        let root = format!("{};{insert}", statements.join(";"));
        let socket = server.dir().join("s.sock");
        let client = Command::new("mariadb")
            .args(["--no-defaults", "-uroot", "--default-character-set=utf8mb4", "-S"])
            .arg(&socket)
            .args(["-e", &root])
            .output();
        let client = client.unwrap();
        assert!(client.status.success(), "{}", String::from_utf8_lossy(&client.stderr));
        let steps = "version: 1\nname: leak\nsteps:\n\
            \x20 - { id: read, uses: sql, with: { server: s, statements: [\"SELECT v FROM d.evil\"] } }\n\
            \x20 - { id: write, uses: sql, needs: [read], with: { server: s, statements: [\"INSERT INTO d.t (v) VALUES ('{{ steps.read.value }}')\"] } }\n\
            \x20 - { id: show, uses: command, needs: [read], with: { host: local, run: [echo, \"{{ steps.read.value }}\"] } }\n";
        std::fs::write(folder.path().join("p.yaml"), steps).unwrap();
        let access = format!("host: local, address: \"{}\", user: migrate, password: {{ env: PW }}", server.address());
        std::fs::write(
            folder.path().join("i.yaml"),
            format!("hosts: {{ local: {{}} }}\nservers: {{ s: {{ {access} }} }}\n"),
        )
        .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["run", "p.yaml", "-i", "i.yaml", "--state", "state"]).current_dir(folder.path()).env("PW", "pw");
        let ran = command.output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{value}: {}", String::from_utf8_lossy(&ran.stderr));
        let same = "SELECT COUNT(*), MIN(d.t.v = d.evil.v) FROM d.t JOIN d.evil";
        let found = Command::new("mariadb")
            .args(["--no-defaults", "-uroot", "-BN", "-S"])
            .arg(&socket)
            .args(["-e", same])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout).trim(), "1\t1", "{value}");
    }
}
