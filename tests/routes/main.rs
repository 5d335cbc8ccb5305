//! Every route of a migration, rehearsed on real servers of both families: by position through a tunnel, by GTID over
//! TLS. `MySQL` is fetched when the machine has none; where it cannot be had, its rehearsals say that they were skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../readme/mod.rs"]
mod readme;
#[path = "../skip/mod.rs"]
mod skip;
#[path = "../stage/mod.rs"]
mod stage;

use cutover::domain::product::Family;
use cutover::rehearsal::sandbox::Plan;
use cutover::rehearsal::server::Choice;
use serde_json::Value;
use skip::mysql;
use stage::Stage;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(20);
const CUTOVER: &str = env!("CARGO_BIN_EXE_cutover");
const POSITION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/replication_swap.yaml");
const PHYSICAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/physical_swap.yaml");
const GTID_TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/gtid_tls_swap.yaml");

fn rehearse(playbook: &str, servers: &[&str]) -> (Output, Value) {
    let mut command = Command::new(CUTOVER);
    command.args(["rehearse", playbook, "--rows", "2000", "--rate", "50", "--format", "json", "--source"]);
    let output = command.args(servers).output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, report)
}

fn goes_through(playbook: &str, family: &str) {
    let report = done(playbook, &[family]);
    assert_eq!(report["servers"]["target"].as_str().unwrap().contains("MariaDB"), family == "mariadb");
}

/// The report of a rehearsal that went through; `servers` is what follows `--source`.
fn done(playbook: &str, servers: &[&str]) -> Value {
    let (output, report) = rehearse(playbook, servers);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{report:#}");
    assert_eq!(report["result"], "done");
    assert_eq!(report["writes"]["lost"], 0, "{report:#}");
    assert_eq!(report["writes"]["on_source_after_fence"], 0);
    assert!(report["writes"]["acknowledged"].as_u64().unwrap() > 100, "{report:#}");
    assert_eq!(report["afterwards"]["source_read_only"], true);
    assert_eq!(report["afterwards"]["target_read_only"], false);
    assert_eq!(report["afterwards"]["target_flush_log_at_trx_commit"], "1");
    report
}

/// The way that many go, on servers as they are installed: each host with its own programs, the old one without TLS.
#[tokio::test]
async fn an_old_mariadb_is_followed_by_a_new_one_and_follows_it_back() {
    if !skip::mariadb(10, 5).await || !skip::mariadb(11, 8).await {
        return;
    }
    let report = done(POSITION, &["10.5", "--target", "11.8", "--without-tls"]);
    assert!(report["servers"]["source"].as_str().unwrap().starts_with("10.5."), "{report:#}");
    assert!(report["servers"]["target"].as_str().unwrap().starts_with("11.8."), "{report:#}");
    assert_eq!(report["afterwards"]["source_follows"], true, "{report:#}");
}

/// The files of a server go from host to host while it is written to, and take the place of the new one's.
#[test]
fn mariadb_by_its_files() {
    let report = done(PHYSICAL, &["mariadb"]);
    assert_eq!(report["afterwards"]["source_follows"], true, "{report:#}");
}

/// The same by a clone, which the new server takes of the old one by itself: as an input of the playbook for every pair.
#[tokio::test]
async fn mysql_by_a_clone() {
    if !mysql().await {
        return;
    }
    let report = done(POSITION, &["mysql", "--set", "engine=clone"]);
    assert_eq!(report["afterwards"]["source_follows"], true, "{report:#}");
}

#[test]
fn a_version_that_nobody_has_is_refused_with_those_that_can_be_had() {
    let (output, _) = rehearse(POSITION, &["10.6"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    let words = said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(words.contains("MariaDB 10.6 is not available here") && words.contains("10.5, 10.11, 11.8"), "{said}");
}

#[test]
fn mariadb_by_gtid_over_tls() {
    goes_through(GTID_TLS, "mariadb");
}

#[tokio::test]
async fn mysql_by_position_through_a_tunnel() {
    if mysql().await {
        goes_through(POSITION, "mysql");
    }
}

#[tokio::test]
async fn mysql_by_gtid_over_tls() {
    if mysql().await {
        goes_through(GTID_TLS, "mysql");
    }
}

/// The default of a new server (ON) refuses an old one without GTIDs; one step of its mode helps, in both directions.
#[tokio::test]
async fn mysql_without_gtids_is_followed_by_one_with_them() {
    if !mysql().await {
        return;
    }
    let choice = Choice::Family(Family::MySql);
    let without = ["gtid_mode = OFF", "enforce_gtid_consistency = OFF"].map(str::to_owned).to_vec();
    let plan = Plan { rows: 100, source: choice.clone(), target: choice, source_options: without, ..Plan::default() };
    let stage = Stage::with(plan).await;
    let output = run(&stage, POSITION).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for (admin, mode) in [
        (stage.sandbox.on_source().await.unwrap(), "OFF_PERMISSIVE"),
        (stage.sandbox.on_target().await.unwrap(), "ON_PERMISSIVE"),
    ] {
        let rows = admin.query("SELECT @@GLOBAL.gtid_mode", LOOK).await.unwrap();
        assert_eq!(rows.value(), Some(mode), "{said}");
    }
}

/// The accounts that docs/grants.md names for `MySQL`, pasted from there under another name, and nothing else.
#[tokio::test]
async fn mysql_with_the_least_privileges() {
    if !mysql().await {
        return;
    }
    let choice = Choice::Family(Family::MySql);
    let plan = Plan { rows: 100, source: choice.clone(), target: choice, ..Plan::default() };
    let stage = Stage::with(plan).await;
    let sandbox = &stage.sandbox;
    let sides = [(sandbox.on_source().await.unwrap(), "source", 0), (sandbox.on_target().await.unwrap(), "target", 1)];
    for (admin, server, secret) in sides {
        admin.query("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
        for statement in readme::account(Family::MySql, server, &sandbox.secrets[secret].1, false) {
            let statement = statement.replace("'migrate'@", "'least'@");
            admin.exec(cutover::domain::Sql::verbatim(statement), LOOK).await.unwrap();
        }
    }
    let inventory = std::fs::read_to_string(sandbox.inventory()).unwrap();
    std::fs::write(sandbox.inventory(), inventory.replace("user: migrate", "user: least")).unwrap();
    let output = run(&stage, POSITION).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn run(stage: &Stage, playbook: &str) -> Output {
    stage.with_playbook(&["run", "--yes"], Path::new(playbook)).await
}

/// An authority that has signed nothing.
fn stranger(file: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    let made = command.args(["-subj", "/CN=stranger", "-keyout", "/dev/null", "-out"]).arg(file).output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_known_has_signed_is_refused() {
    let plan = Plan { rows: 100, ..Plan::default() };
    let stage = Stage::with(plan).await;
    let sandbox = &stage.sandbox;
    let other = sandbox.dir().join("tls/other.pem");
    stranger(&other);
    let inventory = std::fs::read_to_string(sandbox.inventory()).unwrap();
    let ours = sandbox.dir().join("tls/ca.pem");
    let changed = inventory.replace(
        &format!("tls: {{ ca: {} }}", ours.display()),
        &format!("tls: {{ ca: {}, ca_on_host: {} }}", ours.display(), other.display()),
    );
    assert_ne!(inventory, changed);
    std::fs::write(sandbox.inventory(), changed).unwrap();

    let output = run(&stage, GTID_TLS).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("certificate"), "{said}");
    let admin = sandbox.on_source().await.unwrap();
    let left = admin.query("SELECT COUNT(*) FROM mysql.user WHERE User = 'repl'", LOOK);
    assert_eq!(left.await.unwrap().value(), Some("0"));
}
