//! `promote`: refuses whatever is not proved, opens what is, and knows afterwards that it did.

use crate::bench::{Bench, LOOK};
use cutover::error::Class;
use cutover::kinds::Probe;
use serde_json::{Value, json};

const CLOSED: &str = "SELECT @@GLOBAL.read_only";

/// A replica that has everything of a fenced source; the fence's place.
async fn fenced(bench: &Bench) -> (crate::bench::Work<'_>, Value) {
    let fence = bench.step("fence", &json!({ "server": "source", "replica": "target" }));
    fence.prepare().await.unwrap();
    let position = fence.execute().await.unwrap()["position"].clone();
    bench.caught_up().await;
    (fence, position)
}

async fn refused(bench: &Bench, with: &Value, words: &str) {
    let failure = bench.step("promote", with).execute().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.answer.contains(words), "{failure}");
    assert_eq!(bench.ask("target", CLOSED).await, "1");
}

#[tokio::test]
async fn refuses_whatever_is_not_proved() {
    let bench = Bench::new().await;
    bench.exec("source", "CREATE DATABASE d").await;
    bench.replicate().await;
    bench.exec("source", "CREATE TABLE d.t (a INT)").await;
    bench.exec("target", "CREATE DATABASE IF NOT EXISTS d").await;
    bench.exec("target", "STOP SLAVE").await;
    bench.exec("target", "START SLAVE").await;
    let bare = json!({ "server": "target" });
    refused(&bench, &bare, "`source` is no longer closed to writes").await;
    bench.exec("source", "SET GLOBAL read_only = ON").await;
    refused(&bench, &bare, "`source` is no longer closed to writes").await; // administrators can still write
    bench.exec("source", "SET GLOBAL read_only = OFF").await;

    bench.exec("target", "SET GLOBAL innodb_flush_log_at_trx_commit = 2").await;
    let failure = bench.step("promote", &bare).prepare().await.unwrap_err();
    assert!(failure.answer.contains("innodb_flush_log_at_trx_commit is 2"), "{failure}");
    let (fence, position) = fenced(&bench).await;
    refused(&bench, &bare, "innodb_flush_log_at_trx_commit is 2").await;
    bench.exec("target", "SET GLOBAL innodb_flush_log_at_trx_commit = 1").await;
    bench.exec("target", "SET GLOBAL sync_binlog = 0").await;
    refused(&bench, &bare, "sync_binlog is 0").await;
    bench.exec("target", "SET GLOBAL sync_binlog = 1").await;

    let mut earlier = position.clone();
    earlier["offset"] = json!(position["offset"].as_u64().unwrap() - 1);
    refused(&bench, &json!({ "server": "target", "position": earlier }), "someone has written to it since").await;

    fence.undo().await.unwrap();
    bench.exec("target", "STOP SLAVE SQL_THREAD").await;
    bench.exec("source", "INSERT INTO d.t VALUES (1)").await;
    let alone = bench.step("fence", &json!({ "server": "source" }));
    alone.prepare().await.unwrap();
    alone.execute().await.unwrap();
    refused(&bench, &bare, "it has applied up to").await;
    bench.exec("target", "STOP SLAVE").await;
    bench.exec("target", "RESET SLAVE ALL").await;
    refused(&bench, &bare, "it does not replicate from any server").await;
    alone.undo().await.unwrap();
}

#[tokio::test]
async fn opens_proves_and_knows_it_afterwards() {
    let bench = Bench::new().await;
    bench.replicate().await;
    let (fence, position) = fenced(&bench).await;
    let later = json!({ "server": "target", "position": position, "forget": "later" });
    let step = bench.step("promote", &later);
    step.prepare().await.unwrap();
    assert_eq!(step.probe().await, Probe::NotDone);

    // taken back before it was opened: it follows again
    step.undo().await.unwrap();
    bench.exec("target", "STOP SLAVE").await;
    step.undo().await.unwrap();
    assert_eq!(bench.column("target", "SHOW SLAVE STATUS", "Slave_SQL_Running").await, "Yes");

    let own = bench.column("target", "SHOW MASTER STATUS", "Position").await;
    let outputs = step.execute().await.unwrap();
    assert_eq!(outputs["final_position"], position);
    assert_eq!(outputs["position"]["offset"].to_string(), own);
    assert_eq!(bench.ask("target", CLOSED).await, "0");
    bench.stranger("target").await.exec("CREATE DATABASE after", LOOK).await.unwrap();
    assert_eq!(bench.column("target", "SHOW SLAVE STATUS", "Slave_SQL_Running").await, "No");
    assert_eq!(step.probe().await, Probe::Done(outputs));
    bench.die().await;
    assert!(matches!(step.probe().await, Probe::Done(_)), "a new runner sees it too");
    let failure = step.undo().await.unwrap_err();
    assert!(failure.class == Class::Permanent && failure.answer.contains("the server is open"), "{failure}");
    let failure = fence.undo().await.unwrap_err();
    assert!(failure.answer.contains("the replica accepts writes too"), "{failure}");
}

#[tokio::test]
async fn forgets_the_channel_at_once_where_asked() {
    let bench = Bench::new().await;
    bench.replicate().await;
    let (_, position) = fenced(&bench).await;
    bench.step("promote", &json!({ "server": "target", "position": position })).execute().await.unwrap();
    assert_eq!(bench.column("target", "SHOW SLAVE STATUS", "Master_Host").await, "nothing");
    assert_eq!(bench.ask("target", CLOSED).await, "0");
}

#[tokio::test]
async fn a_proof_that_is_too_old_is_refused_before_anything_is_closed() {
    let bench = Bench::new().await;
    let at = |hours: i64| (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours)).to_string();
    let promote = |verified: String| bench.step("promote", &json!({ "server": "target", "verified": verified }));
    promote(at(23)).prepare().await.unwrap();
    promote("‹steps.verify.finished›".into()).prepare().await.unwrap(); // made within the block: looked at later
    let failure = promote(at(25)).prepare().await.unwrap_err();
    assert_eq!(failure.class, Class::Refused);
    assert!(failure.answer.contains("is 25h old; the limit is 24h"), "{failure}");
    let failure = promote(at(25)).execute().await.unwrap_err();
    assert!(failure.answer.contains("the limit is 24h"), "{failure}");
    let failure = promote("yesterday".into()).prepare().await.unwrap_err();
    assert!(failure.answer.contains("`yesterday` is not a time"), "{failure}");
}

/// An id that the old server gave out and took back with its row is not given out again.
#[tokio::test]
async fn no_id_is_given_a_second_time() {
    let bench = Bench::new().await;
    bench.replicate().await;
    for statement in [
        "CREATE DATABASE d",
        "CREATE TABLE d.`a.b` (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
        "CREATE TABLE d.same (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
        "INSERT INTO d.`a.b` (v) VALUES (1), (2), (3), (4)",
        "INSERT INTO d.same (v) VALUES (1), (2)",
        "DELETE FROM d.`a.b` WHERE id > 2",
    ] {
        bench.exec("source", statement).await;
    }
    bench.caught_up().await;
    // what a copy without counters, or a restart of an older server, leaves behind
    let target = bench.stranger("target").await;
    target.exec("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
    target.exec("ALTER TABLE d.`a.b` AUTO_INCREMENT = 1", LOOK).await.unwrap();
    let next = "SELECT GROUP_CONCAT(AUTO_INCREMENT ORDER BY TABLE_NAME) FROM information_schema.TABLES \
                WHERE TABLE_SCHEMA = 'd'";
    assert_eq!((bench.ask("source", next).await, bench.ask("target", next).await), ("5,3".into(), "3,3".into()));
    let step = bench.step("promote", &json!({ "server": "target", "verified": "none" }));
    step.prepare().await.unwrap();
    let (_, position) = fenced(&bench).await;
    assert!(position.is_object());
    step.execute().await.unwrap();
    assert_eq!(bench.ask("target", next).await, "5,3");
}
