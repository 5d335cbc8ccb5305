//! Whoever gets past `read_only` loses nothing by a switch: a program that writes to the old server throughout, and an
//! application that may do everything while the runner is killed.
//!
//! `CUTOVER_TRIALS=50 cargo test --test past_read_only` kills the runner at 50 moments from the fence to the end, two when
//! missing, with a person's 20 s in between. `CUTOVER_SEED=n` chooses them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../skip/mod.rs"]
mod skip;
#[path = "../stage/mod.rs"]
mod stage;
mod writer;

use cutover::domain::product::Family;
use cutover::rehearsal::sandbox::Plan;
use cutover::rehearsal::server::{Choice, Server};
use stage::{PLAYBOOK, Stage, complaint};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use writer::Writer;

const FAILBACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/failback.yaml");
const LOOK: Duration = Duration::from_secs(20);
/// Time in which somebody who could write would.
const AWHILE: Duration = Duration::from_secs(2);
/// Moments at which the runner is killed unless the environment says otherwise.
const TRIALS: usize = 2;
/// The new server is open then, and an application that could write on the old one would go on there.
const MOST_LOST: &str = "after:step_done:promote";
/// Steps from the fence to the end.
const STEPS: [&str; 10] = [
    "fence",
    "final",
    "promote",
    "app",
    "events",
    "forget",
    "production_config",
    "events_after_restart",
    "reverse",
    "tidy",
];

/// A sandbox with a table of its own for the other program, whose account gets past `read_only` on both servers.
async fn sandbox(family: Family) -> Stage {
    let (source, target) = (Choice::Family(family), Choice::Family(family));
    let stage = Stage::with(Plan { rows: 500, source, target, ..Plan::default() }).await;
    let privileges = if family == Family::MariaDb { "READ_ONLY ADMIN" } else { "SUPER, CONNECTION_ADMIN" };
    let account =
        ["CREATE USER batch@'127.0.0.1'".to_owned(), format!("GRANT INSERT, {privileges} ON *.* TO batch@'127.0.0.1'")];
    let (old, new) = (stage.sandbox.on_source().await.unwrap(), stage.sandbox.on_target().await.unwrap());
    old.exec("CREATE TABLE shop.batch (id BIGINT UNSIGNED PRIMARY KEY)", LOOK).await.unwrap();
    new.exec("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
    for statement in &account {
        old.exec(cutover::domain::Sql::verbatim(statement), LOOK).await.unwrap();
        new.exec(cutover::domain::Sql::verbatim(statement), LOOK).await.unwrap();
    }
    stage
}

fn name_it(stage: &Stage) {
    let path = stage.sandbox.inventory();
    let text = std::fs::read_to_string(&path).unwrap();
    let named = text.replace("    user: migrate\n", "    user: migrate\n    past_read_only: [batch]\n");
    assert_eq!(named.matches("past_read_only").count(), 2);
    std::fs::write(path, named).unwrap();
}

/// Everything that `writer` was promised is on the other server too, and nothing is on its own alone.
async fn assert_on_both(writer: &Writer, own: &Server, stage: &Stage, other: &Server) {
    let held = stage.sandbox.admin(own).await.unwrap();
    let moved = stage.sandbox.admin(other).await.unwrap();
    let (here, there) = (writer::rows(&held).await, writer::rows(&moved).await);
    let lost: Vec<u64> = writer.acknowledged().into_iter().filter(|id| !there.contains(id)).collect();
    assert!(lost.is_empty(), "acknowledged by {} only: {lost:?}", own.name());
    let alone: Vec<&u64> = here.difference(&there).collect();
    assert!(alone.is_empty(), "on {} only: {alone:?}", own.name());
}

async fn throughout(family: Family) {
    let stage = sandbox(family).await;
    let (source, target) = (&stage.sandbox.source, &stage.sandbox.target);
    let on_old = Writer::start(source.address(), 1);
    on_old.until_more().await;
    let refused = stage.with_playbook(&["run", "--yes"], Path::new(PLAYBOOK)).await;
    let words = complaint(&refused);
    assert_eq!(refused.status.code(), Some(5), "{words}");
    assert!(words.contains("batch@127.0.0.1"), "{words}");

    name_it(&stage);
    on_old.until_more().await;
    let ran = stage.with_playbook(&["run", "--yes"], Path::new(PLAYBOOK)).await;
    assert_eq!(ran.status.code(), Some(0), "{}", complaint(&ran));
    let on_new = Writer::start(target.address(), 2);
    on_new.until_more().await;
    tokio::time::sleep(AWHILE).await;
    assert_on_both(&on_old, source, &stage, target).await;

    source.restart().await.unwrap();
    tokio::time::sleep(AWHILE).await;
    assert_on_both(&on_old, source, &stage, target).await;
    let session = stage.sandbox.on_source().await.unwrap();
    let columns = source.dialect().status_columns();
    let status = session.query(&source.dialect().replica_status(), LOOK).await.unwrap();
    let row = status.first().unwrap();
    assert_eq!((row.get(columns.io_running), row.get(columns.sql_running)), (Some("Yes"), Some("Yes")));

    let before = on_old.acknowledged().len();
    let back = stage.with_playbook(&["run", "--yes"], Path::new(FAILBACK)).await;
    assert_eq!(back.status.code(), Some(0), "{}", complaint(&back));
    on_old.until_more().await; // its account was given back with the server
    assert!(on_old.acknowledged().len() > before);
    tokio::time::sleep(AWHILE).await;
    assert_on_both(&on_new, target, &stage, source).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_writes_past_read_only_throughout_is_refused_or_kept_out_on_mariadb() {
    throughout(Family::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_writes_past_read_only_throughout_is_refused_or_kept_out_on_mysql() {
    if skip::mysql().await {
        throughout(Family::MySql).await;
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The application's account holds every privilege, and the strongest lock goes with the runner.
#[test]
fn an_application_that_may_do_everything_loses_nothing_when_the_runner_is_killed() {
    let trials = number("CUTOVER_TRIALS").map_or(TRIALS, |trials| usize::try_from(trials).unwrap());
    let seed = number("CUTOVER_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    let mut random = fastrand::Rng::with_seed(seed);
    let events = ["before:step_intent", "after:step_intent", "before:step_done", "after:step_done"];
    let mut moments: Vec<String> =
        STEPS.iter().flat_map(|step| events.map(|event| format!("{event}:{step}"))).collect();
    random.shuffle(&mut moments);
    moments.retain(|moment| moment != MOST_LOST);
    moments.insert(0, MOST_LOST.to_owned());
    let idle = if trials > TRIALS { "20s" } else { "3s" };
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command.args(["rehearse", PLAYBOOK, "--rows", "2000", "--rate", "100", "--privileged", "--idle", idle]);
    command.args(moments.iter().cycle().take(trials).flat_map(|moment| ["--fault".into(), format!("kill@{moment}")]));
    let output = command.env("RUST_BACKTRACE", "0").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &complaint(&output);
    println!("CUTOVER_SEED={seed}\n{said}");
    assert!(output.status.success(), "CUTOVER_SEED={seed}\n{said}");
    assert!(said.contains(" 0 lost, 0 on two servers, 0 with an unexpected end"), "{said}");
}
