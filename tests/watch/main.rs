//! After a switch: what `run`, `status --live` and `watch` find on two real servers, and what they make of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod desk;
#[path = "../notify/receiver.rs"]
#[allow(dead_code, reason = "not every test uses all of it")]
mod receiver;
#[path = "../skip/mod.rs"]
mod skip;
#[path = "../stage/mod.rs"]
mod stage;

use cutover::domain::product::Family;
use cutover::rehearsal::sandbox::Plan;
use cutover::rehearsal::server::Choice;
use desk::Desk;
use receiver::Receiver;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const FAILBACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/failback.yaml");
const SPLIT: i32 = 4;
const NOT_WELL: i32 = 7;

/// A writer that gets past `read_only`, as a backup job does.
const PAST_READ_ONLY: &str = "INSERT INTO shop.only_here VALUES (4711)";

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_server_that_was_left_is_looked_after() {
    let hooks = Receiver::open(0, &[]);
    let desk = Desk::switched(Plan { rows: 500, ..Plan::default() }, Some(hooks.port)).await;

    let look = desk.well().await;
    assert!(look["way_back"]["lag_seconds"].as_u64().is_some(), "{look:#}");
    assert!(desk.metric("cutover_watch_well 1"), "{}", desk.metrics());
    harmless(&desk, "FLUSH PRIVILEGES").await;
    a_broken_way_back_is_told(&desk, ["STOP SLAVE SQL_THREAD", "START SLAVE"], "the applier is stopped").await;
    hooks.until(2);
    servers_out_of_reach_are_no_success(&desk).await;
    an_open_server_is_reported(&desk).await;
    a_row_of_its_own_is_found(&desk, "INSERT shop.only_here").await;

    let told: Vec<String> = hooks.received().iter().map(|told| told.body["text"].to_string()).collect();
    assert!(told[0].contains("way back broken") && told[1].contains("well: "), "{told:#?}");
    assert!(told.iter().any(|text| text.contains("ACCEPTS WRITES at the same time as `target`")), "{told:#?}");
    assert!(told.last().unwrap().contains("1 of them without row changes"), "{told:#?}");
    let keys: std::collections::BTreeSet<String> = hooks.taken().into_iter().collect();
    assert_eq!(keys.len(), told.len(), "each change is told once: {told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_server_that_was_left_is_looked_after() {
    let Some((source, target)) = mysql().await else { return };
    let desk = Desk::switched(Plan { rows: 500, source, target, ..Plan::default() }, None).await;
    desk.well().await;
    harmless(&desk, "FLUSH PRIVILEGES").await;
    let statements = ["STOP REPLICA SQL_THREAD", "START REPLICA"];
    a_broken_way_back_is_told(&desk, statements, "the applier is stopped").await;
    an_open_server_is_reported(&desk).await;
    a_row_of_its_own_is_found(&desk, "INSERT shop.only_here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_server_without_gtids_is_judged_by_the_events_of_its_log() {
    let Some((source, target)) = mysql().await else { return };
    let source_options = vec!["gtid_mode=OFF".to_owned(), "enforce_gtid_consistency=OFF".to_owned()];
    let desk = Desk::switched(Plan { rows: 500, source, target, source_options, ..Plan::default() }, None).await;
    desk.well().await;
    desk.on_old("SET GLOBAL super_read_only = OFF").await;
    desk.on_old(&format!("CREATE TABLE shop.only_here (id INT PRIMARY KEY); {PAST_READ_ONLY}")).await;
    desk.on_old("SET GLOBAL super_read_only = ON").await;
    let look = desk.look(SPLIT).await;
    assert_eq!(look["own"]["count"], 2, "{look:#}");
    assert_eq!(look["own"]["shown"][1]["what"][0], "INSERT shop.only_here", "{look:#}");
    assert!(look["own"]["shown"][1].get("gtid").is_none(), "{look:#}");
    desk.on_old("FLUSH BINARY LOGS").await;
    desk.on_old("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY").await;
    let look = desk.look(NOT_WELL).await;
    assert!(look["own"]["untold"].as_str().unwrap().contains("was purged"), "{look:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn success_is_not_told_of_a_switch_after_which_the_old_server_wrote() {
    let mut desk = Desk::new(Plan { rows: 500, ..Plan::default() }, None).await;
    desk.add("CREATE TABLE shop.only_here (id INT PRIMARY KEY)").await;
    // after the fence, and before the end: what a backup job of its own accord does
    desk.step_at_the_end(&["INSERT INTO shop.only_here VALUES (4711)"]);
    let ran = desk.run().await;
    assert_eq!(ran.code, SPLIT, "{}", ran.said);
    assert!(
        ran.out.contains("after the fence:\n  `source` is closed; since the fence: 1 transaction of its own"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("copy the writes that only `source` has by hand") && !ran.out.contains("4711"),
        "{}",
        ran.out
    );

    let status = desk.status(&[], 0).await;
    assert_eq!(status["outcome"], "stopped");
    assert_eq!(
        status["after_fence"]["servers"][0]["own"]["shown"][0]["what"][0], "INSERT shop.only_here",
        "{status:#}"
    );
    let again = desk.say(&["resume", "--yes"]).await;
    assert_eq!(again.code, SPLIT, "a resume alone accepts nothing: {}", again.out);

    let accepted = desk.say(&["resume", "--yes", "--accept-writes", "carried over by hand"]).await;
    assert_eq!(accepted.code, 0, "{}{}", accepted.out, accepted.said);
    assert!(
        accepted.out.contains("(carried over by hand): `source` is closed; since the fence: 1 transaction"),
        "{}",
        accepted.out
    );
    assert_eq!(desk.say(&["resume", "--yes", "--accept-writes", "again"]).await.code, 5);
    desk.well().await;
    desk.on_old("INSERT INTO shop.only_here VALUES (4712)").await;
    assert_eq!(desk.look(SPLIT).await["own"]["count"], 1, "only what came later counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failback_the_newest_switch_is_looked_at() {
    let desk = Desk::switched(Plan { rows: 500, ..Plan::default() }, None).await;
    let first = desk.well().await["run"].as_str().unwrap().to_owned();
    let mut watching = desk.watch_on().spawn().unwrap();
    let back = desk.carry_out(Path::new(FAILBACK)).await;
    assert_eq!(back.code, 0, "{}{}", back.out, back.said);
    let look = desk.well().await;
    assert_eq!((&look["old"], &look["new"]), (&"target".into(), &"source".into()), "{look:#}");
    assert_ne!(look["run"], first.as_str());
    watching.start_kill().unwrap();
    let seen = std::fs::read_to_string(desk.seen()).unwrap();
    assert!(
        seen.contains(r#""switching""#) && seen.contains(r#""old":"source""#) && seen.contains(r#""old":"target""#)
    );
    assert!(!seen.contains(r#""verdict":"split""#), "a switch that is meant is no alarm: {seen}");
    let asked = desk.say(&["status", &first, "--live"]).await;
    assert_eq!(asked.code, 2);
    let words = asked.said.split(|c: char| c.is_whitespace() || c == '│').collect::<Vec<_>>().join(" ");
    assert!(words.contains("has opened the server again that"), "{words}");
}

/// `MySQL` for both servers; where this machine has none, that is said, and nothing is tried.
async fn mysql() -> Option<(Choice, Choice)> {
    let mysql = Choice::Family(Family::MySql);
    skip::mysql().await.then(|| (mysql.clone(), mysql))
}

async fn harmless(desk: &Desk, statement: &str) {
    desk.past_the_fence(statement).await;
    let look = desk.well().await;
    assert_eq!((&look["own"]["count"], &look["own"]["harmless"]), (&1.into(), &1.into()), "{look:#}");
}

async fn a_broken_way_back_is_told(desk: &Desk, [stop, start]: [&str; 2], why: &str) {
    desk.on_old(stop).await;
    let first = desk.look(NOT_WELL).await;
    assert_eq!((&first["verdict"], &first["way_back"]["why"]), (&"way_back_broken".into(), &why.into()), "{first:#}");
    assert!(desk.metric("cutover_way_back_applies 0"), "{}", desk.metrics());
    let second = desk.look(NOT_WELL).await;
    let since = |look: &Value| look["way_back"]["broken_since"].as_i64();
    assert_eq!(since(&second), since(&first), "another process of watch knows since when");
    assert_eq!(since(&first), first["at"].as_i64());
    desk.on_old(start).await;
    desk.until_well().await;
}

async fn servers_out_of_reach_are_no_success(desk: &Desk) {
    let (old, killed) = (&desk.stage.sandbox.source, desk.watch(&["--every", "200ms", "--for", "10s"]));
    tokio::time::sleep(Duration::from_secs(4)).await; // its first look
    // cleanly: a replica of MariaDB keeps its place in a file, apart from its data, and may do a row twice after a crash
    old.stop();
    tokio::time::sleep(Duration::from_secs(2)).await; // a look takes its time on a busy machine
    old.restart().await.unwrap();
    let ended = desk::ended(killed.await.unwrap());
    assert_eq!(ended.code, NOT_WELL, "{}", ended.said);
    let looks = desk::looks(&ended.out);
    assert_eq!(looks[0]["verdict"], "well", "{}", ended.out);
    let unseen: Vec<&Value> = looks.iter().filter(|look| !look["old_closed"].is_boolean()).collect();
    assert!(!unseen.is_empty() && unseen.iter().all(|look| look["verdict"] == "unclear"), "{}", ended.out);
    desk.until_well().await;
    assert!(desk.metric("cutover_watch_unseen_servers 0"), "{}", desk.metrics());
}

async fn an_open_server_is_reported(desk: &Desk) {
    desk.on_old("SET GLOBAL read_only = OFF").await;
    let look = desk.look(SPLIT).await;
    assert_eq!((&look["old_closed"], &look["new_open"]), (&false.into(), &true.into()), "{look:#}");
    let said = desk.say(&["status", "--live"]).await;
    assert_eq!(said.code, SPLIT);
    assert!(said.out.contains("just now: SPLIT: `source` ACCEPTS WRITES at the same time as `target`"), "{}", said.out);
    desk.close().await;
    desk.until_well().await;
}

async fn a_row_of_its_own_is_found(desk: &Desk, what: &str) {
    desk.past_the_fence(&format!("CREATE TABLE shop.only_here (id INT PRIMARY KEY); {PAST_READ_ONLY}")).await;
    let look = desk.look(SPLIT).await;
    let shown = look["own"]["shown"].as_array().unwrap();
    assert_eq!((&look["own"]["count"], &look["own"]["harmless"]), (&3.into(), &1.into()), "{look:#}");
    assert_eq!(shown[2]["what"][0], what, "{look:#}");
    assert!(desk.metric("cutover_own_transactions_since_fence 2"), "{}", desk.metrics());
    let live = desk.status(&["--live"], SPLIT).await;
    assert_eq!(live["live"][0]["own"]["shown"], look["own"]["shown"], "{live:#}");
    assert!(live["live"][0]["past_read_only"].is_array() && live["outcome"] == "done", "{live:#}");
    assert!(desk.status(&[], 0).await.get("live").is_none(), "without --live nobody is asked");
}
