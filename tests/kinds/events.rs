//! `events`: what ran on the old server runs on the new one, once, as it was defined, and nothing else does.

use crate::bench::{Bench, until};
use cutover::domain::product::Family;
use cutover::error::Class;
use serde_json::{Value, json};
use std::time::Duration;

const STATUS: &str = "SELECT GROUP_CONCAT(CONCAT(EVENT_NAME, ' ', STATUS) ORDER BY EVENT_NAME SEPARATOR ', ') \
                      FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'd'";
/// Everything but the status: what must survive.
const MEANING: &str = "SELECT GROUP_CONCAT(CONCAT_WS('|', EVENT_NAME, DEFINER, EVENT_DEFINITION, INTERVAL_VALUE, STARTS, \
                       ON_COMPLETION, SQL_MODE, TIME_ZONE, EVENT_COMMENT) ORDER BY EVENT_NAME SEPARATOR '\n') \
                       FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'd'";

fn with() -> Value {
    json!({ "from": "source", "to": "target", "scheduler": "ON" })
}

/// A copy that has some events by itself, as an import leaves them, and one by replication; the source is closed.
async fn ready(family: Family) -> Bench {
    let bench = Bench::of(family).await;
    bench.exec("target", "SET GLOBAL server_id = 2").await;
    bench.exec("target", "SET GLOBAL event_scheduler = OFF").await;
    for server in ["source", "target"] {
        bench.exec(server, "CREATE DATABASE d").await;
        bench.exec(server, "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, at DATETIME(6), server INT)").await;
        bench.exec(server, "CREATE USER keeper@'%' IDENTIFIED BY 'keeper'").await;
        bench.exec(server, "GRANT ALL ON d.* TO keeper@'%'").await;
        bench.exec(server, "CREATE EVENT d.asleep ON SCHEDULE EVERY 1 DAY DISABLE DO DO 1").await;
    }
    bench.exec("target", "CREATE EVENT d.stray ON SCHEDULE EVERY 1 DAY DO DO 2").await;
    bench.replicate().await;
    bench.exec("source", "SET SESSION time_zone = '+03:00', sql_mode = 'ANSI_QUOTES'").await;
    let tick = "CREATE DEFINER = keeper@'%' EVENT d.tick ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE \
                COMMENT 'one a second' DO INSERT INTO d.t (at, server) VALUES (NOW(6), @@server_id)";
    bench.exec("source", tick).await;
    bench.exec("source", "CREATE EVENT d.paused ON SCHEDULE EVERY 1 SECOND DISABLE DO DO 3").await;
    bench.exec("source", "SET GLOBAL event_scheduler = ON").await;
    until("it ticks", async || bench.ask("source", "SELECT COUNT(*) > 1 FROM d.t").await == "1").await;
    bench.caught_up().await;
    bench
}

async fn run_once_and_as_defined(family: Family) {
    let bench = ready(family).await;
    let side = if family == Family::MySql { "REPLICA_SIDE_DISABLED" } else { "SLAVESIDE_DISABLED" };
    let before = bench.ask("target", STATUS).await;
    assert!(before.contains(&format!("tick {side}")) && before.contains("stray ENABLED"), "{before}");
    let step = bench.step("events", &with());
    assert_eq!(step.inspect().await, []);
    let failure = step.execute().await.unwrap_err();
    assert!(failure.class == Class::Permanent && failure.answer.contains("run twice"), "{failure}");
    assert_eq!(bench.ask("target", STATUS).await, before);

    let fence = bench.step("fence", &json!({ "server": "source", "replica": "target" }));
    fence.prepare().await.unwrap();
    let fenced = fence.execute().await.unwrap();
    assert_eq!(fenced["event_scheduler"], "ON");
    bench.caught_up().await;
    let auto = "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_NAME = 't' AND TABLE_SCHEMA = 'd'";
    if family == Family::MySql {
        bench.exec("target", "SET SESSION information_schema_stats_expiry = 0").await;
        bench.exec("source", "SET SESSION information_schema_stats_expiry = 0").await;
    }
    let next =
        [bench.ask("source", auto).await, bench.ask("target", auto).await].map(|text| text.parse::<u64>().unwrap());
    assert!(next[1] >= next[0], "the next number is not below the old one: {next:?}");
    let promote = json!({ "server": "target", "position": fenced["position"] });
    bench.step("promote", &promote).execute().await.unwrap();
    let (meaning, log) = (bench.ask("target", MEANING).await, bench.position_of("target").await);
    let ticks = bench.ask("target", "SELECT COUNT(*) FROM d.t").await.parse::<u64>().unwrap();

    let outputs = step.execute().await.unwrap();
    assert_eq!(outputs["enabled"], 1);
    let after = bench.ask("target", STATUS).await;
    assert!(after.contains("asleep DISABLED") && after.contains("stray DISABLED"), "{after}");
    assert!(after.contains("tick ENABLED") && !after.contains("paused ENABLED"), "{after}");
    assert_eq!(bench.ask("target", MEANING).await, meaning, "nothing else of them has changed");
    assert_eq!(bench.ask("target", "SELECT @@GLOBAL.event_scheduler").await, "ON");
    let ours = "SELECT COUNT(*) FROM d.t WHERE server = 2";
    until("it ticks on the new server", async || bench.ask("target", ours).await.parse::<u64>().unwrap() > 2).await;
    let old = format!("SELECT COUNT(*) FROM d.t WHERE server = {}", bench.ask("source", "SELECT @@server_id").await);
    assert_eq!(bench.ask("target", &old).await.parse::<u64>().unwrap(), ticks, "and no more on the old one");
    let span = "SELECT COUNT(*) <= TIMESTAMPDIFF(SECOND, MIN(at), MAX(at)) + 2 FROM d.t WHERE server = 2";
    assert_eq!(bench.ask("target", span).await, "1", "once a second");
    assert_eq!(no_event_in_log(&bench, &log).await, 0, "nothing of it goes back to the old server");
    step.execute().await.unwrap(); // again changes nothing

    step.undo().await.unwrap();
    step.undo().await.unwrap();
    assert_eq!(bench.ask("target", STATUS).await, before);
    assert_eq!(bench.ask("target", MEANING).await, meaning);
    assert_eq!(bench.ask("target", "SELECT @@GLOBAL.event_scheduler").await, "OFF");
}

/// How many statements about events stand in the new server's log from a place on.
async fn no_event_in_log(bench: &Bench, from: &Value) -> usize {
    let (file, offset) = (from["file"].as_str().unwrap(), from["offset"].as_u64().unwrap());
    let show = format!("SHOW BINLOG EVENTS IN '{file}' FROM {offset}");
    let rows =
        bench.sql("target").await.query(cutover::domain::Sql::verbatim(&show), Duration::from_secs(10)).await.unwrap();
    assert!(!rows.is_empty(), "the ticks themselves are there");
    rows.iter().filter(|row| row.get("Info").is_some_and(|info| info.to_uppercase().contains(" EVENT "))).count()
}

#[tokio::test]
async fn mariadb_runs_them_once_and_as_defined() {
    run_once_and_as_defined(Family::MariaDb).await;
}

#[tokio::test]
async fn mysql_runs_them_once_and_as_defined() {
    if !crate::bench::mysql().await {
        return;
    }
    run_once_and_as_defined(Family::MySql).await;
}

#[tokio::test]
async fn an_event_that_did_not_come_and_a_definer_without_account_are_told() {
    let bench = Bench::new().await;
    for server in ["source", "target"] {
        bench.exec(server, "CREATE DATABASE d").await;
        bench.exec(server, "CREATE DEFINER = nobody@nowhere EVENT d.a ON SCHEDULE EVERY 1 DAY DO DO 1").await;
    }
    bench.exec("source", "CREATE EVENT d.b ON SCHEDULE EVERY 1 DAY DO DO 1").await;
    bench.exec("source", "CREATE DATABASE left_out").await;
    bench.exec("source", "CREATE EVENT left_out.c ON SCHEDULE EVERY 1 DAY DO DO 1").await;
    let step = bench.step("events", &with());
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("missing: d.b"), "{failure}");
    bench.exec("source", "DROP EVENT d.b").await;
    step.execute().await.unwrap();
    let told = format!("{:?}", step.told());
    assert!(told.contains("no account nobody@nowhere"), "{told}");
}

/// A sequence goes on where it was: its cache is in the log before a number is given out.
#[tokio::test]
async fn a_sequence_goes_on_where_it_was() {
    let bench = Bench::new().await;
    bench.replicate().await;
    bench.exec("source", "CREATE DATABASE s").await;
    bench.exec("source", "CREATE SEQUENCE s.numbers START WITH 10 CACHE 5").await;
    for _ in 0..7 {
        bench.exec("source", "SELECT NEXT VALUE FOR s.numbers").await;
    }
    bench.caught_up().await;
    let given = bench.ask("source", "SELECT PREVIOUS VALUE FOR s.numbers").await.parse::<u64>().unwrap();
    bench.exec("target", "STOP SLAVE").await;
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    let next = bench.ask("target", "SELECT NEXT VALUE FOR s.numbers").await.parse::<u64>().unwrap();
    assert!(given == 16 && next > given, "{given} was the last, {next} is the next");
}
