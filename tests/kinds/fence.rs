//! `fence`: shut to everyone, opened again as it was, refused in time where it would cost too much.

use crate::bench::{Bench, LOOK, until};
use cutover::domain::product::Family;
use cutover::error::Class;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn with() -> Value {
    json!({ "server": "source", "replica": "target", "lock_timeout": "1s" })
}

async fn ready() -> Bench {
    let bench = Bench::new().await;
    bench.exec("source", "CREATE DATABASE d").await;
    bench.exec("source", "CREATE TABLE d.t (a INT)").await;
    bench.exec("target", "CREATE DATABASE d").await;
    bench.exec("target", "CREATE TABLE d.t (a INT)").await;
    bench.exec("source", "GRANT SELECT, INSERT, LOCK TABLES ON d.* TO app@'127.0.0.1' IDENTIFIED BY 'x'").await;
    bench.exec("source", "SET GLOBAL event_scheduler = ON").await;
    bench.replicate().await;
    bench
}

/// Open in memory and in its file, events on, and it takes writes.
async fn assert_open(bench: &Bench, file: &str) {
    assert_eq!(bench.ask("source", "SELECT CONCAT(@@GLOBAL.read_only, @@GLOBAL.event_scheduler)").await, "OFFON");
    assert_eq!(std::fs::read_to_string(bench.source.config_file()).unwrap(), file);
    assert!(!bench.leftovers().iter().any(|path| path.contains("my.cnf")));
    let writer = bench.stranger("source").await;
    writer.exec("INSERT INTO d.t VALUES (9)", Duration::from_secs(2)).await.unwrap();
}

#[tokio::test]
async fn shut_to_everyone_and_opened_again_byte_for_byte() {
    let bench = ready().await;
    let file = std::fs::read_to_string(bench.source.config_file()).unwrap();
    let client = bench.stranger("source").await;
    client.exec("BEGIN", LOOK).await.unwrap();
    client.exec("INSERT INTO d.t VALUES (1)", LOOK).await.unwrap();
    let step = bench.step("fence", &with());
    step.prepare().await.unwrap();
    let outputs = step.execute().await.unwrap();
    assert_eq!(outputs["position"], bench.position().await, "and nothing after it");
    assert!(outputs["fence_ms"].as_f64().unwrap() < 3_000.0);
    assert!(client.query("SELECT 1", LOOK).await.is_err(), "clients are ended");
    assert_eq!(bench.ask("source", "SELECT CONCAT(@@GLOBAL.read_only, @@GLOBAL.event_scheduler)").await, "ONOFF");
    let guarded = std::fs::read_to_string(bench.source.config_file()).unwrap();
    assert!(guarded.contains("read_only = ON") && guarded.contains("event_scheduler = OFF"), "{guarded}");
    let root = bench.stranger("source").await;
    assert!(root.query("SHOW GRANTS", LOOK).await.unwrap().value().unwrap().contains("ALL PRIVILEGES"));
    for write in ["INSERT INTO d.t VALUES (2)", "CREATE TABLE d.u (a INT)", "GRANT SELECT ON d.* TO app@'127.0.0.1'"] {
        let failure = root.exec(write, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(failure.class, Class::Transient, "{failure}");
    }
    assert_eq!(outputs["position"], bench.position().await);
    bench.caught_up().await;
    let token = bench.ask("target", "SELECT value FROM cutover.token WHERE purpose = 'fence'").await;
    assert_eq!(token, outputs["token"].to_string());

    // a server that dies behind the fence comes up closed
    bench.source.restart().await.unwrap();
    bench.fx().close_session("source", "main").await;
    assert_eq!(bench.ask("source", "SELECT CONCAT(@@GLOBAL.read_only, @@GLOBAL.event_scheduler)").await, "ONOFF");
    // and is fenced anew by whoever goes on
    bench.die().await;
    let follows = async || bench.column("target", "SHOW SLAVE STATUS", "Slave_IO_Running").await == "Yes";
    until("the replica follows again", follows).await;
    step.prepare().await.unwrap();
    let again = step.execute().await.unwrap();
    assert_eq!(again["position"], bench.position().await);
    for _ in 0..2 {
        step.undo().await.unwrap();
        assert_open(&bench, &file).await;
    }
    assert_eq!(bench.ask("source", "SELECT GROUP_CONCAT(a) FROM d.t").await, "9,9", "what was in flight is gone");
}

#[tokio::test]
async fn whoever_holds_it_open_costs_little_time_and_nothing_stays_shut() {
    let bench = ready().await;
    let file = std::fs::read_to_string(bench.source.config_file()).unwrap();
    let holder = bench.stranger("source").await;
    holder.exec("LOCK TABLES d.t WRITE", LOOK).await.unwrap();
    let step = bench.step("fence", &with());
    step.prepare().await.unwrap();
    let begin = Instant::now();
    let failure = step.execute().await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(6), "{:?}", begin.elapsed());
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.help.clone().unwrap().contains("LOCK TABLES"), "{failure:?}");
    step.undo().await.unwrap();
    holder.exec("UNLOCK TABLES", LOOK).await.unwrap();
    assert_open(&bench, &file).await;

    let slow = bench.stranger("source").await;
    slow.exec("BEGIN", LOOK).await.unwrap();
    slow.exec("INSERT INTO d.t VALUES (3)", LOOK).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let mut impatient = with();
    impatient["max_transaction"] = json!("1s");
    let step = bench.step("fence", &impatient);
    let failure = step.prepare().await.unwrap_err();
    assert!(failure.answer.contains("a transaction open for"), "{failure}");
    assert!(failure.now.unwrap().contains("the application still writes there"));
    slow.exec("COMMIT", LOOK).await.unwrap();
    step.undo().await.unwrap();
    assert_open(&bench, &file).await;

    slow.exec("XA START 'x'", LOOK).await.unwrap();
    slow.exec("INSERT INTO d.t VALUES (4)", LOOK).await.unwrap();
    slow.exec("XA END 'x'", LOOK).await.unwrap();
    slow.exec("XA PREPARE 'x'", LOOK).await.unwrap();
    let failure = bench.step("fence", &with()).prepare().await.unwrap_err();
    assert!(failure.answer.contains("prepared XA transaction"), "{failure}");
    slow.exec("XA COMMIT 'x'", LOOK).await.unwrap();
    assert_open(&bench, &file).await;
}

#[tokio::test]
async fn never_two_servers_open_and_never_one_that_nobody_follows() {
    let bench = ready().await;
    let file = std::fs::read_to_string(bench.source.config_file()).unwrap();
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    let failure = bench.step("fence", &with()).prepare().await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.answer.contains("the replica accepts writes too"), "{failure}");
    assert_open(&bench, &file).await;
    bench.exec("target", "SET GLOBAL read_only = ON").await;

    let step = bench.step("fence", &with());
    step.prepare().await.unwrap();
    step.execute().await.unwrap();
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    let failure = step.undo().await.unwrap_err();
    assert!(failure.answer.contains("the replica accepts writes too"), "{failure}");
    assert_eq!(bench.ask("source", "SELECT @@GLOBAL.read_only").await, "1", "it stays shut");
    bench.exec("target", "SET GLOBAL read_only = ON").await;
    step.undo().await.unwrap();
    assert_open(&bench, &file).await;

    bench.exec("target", "STOP SLAVE").await;
    let failure = bench.step("fence", &with()).prepare().await.unwrap_err();
    assert!(failure.answer.contains("replication is not running"), "{failure}");
    bench.exec("target", "RESET SLAVE ALL").await;
    let failure = bench.step("fence", &with()).prepare().await.unwrap_err();
    assert!(failure.answer.contains("does not replicate from any server"), "{failure}");
    assert_open(&bench, &file).await;
}

/// `MySQL` stays shut to administrators without a session: whoever goes on must get his last row in all the same.
#[tokio::test]
async fn a_mysql_server_that_was_shut_before_is_shut_anew() {
    if !crate::bench::mysql().await {
        return;
    }
    let bench = Bench::of(Family::MySql).await;
    let step = bench.step("fence", &json!({ "server": "source" }));
    step.prepare().await.unwrap();
    let first = step.execute().await.unwrap();
    bench.die().await;
    step.prepare().await.unwrap();
    let again = step.execute().await.unwrap();
    assert_ne!(first["token"], again["token"]);
    assert_eq!(again["position"], bench.position().await, "and nothing after it");
    assert_eq!(bench.ask("source", "SELECT @@GLOBAL.super_read_only").await, "1");
    let token = bench.ask("source", "SELECT value FROM cutover.token WHERE purpose = 'fence'").await;
    assert_eq!(token, again["token"].to_string());
    step.undo().await.unwrap();
    assert_eq!(bench.ask("source", "SELECT @@GLOBAL.read_only + @@GLOBAL.super_read_only").await, "0");
}

/// The case `engine/fence_config_typo.yaml`, and what is no mistake: a file of its own that is read last.
#[tokio::test]
async fn a_file_that_the_server_does_not_read_is_refused_and_a_new_one_in_its_folder_is_not() {
    let mut bench = Bench::new().await;
    let (main, folder) = (bench.source.config_file(), bench.path("s0/conf.d"));
    std::fs::create_dir(&folder).unwrap();
    let text = std::fs::read_to_string(&main).unwrap();
    std::fs::write(&main, format!("{text}!includedir {}\n", folder.display())).unwrap();
    std::os::unix::fs::symlink(bench.path("nowhere"), bench.path("link.cnf")).unwrap();
    for typo in ["s0/my.conf", "s0/conf.d/99-cutover.conf", "s0/confd/99-cutover.cnf", "elsewhere.cnf", "link.cnf"] {
        point_at(&mut bench, typo);
        let step = bench.step("fence", &json!({ "server": "source" }));
        let found = step.inspect().await;
        assert_eq!((found.len(), found[0].class), (1, Class::Refused), "{typo}: {found:?}");
        step.prepare().await.unwrap();
        assert_eq!(step.execute().await.unwrap_err().class, Class::Refused, "{typo}");
        step.undo().await.unwrap();
        assert!(!bench.path(typo).exists() && !bench.path("nowhere").exists(), "{typo}");
        assert_eq!(bench.ask("source", "SELECT @@GLOBAL.read_only").await, "0", "{typo}");
    }
    point_at(&mut bench, "s0/conf.d/99-cutover.cnf");
    let file = folder.join("99-cutover.cnf");
    let step = bench.step("fence", &json!({ "server": "source" }));
    assert_eq!(step.inspect().await, []);
    step.prepare().await.unwrap();
    step.execute().await.unwrap();
    bench.source.restart().await.unwrap();
    bench.fx().close_session("source", "main").await;
    assert_eq!(bench.ask("source", "SELECT @@GLOBAL.read_only").await, "1", "the restarted server has read it");
    bench.die().await; // the connection that held the lock has gone with the server
    step.undo().await.unwrap();
    assert!(!file.exists());

    // one that is there and that nobody can read is not taken for an empty one
    std::fs::create_dir(&file).unwrap();
    assert!(step.inspect().await[0].answer.contains("is a directory"));
}

/// Lets the inventory name this file as the old server's.
fn point_at(bench: &mut Bench, config_file: &str) {
    let path = bench.path(config_file).display().to_string();
    bench.world.inventory.servers.get_mut("source").unwrap().config_file = Some(path);
}
