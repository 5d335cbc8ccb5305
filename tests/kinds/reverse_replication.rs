//! `reverse_replication`: the closed server follows the open one, is proved to, stays closed, and can be left alone again.

use crate::bench::{Bench, LOOK, Work};
use cutover::domain::product::Family;
use cutover::error::Class;
use cutover::kinds::Probe;
use serde_json::{Value, json};

const CLOSED: &str = "SELECT @@GLOBAL.read_only";

/// What a switch leaves behind: the old server fenced, the new one open, and the place before its first write.
async fn switched(bench: &Bench) -> (Work<'_>, Value) {
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("source", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)").await;
    bench.exec("target", "SET GLOBAL server_id = 2").await;
    bench.exec("target", "CREATE DATABASE d").await;
    bench.exec("target", "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, a INT)").await;
    bench.replicate().await;
    bench.exec("source", "INSERT INTO d.t (a) VALUES (1), (2), (3)").await;
    let account = bench.step("replication_account", &account(bench));
    account.execute().await.unwrap();
    let fence = bench.step("fence", &json!({ "server": "source", "replica": "target" }));
    fence.prepare().await.unwrap();
    let position = fence.execute().await.unwrap()["position"].clone();
    bench.caught_up().await;
    let promote = json!({ "server": "target", "position": position, "forget": "later" });
    let own = bench.step("promote", &promote).execute().await.unwrap()["position"].clone();
    bench.step("forget_source", &json!({ "server": "target" })).execute().await.unwrap();
    (fence, own)
}

fn account(bench: &Bench) -> Value {
    json!({ "server": "target", "replica": "source", "binlog": false,
            "through": { "step": "way_back", "listen": bench.target.address() } })
}

fn with(bench: &Bench, position: &Value) -> Value {
    json!({ "replica": "source", "source": "target", "position": position,
            "through": { "step": "way_back", "listen": bench.target.address() } })
}

async fn runs(bench: &Bench) -> [String; 2] {
    let columns = bench.source.dialect().status_columns();
    let status = bench.source.dialect().replica_status().to_string();
    [
        bench.column("source", &status, columns.io_running).await,
        bench.column("source", &status, columns.sql_running).await,
    ]
}

async fn follows_and_stays_closed(family: Family) {
    let bench = Bench::of(family).await;
    let (_fence, own) = switched(&bench).await;
    // written before anybody follows: the first thing that comes through
    bench.exec("target", "INSERT INTO d.t (a) VALUES (4)").await;
    let step = bench.step("reverse_replication", &with(&bench, &own));
    assert_eq!((step.inspect().await, step.probe().await), (vec![], Probe::NotDone));
    step.execute().await.unwrap();
    assert_eq!(runs(&bench).await, ["Yes", "Yes"]);
    assert_eq!(bench.ask("source", CLOSED).await, "1");
    assert!(matches!(step.probe().await, Probe::Done(_)));
    bench.exec("target", "INSERT INTO d.t (a) VALUES (5)").await;
    bench.has_all("source", "target").await;
    let rows = "SELECT GROUP_CONCAT(CONCAT(id, ':', a) ORDER BY id) FROM d.t";
    assert_eq!(bench.ask("source", rows).await, bench.ask("target", rows).await);
    assert_eq!(bench.ask("source", "SELECT COUNT(*) FROM d.t").await, "5");
    assert_eq!(bench.ask("source", "SHOW DATABASES LIKE 'cutover'").await, "nothing", "its own rows are gone");
    let account = "SELECT COUNT(*) FROM mysql.user WHERE User = 'repl'";
    assert_eq!(bench.ask("source", account).await, "1", "the new server's account did not come back");
    let writer = bench.stranger("source").await;
    if family == Family::MySql {
        assert!(writer.exec("INSERT INTO d.t (a) VALUES (9)", LOOK).await.is_err(), "administrators are shut out too");
    }

    // a runner that died: its successor goes on, and applies nothing twice
    bench.die().await;
    let stop = bench.source.dialect().stop_replica().to_string();
    bench.exec("source", &stop).await;
    bench.exec("target", "INSERT INTO d.t (a) VALUES (6)").await;
    assert_eq!(step.probe().await, Probe::NotDone);
    step.execute().await.unwrap();
    bench.has_all("source", "target").await;
    assert_eq!(bench.ask("source", "SELECT COUNT(*) FROM d.t").await, "6");

    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_eq!(runs(&bench).await, ["nothing", "nothing"]);
        assert_eq!(bench.ask("source", CLOSED).await, "1", "it stays closed");
    }
    bench.exec("target", "INSERT INTO d.t (a) VALUES (7)").await;
    assert_eq!(bench.ask("source", "SELECT COUNT(*) FROM d.t").await, "6");
}

#[tokio::test]
async fn mariadb_follows_and_stays_closed() {
    follows_and_stays_closed(Family::MariaDb).await;
}

#[tokio::test]
async fn mysql_follows_and_stays_closed() {
    if !crate::bench::mysql().await {
        return;
    }
    follows_and_stays_closed(Family::MySql).await;
}

#[tokio::test]
async fn an_open_replica_a_closed_source_and_a_foreign_channel_are_refused() {
    let bench = Bench::new().await;
    let (_fence, own) = switched(&bench).await;
    let step = bench.step("reverse_replication", &with(&bench, &own));
    bench.exec("target", "SET GLOBAL read_only = ON").await;
    let failure = step.execute().await.unwrap_err();
    assert!(failure.class == Class::Permanent && failure.answer.contains("has not been promoted"), "{failure}");
    bench.exec("target", "SET GLOBAL read_only = OFF").await;

    bench.die().await; // the fence's lock ends with its runner; what is left is read_only
    bench.exec("source", "SET GLOBAL read_only = OFF").await;
    let failure = step.execute().await.unwrap_err();
    assert!(failure.class == Class::Permanent && failure.answer.contains("it accepts writes"), "{failure}");
    assert_eq!(runs(&bench).await, ["nothing", "nothing"], "nothing was begun");
    bench.exec("source", "SET GLOBAL read_only = ON").await;

    bench.exec("source", "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x'").await;
    let failure = step.execute().await.unwrap_err();
    assert!(
        failure.class == Class::Refused && failure.answer.contains("already replicates from 127.0.0.1:1"),
        "{failure}"
    );
    bench.exec("source", "RESET SLAVE ALL").await;

    bench.exec("target", "DROP USER repl@'127.0.0.1'").await;
    let failure = step.execute().await.unwrap_err();
    assert!(failure.answer.contains("Access denied") && !failure.to_string().contains("folge"), "{failure}");
    step.undo().await.unwrap();
    assert_eq!(runs(&bench).await, ["nothing", "nothing"]);
    assert_eq!(bench.ask("source", "SELECT @@GLOBAL.slave_parallel_threads").await, "0", "as it was");
}
