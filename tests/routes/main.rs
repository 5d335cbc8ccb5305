//! Every route of a migration, rehearsed on real servers of both families: by position through a tunnel, by GTID over
//! TLS. `MySQL` is fetched when the machine has none; where it cannot be had, its rehearsals say that they were skipped.

use cutover::playbook::product::Family;
use cutover::rehearsal::sandbox::{Plan, Sandbox};
use cutover::rehearsal::server::{Choice, Program};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const CUTOVER: &str = env!("CARGO_BIN_EXE_cutover");
const POSITION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/replication_swap.yaml");
const GTID_TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/gtid_tls_swap.yaml");

fn rehearse(playbook: &str, family: &str) -> (Output, Value) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(CUTOVER);
    command.args(["rehearse", playbook, "--source", family, "--rows", "2000", "--rate", "200", "--format", "json"]);
    let output = command.arg("--dir").arg(folder.path().join("s")).output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, report)
}

fn goes_through(playbook: &str, family: &str) {
    let (output, report) = rehearse(playbook, family);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{report:#}");
    assert_eq!(report["result"], "done");
    assert_eq!(report["writes"]["lost"], 0, "{report:#}");
    assert_eq!(report["writes"]["on_source_after_fence"], 0);
    assert!(report["writes"]["acknowledged"].as_u64().unwrap() > 100, "{report:#}");
    assert_eq!(report["afterwards"]["source_read_only"], true);
    assert_eq!(report["afterwards"]["target_read_only"], false);
    assert_eq!(report["afterwards"]["target_flush_log_at_trx_commit"], "1");
    assert_eq!(report["servers"]["target"].as_str().unwrap().contains("MariaDB"), family == "mariadb");
}

/// Whether `MySQL` is there; told when it is not.
async fn mysql() -> bool {
    match Program::find(&Choice::Family(Family::MySql)).await {
        Ok(_) => true,
        Err(failure) => {
            eprintln!("SKIPPED, for MySQL cannot be had: {failure}");
            false
        }
    }
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
    let folder = tempfile::tempdir().unwrap();
    let choice = Choice::Family(Family::MySql);
    let without = ["gtid_mode = OFF", "enforce_gtid_consistency = OFF"].map(str::to_owned).to_vec();
    let dir = folder.path().to_path_buf();
    let plan =
        Plan { dir, rows: 100, source: choice.clone(), target: choice, source_options: without, ..Plan::default() };
    let sandbox = Sandbox::make(&plan).await.unwrap();
    let output = run(&sandbox, POSITION, &["--set", "tunnel=127.0.0.1:0"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("gtid_mode of target is ON_PERMISSIVE, was ON"), "{said}");
}

async fn run(sandbox: &Sandbox, playbook: &str, more: &[&str]) -> Output {
    let mut command = Command::new(CUTOVER);
    command.args(["run", playbook, "--yes", "--rehearsal", "--format", "json", "-i"]).arg(sandbox.inventory());
    command.args(more).arg("--state").arg(sandbox.dir().join("state"));
    command.envs(sandbox.secrets.iter().map(|(name, value)| (name, value)));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
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
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { dir: folder.path().to_path_buf(), rows: 100, ..Plan::default() };
    let sandbox = Sandbox::make(&plan).await.unwrap();
    let other = folder.path().join("tls/other.pem");
    stranger(&other);
    let inventory = std::fs::read_to_string(sandbox.inventory()).unwrap();
    let ours = folder.path().join("tls/ca.pem");
    let changed = inventory
        .replace(&format!("tls: {{ ca: {} }}", ours.display()), &format!("tls: {{ ca: {} }}", other.display()));
    assert_ne!(inventory, changed);
    std::fs::write(sandbox.inventory(), changed).unwrap();

    let output = run(&sandbox, GTID_TLS, &[]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("certificate"), "{said}");
    let admin = sandbox.on_source().await.unwrap();
    let left = admin.query("SELECT COUNT(*) FROM mysql.user WHERE User = 'repl'", std::time::Duration::from_secs(9));
    assert_eq!(left.await.unwrap().value(), Some("0"));
}
